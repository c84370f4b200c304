//! Gives a task's identity a role, past what Azure has against it at first.

use std::time::Duration;

use crate::azure::error::Error;

use crate::azure::id::{ids_equal, role_assignment_id};
use crate::azure::operation::{Operation, OperationKind};
use crate::azure::role_assignment::{PrincipalType, RoleAssignment, RoleAssignmentBody};
use crate::workflow::apply::Site;
use crate::workflow::changes::Grant;

/// How long a new identity, or what others have done just before, may take to be known everywhere.
const REPLICATION: Duration = Duration::from_secs(5 * 60);
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

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
    site: Site<'_>,
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
    let scope = site.registry.to_string();
    let mut waited = Duration::ZERO;
    loop {
        let put = site
            .azure
            .put_role_assignment(site.budget, &scope, &grant.name, &body)
            .await;
        let refused = match put {
            Ok(assignment) => return Ok(assignment),
            Err(error) => error,
        };
        match next(refused.code()) {
            Next::Wait => {}
            Next::TakeOver => {
                let all = site
                    .azure
                    .list_role_assignments(site.budget, &scope)
                    .await?;
                let same = |existing: &RoleAssignment| {
                    existing.principal_id.eq_ignore_ascii_case(principal)
                        && ids_equal(&existing.role_definition_id, &grant.role_definition_id)
                };
                if let Some(existing) = all.into_iter().find(same) {
                    return Ok(existing);
                }
            }
            Next::MakeRoom => {
                let blocking = site
                    .azure
                    .get_role_assignment_opt(site.budget, &scope, &grant.name)
                    .await?;
                match blocking {
                    Some(orphan) if is_orphan(&orphan, current) => {
                        site.azure
                            .delete_role_assignment(site.budget, &orphan.id)
                            .await?;
                    }
                    Some(_) => return Err(refused),
                    // It has gone in the meantime.
                    None => {}
                }
            }
            Next::GiveUp => return Err(refused),
        }
        if waited >= REPLICATION {
            return Err(refused);
        }
        let wait = waited.clamp(FIRST_WAIT, LONGEST_WAIT);
        site.budget.sleep(wait).await.map_err(|why| {
            let id = role_assignment_id(&scope, &grant.name);
            Error::Stopped {
                operation: Operation::new(OperationKind::CreateRoleAssignment, id),
                why,
                last: Some(Box::new(refused)),
            }
        })?;
        waited += wait;
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
    use crate::provider::workflow::fixture::assignment;

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
