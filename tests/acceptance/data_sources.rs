//! What configurations look up, and what they make of it; and the examples that the pages show.

use azure_simulator::{CliCreate, Fate, Generation};
use host_cli::Host;
use serde_json::json;

use crate::golden::repository_file;
use crate::stage::{ADDRESS, Stage, WORKFLOW, hosts, registry_id};

/// Reads the workflow of [`WORKFLOW`] after it has been set up.
const LOOKED_UP: &str = r#"
data "acr_continuous_patching_workflow" "test" {
  registry_id = acr_continuous_patching_workflow.test.id
  depends_on  = [acr_continuous_patching_workflow.test]
}
"#;

/// A stage with the example of a data source, for the registry `contoso`.
async fn example(host: &Host, name: &str) -> Stage {
    let example = repository_file(&format!("examples/data-sources/{name}/data-source.tf"));
    let stage = Stage::new(host, &example).await;
    let variables = format!("registry_id = {:?}\n", registry_id("contoso"));
    let written = stage.workspace.write("terraform.tfvars", &variables);
    written.unwrap();
    stage
}

#[tokio::test]
async fn a_workflow_is_set_up_and_read_in_one_configuration() {
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
async fn the_example_shows_a_workflow_of_the_azure_cli() {
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
async fn a_registry_without_a_workflow_fails_the_plan_at_its_id() {
    for host in hosts() {
        let stage = example(host, "acr_continuous_patching_workflow").await;
        let findings = stage.workspace.findings().await.unwrap();
        let [error] = &findings[..] else {
            panic!("one error expected: {findings:?}");
        };
        assert_eq!(error.summary, "The registry has no workflow");
        assert!(error.detail.contains(&registry_id("contoso")), "{error:?}");
        // The line of `registry_id` in the data source.
        assert_eq!(error.range.as_ref().unwrap().start.line, 7);
    }
}

#[tokio::test]
async fn the_example_shows_what_a_run_takes_and_what_another_policy_would() {
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
            "A run would fail",
            "2002 python",
            "selects more images than a run takes",
        ] {
            assert!(text.contains(said), "{host}: no {said:?} in {text}");
        }
    }
}

/// A dry run that has to fit before its policy is applied.
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
async fn a_policy_is_tried_before_it_is_applied() {
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
async fn what_is_wrong_with_a_dry_run_is_said_where_it_stands() {
    for host in hosts() {
        let configuration = TRIED_FIRST
            .replace("ID", &registry_id("contoso"))
            .replace("\"2m\"", "\"soon\"")
            .replace("\"python\"", "\"Python\"");
        let stage = Stage::new(host, &configuration).await;
        let findings = stage.workspace.findings().await.unwrap();
        let mut summaries: Vec<&str> = findings.iter().map(|it| it.summary.as_str()).collect();
        summaries.sort_unstable();
        assert_eq!(summaries, ["Invalid repository", "Invalid timeout"]);
        assert_eq!(stage.azure.requests(), []);
    }
}
