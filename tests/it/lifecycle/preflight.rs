//! What a plan looks up in the registry, and what it makes of it.

use azure_simulator::{Fate, Fault, RegistrySpec};
use terraform_plugin::value::Value;

use crate::lifecycle::stage::{Stage, repositories, with};
use terraform_plugin_testing::host::lines;

/// What a plan has to say: its findings, also where they make it fail.
async fn findings(stage: &Stage, config: &Value) -> Vec<String> {
    match stage.terraform.plan(config).await {
        Ok(plan) => lines(&plan.said),
        Err(said) => lines(&said),
    }
}

/// The reads of the data plane since the last mark, but for the policy's.
fn looks(stage: &Stage) -> usize {
    let of_images = |path: &str| !path.contains("csscpolicies") && path.starts_with("/v2/");
    let requests = stage.azure.requests();
    let looks = requests.iter().filter(|it| it.path.len() > "/v2/".len());
    looks.filter(|it| of_images(&it.path)).count()
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_a_warning_and_with_error_an_error() {
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
async fn images_that_can_not_be_patched_are_told() {
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
            "warning at .repositories[\"hub/nginx\"]: Repository hub/nginx belongs to a pull-through cache in contoso",
            "warning at .repositories: Windows images in contoso",
        ]
    );
    let windows = &plan.said[1].detail;
    assert!(windows.contains("legacy:1809, panes:1."), "{windows}");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_images_pass_and_one_more_does_not() {
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
        ["error at .repositories: Too many images"]
    );
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_tags_are_paged_through() {
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
async fn a_registry_that_keeps_its_tasks_out_fails_the_plan() {
    let restricted = RegistrySpec::new("contoso").restricted().client_allowed();
    let stage = Stage::of(restricted, |_| ()).await;
    let told = findings(&stage, &stage.config()).await;
    assert_eq!(
        told,
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
async fn a_data_plane_out_of_reach_is_told_and_fails_a_plan_only_where_that_is_wanted() {
    let stage = Stage::plain().await;
    stage
        .azure
        .fault(Fault::on("GET", "/tags/list").status(403).times(u64::MAX));
    let told = findings(&stage, &stage.config()).await;
    assert_eq!(
        told,
        ["warning at .repositories: Could not check the images in contoso"]
    );
    let told = findings(&stage, &with(&stage.config(), "preflight", "error")).await;
    assert_eq!(
        told,
        ["error at .repositories: Could not check the images in contoso"]
    );
}

#[tokio::test(start_paused = true)]
async fn images_are_looked_at_only_where_another_policy_is_planned() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    stage.azure.mark();
    let schedule = with(&config, "schedule", "14d");
    for unchanged in [&config, &schedule] {
        stage.terraform.plan(unchanged).await.unwrap();
    }
    assert_eq!(looks(&stage), 0);
    let policy = with(&config, "tag_convention", "floating");
    stage.terraform.plan(&policy).await.unwrap();
    assert!(looks(&stage) > 0);
}
