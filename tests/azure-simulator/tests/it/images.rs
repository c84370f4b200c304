//! Seeded images: for one or several platforms, under many tags, and in repositories of cache rules.

use azure_simulator::{Fate, RunStatus};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Azure, Got, MANIFEST, REGISTRIES, TASKS, task, timed_task};

const SERVER: &str = "contoso.azurecr.io";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

async fn get(azure: &Azure, repository: &str, path: &str, accept: &str) -> Got {
    let token = azure
        .access(
            SERVER,
            &format!("repository:{repository}:pull,metadata_read"),
        )
        .await;
    let request = azure
        .http
        .get(format!("https://{SERVER}{path}"))
        .bearer_auth(token);
    Got::from(request.header("accept", accept).send().await.unwrap()).await
}

/// Returns the operating system in a manifest's config.
async fn os(azure: &Azure, reference: &str) -> Value {
    let path = format!("/v2/app/manifests/{reference}");
    let manifest = get(azure, "app", &path, MANIFEST).await.json();
    let digest = manifest["config"]["digest"].as_str().unwrap();
    let path = format!("/v2/app/blobs/{digest}");
    get(azure, "app", &path, "*/*").await.json()["os"].clone()
}

#[tokio::test]
async fn an_image_config_names_its_operating_system() {
    let azure = Azure::new();
    let registry = azure.simulator.registry("contoso");
    registry
        .push_image("app", "1", Fate::Clean)
        .push_image_for("windows", "app", "2", Fate::Clean);
    assert_eq!(os(&azure, "1").await, "linux");
    assert_eq!(os(&azure, "2").await, "windows");
}

#[tokio::test]
async fn an_index_lists_one_image_per_platform() {
    let azure = Azure::new();
    let registry = azure.simulator.registry("contoso");
    registry.push_index("app", "1", &[("linux", "arm64"), ("windows", "amd64")]);
    let got = get(&azure, "app", "/v2/app/manifests/1", INDEX).await;
    assert_eq!((got.status, got.header("content-type")), (200, INDEX));
    let platforms: Vec<Value> = got.json()["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| image["platform"].clone())
        .collect();
    assert_eq!(
        platforms,
        [
            json!({"os": "linux", "architecture": "arm64"}),
            json!({"os": "windows", "architecture": "amd64"})
        ]
    );
    let second = got.json()["manifests"][1]["digest"].clone();
    assert_eq!(os(&azure, second.as_str().unwrap()).await, "windows");
    assert_eq!(registry.tags("app"), ["1"]);
}

#[tokio::test]
async fn ten_thousand_tags_are_listed_in_pages() {
    let azure = Azure::new();
    let registry = azure.simulator.registry("contoso");
    registry.push_tags("app", 10_000);
    let tags = registry.tags("app");
    assert_eq!((tags.len(), tags[9_999].as_str()), (10_000, "v10000"));
    let page = get(&azure, "app", "/acr/v1/app/_tags?n=1000&last=v08999", "*/*").await;
    let rows = page.json()["tags"].as_array().cloned().unwrap();
    assert_eq!((rows.len(), &rows[0]["name"]), (1000, &json!("v09000")));
    assert!(page.header("link").contains("last=v09999"));
}

#[tokio::test]
async fn cache_rules_are_listed_and_cached_repositories_reject_pushes() {
    let azure = Azure::new();
    azure.simulator.turn(|knobs| knobs.page_size = 1);
    let registry = azure.simulator.registry("contoso");
    registry
        .add_cache_rule("docker.io/library/python", "python")
        .add_cache_rule("mcr.microsoft.com/*", "mcr/*")
        .push_image("python", "3.11", Fate::Vulnerable(1));
    let path = format!("{}/cacheRules", azure.registry());
    let first = azure.arm(Method::GET, &path, REGISTRIES, None).await.json();
    let rule = &first["value"][0];
    assert_eq!(rule["properties"]["targetRepository"], "python");
    assert!(first["nextLink"].is_string());
    let path = rule["id"].as_str().unwrap();
    let read = azure.arm(Method::GET, path, REGISTRIES, None).await;
    assert_eq!(&read.json(), rule);
    let write = azure
        .arm(Method::DELETE, path, REGISTRIES, None)
        .await
        .refusal();
    assert_eq!(write, (405, "MethodNotAllowed".to_owned()));

    for (repository, status) in [("python", 403), ("mcr/dotnet", 403), ("mcr", 202)] {
        let token = azure
            .access(SERVER, &format!("repository:{repository}:pull,push"))
            .await;
        let path = format!("/v2/{repository}/blobs/uploads/");
        let started = azure.acr(Method::POST, &path, &token, "").await;
        assert_eq!(started.status, status, "{repository}");
    }
    assert_eq!(registry.tags("python"), ["3.11"]);
}

#[tokio::test]
async fn patching_a_cached_image_fails() {
    let azure = Azure::new();
    let registry = azure.simulator.registry("contoso");
    let mut open = task();
    open["properties"]
        .as_object_mut()
        .unwrap()
        .remove("credentials");
    azure.put_task("cssc-patch-image", open).await;
    registry
        .add_cache_rule("docker.io/library/*", "cache/*")
        .push_image("cache/python", "3.11", Fate::Vulnerable(1));
    let set = |name: &str, value: &str| json!({"name": name, "value": value});
    let values = json!([
        set("SOURCE_REPOSITORY", "cache/python"),
        set("SOURCE_IMAGE_TAG", "3.11"),
        set("SOURCE_IMAGE_NEWPATCH_TAG", "1")
    ]);
    let body = json!({
        "type": "TaskRunRequest",
        "taskId": format!("{}/tasks/cssc-patch-image", azure.registry()),
        "overrideTaskStepProperties": {"values": values},
    });
    let path = format!("{}/scheduleRun", azure.registry());
    azure.arm(Method::POST, &path, TASKS, Some(body)).await;
    registry.settle_runs();
    let run = registry.runs().pop().unwrap();
    assert_eq!(run.status, RunStatus::Failed);
    assert!(run.error.unwrap().contains("cache rule"));
}

#[tokio::test]
async fn a_classic_registry_rejects_tasks() {
    let azure = Azure::new();
    azure
        .simulator
        .registry("contoso")
        .reconfigure(|spec| spec.sku("Classic"));
    let refused = azure
        .put_task("cssc-trigger-workflow", timed_task("0 0 */1 * *"))
        .await;
    assert_eq!(refused.refusal(), (400, "UnsupportedSku".to_owned()));
}
