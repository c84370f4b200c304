//! Functions in configurations, and the examples on their pages.

use azure_simulator::RegistrySpec;
use serde_json::json;

use crate::golden::repository_file;
use crate::stage::{Stage, hosts, registry_id};

/// The example of a function.
fn example(name: &str) -> String {
    repository_file(&format!("examples/functions/{name}/function.tf"))
}

#[tokio::test]
async fn the_function_examples_return_the_documented_values() {
    let examples = [
        ("spread_time", json!({"start_time": "00:55"})),
        ("schedule_days", json!({"days": [1, 8, 15, 22, 29]})),
        ("next_run", json!({"next_run": "2026-06-15T02:30:00Z"})),
        (
            "parse_tag",
            json!({
                "patch": {"base": "3.11", "convention": "incremental", "number": 2},
                "no_patch": {"base": "latest", "convention": null, "number": null},
            }),
        ),
    ];
    for host in hosts() {
        let stage = Stage::new(host, "").await;
        for (function, outputs) in &examples {
            stage.configure(&example(function));
            assert_eq!(stage.apply().await, Vec::<String>::new());
            for (name, value) in outputs.as_object().unwrap() {
                assert_eq!(stage.output(name).await, *value, "{function}: {name}");
            }
        }
        assert!(stage.azure.requests().is_empty(), "functions need no Azure");
    }
}

#[tokio::test]
async fn policy_from_json_reads_a_policy_file_of_the_azure_cli() {
    const FOLDER: &str = "examples/functions/policy_from_json";
    for host in hosts() {
        let stage = Stage::with(
            host,
            [RegistrySpec::new("contoso")],
            &example("policy_from_json"),
        )
        .await;
        let document = repository_file(&format!("{FOLDER}/continuouspatching.json"));
        stage
            .workspace
            .write("continuouspatching.json", &document)
            .unwrap();
        let variables = format!("registry_id = {:?}\n", registry_id("contoso"));
        stage
            .workspace
            .write("terraform.tfvars", &variables)
            .unwrap();
        stage.apply().await;
        stage.assert_no_changes().await;
        let policy = stage.azure.registry("contoso").policy().unwrap();
        assert_eq!(policy["tag-convention"], "floating");
        assert_eq!(policy["repositories"].as_array().unwrap().len(), 2);
        stage.destroy().await;
    }
}

#[tokio::test]
async fn an_invalid_argument_is_an_error_for_that_argument() {
    for (call, parts) in [
        (
            r#"schedule_days("31d")"#,
            vec!["schedule", "is not between \"1d\" and \"30d\""],
        ),
        (
            r#"next_run("7d", "2:30", "2026-06-10T12:00:00Z")"#,
            vec!["start_time", "\"2:30\" is not a time of day"],
        ),
        (
            r#"next_run("7d", "02:30", "yesterday")"#,
            vec!["after", "\"yesterday\" is not an RFC 3339 timestamp"],
        ),
        (
            r#"parse_tag("python:3.11")"#,
            vec!["tag", "is not a valid tag"],
        ),
        (
            r#"parse_tag(null)"#,
            vec!["tag", "argument must not be null"],
        ),
        (
            r#"policy_from_json(jsonencode({ version = "v1", repositories = [{ repository = "a", tags = ["1-1"] }] }))"#,
            vec![
                "json",
                "$.repositories[0].tags[0]: \"1-1\" looks like a patch tag",
            ],
        ),
    ] {
        for host in hosts() {
            let configuration = format!("output \"it\" {{\n  value = provider::acr::{call}\n}}\n");
            let stage = Stage::new(host, &configuration).await;
            let plan = stage.workspace.plan(&[]).await.unwrap();
            let text = plan.finished().text();
            for part in &parts {
                assert!(
                    text.contains(part),
                    "{call} under {host}: no {part:?} in {text}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_argument_makes_the_result_known_after_apply() {
    let configuration = r#"
resource "terraform_data" "days" {
  input = "3d"
}

output "days" {
  value = provider::acr::schedule_days(terraform_data.days.output)
}
"#;
    for host in hosts() {
        let stage = Stage::new(host, configuration).await;
        let text = stage.assert_changes().await;
        assert!(text.contains("+ days = (known after apply)"), "{text}");
        stage.workspace.apply().await.unwrap();
        assert_eq!(stage.output("days").await.as_array().unwrap().len(), 11);
    }
}
