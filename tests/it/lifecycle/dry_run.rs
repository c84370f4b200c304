//! The data source `acr_continuous_patching_images`: the images that a run would select with the registry's
//! policy or with another one.

use std::time::Duration;

use azure_simulator::{CliCreate, Fate, Fault, Generation, RegistrySpec};
use terraform_plugin::value::Value;

use crate::lifecycle::stage::{Stage, repositories, with};
use crate::support::core::data_source;
use crate::support::fault_injection::{At, TransportFault};
use terraform_plugin_testing::core::Core;
use terraform_plugin_testing::data_source::{Answer, Source};
use terraform_plugin_testing::host::lines;

const POLICY: &str = r#"{"version": "v1", "tag-convention": "floating", "repositories": [
    {"repository": "python", "tags": ["3.11"]},
    {"repository": "node", "tags": ["*"], "enabled": false}]}"#;

fn source() -> Source {
    data_source("acr_continuous_patching_images")
}

/// Sets up a registry with some images and a workflow that the Azure CLI created.
async fn stage() -> Stage {
    let stage = Stage::plain().await;
    let registry = stage.registry();
    let create = CliCreate::new(Generation::TasksContributor).policy(POLICY);
    registry.cli_create(create).unwrap();
    for tag in ["3.11", "3.11-1", "3.11-10", "3.11-2", "3x11", "latest"] {
        registry.push_image("python", tag, Fate::Clean);
    }
    registry.push_image("node", "22", Fate::Clean);
    stage.azure.mark();
    stage
}

fn of(stage: &Stage) -> Value {
    Value::object([("registry_id", stage.registry().id().into())])
}

async fn read(stage: &Stage, config: &Value) -> Answer {
    source().read(&stage.terraform, config).await
}

/// The images, `repository:tag <- scanned -> next` each.
fn images(object: &Value) -> Vec<String> {
    let images = object.get("images").as_elements().unwrap();
    let line = |image: &Value| {
        let text = |name| image.get(name).as_str().unwrap_or("null").to_owned();
        let (repository, tag) = (text("repository"), text("tag"));
        format!(
            "{repository}:{tag} <- {} -> {}",
            text("scan_tag"),
            text("next_patch_tag")
        )
    };
    images.iter().map(line).collect()
}

const REGISTRY: &str = "GET the registry";
const MANIFEST: &str = "GET /v2/csscpolicies/patchpolicy/manifests/v1";
const POLICY_BLOB: &str = "GET /v2/csscpolicies/patchpolicy/blobs/";
const PYTHON: &str = "GET /v2/python/tags/list";

#[tokio::test(start_paused = true)]
async fn omitted_arguments_default_to_the_live_policy() {
    let stage = stage().await;
    let found = read(&stage, &of(&stage)).await.silent();
    assert_eq!(
        images(&found),
        [
            "python:3.11 <- 3.11 -> 3.11-patched",
            "python:3x11 <- 3x11 -> 3x11-patched"
        ]
    );
    assert_eq!(found.get("tag_convention"), &"floating".into());
    let shown = found.get("repositories");
    assert_eq!(shown.get("node").get("enabled"), &false.into());
    assert_eq!(shown.get("python").get("enabled"), &true.into());
    assert_eq!(found.get("total"), &2.into());
    let asked = [POLICY_BLOB, MANIFEST, PYTHON, REGISTRY];
    assert_eq!(stage.asked(), asked, "no read of a disabled repository");
    assert!(stage.azure.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_policy_is_evaluated_without_any_write() {
    let stage = stage().await;
    let wanted = repositories(&[
        ("absent", &["1"]),
        ("node", &["*"]),
        ("python", &["3.11", "3.12"]),
    ]);
    let config = with(&of(&stage), "repositories", wanted);
    let floating = read(&stage, &config).await.silent();
    assert_eq!(images(&floating)[0], "node:22 <- 22 -> 22-patched");
    let config = with(&config, "tag_convention", "incremental");
    stage.azure.mark();
    let incremental = read(&stage, &config).await.silent();
    assert_eq!(
        images(&incremental),
        [
            "node:22 <- 22 -> 22-1",
            "python:3.11 <- 3.11-10 -> 3.11-11",
            "python:3x11 <- 3x11 -> 3x11-1",
        ]
    );
    assert_eq!(
        incremental.get("not_found"),
        &Value::List(vec!["absent".into(), "python:3.12".into()])
    );
    let (absent, node) = ("GET /v2/absent/tags/list", "GET /v2/node/tags/list");
    // A second look confirms that a repository is absent.
    let asked = [absent, absent, node, PYTHON, REGISTRY];
    assert_eq!(stage.asked(), asked, "no read of the policy");
    assert!(stage.azure.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_scans_the_images_of_the_dry_run() {
    let stage = stage().await;
    let registry = stage.registry();
    registry.push_policy(&POLICY.replace("floating", "incremental"));
    registry.push_image("python", "3.11", Fate::Vulnerable(1));
    registry.push_image("python", "3-11", Fate::Vulnerable(1));
    let read = read(&stage, &of(&stage)).await;
    assert_eq!(
        read.lines(),
        ["warning at .repositories: Patch tags of python without a base tag in contoso"]
    );
    let said = read.object;
    let next: Vec<String> = images(&said)
        .iter()
        .map(|line| line.split(" -> ").nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(next, ["3-12", "3.11-11", "3x11-1"]);
    stage.azure.advance(Duration::from_secs(3600));
    registry.fire_timer("cssc-trigger-workflow").unwrap();
    registry.settle_runs();
    let scanned: Vec<String> = registry
        .runs()
        .iter()
        .filter(|run| run.task.ends_with("cssc-scan-image"))
        .map(|run| run.values["SOURCE_IMAGE_TAG"].clone())
        .collect();
    assert_eq!(scanned, ["3-11", "3.11-10", "3x11"]);
}

#[tokio::test(start_paused = true)]
async fn more_images_than_the_limit_are_listed_with_a_warning() {
    let stage = stage().await;
    stage.registry().push_tags("many", 2_500);
    let config = with(
        &of(&stage),
        "repositories",
        repositories(&[("many", &["*"])]),
    );
    let found = read(&stage, &config).await;
    assert_eq!(
        found.lines(),
        ["warning at .repositories: A run would fail in contoso"]
    );
    assert_eq!(found.object.get("total"), &2_500.into());
    assert_eq!(found.object.get("limit"), &100.into());
    assert_eq!(images(&found.object).len(), 2_500);
}

#[tokio::test(start_paused = true)]
async fn invalid_repository_names_are_not_found_without_a_request() {
    let stage = stage().await;
    let policy =
        r#"{"version": "v1", "repositories": [{"repository": "Python?n=1", "tags": ["1"]}]}"#;
    stage.registry().push_policy(policy);
    let found = read(&stage, &of(&stage)).await.silent();
    assert_eq!(
        found.get("not_found"),
        &Value::List(vec!["Python?n=1".into()])
    );
    assert_eq!(stage.asked(), [POLICY_BLOB, MANIFEST, REGISTRY]);
}

#[tokio::test(start_paused = true)]
async fn without_a_readable_policy_repositories_is_required() {
    let stage = stage().await;
    let config = with(
        &of(&stage),
        "repositories",
        repositories(&[("python", &["latest"])]),
    );
    let error = "error at .repositories: No repositories to evaluate";
    stage.registry().push_policy("{");
    assert_eq!(read(&stage, &of(&stage)).await.lines(), [error]);
    let found = read(&stage, &config).await;
    assert_eq!(
        found.lines(),
        ["warning at .tag_convention: The policy in contoso.azurecr.io can't be read"]
    );
    stage.registry().remove_policy();
    assert_eq!(read(&stage, &of(&stage)).await.lines(), [error]);
    let found = read(&stage, &config).await.silent();
    assert_eq!(images(&found), ["python:latest <- latest -> latest-1"]);
    assert_eq!(found.get("tag_convention"), &"incremental".into());
}

#[tokio::test(start_paused = true)]
async fn a_missing_registry_or_a_denied_read_is_an_error() {
    let stage = stage().await;
    let elsewhere = stage.registry().id().replace("contoso", "nowhere");
    let gone = read(&stage, &with(&of(&stage), "registry_id", elsewhere)).await;
    assert_eq!(gone.lines(), ["error at .registry_id: Registry not found"]);
    let refusal = Fault::on("GET", "/tags/list").status(403).times(u64::MAX);
    stage.azure.fault(refusal);
    let refused = read(&stage, &of(&stage)).await;
    assert_eq!(refused.lines(), ["error: Could not read the images"]);
    let detail = &refused.said[0].detail;
    assert!(detail.contains("the role AcrPull"), "{detail}");
}

#[tokio::test(start_paused = true)]
async fn a_read_ends_at_its_timeout() {
    let stage = stage().await;
    // Request 1 is for the token, request 2 for the registry.
    stage.wire.inject_fault(TransportFault::Hang, At::Always(2));
    let timeouts = Value::object([("read", Value::from("90s"))]);
    let begun = tokio::time::Instant::now();
    let stopped = read(&stage, &with(&of(&stage), "timeouts", timeouts)).await;
    assert_eq!(stopped.said.len(), 1);
    let detail = &stopped.said[0].detail;
    assert!(detail.contains("The operation timed out"), "{detail}");
    assert_eq!(begun.elapsed().as_secs(), 90);
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_a_read() {
    let stage = stage().await;
    // The third request authenticates to the registry.
    let ringing = stage.wire.ring_at(3);
    let config = of(&stage);
    let reading = read(&stage, &config);
    let stop = async {
        ringing.rung.await.unwrap();
        Core::stop(stage.terraform.client()).await;
        drop(ringing.go);
    };
    let (stopped, ()) = tokio::join!(reading, stop);
    assert!(stopped.said[0].detail.contains("was interrupted"));
}

#[tokio::test]
async fn a_configuration_is_validated_without_any_request() {
    let stage = Stage::of(RegistrySpec::new("contoso"), |_| ()).await;
    stage.azure.mark();
    let bad = Value::object([
        ("registry_id", "contoso".into()),
        ("tag_convention", "Floating".into()),
        ("repositories", repositories(&[("Python", &["*", "1.0-1"])])),
        ("timeouts", Value::object([("read", Value::from("0s"))])),
    ]);
    let long = "a".repeat(122);
    let long = |convention: Value| {
        let tags = repositories(&[("python", &[long.as_str()])]);
        with(
            &with(&of(&stage), "repositories", tags),
            "tag_convention",
            convention,
        )
    };
    let tags = ["error at .repositories[\"python\"]: Invalid tags in contoso"];
    let cases = [
        (of(&stage), vec![]),
        (with(&of(&stage), "registry_id", Value::Unknown), vec![]),
        (with(&of(&stage), "repositories", Value::Unknown), vec![]),
        (
            with(&of(&stage), "repositories", Value::Map([].into())),
            vec!["error at .repositories: No repositories in contoso"],
        ),
        (
            with(&of(&stage), "total", 1),
            vec!["error at .total: Value for a read-only attribute"],
        ),
        (long("incremental".into()), vec![]),
        (long("floating".into()), tags.to_vec()),
        // The limit depends on the live policy, which validation does not read.
        (long(Value::Null), vec![]),
        (
            bad,
            vec![
                "error at .registry_id: Invalid registry ID",
                "error at .tag_convention: Invalid tag convention",
                "error at .repositories[\"Python\"]: Invalid repository",
                "error at .repositories[\"Python\"]: Invalid tags",
                "error at .repositories[\"Python\"]: Invalid tags",
                "error at .timeouts.read: Invalid timeout",
            ],
        ),
    ];
    for (config, expected) in cases {
        let found = source().validate(&stage.terraform, &config).await;
        assert_eq!(lines(&found), expected);
    }
    assert!(stage.azure.requests().is_empty());
}
