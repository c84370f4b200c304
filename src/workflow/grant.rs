//! Assigns a role to a task's identity, and handles the errors that Azure returns at first.

use crate::azure::id::{ids_equal, role_assignment_id};
use crate::azure::role_assignment::{PrincipalType, RoleAssignment, RoleAssignmentBody};
use crate::azure::{Error, Operation, OperationKind};
use crate::http::Backoff;
use crate::workflow::changes::Grant;
use crate::workflow::ownership::orphan_key;
use crate::workflow::recorded_writes::Writer;
use crate::workflow::wait::{Ended, Wait};

/// The reaction to an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The identity has not replicated yet. Retry later.
    Wait,
    /// The identity already has the role under another assignment name. Use that assignment.
    TakeOver,
    /// An assignment of a deleted identity has the name. Delete that assignment.
    MakeRoom,
    /// Return the error.
    GiveUp,
}

/// Creates the role assignment, or finds an equivalent one. `current` contains the principal IDs of the
/// tasks' current identities.
///
/// # Errors
/// The error that Azure still returns after a new identity has had time to replicate.
pub(crate) async fn grant(
    writer: Writer<'_>,
    grant: &Grant,
    principal: &str,
    current: &[&str],
) -> Result<RoleAssignment, Error> {
    let body = RoleAssignmentBody {
        principal_id: principal.to_owned(),
        role_definition_id: grant.role_definition_id.clone(),
        // With the type, Azure skips the lookup that fails until a new identity has replicated.
        principal_type: PrincipalType::ServicePrincipal,
    };
    let registry = writer.registry;
    let what = format!("Entra ID has replicated principal {principal}");
    let mut wait = Wait::new(registry.budget(), what, Backoff::until_replicated());
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
                    existing.is_of(principal)
                        && ids_equal(&existing.role_definition_id, &grant.role_definition_id)
                };
                match all.into_iter().find(same) {
                    Some(existing) if existing.condition.is_some() => {
                        return Err(narrowed(&existing));
                    }
                    Some(existing) => return Ok(existing),
                    None => {}
                }
            }
            Next::MakeRoom => {
                match registry.get_role_assignment_opt(&grant.name).await? {
                    Some(orphan) if is_orphan(&orphan, current) => {
                        writer.revoke(&orphan_key(&orphan.name), &orphan.id).await?;
                    }
                    Some(_) => return Err(refused),
                    // It has been deleted in the meantime.
                    None => {}
                }
            }
            Next::GiveUp => return Err(refused),
        }
        match wait.pause().await {
            Ok(()) => {}
            Err(Ended::NotYet) => return Err(refused),
            Err(Ended::Stopped(why)) => {
                let id = role_assignment_id(&registry.id().to_string(), &grant.name);
                return Err(Error::Stopped {
                    operation: Operation::new(OperationKind::CreateRoleAssignment, id),
                    why,
                    last: Some(Box::new(refused)),
                });
            }
        }
    }
}

/// The error for another tool's assignment that gives a task's identity the role only under a condition.
fn narrowed(existing: &RoleAssignment) -> Error {
    Error::Inconsistent {
        operation: Operation::new(OperationKind::CreateRoleAssignment, existing.id.clone()),
        reason: "Another tool has assigned this role to the task's identity under a condition. A \
                 task can't read every image under a condition."
            .to_owned(),
        advice: Some("Remove the role assignment or its condition, then apply again."),
    }
}

/// The name shows that the assignment was created for a task. It is an orphan if no task's identity holds
/// it.
fn is_orphan(assignment: &RoleAssignment, current: &[&str]) -> bool {
    current.iter().all(|principal| !assignment.is_of(principal))
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
