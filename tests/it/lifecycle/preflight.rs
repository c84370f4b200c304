//! The preflight checks: what a plan reads from the registry, and its warnings and errors.

use azure_simulator::{Fate, Fault, RegistrySpec};
use terraform_plugin::value::Value;

use crate::lifecycle::stage::{Stage, repositories, with};
use terraform_plugin_testing::host::lines;

/// The diagnostics of a plan, whether it succeeds or fails.
async fn findings(stage: &Stage, config: &Value) -> Vec<String> {
    match stage.terraform.plan(config).await {
        Ok(plan) => lines(&plan.said),
        Err(said) => lines(&said),
    }
}

/// The number of data plane reads since the last mark, except reads of the policy.
fn image_reads(stage: &Stage) -> usize {
    let of_images = |path: &str| !path.contains("csscpolicies") && path.starts_with("/v2/");
    let requests = stage.azure.requests();
    let image_reads = requests.iter().filter(|it| it.path.len() > "/v2/".len());
    image_reads.filter(|it| of_images(&it.path)).count()
}

#[tokio::test(start_paused = true)]
async fn a_missing_repository_or_tag_is_a_warning_or_an_error() {
    let stage = Stage::plain().await;
    stage.registry().push_image("python", "3.11", Fate::Clean);
    let config = with(
        &stage.config(),
        "repositories",
        repositories(&[("absent", &["1"]), ("python", &["3.11", "3.12"])]),
    );
    let warnings = [
        "warning at .repositories[\"absent\"]: Repository absent not found in contoso",
        "warning at .repositories[\"python\"]: Tags of python not found in contoso",
    ];
    assert_eq!(findings(&stage, &config).await, warnings);
    let errors = warnings.map(|it| it.replace("warning", "error"));
    assert_eq!(
        findings(&stage, &with(&config, "preflight", "error")).await,
        errors
    );
    stage.azure.mark();
    assert_eq!(
        findings(&stage, &with(&config, "preflight", "off")).await,
        [""; 0]
    );
    assert!(stage.azure.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn windows_images_and_cached_repositories_are_warnings() {
    let stage = Stage::plain().await;
    let registry = stage.registry();
    registry.push_image_for("windows", "legacy", "1809", Fate::Clean);
    registry.push_index("both", "1", &[("linux", "amd64"), ("windows", "amd64")]);
    registry.push_index("panes", "1", &[("windows", "amd64")]);
    registry.push_image("hub/nginx", "1.27", Fate::Clean);
    registry.add_cache_rule("docker.io/library/*", "hub/*");
    let wanted = repositories(&[
        ("both", &["1"]),
        ("hub/nginx", &["1.27"]),
        ("legacy", &["*"]),
        ("panes", &["1"]),
    ]);
    let config = with(&stage.config(), "repositories", wanted);
    let plan = stage.terraform.plan(&config).await.unwrap();
    assert_eq!(
        lines(&plan.said),
        [
            "warning at .repositories[\"hub/nginx\"]: Repository hub/nginx is filled by a pull-through cache in contoso",
            "warning at .repositories: Windows images in contoso",
            "warning at .repositories: Multi-arch images in contoso",
        ]
    );
    let windows = &plan.said[1].detail;
    assert!(windows.contains("legacy:1809, panes:1."), "{windows}");
}

#[tokio::test(start_paused = true)]
async fn multi_arch_images_and_other_artifacts_are_warnings() {
    let stage = Stage::plain().await;
    let registry = stage.registry();
    let signature = format!("sha256-{}.sig", "0".repeat(64));
    registry
        .push_index("app", "1", &[("linux", "amd64"), ("linux", "arm64")])
        .push_index("app", "2", &[("linux", "arm64")])
        .push_index("app", "3", &[("linux", "amd64"), ("unknown", "unknown")])
        .push_image("app", &signature, Fate::Clean)
        .push_artifact("app", "cache", "application/vnd.buildkit.cacheconfig.v0")
        .push_artifact("app", "chart", "application/vnd.cncf.helm.config.v1+json");
    let config = with(
        &stage.config(),
        "repositories",
        repositories(&[("app", &["*"])]),
    );
    stage.azure.mark();
    let plan = stage.terraform.plan(&config).await.unwrap();
    let said: Vec<String> = plan
        .said
        .iter()
        .map(|it| format!("{}\n{}", it.summary, it.detail))
        .collect();
    insta::assert_snapshot!(said.join("\n---\n"), @"
    Multi-arch images in contoso
    Continuous Patching does not support multi-arch images. These tags are indexes of several platforms: app:1 (linux/amd64, linux/arm64). Select tags with a single platform instead.
    ---
    Images without linux/amd64 in contoso
    The tasks run on linux/amd64. The scans of these indexes fail, because they have no image of that platform: app:2 (linux/arm64).
    ---
    Artifacts that are not images in contoso
    The policy selects artifacts that are not images: app:cache (build cache), app:chart (Helm chart), app:sha256-0000000000000000000000000000000000000000000000000000000000000000.sig (signature, attestation or SBOM). The workflow can't patch them, but they count towards the 100 images of a run. Name the tags of the images instead of `*`, or move these artifacts to another repository.
    ");
    let requests = stage.azure.requests();
    let read = |part: &str| {
        let read = |path: &str| path.contains("/app/") && path.contains(part);
        requests.iter().filter(|it| read(&it.path)).count()
    };
    assert_eq!(
        (read("/manifests/"), read("/blobs/")),
        (3, 0),
        "one request for each index, because the registry describes the others"
    );
}

#[tokio::test(start_paused = true)]
async fn images_are_read_one_by_one_if_the_registry_does_not_describe_them() {
    let stage = Stage::plain().await;
    let registry = stage.registry();
    registry.push_image_for("windows", "python", "3.11", Fate::Clean);
    registry.push_image("python", "3.12", Fate::Clean);
    for fault in [
        Fault::on("GET", "/_manifests").status(404),
        Fault::on("GET", "/_manifests").status(403),
        Fault::on("GET", "/_manifests").html(200),
    ] {
        stage.azure.fault(fault);
        let found = findings(&stage, &stage.config()).await;
        assert_eq!(
            found,
            ["warning at .repositories: Windows images in contoso"]
        );
        stage.azure.clear_faults();
    }
}

#[tokio::test(start_paused = true)]
async fn unread_cache_rules_leave_out_only_their_own_finding() {
    let stage = Stage::plain().await;
    stage
        .azure
        .fault(Fault::on("GET", "/cacheRules").status(403).times(u64::MAX));
    let config = with(
        &stage.config(),
        "repositories",
        repositories(&[("absent", &["1"])]),
    );
    assert_eq!(
        findings(&stage, &config).await,
        [
            "warning at .repositories[\"absent\"]: Repository absent not found in contoso",
            "warning at .repositories: Could not check the cache rules in contoso",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn only_a_registry_that_is_created_or_deleted_stops_a_plan() {
    for (state, found) in [
        (
            "Creating",
            "error at .registry_id: The registry is not ready",
        ),
        (
            "Deleting",
            "error at .registry_id: The registry is being deleted",
        ),
        (
            "Updating",
            "warning at .registry_id: The provisioning state of the registry contoso is Updating",
        ),
        (
            "Failed",
            "warning at .registry_id: The provisioning state of the registry contoso is Failed",
        ),
        (
            "Canceled",
            "warning at .registry_id: The provisioning state of the registry contoso is Canceled",
        ),
    ] {
        let spec = RegistrySpec::new("contoso").provisioning_state(state);
        let mut stage = Stage::of(spec, |_| ()).await;
        stage.registry().push_image("python", "3.11", Fate::Clean);
        stage.registry().push_image("python", "3.12", Fate::Clean);
        let config = stage.config();
        assert_eq!(findings(&stage, &config).await, [found]);
        if found.starts_with("warning") {
            stage.terraform.succeed(&config).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_configuration_with_only_disabled_repositories_is_a_warning() {
    let stage = Stage::plain().await;
    let disabled = Value::object([
        ("tags", Value::Set(vec!["*".into()])),
        ("enabled", false.into()),
    ]);
    let config = with(
        &stage.config(),
        "repositories",
        Value::Map([("python".to_owned(), disabled)].into()),
    );
    let warning = "warning at .repositories: All repositories are disabled in contoso";
    assert_eq!(findings(&stage, &config).await, [warning]);
    assert_eq!(
        findings(&stage, &with(&config, "preflight", "error")).await,
        [warning]
    );
}

#[tokio::test(start_paused = true)]
async fn every_error_says_how_to_destroy() {
    let way_out = "To destroy the workflow despite this error, run `terraform destroy \
                   -refresh=false`, or set `preflight = \"off\"`.";
    let errors = async |stage: &Stage, preflight: &str| {
        let config = with(&stage.config(), "preflight", preflight);
        let said = stage.terraform.plan(&config).await.unwrap_err();
        assert!(!said.is_empty());
        for error in said.iter() {
            assert!(error.detail.ends_with(way_out), "{}", error.detail);
        }
    };
    let missing = Stage::plain().await;
    errors(&missing, "error").await;
    let creating = RegistrySpec::new("contoso").provisioning_state("Creating");
    errors(&Stage::of(creating, |_| ()).await, "warn").await;
    let restricted = RegistrySpec::new("contoso").restricted().client_allowed();
    errors(&Stage::of(restricted, |_| ()).await, "warn").await;
    let denied = Stage::plain().await;
    let fault = Fault::on("GET", "/registries/contoso").status(403);
    denied.azure.fault(fault.times(u64::MAX));
    errors(&denied, "warn").await;
}

#[tokio::test(start_paused = true)]
async fn more_than_100_images_are_an_error() {
    let stage = Stage::plain().await;
    stage.registry().push_tags("many", 100);
    let config = with(
        &stage.config(),
        "repositories",
        repositories(&[("many", &["*"])]),
    );
    assert_eq!(findings(&stage, &config).await, [""; 0]);
    stage.registry().push_image("many", "one-more", Fate::Clean);
    assert_eq!(
        findings(&stage, &config).await,
        ["error at .repositories: Too many images in contoso"]
    );
}

#[tokio::test(start_paused = true)]
async fn all_pages_of_10000_tags_are_read() {
    let stage = Stage::plain().await;
    stage.registry().push_tags("many", 10_000);
    stage.registry().push_image("many", "wanted", Fate::Clean);
    stage.azure.mark();
    let config = with(
        &stage.config(),
        "repositories",
        repositories(&[("many", &["wanted"])]),
    );
    assert_eq!(findings(&stage, &config).await, [""; 0]);
    let requests = stage.azure.requests();
    let pages = requests
        .iter()
        .filter(|it| it.path.ends_with("/tags/list") && it.status == 200);
    assert_eq!(pages.count(), 11, "10,001 tags in pages of 1,000");
}

#[tokio::test(start_paused = true)]
async fn network_rules_that_deny_tasks_are_an_error() {
    let restricted = RegistrySpec::new("contoso").restricted().client_allowed();
    let stage = Stage::of(restricted, |_| ()).await;
    let found = findings(&stage, &stage.config()).await;
    assert_eq!(
        found,
        ["error at .registry_id: The registry's network rules deny access to its tasks"]
    );
    let bypassed = RegistrySpec::new("contoso")
        .restricted()
        .client_allowed()
        .tasks_bypass();
    let stage = Stage::of(bypassed, |_| ()).await;
    stage.registry().push_image("python", "3.11", Fate::Clean);
    stage.registry().push_image("python", "3.12", Fate::Clean);
    assert_eq!(findings(&stage, &stage.config()).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_denied_read_is_a_warning_or_with_preflight_error_an_error() {
    let stage = Stage::plain().await;
    stage
        .azure
        .fault(Fault::on("GET", "/tags/list").status(403).times(u64::MAX));
    let found = findings(&stage, &stage.config()).await;
    assert_eq!(
        found,
        ["warning at .repositories: Could not check the images in contoso"]
    );
    let found = findings(&stage, &with(&stage.config(), "preflight", "error")).await;
    assert_eq!(
        found,
        ["error at .repositories: Could not check the images in contoso"]
    );
}

#[tokio::test(start_paused = true)]
async fn images_are_read_only_if_the_policy_changes() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    stage.azure.mark();
    let schedule = with(&config, "schedule", "14d");
    for unchanged in [&config, &schedule] {
        stage.terraform.plan(unchanged).await.unwrap();
    }
    assert_eq!(image_reads(&stage), 0);
    let policy = with(&config, "tag_convention", "floating");
    stage.terraform.plan(&policy).await.unwrap();
    assert!(image_reads(&stage) > 0);
}
