//! False answers about what exists: a 404 of the service or of a proxy, and deletes that delete nothing.

use azure_simulator::{Fault, roles};
use reqwest::Method;

use crate::client::{ASSIGNMENTS, Azure, Got, REGISTRIES, TASKS, task};

const POLICY: &str = "csscpolicies/patchpolicy";
const TASK: &str = "cssc-scan-image";

async fn data(azure: &Azure, method: Method, path: &str) -> Got {
    let scope = format!("repository:{POLICY}:pull,push,delete,metadata_read");
    let token = azure.access("contoso.azurecr.io", &scope).await;
    azure.acr(method, path, &token, "").await
}

/// Creates a task, a policy and a role assignment, and returns the path of the assignment.
async fn workflow(azure: &Azure) -> String {
    let principal = azure.task_principal(TASK).await;
    azure.simulator.registry("contoso").push_policy("{}");
    let scope = azure.registry();
    let seeded = azure
        .simulator
        .seed_role_assignment(None, &scope, roles::ACR_PULL, &principal);
    seeded.id()
}

#[tokio::test]
async fn resource_manager_denies_once_that_a_resource_exists() {
    let azure = Azure::new();
    let assignment = workflow(&azure).await;
    let registry = azure.registry();
    let (task, tasks) = (
        format!("{registry}/tasks/{TASK}"),
        format!("{registry}/tasks"),
    );
    let assignments = format!("{registry}/providers/Microsoft.Authorization/roleAssignments");
    let missing = |below: &str| {
        format!(
            "The Resource 'Microsoft.ContainerRegistry/registries/contoso{below}' under resource group 'demo' was not found. \
             For more details please go to https://aka.ms/ARMResourceNotFoundFix"
        )
    };
    for (path, version, code, message) in [
        (&registry, REGISTRIES, "ResourceNotFound", missing("")),
        (&tasks, TASKS, "ResourceNotFound", missing("")),
        (&assignments, ASSIGNMENTS, "ResourceNotFound", missing("")),
        (
            &task,
            TASKS,
            "ResourceNotFound",
            missing("/tasks/cssc-scan-image"),
        ),
        (
            &assignment,
            ASSIGNMENTS,
            "RoleAssignmentNotFound",
            format!(
                "The role assignment '{}' is not found.",
                assignment.rsplit('/').next().unwrap()
            ),
        ),
    ] {
        azure.simulator.fault(Fault::on("GET", ".").not_found());
        let denied = azure.arm(Method::GET, path, version, None).await;
        assert_eq!(denied.refusal(), (404, code.to_owned()), "{path}");
        assert_eq!(denied.json()["error"]["message"], message);
        assert_ne!(denied.header("x-ms-request-id"), "", "{path}");
        let seen = azure.arm(Method::GET, path, version, None).await;
        assert_eq!(seen.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_data_plane_denies_with_the_code_of_the_path() {
    let azure = Azure::new();
    workflow(&azure).await;
    let digest = format!("sha256:{}", "0".repeat(64));
    for (method, path, code) in [
        (
            Method::GET,
            format!("/v2/{POLICY}/tags/list"),
            "NAME_UNKNOWN",
        ),
        (Method::GET, format!("/acr/v1/{POLICY}"), "NAME_UNKNOWN"),
        (Method::DELETE, format!("/acr/v1/{POLICY}"), "NAME_UNKNOWN"),
        (
            Method::POST,
            format!("/v2/{POLICY}/blobs/uploads/"),
            "NAME_UNKNOWN",
        ),
        (
            Method::GET,
            format!("/acr/v1/{POLICY}/_tags/v1"),
            "TAG_UNKNOWN",
        ),
        (
            Method::GET,
            format!("/v2/{POLICY}/manifests/v1"),
            "MANIFEST_UNKNOWN",
        ),
        (Method::HEAD, format!("/v2/{POLICY}/manifests/v1"), ""),
        (
            Method::GET,
            format!("/v2/{POLICY}/blobs/{digest}"),
            "BLOB_UNKNOWN",
        ),
    ] {
        let host = "^contoso.azurecr.io/(v2|acr)/";
        azure.simulator.clear_faults();
        azure.simulator.fault(Fault::on("*", host).not_found());
        let denied = data(&azure, method, &path).await;
        assert_eq!(denied.refusal(), (404, code.to_owned()), "{path}");
        let version = denied.header("docker-distribution-api-version");
        assert_eq!(version, "registry/2.0", "{path}");
    }
    let stored = azure.simulator.registry("contoso").repositories();
    assert_eq!(stored, [POLICY]);
}

#[tokio::test]
async fn a_proxy_answers_with_its_own_page() {
    let azure = Azure::new();
    azure.put_task(TASK, task()).await;
    azure
        .simulator
        .fault(Fault::on("*", "/contoso|^contoso").html(404).times(2));
    let path = format!("{}/tasks/{TASK}", azure.registry());
    let denied = azure.arm(Method::DELETE, &path, TASKS, None).await;
    assert_eq!(
        (denied.status, denied.header("content-type")),
        (404, "text/html")
    );
    assert!(denied.text.contains("<h1>404 Not Found</h1>"), "{denied:?}");
    assert_eq!(denied.header("x-ms-request-id"), "");
    assert!(azure.simulator.registry("contoso").task(TASK).is_some());

    let url = format!("https://contoso.azurecr.io/acr/v1/{POLICY}");
    let denied = Got::from(azure.http.get(url).send().await.unwrap()).await;
    assert_eq!(denied.header("content-type"), "text/html");
    let seen = azure.arm(Method::GET, &path, TASKS, None).await;
    assert_eq!(seen.status, 200);
}

#[tokio::test]
async fn a_delete_that_answers_404_or_204_deletes_nothing() {
    let azure = Azure::new();
    let assignment = workflow(&azure).await;
    let task = format!("{}/tasks/{TASK}", azure.registry());
    let policy = format!("/acr/v1/{POLICY}");
    for (fault, expected) in [
        (Fault::on("DELETE", ".").not_found(), 404),
        (Fault::on("DELETE", ".").status(204), 204),
    ] {
        azure.simulator.clear_faults();
        azure.simulator.fault(fault.times(3));
        let deleted = [
            azure.arm(Method::DELETE, &task, TASKS, None).await,
            azure
                .arm(Method::DELETE, &assignment, ASSIGNMENTS, None)
                .await,
            data(&azure, Method::DELETE, &policy).await,
        ];
        assert_eq!(deleted.each_ref().map(|got| got.status), [expected; 3]);
        let empty = deleted.iter().all(|got| got.text.is_empty());
        assert_eq!(empty, expected == 204);
        let left = azure.simulator.leftovers();
        assert_eq!(
            (
                &left["tasks"],
                &left["role_assignments"],
                &left["policy_repositories"]
            ),
            (&1.into(), &1.into(), &1.into())
        );
    }
    let deleted = azure.arm(Method::DELETE, &task, TASKS, None).await;
    assert_eq!(deleted.status, 200);
    assert_eq!(azure.simulator.leftovers()["tasks"], 0);
}
