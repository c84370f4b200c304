//! Remembers which resource of this process manages the workflow of a registry.
//!
//! A registry has at most one workflow. With `adopt_existing` or an import, a second resource can take over the
//! workflow of the first one. Removing one of them then deletes it. A host doesn't tell a provider which
//! resource it plans, so this is derived from what each call knows. The private data of each resource has the
//! mark of its create or its import.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// The claims by lower-case registry ID.
#[derive(Debug, Default)]
pub(crate) struct RegistryClaims(Mutex<BTreeMap<String, Claim>>);

/// What is known about one registry.
#[derive(Debug, Default)]
struct Claim {
    /// Whether a resource in the state manages the workflow.
    is_managed: bool,
    /// The marks of the resources in the state that a plan keeps.
    kept: BTreeSet<Option<String>>,
    /// Whether a plan creates a resource with `adopt_existing`.
    is_adopted: bool,
    /// The resource that creates the workflow or takes it over.
    creator: Option<Creator>,
}

#[derive(Debug, PartialEq, Eq)]
enum Creator {
    /// A plan takes over an existing workflow.
    Planned,
    /// The apply with this mark created the workflow or took it over.
    Applied(String),
}

/// The resource that a plan replaces with the planned one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Replaced {
    /// The mark of its create or its import.
    pub(crate) mark: Option<String>,
}

/// Another resource of this process manages the registry's workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claimed;

impl RegistryClaims {
    /// Notes that a resource in the state manages the workflow. `mark` is the mark of that resource.
    pub(crate) fn manage(&self, registry: &str, mark: Option<&str>) -> Result<(), Claimed> {
        self.with(registry, |claim| {
            let is_other = match &claim.creator {
                None => false,
                Some(Creator::Planned) => true,
                Some(Creator::Applied(own)) => Some(own.as_str()) != mark,
            };
            if is_other {
                return Err(Claimed);
            }
            claim.is_managed = true;
            Ok(())
        })
    }

    /// Notes that a plan keeps a resource in the state, or replaces it in a second plan. It is [`Claimed`] if
    /// another resource adopts what exists.
    pub(crate) fn keep(&self, registry: &str, mark: Option<&str>) -> Result<(), Claimed> {
        self.with(registry, |claim| {
            claim.kept.insert(mark.map(str::to_owned));
            if claim.is_adopted {
                Err(Claimed)
            } else {
                Ok(())
            }
        })
    }

    /// Whether plans keep several resources in the state for this registry.
    pub(crate) fn is_kept_twice(&self, registry: &str) -> bool {
        self.with(registry, |claim| claim.kept.len() > 1)
    }

    /// Notes that a resource is imported. What created the workflow no longer matters, because its resource may
    /// have left the state. Other resources that a plan keeps still count.
    pub(crate) fn import(&self, registry: &str) {
        self.with(registry, |claim| {
            let kept = std::mem::take(&mut claim.kept);
            *claim = Claim {
                kept,
                ..Claim::default()
            };
        });
    }

    /// Notes that a plan creates the resource with `adopt_existing`. `replaced` is the resource that it
    /// replaces. It is [`Claimed`] if a plan keeps another resource in the state.
    pub(crate) fn adopt(&self, registry: &str, replaced: Option<&Replaced>) -> Result<(), Claimed> {
        self.with(registry, |claim| {
            let is_own = |mark: &Option<String>| replaced.is_some_and(|it| it.mark == *mark);
            if !claim.kept.iter().all(is_own) {
                return Err(Claimed);
            }
            claim.is_adopted |= replaced.is_none();
            Ok(())
        })
    }

    /// Notes that a plan creates the resource, and whether it takes over a workflow. It is [`Claimed`] if a
    /// resource in the state manages the workflow. That may be the resource that the plan replaces.
    pub(crate) fn plan(&self, registry: &str, takes_over: bool) -> Result<(), Claimed> {
        self.with(registry, |claim| {
            if claim.is_managed {
                return Err(Claimed);
            }
            if takes_over && claim.creator.is_none() {
                claim.creator = Some(Creator::Planned);
            }
            Ok(())
        })
    }

    /// Whether another resource of this process manages the workflow that an apply takes over.
    pub(crate) fn is_claimed(&self, registry: &str) -> bool {
        self.with(registry, |claim| {
            claim.is_managed || matches!(claim.creator, Some(Creator::Applied(_)))
        })
    }

    /// Notes that the apply with this mark created the workflow or took it over.
    pub(crate) fn create(&self, registry: &str, mark: &str) {
        self.with(registry, |claim| {
            claim.creator = Some(Creator::Applied(mark.to_owned()));
            claim.is_adopted = false;
        });
    }

    /// Notes that the workflow is deleted.
    pub(crate) fn release(&self, registry: &str) {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claims.remove(&registry.to_lowercase());
    }

    fn with<T>(&self, registry: &str, act: impl FnOnce(&mut Claim) -> T) -> T {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(claims.entry(registry.to_lowercase()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_takeover_conflicts_with_a_resource_in_state_in_any_order() {
        let claims = RegistryClaims::default();
        claims.manage("/R", None).unwrap();
        assert_eq!(claims.plan("/r", true), Err(Claimed));
        let claims = RegistryClaims::default();
        claims.plan("/R", true).unwrap();
        assert_eq!(claims.manage("/r", None), Err(Claimed));
    }

    #[test]
    fn a_resource_may_change_what_it_created() {
        let claims = RegistryClaims::default();
        claims.plan("/r", true).unwrap();
        assert!(!claims.is_claimed("/r"));
        claims.create("/r", "apply-1");
        assert!(claims.is_claimed("/r"));
        claims.manage("/r", Some("apply-1")).unwrap();
        assert_eq!(claims.manage("/r", Some("apply-2")), Err(Claimed));
        claims.release("/r");
        assert!(!claims.is_claimed("/r"));
    }

    #[test]
    fn a_plan_that_creates_a_new_workflow_takes_over_nothing() {
        let claims = RegistryClaims::default();
        claims.plan("/r", false).unwrap();
        claims.manage("/r", None).unwrap();
    }

    #[test]
    fn a_resource_may_replace_itself() {
        let claims = RegistryClaims::default();
        let replaced = |mark: &str| Replaced {
            mark: Some(mark.to_owned()),
        };
        claims.keep("/R", Some("apply-1")).unwrap();
        claims.adopt("/r", Some(&replaced("apply-1"))).unwrap();
        claims.keep("/r", Some("apply-1")).unwrap();
        let other = claims.adopt("/r", Some(&replaced("apply-2")));
        assert_eq!(other, Err(Claimed));
    }

    #[test]
    fn two_resources_in_the_state_are_kept_twice_in_any_letter_case() {
        let claims = RegistryClaims::default();
        claims.import("/R");
        claims.keep("/R", Some("import-1")).unwrap();
        claims.keep("/R", Some("import-1")).unwrap();
        assert!(!claims.is_kept_twice("/r"));
        claims.import("/r");
        claims.keep("/r", Some("import-2")).unwrap();
        assert!(claims.is_kept_twice("/R"));
    }

    #[test]
    fn an_import_may_follow_a_create_whose_resource_has_left_the_state() {
        let claims = RegistryClaims::default();
        claims.create("/r", "apply-1");
        claims.import("/r");
        claims.manage("/r", Some("import-1")).unwrap();
    }

    #[test]
    fn a_plan_keeps_or_adopts_a_workflow_in_any_order() {
        let claims = RegistryClaims::default();
        claims.keep("/R", None).unwrap();
        assert_eq!(claims.adopt("/r", None), Err(Claimed));
        let claims = RegistryClaims::default();
        claims.adopt("/R", None).unwrap();
        assert_eq!(claims.keep("/r", None), Err(Claimed));
        claims.create("/r", "apply-1");
        claims.keep("/r", Some("apply-1")).unwrap();
    }
}
