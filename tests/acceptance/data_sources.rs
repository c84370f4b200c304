//! What configurations look up, and what they make of it; and the examples that the pages show.

use azure_simulator::{CliCreate, Generation};
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
        assert_eq!(error.summary, "There is no workflow");
        assert!(error.detail.contains(&registry_id("contoso")), "{error:?}");
        // The line of `registry_id` in the data source.
        assert_eq!(error.range.as_ref().unwrap().start.line, 7);
    }
}
