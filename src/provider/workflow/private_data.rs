//! What the host keeps for the resource beside its state, so that a plan that changes nothing needs no
//! request of its own.
//!
//! It is JSON, with a version, and read field by field: what one release doesn't know of, or can't read,
//! loses nothing of the rest.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::patching::Permissions;
use crate::workflow::observe::{Observed, PolicyState};
use crate::workflow::ownership::Owned;
use crate::workflow::registry_facts::RegistryFacts;

/// The version of the form. What earlier releases wrote has none, and the same fields.
const VERSION: u64 = 1;

const FACTS: &str = "facts";
const POLICY_MANIFEST: &str = "policy_manifest";
const ORPHANS: &str = "orphans";

/// What the host keeps beside the state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PrivateData {
    /// The registry; [`None`] where it could not be read yet.
    pub(super) facts: Option<RegistryFacts>,
    /// The digest of the manifest that holds the state's policy.
    pub(super) policy_manifest: Option<String>,
    /// The ids of assignments that the state had, and that are orphans by now: where their names
    /// don't tell, nothing else would know of them. In lower case.
    pub(super) orphans: BTreeSet<String>,
}

impl PrivateData {
    /// What is kept for the next plan and refresh.
    pub(super) fn of(observed: &Observed, owned: &Owned) -> Self {
        let is_valid = matches!(observed.policy, PolicyState::Valid(_));
        let orphans = owned.orphans.iter().map(|orphan| orphan.id.to_lowercase());
        Self {
            facts: Some(observed.facts.clone()),
            policy_manifest: observed.policy_manifest.clone().filter(|_| is_valid),
            orphans: orphans.collect(),
        }
    }

    /// Whether `before` says the same in another spelling: other letter case, or another manifest
    /// for the same policy. A host takes any other bytes for drift, although it can't say of what.
    pub(super) fn agrees_with(&self, before: &Self) -> bool {
        self.facts == before.facts
            && self.orphans == before.orphans
            && self.policy_manifest.is_some() == before.policy_manifest.is_some()
    }

    /// The form in which the host keeps it.
    pub(super) fn write(&self) -> Vec<u8> {
        let facts = self.facts.as_ref().map(|facts| {
            json!({
                "id": facts.id.as_written(),
                "login_server": facts.login_server,
                "location": facts.location,
                "abac": facts.permissions == Permissions::Repository,
            })
        });
        let data = json!({
            "version": VERSION,
            FACTS: facts,
            POLICY_MANIFEST: self.policy_manifest,
            ORPHANS: self.orphans,
        });
        data.to_string().into_bytes()
    }

    /// What the host has kept, as far as it can be read.
    pub(super) fn read(private: &[u8]) -> Self {
        let data: Map<String, Value> = serde_json::from_slice(private).unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let orphans = data.get(ORPHANS).and_then(Value::as_array);
        Self {
            facts: data.get(FACTS).and_then(facts),
            policy_manifest: data.get(POLICY_MANIFEST).and_then(text),
            orphans: orphans.into_iter().flatten().filter_map(text).collect(),
        }
    }
}

fn facts(facts: &Value) -> Option<RegistryFacts> {
    let text = |name: &str| facts.get(name)?.as_str();
    let permissions = match facts.get("abac")?.as_bool()? {
        true => Permissions::Repository,
        false => Permissions::Registry,
    };
    Some(RegistryFacts {
        id: text("id")?.parse().ok()?,
        login_server: text("login_server")?.to_owned(),
        location: text("location")?.to_owned(),
        permissions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::fixture::facts;

    fn whole() -> PrivateData {
        PrivateData {
            facts: Some(facts()),
            policy_manifest: Some("sha256:1".to_owned()),
            orphans: ["/orphan".to_owned()].into(),
        }
    }

    #[test]
    fn another_spelling_is_no_other_knowledge_but_other_permissions_are() {
        let knowing = |change: fn(&mut RegistryFacts)| {
            let mut facts = facts();
            change(&mut facts);
            PrivateData {
                facts: Some(facts),
                policy_manifest: Some("sha256:1".to_owned()),
                ..PrivateData::default()
            }
        };
        let before = knowing(|_| ());
        assert!(
            knowing(|facts| facts.id = facts.id.as_written().to_uppercase().parse().unwrap())
                .agrees_with(&before)
        );
        assert!(!knowing(|facts| facts.permissions = Permissions::Repository).agrees_with(&before));
        assert!(!before.agrees_with(&PrivateData::default()));
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(PrivateData::read(&whole().write()), whole());
        assert_eq!(PrivateData::read(b""), PrivateData::default());
    }

    #[test]
    fn what_the_first_releases_have_written_is_read() {
        let written = json!({
            "facts": {
                "id": facts().id.as_written(),
                "login_server": "contoso.azurecr.io",
                "location": "westeurope",
                "abac": false,
            },
            "policy_manifest": "sha256:1",
            "orphans": ["/orphan"],
        });
        assert_eq!(PrivateData::read(written.to_string().as_bytes()), whole());
    }

    #[test]
    fn a_field_that_can_not_be_read_or_is_not_known_loses_nothing_of_the_rest() {
        let newer = json!({
            "version": 2,
            "facts": {"id": 7},
            "policy_manifest": {"digest": "sha256:1"},
            "orphans": ["/orphan"],
            "another": true,
        });
        let read = PrivateData::read(newer.to_string().as_bytes());
        let expected = PrivateData {
            orphans: ["/orphan".to_owned()].into(),
            ..PrivateData::default()
        };
        assert_eq!(read, expected);
    }
}
