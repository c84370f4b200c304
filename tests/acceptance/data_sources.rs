//! Data sources in configurations, and the examples on their pages.

use azure_simulator::{CliCreate, Fate, Generation};
use host_cli::Host;
use serde_json::json;

use crate::golden::repository_file;
use crate::stage::{ADDRESS, Stage, WORKFLOW, hosts, registry_id};

/// Reads the workflow of [`WORKFLOW`] after its creation.
const LOOKED_UP: &str = r#"
data "acr_continuous_patching_workflow" "test" {
  registry_id = acr_continuous_patching_workflow.test.id
  depends_on  = [acr_continuous_patching_workflow.test]
}
"#;

/// Sets up the example of a data source for the registry `contoso`.
async fn example(host: &Host, name: &str) -> Stage {
    let example = repository_file(&format!("examples/data-sources/{name}/data-source.tf"));
    let stage = Stage::new(host, &example).await;
    let variables = format!("registry_id = {:?}\n", registry_id("contoso"));
    let written = stage.workspace.write("terraform.tfvars", &variables);
    written.unwrap();
    stage
}

#[tokio::test]
async fn one_configuration_creates_and_reads_a_workflow() {
    for host in hosts() {
        let configuration = format!("{WORKFLOW}{LOOKED_UP}");
        let stage = Stage::new(host, &configuration).await;
        stage.apply().await;
        stage.assert_no_changes().await;
        let managed = stage.attributes(ADDRESS).await;
        let read = stage.attributes(&format!("data.{ADDRESS}")).await;
        for (name, value) in read.as_object().unwrap() {
            let expected = if name == "timeouts" {
                &json!(null)
            } else {
                &managed[name]
            };
            assert_eq!(value, expected, "{name}");
        }
        stage.configure(&configuration.replace("\"7d\"", "\"14d\""));
        stage.apply().await;
        stage.assert_no_changes().await;
        let read = stage.attributes(&format!("data.{ADDRESS}")).await;
        assert_eq!(read["schedule_cron"], "30 2 */14 * *");
        stage.destroy().await;
    }
}

#[tokio::test]
async fn the_example_reads_a_workflow_created_by_the_azure_cli() {
    for host in hosts() {
        let stage = example(host, "acr_continuous_patching_workflow").await;
        let create = CliCreate::new(Generation::TasksContributor).schedule("7d");
        stage.azure.registry("contoso").cli_create(create).unwrap();
        assert_eq!(stage.apply().await, Vec::<String>::new());
        stage.assert_no_changes().await;
        assert_eq!(stage.output("patched_tags").await, json!({"python": ["*"]}));
        let principals = stage.output("principals").await;
        assert!(principals["cssc-scan-image"].is_string(), "{principals}");
        assert_eq!(principals.get("cssc-patch-image"), None, "{principals}");
    }
}

#[tokio::test]
async fn a_registry_without_a_workflow_is_an_error_at_registry_id() {
    for host in hosts() {
        let stage = example(host, "acr_continuous_patching_workflow").await;
        let findings = stage.workspace.findings().await.unwrap();
        let [error] = &findings[..] else {
            panic!("one error expected: {findings:?}");
        };
        assert_eq!(error.summary, "The registry has no workflow");
        assert!(error.detail.contains(&registry_id("contoso")), "{error:?}");
        // `registry_id` is on line 15 of the example.
        assert_eq!(error.range.as_ref().unwrap().start.line, 15);
    }
}

#[tokio::test]
async fn the_images_example_evaluates_the_live_policy_and_a_wider_one() {
    for host in hosts() {
        let stage = example(host, "acr_continuous_patching_images").await;
        let registry = stage.azure.registry("contoso");
        let create = CliCreate::new(Generation::TasksContributor);
        registry.cli_create(create).unwrap();
        for (repository, tag) in [
            ("python", "3.11"),
            ("python", "3.11-1"),
            ("python", "3.12"),
            ("python", "3.12-patched"),
            ("team/api-fw", "latest"),
        ] {
            registry.push_image(repository, tag, Fate::Clean);
        }
        assert_eq!(stage.apply().await, Vec::<String>::new());
        stage.assert_no_changes().await;
        assert_eq!(
            stage.output("next_patches").await,
            json!({"python": ["3.11-2", "3.12-1"]})
        );
        assert_eq!(
            stage.output("never_patched").await,
            json!(["python:3.11", "team/api-fw:latest"])
        );
        assert_eq!(stage.output("not_found").await, json!(["team/api-fw:1.4"]));

        registry.push_tags("python", 2_000);
        let plan = stage.workspace.plan(&[]).await.unwrap();
        let text = plan.finished().text();
        for said in [
            "A run would fail in contoso",
            "2002 python",
            "selects more images than a run takes",
        ] {
            assert!(text.contains(said), "{host}: no {said:?} in {text}");
        }
    }
}

/// A dry run with a postcondition on its total, whose repositories the resource then applies.
const TRIED_FIRST: &str = r#"
locals {
  repositories = { "python" = { tags = ["*"] } }
}

data "acr_continuous_patching_images" "test" {
  registry_id  = "ID"
  repositories = local.repositories

  timeouts {
    read = "2m"
  }

  lifecycle {
    postcondition {
      condition     = self.total <= self.limit
      error_message = "It takes ${self.total} of ${self.limit}."
    }
  }
}

resource "acr_continuous_patching_workflow" "test" {
  registry_id  = "ID"
  schedule     = "7d"
  repositories = data.acr_continuous_patching_images.test.repositories
  preflight    = "off"
}
"#;

#[tokio::test]
async fn a_dry_run_checks_a_policy_before_the_apply() {
    for host in hosts() {
        let configuration = TRIED_FIRST.replace("ID", &registry_id("contoso"));
        let stage = Stage::new(host, &configuration).await;
        let registry = stage.azure.registry("contoso");
        registry.push_tags("python", 101);
        let plan = stage.workspace.plan(&[]).await.unwrap();
        let text = plan.finished().text();
        assert!(text.contains("It takes 101 of 100."), "{text}");
        let narrower = configuration.replace("[\"*\"]", "[\"v00001\", \"v00002\"]");
        stage.configure(&narrower);
        stage.apply().await;
        stage.assert_no_changes().await;
        let policy = registry.policy().unwrap();
        assert_eq!(
            policy["repositories"][0]["tags"],
            json!(["v00001", "v00002"])
        );
        stage.destroy().await;
    }
}

#[tokio::test]
async fn invalid_dry_run_arguments_are_errors_without_any_request() {
    for host in hosts() {
        let configuration = TRIED_FIRST
            .replace("ID", &registry_id("contoso"))
            .replace("\"2m\"", "\"soon\"")
            .replace("\"python\"", "\"Python\"");
        let stage = Stage::new(host, &configuration).await;
        let findings = stage.workspace.findings().await.unwrap();
        let mut summaries: Vec<&str> = findings.iter().map(|it| it.summary.as_str()).collect();
        summaries.sort_unstable();
        assert_eq!(
            summaries,
            ["Invalid repository in contoso", "Invalid timeout"]
        );
        assert_eq!(stage.azure.requests(), []);
    }
}
