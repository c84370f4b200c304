//! Eventual consistency: the results of each kind of read right after a write.

use azure_simulator::{Generation, RegistrySpec, roles};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{ASSIGNMENTS, Azure, Got, MANIFEST, REGISTRIES, TASKS, task};

const SCAN: &str = "cssc-scan-image";
const POLICY: &str = "csscpolicies/patchpolicy";
const SERVER: &str = "contoso.azurecr.io";

impl Azure {
    async fn scan_task(&self) -> Got {
        let path = format!("{}/tasks/{SCAN}", self.registry());
        self.arm(Method::GET, &path, TASKS, None).await
    }

    async fn task_names(&self) -> Vec<String> {
        let path = format!("{}/tasks", self.registry());
        names(&self.arm(Method::GET, &path, TASKS, None).await)
    }

    fn assignment(&self, name: &str) -> String {
        format!(
            "{}/providers/Microsoft.Authorization/roleAssignments/{name}",
            self.registry()
        )
    }

    async fn assign(&self, name: &str, principal: &str) -> Got {
        let role = format!(
            "/providers/Microsoft.Authorization/roleDefinitions/{}",
            roles::ACR_PULL
        );
        let properties = json!({"roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal"});
        let body = json!({"properties": properties});
        self.arm(Method::PUT, &self.assignment(name), ASSIGNMENTS, Some(body))
            .await
    }

    /// Lists the role assignments at the registry, without inherited assignments.
    async fn assigned(&self) -> Vec<String> {
        let path = format!(
            "{}/providers/Microsoft.Authorization/roleAssignments",
            self.registry()
        );
        let listed = self.arm(Method::GET, &path, ASSIGNMENTS, None).await;
        let rows = listed.json()["value"].as_array().cloned().unwrap();
        let here = rows
            .iter()
            .filter(|row| row["properties"]["scope"] == self.registry());
        here.map(|row| row["name"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn data(&self, method: Method, path: &str) -> Got {
        let scope = format!("repository:{POLICY}:pull,push,delete,metadata_read");
        let token = self.access(SERVER, &scope).await;
        self.acr(method, path, &token, "").await
    }
}

fn names(list: &Got) -> Vec<String> {
    let rows = list.json()["value"].as_array().cloned().unwrap();
    let name = |row: &Value| row["name"].as_str().unwrap().to_owned();
    rows.iter().map(name).collect()
}

fn timeout(task: &Got) -> (u16, Option<i64>) {
    (task.status, task.json()["properties"]["timeout"].as_i64())
}

#[tokio::test]
async fn stale_reads_miss_new_tasks_and_return_old_bodies() {
    let azure = Azure::new();
    azure.simulator.turn(|knobs| knobs.stale_task_looks = 2);
    azure.put_task(SCAN, task()).await;
    for expected in [(404, None), (404, None), (200, Some(3600))] {
        assert_eq!(timeout(&azure.scan_task().await), expected);
    }
    let path = format!("{}/tasks/{SCAN}", azure.registry());
    for seconds in [600, 900] {
        let body = json!({"properties": {"timeout": seconds}});
        let patched = azure.arm(Method::PATCH, &path, TASKS, Some(body)).await;
        assert_eq!(timeout(&patched), (200, Some(seconds)));
    }
    for expected in [3600, 3600, 900] {
        assert_eq!(timeout(&azure.scan_task().await), (200, Some(expected)));
    }
}

#[tokio::test]
async fn provisioning_reads_count_after_stale_reads() {
    let azure = Azure::new();
    azure
        .simulator
        .turn(|knobs| (knobs.stale_task_looks, knobs.provisioning_looks) = (1, 1));
    azure.put_task(SCAN, task()).await;
    assert_eq!(azure.scan_task().await.status, 404);
    for expected in ["Creating", "Succeeded"] {
        let seen = azure.scan_task().await.json();
        assert_eq!(seen["properties"]["provisioningState"], expected);
    }
}

#[tokio::test]
async fn a_stale_task_list_is_stale_on_all_pages() {
    let azure = Azure::new();
    azure.put_task("old-1", task()).await;
    azure.put_task("old-2", task()).await;
    azure
        .simulator
        .turn(|knobs| (knobs.stale_task_list_looks, knobs.page_size) = (1, 1));
    azure.put_task("new-1", task()).await;
    assert!(azure.simulator.registry("contoso").delete_task("old-2"));

    let path = format!("{}/tasks", azure.registry());
    let first = azure.arm(Method::GET, &path, TASKS, None).await;
    let next = first.json()["nextLink"].as_str().unwrap().to_owned();
    let next = next.strip_prefix("https://management.azure.com").unwrap();
    let second = azure.arm(Method::GET, next, "", None).await;
    assert_eq!(
        (names(&first), names(&second)),
        (vec!["old-1".into()], vec!["old-2".into()])
    );
    azure.simulator.turn(|knobs| knobs.page_size = 100);
    assert_eq!(azure.task_names().await, ["new-1", "old-1"]);
    assert_eq!(azure.scan_task().await.status, 404);
}

#[tokio::test]
async fn a_new_identity_appears_before_its_principal_id() {
    let azure = Azure::new();
    azure.simulator.turn(|knobs| knobs.late_identity_looks = 1);
    let made = azure.put_task(SCAN, task()).await.json();
    let early = json!({"type": "SystemAssigned"});
    assert_eq!(made["identity"], early);
    assert_eq!(azure.scan_task().await.json()["identity"], early);
    let seen = azure.scan_task().await.json();
    let stored = azure.simulator.registry("contoso").task(SCAN).unwrap();
    assert_eq!(
        seen["identity"]["principalId"].as_str(),
        stored.principal_id()
    );
}

/// Returns whether the next read of each task shows its principal ID: in the list, then by name.
async fn principals(azure: &Azure, names: [&str; 2]) -> [[bool; 2]; 2] {
    let path = format!("{}/tasks", azure.registry());
    let list = azure.arm(Method::GET, &path, TASKS, None).await.json();
    let shows = |task: &Value| task["identity"]["principalId"].is_string();
    let listed = names.map(|name| {
        let mut rows = list["value"].as_array().unwrap().iter();
        shows(rows.find(|row| row["name"] == name).unwrap())
    });
    let mut read = [false; 2];
    for (shown, name) in read.iter_mut().zip(names) {
        let path = format!("{}/tasks/{name}", azure.registry());
        *shown = shows(&azure.arm(Method::GET, &path, TASKS, None).await.json());
    }
    [listed, read]
}

#[tokio::test]
async fn the_identity_of_a_named_task_never_appears() {
    let azure = Azure::new();
    azure.simulator.turn(|knobs| {
        knobs.late_identity_looks = u32::MAX;
        knobs.late_identity_tasks = vec!["CSSC-Scan-Image".to_owned()];
    });
    azure.put_task(SCAN, task()).await;
    azure.put_task("cssc-patch-image", task()).await;
    for _ in 0..5 {
        let seen = principals(&azure, [SCAN, "cssc-patch-image"]).await;
        assert_eq!(seen, [[false, true]; 2]);
    }
}

#[tokio::test]
async fn the_identity_of_an_existing_task_can_be_hidden() {
    let azure = Azure::new();
    azure.put_task(SCAN, task()).await;
    azure.put_task("cssc-patch-image", task()).await;
    azure
        .simulator
        .registry("contoso")
        .hide_identity("cssc-patch-image", 3);
    for expected in [
        [[true, false], [true, false]],
        [[true, false], [true, true]],
    ] {
        let seen = principals(&azure, [SCAN, "cssc-patch-image"]).await;
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn unlisted_role_assignments_still_reserve_their_names() {
    let azure = Azure::new();
    let (first, second) = (
        azure.task_principal("task-1").await,
        azure.task_principal("task-2").await,
    );
    azure
        .simulator
        .turn(|knobs| knobs.stale_assignment_list_looks = 1);
    let (name, other) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    assert_eq!(azure.assign(&name, &first).await.status, 201);
    assert_eq!(
        azure.assign(&name, &second).await.refusal().1,
        "RoleAssignmentUpdateNotPermitted"
    );
    assert_eq!(
        azure.assign(&other, &first).await.refusal().1,
        "RoleAssignmentExists"
    );
    assert_eq!(azure.assigned().await, Vec::<String>::new());
    assert_eq!(azure.assigned().await, [name.as_str()]);

    let path = azure.assignment(&name);
    let delete = async || {
        azure
            .arm(Method::DELETE, &path, ASSIGNMENTS, None)
            .await
            .status
    };
    assert_eq!((delete().await, delete().await), (200, 204));
    assert_eq!(azure.assigned().await, [name.as_str()]);
    assert_eq!(azure.assigned().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_deleted_assignment_is_readable_until_its_name_is_reused() {
    let azure = Azure::new();
    let (first, second) = (
        azure.task_principal("task-1").await,
        azure.task_principal("task-2").await,
    );
    let name = Uuid::new_v4().to_string();
    let path = azure.assignment(&name);
    let read = async || azure.arm(Method::GET, &path, ASSIGNMENTS, None).await;
    azure
        .simulator
        .turn(|knobs| knobs.assignment_deletion_looks = 2);
    azure.assign(&name, &first).await;
    azure.arm(Method::DELETE, &path, ASSIGNMENTS, None).await;
    assert_eq!(azure.assigned().await, [name.as_str()]);
    assert_eq!((read().await.status, read().await.status), (200, 404));

    azure.assign(&name, &first).await;
    azure.arm(Method::DELETE, &path, ASSIGNMENTS, None).await;
    assert_eq!(azure.assign(&name, &second).await.status, 201);
    assert_eq!(
        read().await.json()["properties"]["principalId"],
        second.as_str()
    );
}

#[tokio::test]
async fn registry_changes_appear_late() {
    let azure = Azure::new();
    azure.simulator.turn(|knobs| knobs.stale_registry_looks = 1);
    azure
        .simulator
        .registry("contoso")
        .reconfigure(RegistrySpec::abac);
    for expected in ["LegacyRegistryPermissions", "AbacRepositoryPermissions"] {
        let path = azure.registry();
        let seen = azure.arm(Method::GET, &path, REGISTRIES, None).await.json();
        assert_eq!(seen["properties"]["roleAssignmentMode"], expected);
    }
}

#[tokio::test]
async fn a_stale_tag_resolves_to_the_old_manifest_or_none() {
    let azure = Azure::new();
    azure.simulator.turn(|knobs| knobs.stale_tag_looks = 1);
    let registry = azure.simulator.registry("contoso");
    let path = format!("/v2/{POLICY}/manifests/v1");
    let digest = async || {
        let got = azure.data(Method::GET, &path).await;
        (got.status, got.header("docker-content-digest").to_owned())
    };
    registry.push_policy("{}");
    assert_eq!(digest().await.0, 404);
    let old = digest().await;
    registry.push_policy(r#"{"version":"v1"}"#);
    assert_eq!(digest().await, old);
    let new = digest().await;
    assert!(new.0 == 200 && new != old);
}

#[tokio::test]
async fn a_deleted_repository_is_readable_but_cannot_be_deleted_again() {
    let azure = Azure::new();
    azure
        .simulator
        .turn(|knobs| knobs.repository_deletion_looks = 2);
    let registry = azure.simulator.registry("contoso");
    registry.push_policy("{}");
    let (repository, manifest) = (
        format!("/acr/v1/{POLICY}"),
        format!("/v2/{POLICY}/manifests/v1"),
    );
    for expected in [202, 404] {
        let deleted = azure.data(Method::DELETE, &repository).await;
        assert_eq!(deleted.status, expected);
    }
    assert_eq!(azure.simulator.leftovers()["policy_repositories"], 0);
    for expected in [200, 200, 404] {
        let seen = azure.data(Method::GET, &manifest).await;
        assert_eq!(seen.status, expected);
    }
    registry.push_policy("{}");
    registry.remove_policy();
    registry.push_policy(r#"{"version":"v1"}"#);
    let seen = azure.data(Method::GET, &manifest).await;
    assert_eq!((seen.status, seen.header("content-type")), (200, MANIFEST));
    assert_eq!(registry.policy().unwrap()["version"], "v1");
}

#[tokio::test]
async fn changes_by_the_cli_appear_late_too() {
    let azure = Azure::new();
    azure.simulator.turn(|knobs| {
        (
            knobs.stale_task_list_looks,
            knobs.stale_assignment_list_looks,
        ) = (1, 1)
    });
    let registry = azure.simulator.registry("contoso");
    registry.cli_create(Generation::TasksContributor).unwrap();
    assert_eq!(
        (azure.task_names().await.len(), azure.assigned().await.len()),
        (0, 0)
    );
    assert_eq!(
        (azure.task_names().await.len(), azure.assigned().await.len()),
        (3, 2)
    );
}
