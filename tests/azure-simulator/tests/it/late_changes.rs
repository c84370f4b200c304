//! Reads that keep showing the state before an update or a delete, for some reads or for good.

use azure_simulator::{RegistrySpec, roles};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{ASSIGNMENTS, Azure, REGISTRIES, TASKS, task};

const SCAN: &str = "cssc-scan-image";

impl Azure {
    async fn get(&self, below: &str, version: &str) -> Value {
        let path = format!("{}{below}", self.registry());
        self.arm(Method::GET, &path, version, None).await.json()
    }

    /// Returns the row of a list with this name.
    async fn row(&self, below: &str, version: &str, name: &str) -> Option<Value> {
        let list = self.get(below, version).await;
        let rows = list["value"].as_array().cloned().unwrap();
        rows.into_iter().find(|row| row["name"] == name)
    }
}

const ROLE_ASSIGNMENTS: &str = "/providers/Microsoft.Authorization/roleAssignments";

#[tokio::test]
async fn a_changed_role_assignment_is_listed_in_its_old_state() {
    let azure = Azure::new();
    let principal = azure.task_principal(SCAN).await;
    let scope = azure.registry();
    let name = azure
        .simulator
        .seed_role_assignment(None, &scope, roles::ACR_PULL, &principal)
        .name;
    azure
        .simulator
        .turn(|knobs| knobs.stale_assignment_list_looks = 1);
    let condition = async || {
        let row = azure.row(ROLE_ASSIGNMENTS, ASSIGNMENTS, &name).await;
        row.unwrap()["properties"]["condition"]
            .as_str()
            .map(str::to_owned)
    };
    azure.simulator.set_condition(&name, Some("(true)"));
    assert_eq!(condition().await, None);
    assert_eq!(condition().await.as_deref(), Some("(true)"));

    let role = format!(
        "/providers/Microsoft.Authorization/roleDefinitions/{}",
        roles::ACR_PULL
    );
    let properties = json!({"roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal"});
    let path = format!("{scope}{ROLE_ASSIGNMENTS}/{name}");
    let body = json!({"properties": properties});
    let put = azure.arm(Method::PUT, &path, ASSIGNMENTS, Some(body)).await;
    assert_eq!(put.json()["properties"]["condition"], Value::Null);
    assert_eq!(condition().await.as_deref(), Some("(true)"));
    assert_eq!(condition().await, None);
}

#[tokio::test]
async fn a_deleted_task_is_still_returned_by_name_and_in_the_list() {
    let azure = Azure::new();
    azure.put_task(SCAN, task()).await;
    azure.simulator.turn(|knobs| knobs.task_deletion_looks = 2);
    let path = format!("{}/tasks/{SCAN}", azure.registry());
    let delete = async || azure.arm(Method::DELETE, &path, TASKS, None).await.status;
    assert_eq!((delete().await, delete().await), (200, 204));
    assert_eq!(azure.simulator.leftovers()["tasks"], 0);
    let state = |task: &Value| {
        let state = task["properties"]["provisioningState"].as_str();
        state.map(str::to_owned)
    };
    for expected in [Some("Succeeded"), Some("Succeeded"), None] {
        let listed = azure.row("/tasks", TASKS, SCAN).await;
        assert_eq!(listed.as_ref().and_then(state).as_deref(), expected);
        let read = azure.get(&format!("/tasks/{SCAN}"), TASKS).await;
        assert_eq!(state(&read).as_deref(), expected);
    }
}

#[tokio::test]
async fn a_task_that_was_deleting_is_never_shown_as_deleted() {
    let azure = Azure::new();
    azure.put_task(SCAN, task()).await;
    azure.simulator.turn(|knobs| {
        knobs.deletion_looks = 1;
        knobs.task_deletion_looks = 1;
    });
    let path = format!("{}/tasks/{SCAN}", azure.registry());
    azure.arm(Method::DELETE, &path, TASKS, None).await;
    for expected in [
        Some("Deleting".to_owned()),
        Some("Deleting".to_owned()),
        None,
    ] {
        let read = azure.get(&format!("/tasks/{SCAN}"), TASKS).await;
        let state = read["properties"]["provisioningState"].as_str();
        assert_eq!(state.map(str::to_owned), expected);
    }
}

#[tokio::test]
async fn reads_can_stay_stale_for_good() {
    let azure = Azure::new();
    azure.put_task(SCAN, task()).await;
    let registry = azure.simulator.registry("contoso");
    registry.push_policy("{}");
    azure.simulator.turn(|knobs| {
        knobs.stale_task_looks = u32::MAX;
        knobs.stale_task_list_looks = u32::MAX;
        knobs.stale_tag_looks = u32::MAX;
        knobs.stale_registry_looks = u32::MAX;
    });
    let path = format!("{}/tasks/{SCAN}", azure.registry());
    let body = json!({"properties": {"timeout": 600}});
    let patched = azure.arm(Method::PATCH, &path, TASKS, Some(body)).await;
    assert_eq!(patched.json()["properties"]["timeout"], 600);
    registry.push_policy(r#"{"version":"v1"}"#);
    registry.reconfigure(RegistrySpec::abac);

    let scope = "repository:csscpolicies/patchpolicy:pull";
    let token = azure.access("contoso.azurecr.io", scope).await;
    let manifest = "/v2/csscpolicies/patchpolicy/manifests/v1";
    let digest = async || {
        let got = azure.acr(Method::GET, manifest, &token, "").await;
        got.header("docker-content-digest").to_owned()
    };
    let old = digest().await;
    for _ in 0..5 {
        let read = azure.get(&format!("/tasks/{SCAN}"), TASKS).await;
        assert_eq!(read["properties"]["timeout"], 3600);
        let listed = azure.row("/tasks", TASKS, SCAN).await.unwrap();
        assert_eq!(listed["properties"]["timeout"], 3600);
        assert_eq!(digest().await, old);
        let mode = azure.get("", REGISTRIES).await["properties"]["roleAssignmentMode"].clone();
        assert_eq!(mode, "LegacyRegistryPermissions");
    }
    assert_eq!(registry.policy().unwrap()["version"], "v1");
}
