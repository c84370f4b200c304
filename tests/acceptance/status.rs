//! The patching status of images, in configurations that a user would write.

use azure_simulator::{Fate, RegistryHandle, RegistrySpec, Run, RunStatus};
use host_cli::Host;
use serde_json::{Value, json};

use crate::golden::repository_file;
use crate::stage::{Stage, WORKFLOW, hosts, registry_id};

const EXAMPLE: &str = "examples/data-sources/acr_continuous_patching_status/data-source.tf";

/// Repositories with ten images each: together 100, the most that a run takes.
const REPOSITORIES: [(&str, Fate); 10] = [
    ("clean", Fate::Clean),
    ("vulnerable/one", Fate::Vulnerable(1)),
    ("vulnerable/many", Fate::Vulnerable(40)),
    ("old", Fate::EndOfLife),
    ("scan-fails", Fate::ScanFails),
    ("patch-fails", Fate::PatchFails),
    ("scan-active", Fate::Clean),
    ("patch-active", Fate::Vulnerable(1)),
    ("cancelled", Fate::Clean),
    ("lost", Fate::Clean),
];

/// A workflow that selects every tag of these repositories.
fn workflow() -> String {
    let every = |(name, _): &(&str, Fate)| format!("    {name:?} = {{ tags = [\"*\"] }}\n");
    let repositories: String = REPOSITORIES.iter().map(every).collect();
    WORKFLOW.replace("    \"python\" = { tags = [\"3.11\"] }\n", &repositories)
}

/// Sets up this configuration for the registry `contoso`.
async fn stage(host: &Host, configuration: &str) -> Stage {
    let stage = Stage::with(host, [RegistrySpec::new("contoso")], configuration).await;
    let variables = format!("registry_id = {:?}\n", registry_id("contoso"));
    let written = stage.workspace.write("terraform.tfvars", &variables);
    written.unwrap();
    stage
}

/// Runs the workflow to its end.
fn run(registry: &RegistryHandle<'_>) {
    registry.fire_timer("cssc-trigger-workflow").unwrap();
    registry.settle_runs();
}

/// The ten runs of a task for one repository.
fn runs(registry: &RegistryHandle<'_>, task: &str, repository: &str) -> Vec<Run> {
    let mut runs = registry.runs();
    runs.retain(|run| {
        run.task == task
            && run.values.get("SOURCE_REPOSITORY").map(String::as_str) == Some(repository)
    });
    assert_eq!(runs.len(), 10, "{task} of {repository}");
    runs
}

/// Pushes ten images to each repository and runs the workflow, with a different result for each repository.
fn push_100_images_in_every_state(stage: &Stage) {
    let registry = stage.azure.registry("contoso");
    for (repository, fate) in REPOSITORIES {
        for tag in 0..10 {
            registry.push_image(repository, &format!("v{tag}"), fate);
        }
    }
    run(&registry);
    stage
        .azure
        .turn(|knobs| knobs.run_duration_ms = Some(u64::MAX));
    let each = |task: &str, repository: &str, status: &dyn Fn(usize) -> RunStatus| {
        for (nth, run) in runs(&registry, task, repository).iter().enumerate() {
            registry.edit_run(&run.id, |run| run.status = status(nth));
        }
    };
    let some = |nth: usize| match nth % 3 {
        0 => RunStatus::Queued,
        1 => RunStatus::Started,
        _ => RunStatus::Running,
    };
    each("cssc-scan-image", "scan-active", &some);
    each("cssc-patch-image", "patch-active", &some);
    each("cssc-scan-image", "cancelled", &|_| RunStatus::Canceled);
    each("cssc-patch-image", "patch-fails", &|nth| match nth % 3 {
        0 => RunStatus::Failed,
        1 => RunStatus::Error,
        _ => RunStatus::Timeout,
    });
    for run in runs(&registry, "cssc-scan-image", "lost") {
        registry.store_log(&run.id, None);
    }
    // A cancelled run leaves a log that ends after the image's name.
    for run in runs(&registry, "cssc-scan-image", "cancelled") {
        let image = run.log.split_inclusive('\n').next().unwrap();
        registry.store_log(&run.id, Some(image.as_bytes().to_vec()));
    }
}

async fn output(stage: &Stage, name: &str) -> Value {
    let state = stage.workspace.state().await.unwrap();
    state["values"]["outputs"][name]["value"].clone()
}

/// The number of images by repository, from names such as `python:3.11`.
fn by_repository<'a>(images: impl IntoIterator<Item = &'a str>) -> Value {
    let mut counts = json!({});
    for image in images {
        let repository = image.split(':').next().unwrap();
        let count = counts[repository].as_u64().unwrap_or_default();
        counts[repository] = (count + 1).into();
    }
    counts
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let elements = value.as_array().into_iter().flatten();
    elements.map(|text| text.as_str().unwrap())
}

#[tokio::test]
async fn the_status_example_reports_100_images_in_every_state() {
    for host in hosts() {
        let stage = stage(host, &workflow()).await;
        stage.apply().await;
        push_100_images_in_every_state(&stage);
        let example = repository_file(EXAMPLE);
        stage.configure(&[workflow(), example].join("\n"));
        stage.azure.mark();
        let applied = stage.workspace.try_apply().await.unwrap();
        let text = applied.ended_with(0).unwrap().text();
        assert_eq!(stage.writes(), Vec::<String>::new());

        let by_status = output(&stage, "images_by_patch_status").await;
        let count = |status: &str| by_repository(texts(&by_status[status]));
        assert_eq!(
            count("Succeeded"),
            json!({"vulnerable/one": 10, "vulnerable/many": 10})
        );
        assert_eq!(count("Skipped"), json!({"clean": 10, "old": 10}));
        assert_eq!(count("Failed"), json!({"patch-fails": 10}));
        assert_eq!(count("Queued"), json!({"patch-active": 4}));
        assert_eq!(count("Running"), json!({"patch-active": 6}));
        // Four scans are still queued, and ten logs are missing.
        assert_eq!(
            count("Unknown"),
            json!({"Unknown": 14, "cancelled": 10, "scan-active": 6, "scan-fails": 10})
        );
        let patched = output(&stage, "patched_images").await;
        let patched = patched.as_object().unwrap();
        assert_eq!(patched.len(), 20);
        assert_eq!(patched["vulnerable/one:v7"], "vulnerable/one:v7-1");

        let errors = output(&stage, "errors").await;
        let errors = errors.as_object().unwrap();
        assert_eq!(
            by_repository(errors.keys().map(String::as_str)),
            json!({"patch-fails": 10, "scan-fails": 10})
        );
        let (_, told) = errors
            .iter()
            .find(|(image, _)| image.starts_with("patch-fails:v3 (scan "))
            .unwrap();
        assert_eq!(told[0], "ERROR: copa: unable to patch patch-fails:v3");
        assert!(text.contains("Could not patch patch-fails:v0"), "{text}");

        let status = stage
            .attributes("data.acr_continuous_patching_status.example")
            .await;
        assert_eq!(status["lookback_days"], 7);
        assert_eq!(status["images"].as_array().unwrap().len(), 100);
        assert_eq!(status["active_run_ids"].as_array().unwrap().len(), 20);
    }
}

#[tokio::test]
async fn only_the_beginning_of_each_needed_log_is_read() {
    for host in hosts() {
        let data = format!(
            "data \"acr_continuous_patching_status\" \"all\" {{\n  registry_id = {:?}\n}}\n",
            registry_id("contoso")
        );
        let stage = stage(host, &workflow()).await;
        stage.apply().await;
        push_100_images_in_every_state(&stage);
        stage.configure(&format!("{}{data}", workflow()));
        stage.azure.mark();
        stage.workspace.apply().await.unwrap();
        let requests = stage.azure.requests();
        let of = |operation: &str| {
            requests
                .iter()
                .filter(|it| it.operation == operation)
                .collect::<Vec<_>>()
        };
        let reads = of("storage/read");
        // 96 scans, because four are still queued, and ten failed patches.
        assert_eq!(reads.len(), 106);
        assert!(
            reads
                .iter()
                .all(|it| it.range.as_deref() == Some("bytes=0-65535"))
        );
        let registry = stage.azure.registry("contoso");
        for run in registry.runs() {
            let of_it = format!("/logs/{}/rawtext.log", run.id);
            let times = reads.iter().filter(|it| it.path == of_it).count();
            let expected = match (run.task.as_str(), run.status) {
                (_, RunStatus::Queued) => 0,
                ("cssc-scan-image", _) => 1,
                ("cssc-patch-image", RunStatus::Failed | RunStatus::Error | RunStatus::Timeout) => {
                    1
                }
                _ => 0,
            };
            assert_eq!(times, expected, "{run:?}");
        }
        let lists: Vec<&str> = requests
            .iter()
            .filter(|it| it.path.ends_with("/runs"))
            .map(|it| it.query.as_str())
            .collect();
        // Two lists of runs, with at most two pages each.
        assert!(lists.len() <= 4, "{lists:?}");
        assert!(
            lists.iter().all(|query| query.contains("filter=TaskName")),
            "{lists:?}"
        );
    }
}

#[tokio::test]
async fn a_status_next_to_the_workflow_reports_each_run() {
    for host in hosts() {
        let stage = stage(host, "").await;
        let example = repository_file("examples/status/main.tf");
        stage.workspace.write("terraform.tf", &example).unwrap();
        let registry = stage.azure.registry("contoso");
        registry
            .push_image("python", "3.11", Fate::Vulnerable(3))
            .push_image("python", "3.12", Fate::Clean)
            .push_image("python", "2.7", Fate::EndOfLife)
            .push_image("team/api", "7", Fate::PatchFails);
        let first = stage.workspace.try_apply().await.unwrap();
        let text = first.ended_with(0).unwrap().text();
        assert!(!text.contains("Warning"), "{text}");
        assert_eq!(output(&stage, "counts").await, json!({}));

        run(&registry);
        let second = stage.workspace.try_apply().await.unwrap();
        let text = second.ended_with(0).unwrap().text();
        assert!(
            text.contains("Could not scan or patch team/api:7."),
            "{text}"
        );
        for (name, expected) in [
            ("counts", json!({"Failed": 1, "Skipped": 2, "Succeeded": 1})),
            ("patched", json!({"python:3.11": "python:3.11-1"})),
            (
                "vulnerabilities",
                json!({"python:3.11": 3, "python:3.12": 0, "team/api:7": 1}),
            ),
            ("end_of_life", json!(["python:2.7"])),
            ("busy", json!(0)),
        ] {
            assert_eq!(output(&stage, name).await, expected, "{name}");
        }

        // The next run finds no vulnerability in the patch, which stays the image to deploy.
        registry.push_image("team/api", "7", Fate::Vulnerable(1));
        run(&registry);
        let third = stage.workspace.try_apply().await.unwrap();
        let text = third.ended_with(0).unwrap().text();
        assert!(!text.contains("Warning"), "{text}");
        assert_eq!(
            output(&stage, "patched").await,
            json!({"python:3.11": "python:3.11-1", "team/api:7": "team/api:7-1"})
        );
        stage.destroy().await;
    }
}

#[tokio::test]
async fn an_invalid_argument_is_an_error_for_that_argument() {
    for (argument, said) in [
        ("status = \"failed\"", "is not a status of an image"),
        ("lookback_days = 31", "is not a whole number of days"),
        ("lookback_days = 0.5", "is not a whole number of days"),
    ] {
        for host in hosts() {
            let configuration = format!(
                "data \"acr_continuous_patching_status\" \"it\" {{\n  registry_id = {:?}\n  {argument}\n}}\n",
                registry_id("contoso")
            );
            let stage = Stage::new(host, &configuration).await;
            stage.azure.mark();
            let findings = stage.workspace.findings().await.unwrap();
            assert_eq!(findings.len(), 1, "{findings:?}");
            let detail = format!("{findings:?}");
            assert!(detail.contains(said), "{detail}");
            assert!(stage.azure.requests().is_empty());
        }
    }
}
