//! Gives a task's identity a role, past what Azure has against it at first.

use std::time::Duration;

use crate::azure::error::Error;
use crate::azure::id::ids_equal;
use crate::azure::role_assignment::{PrincipalType, RoleAssignment, RoleAssignmentBody};
use crate::resource::continuous_patching_workflow::apply::Site;
use crate::resource::continuous_patching_workflow::changes::Grant;

/// How long a new identity may take to be known everywhere.
const REPLICATION: Duration = Duration::from_secs(5 * 60);
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// What to do about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The identity isn't known everywhere yet: try again after this long.
    Wait(Duration),
    /// It has the role already, under another name: use that.
    TakeOver,
    /// Nothing helps.
    GiveUp,
}

/// Makes the assignment, or finds the one that does the same.
///
/// # Errors
/// What Azure still refuses after a new identity has had time to replicate.
pub(super) async fn grant(
    site: Site<'_>,
    grant: &Grant,
    principal: &str,
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
        let error = match put {
            Ok(assignment) => return Ok(assignment),
            Err(error) => error,
        };
        match next(error.code(), waited) {
            Next::Wait(wait) => {
                if site.budget.sleep(wait).await.is_err() {
                    return Err(error);
                }
                waited += wait;
            }
            Next::TakeOver => {
                let all = site
                    .azure
                    .list_role_assignments(site.budget, &scope)
                    .await?;
                let same = |existing: &RoleAssignment| {
                    existing.principal_id.eq_ignore_ascii_case(principal)
                        && ids_equal(&existing.role_definition_id, &grant.role_definition_id)
                };
                return all.into_iter().find(same).ok_or(error);
            }
            Next::GiveUp => return Err(error),
        }
    }
}

fn next(code: Option<&str>, waited: Duration) -> Next {
    match code {
        Some("PrincipalNotFound") if waited < REPLICATION => {
            Next::Wait(waited.clamp(FIRST_WAIT, LONGEST_WAIT))
        }
        Some("RoleAssignmentExists") => Next::TakeOver,
        _ => Next::GiveUp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_identity_is_given_minutes_not_more() {
        let mut waited = Duration::ZERO;
        let mut waits = Vec::new();
        while let Next::Wait(wait) = next(Some("PrincipalNotFound"), waited) {
            waits.push(wait.as_millis());
            waited += wait;
        }
        assert_eq!(waits[..6], [500, 500, 1000, 2000, 4000, 8000]);
        assert!(waited >= REPLICATION && waited < REPLICATION + LONGEST_WAIT);
    }

    #[test]
    fn an_equal_assignment_is_taken_over_and_the_rest_is_an_error() {
        assert_eq!(
            next(Some("RoleAssignmentExists"), Duration::ZERO),
            Next::TakeOver
        );
        assert_eq!(
            next(Some("AuthorizationFailed"), Duration::ZERO),
            Next::GiveUp
        );
        assert_eq!(next(None, Duration::ZERO), Next::GiveUp);
    }
}
