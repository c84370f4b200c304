//! Gives a task's identity a role, past what Azure has against it at first.

use crate::azure::id::{ids_equal, role_assignment_id};
use crate::azure::role_assignment::{PrincipalType, RoleAssignment, RoleAssignmentBody};
use crate::azure::{Error, Operation, OperationKind};
use crate::http::Backoff;
use crate::workflow::changes::Grant;
use crate::workflow::recorded_writes::Writer;

/// What to do about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The identity isn't known everywhere yet.
    Wait,
    /// It has the role already, under another name: use that.
    TakeOver,
    /// The name belongs to an assignment of an identity that is gone: remove that.
    MakeRoom,
    /// Nothing helps.
    GiveUp,
}

/// Makes the assignment, or finds the one that does the same. `current` are the identities that the
/// tasks have now.
///
/// # Errors
/// What Azure still refuses after a new identity has had time to replicate.
pub(crate) async fn grant(
    writer: Writer<'_>,
    grant: &Grant,
    principal: &str,
    current: &[&str],
) -> Result<RoleAssignment, Error> {
    let body = RoleAssignmentBody {
        principal_id: principal.to_owned(),
        role_definition_id: grant.role_definition_id.clone(),
        // It spares Azure the look-up that fails while a new identity replicates.
        principal_type: PrincipalType::ServicePrincipal,
    };
    let registry = writer.registry;
    let mut pauses = Backoff::until_replicated();
    loop {
        let put = registry.put_role_assignment(&grant.name, &body).await;
        let refused = match put {
            Ok(assignment) => return Ok(assignment),
            Err(error) => error,
        };
        match next(refused.code()) {
            Next::Wait => {}
            Next::TakeOver => {
                let all = registry.list_role_assignments().await?;
                let same = |existing: &RoleAssignment| {
                    existing.principal_id.eq_ignore_ascii_case(principal)
                        && ids_equal(&existing.role_definition_id, &grant.role_definition_id)
                };
                if let Some(existing) = all.into_iter().find(same) {
                    return Ok(existing);
                }
            }
            Next::MakeRoom => {
                match registry.get_role_assignment_opt(&grant.name).await? {
                    Some(orphan) if is_orphan(&orphan, current) => {
                        writer.revoke_orphan(&orphan.id).await?;
                    }
                    Some(_) => return Err(refused),
                    // It has gone in the meantime.
                    None => {}
                }
            }
            Next::GiveUp => return Err(refused),
        }
        let Some(wait) = pauses.next() else {
            return Err(refused);
        };
        registry.budget().sleep(wait).await.map_err(|why| {
            let id = role_assignment_id(&registry.id().to_string(), &grant.name);
            Error::Stopped {
                operation: Operation::new(OperationKind::CreateRoleAssignment, id),
                why,
                last: Some(Box::new(refused)),
            }
        })?;
    }
}

/// The name says that it was made for one of our tasks; and none of their identities has it.
fn is_orphan(assignment: &RoleAssignment, current: &[&str]) -> bool {
    current
        .iter()
        .all(|principal| !assignment.principal_id.eq_ignore_ascii_case(principal))
}

fn next(code: Option<&str>) -> Next {
    match code {
        Some("PrincipalNotFound") => Next::Wait,
        Some("RoleAssignmentExists") => Next::TakeOver,
        Some("RoleAssignmentUpdateNotPermitted") => Next::MakeRoom,
        _ => Next::GiveUp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::fixture::assignment;

    #[test]
    fn each_refusal_has_its_remedy_and_the_rest_is_an_error() {
        assert_eq!(next(Some("PrincipalNotFound")), Next::Wait);
        assert_eq!(next(Some("RoleAssignmentExists")), Next::TakeOver);
        assert_eq!(
            next(Some("RoleAssignmentUpdateNotPermitted")),
            Next::MakeRoom
        );
        assert_eq!(next(Some("AuthorizationFailed")), Next::GiveUp);
        assert_eq!(next(None), Next::GiveUp);
    }

    #[test]
    fn what_an_identity_of_today_holds_is_no_orphan() {
        let held = assignment("n", "Principal-1", "/r");
        assert!(!is_orphan(&held, &["principal-0", "principal-1"]));
        assert!(is_orphan(&held, &["principal-0"]));
    }
}
