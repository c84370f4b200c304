//! The private data that the host stores with the state. It saves requests in plans without changes.
//!
//! The format is versioned JSON. The provider reads it field by field, so an unknown or unreadable field does
//! not affect the others.

use serde_json::{Map, Value, json};

use crate::patching::{Permissions, TimeOfDay};
use crate::workflow::observe::{Observed, PolicyState};
use crate::workflow::registry_facts::RegistryFacts;

/// The format version. Early releases wrote the same fields without a version.
const VERSION: u64 = 1;

const FACTS: &str = "facts";
const POLICY_MANIFEST: &str = "policy_manifest";
const START_TIME: &str = "start_time";
const CREATED_BY: &str = "created_by";
const CLAIMED: &str = "claimed";
const RUN_OWED: &str = "run_owed";

/// The private data of a workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PrivateData {
    /// The registry; [`None`] until the provider has read it.
    pub(super) facts: Option<RegistryFacts>,
    /// The digest of the manifest of the policy in state.
    pub(super) policy_manifest: Option<String>,
    /// The last time of day of the timer. If the trigger task is deleted, the state no longer has it.
    pub(super) start_time: Option<TimeOfDay>,
    /// The mark of the apply that created the resource, or of its import. It tells two resources for one
    /// registry apart.
    pub(super) created_by: Option<String>,
    /// In a plan that creates the resource: whether a resource in the state manages the workflow.
    pub(super) is_claimed: bool,
    /// Whether `run_immediately` still owes a run.
    pub(super) run_owed: bool,
}

impl PrivateData {
    /// Returns the private data for the next plan and refresh. Azure doesn't show the rest.
    pub(super) fn of(observed: &Observed, start_time: Option<TimeOfDay>) -> Self {
        let is_valid = matches!(observed.policy, PolicyState::Valid(_));
        Self {
            facts: Some(observed.facts.clone()),
            policy_manifest: observed.policy_manifest.clone().filter(|_| is_valid),
            start_time,
            ..Self::default()
        }
    }

    /// Keeps what Azure doesn't show: the mark of the resource, and an owed run.
    pub(super) fn keeping(self, before: &Self) -> Self {
        Self {
            created_by: before.created_by.clone(),
            run_owed: before.run_owed,
            ..self
        }
    }

    /// Whether `before` differs only in letter case, or in the manifest of the same policy. A host reports
    /// any change of private data as drift, without naming an attribute.
    pub(super) fn agrees_with(&self, before: &Self) -> bool {
        self.facts == before.facts
            && self.run_owed == before.run_owed
            && self.policy_manifest.is_some() == before.policy_manifest.is_some()
    }

    /// Writes the format that the host stores.
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
            START_TIME: self.start_time.map(|time| time.to_string()),
            CREATED_BY: self.created_by,
            CLAIMED: self.is_claimed,
            RUN_OWED: self.run_owed,
        });
        data.to_string().into_bytes()
    }

    /// Reads every field that can be read.
    pub(super) fn read(private: &[u8]) -> Self {
        let data: Map<String, Value> = serde_json::from_slice(private).unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            facts: data.get(FACTS).and_then(facts),
            policy_manifest: data.get(POLICY_MANIFEST).and_then(text),
            start_time: data
                .get(START_TIME)
                .and_then(text)
                .and_then(|time| time.parse().ok()),
            created_by: data.get(CREATED_BY).and_then(text),
            is_claimed: data.get(CLAIMED).and_then(Value::as_bool).unwrap_or(false),
            run_owed: data.get(RUN_OWED).and_then(Value::as_bool) == Some(true),
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
            start_time: TimeOfDay::new(2, 30),
            ..PrivateData::default()
        }
    }

    #[test]
    fn another_letter_case_is_equal_and_another_permissions_mode_is_not() {
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
    fn private_data_survives_a_round_trip() {
        assert_eq!(PrivateData::read(&whole().write()), whole());
        let owing = PrivateData {
            run_owed: true,
            ..whole()
        };
        assert_eq!(PrivateData::read(&owing.write()), owing);
        assert_eq!(PrivateData::read(b""), PrivateData::default());
    }

    #[test]
    fn private_data_without_a_version_is_read() {
        let written = json!({
            "facts": {
                "id": facts().id.as_written(),
                "login_server": "contoso.azurecr.io",
                "location": "westeurope",
                "abac": false,
            },
            "policy_manifest": "sha256:1",
            "start_time": "02:30",
        });
        assert_eq!(PrivateData::read(written.to_string().as_bytes()), whole());
    }

    #[test]
    fn an_unknown_or_unreadable_field_does_not_affect_the_others() {
        let newer = json!({
            "version": 2,
            "facts": {"id": 7},
            "policy_manifest": {"digest": "sha256:1"},
            "start_time": "02:30",
            "run_owed": "yes",
            "another": true,
        });
        let read = PrivateData::read(newer.to_string().as_bytes());
        let expected = PrivateData {
            start_time: TimeOfDay::new(2, 30),
            ..PrivateData::default()
        };
        assert_eq!(read, expected);
    }
}
