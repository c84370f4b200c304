//! What a plan prints of a workflow. In a plan for many registries, every line of one workflow counts.

use azure_simulator::RegistrySpec;
use host_cli::{Host, Plan};
use regex_lite::Regex;

use crate::stage::{Stage, WORKFLOW, each, hosts};

/// Returns the block of each resource in a plan, without the host's introduction and summary. Digests of tasks'
/// definitions change with the definitions, so they are masked.
async fn blocks(stage: &Stage) -> String {
    let plan = stage.workspace.plan(&[]).await.unwrap();
    assert!(matches!(plan, Plan::Changes(_)), "{}", plan.finished());
    let stdout = &plan.finished().stdout;
    let start = stdout.find("  # ").unwrap();
    let end = stdout.find("\nPlan: ").unwrap();
    let digest = Regex::new("sha256:[0-9a-f]{64}").unwrap();
    digest
        .replace_all(stdout[start..end].trim_end(), "sha256:…")
        .into_owned()
}

/// Runs a test under each host, and returns the text that all hosts print.
async fn under_each_host(print: impl AsyncFn(&Host) -> String) -> String {
    let mut common: Option<String> = None;
    for host in hosts() {
        let printed = print(host).await;
        let first = common.get_or_insert_with(|| printed.clone());
        assert_eq!(printed, *first, "{host}");
    }
    common.unwrap()
}

#[tokio::test]
async fn a_changed_schedule_prints_only_the_timer_of_each_registry() {
    let printed = under_each_host(async |host| {
        let names = ["contoso", "fabrikam", "northwind"];
        let configuration = each(&names);
        let stage = Stage::with(host, names.map(RegistrySpec::new), &configuration).await;
        stage.apply().await;
        stage.configure(&configuration.replace("\"7d\"", "\"1d\""));
        let printed = blocks(&stage).await;
        stage.destroy().await;
        let (of_contoso, rest) = printed.split_once("\n\n").unwrap();
        assert_eq!(rest.lines().count(), 2 * of_contoso.lines().count() + 1);
        of_contoso.to_owned()
    })
    .await;
    insta::assert_snapshot!(printed, @r#"
    # acr_continuous_patching_workflow.test["contoso"] will be updated in-place
    ~ resource "acr_continuous_patching_workflow" "test" {
          id               = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso"
        ~ schedule         = "7d" -> "1d"
        ~ schedule_cron    = "30 2 */7 * *" -> "30 2 */1 * *"
          # (13 unchanged attributes hidden)
      }
    "#);
}

#[tokio::test]
async fn a_changed_policy_prints_only_the_policy() {
    let printed = under_each_host(async |host| {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        stage.configure(&WORKFLOW.replace("3.11", "3.12"));
        let printed = blocks(&stage).await;
        stage.destroy().await;
        printed
    })
    .await;
    insta::assert_snapshot!(printed, @r#"
    # acr_continuous_patching_workflow.test will be updated in-place
    ~ resource "acr_continuous_patching_workflow" "test" {
          id               = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso"
        ~ policy_digest    = "sha256:…" -> "sha256:…"
        ~ repositories     = {
            ~ "python" = {
                ~ tags    = [
                    - "3.11",
                    + "3.12",
                  ]
                  # (1 unchanged attribute hidden)
              },
          }
          # (13 unchanged attributes hidden)
      }
    "#);
}

#[tokio::test]
async fn a_new_workflow_prints_what_is_known_before_it_exists() {
    let printed = under_each_host(async |host| {
        let stage = Stage::new(host, WORKFLOW).await;
        blocks(&stage).await
    })
    .await;
    insta::assert_snapshot!(printed, @r#"
    # acr_continuous_patching_workflow.test will be created
    + resource "acr_continuous_patching_workflow" "test" {
        + adopt_existing   = false
        + enabled          = true
        + id               = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso"
        + login_server     = "contoso.azurecr.io"
        + policy_digest    = "sha256:…"
        + preflight        = "warn"
        + registry_id      = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso"
        + repositories     = {
            + "python" = {
                + enabled = true
                + tags    = [
                    + "3.11",
                  ]
              },
          }
        + role_assignments = {
            + "cssc-patch-image/AcrPush"                                   = (known after apply)
            + "cssc-scan-image/AcrPull"                                    = (known after apply)
            + "cssc-scan-image/Container Registry Tasks Contributor"       = (known after apply)
            + "cssc-trigger-workflow/AcrPull"                              = (known after apply)
            + "cssc-trigger-workflow/Container Registry Tasks Contributor" = (known after apply)
          }
        + run_immediately  = false
        + schedule         = "7d"
        + schedule_cron    = "30 2 */7 * *"
        + start_time       = "02:30"
        + tag_convention   = "incremental"
        + tasks            = {
            + "cssc-patch-image" = {
                + definition   = "sha256:…"
                + id           = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/cssc-patch-image"
                + principal_id = (known after apply)
                + status       = "Enabled"
              },
            + "cssc-scan-image" = {
                + definition   = "sha256:…"
                + id           = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/cssc-scan-image"
                + principal_id = (known after apply)
                + status       = "Enabled"
              },
            + "cssc-trigger-workflow" = {
                + definition   = "sha256:…"
                + id           = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso/tasks/cssc-trigger-workflow"
                + principal_id = (known after apply)
                + status       = "Enabled"
              },
          }
        + workflow_type    = "continuouspatchv1"
      }
    "#);
}

#[tokio::test]
async fn a_workflow_of_a_new_registry_prints_unknown_maps_in_one_line() {
    let printed = under_each_host(async |host| {
        let stage = Stage::new(host, WORKFLOW).await;
        let unknown = WORKFLOW.replace(
            "registries/contoso\"",
            "registries/${terraform_data.name.output}\"",
        );
        let new = "resource \"terraform_data\" \"name\" {\n  input = \"contoso\"\n}\n";
        stage.configure(&format!("{unknown}\n{new}"));
        blocks(&stage).await
    })
    .await;
    insta::assert_snapshot!(printed, @r#"
    # acr_continuous_patching_workflow.test will be created
    + resource "acr_continuous_patching_workflow" "test" {
        + adopt_existing   = false
        + enabled          = true
        + id               = (known after apply)
        + login_server     = (known after apply)
        + policy_digest    = "sha256:…"
        + preflight        = "warn"
        + registry_id      = (known after apply)
        + repositories     = {
            + "python" = {
                + enabled = true
                + tags    = [
                    + "3.11",
                  ]
              },
          }
        + role_assignments = (known after apply)
        + run_immediately  = false
        + schedule         = "7d"
        + schedule_cron    = "30 2 */7 * *"
        + start_time       = "02:30"
        + tag_convention   = "incremental"
        + tasks            = {
            + "cssc-patch-image" = {
                + definition   = "sha256:…"
                + id           = (known after apply)
                + principal_id = (known after apply)
                + status       = "Enabled"
              },
            + "cssc-scan-image" = {
                + definition   = "sha256:…"
                + id           = (known after apply)
                + principal_id = (known after apply)
                + status       = "Enabled"
              },
            + "cssc-trigger-workflow" = {
                + definition   = "sha256:…"
                + id           = (known after apply)
                + principal_id = (known after apply)
                + status       = "Enabled"
              },
          }
        + workflow_type    = "continuouspatchv1"
      }

    # terraform_data.name will be created
    + resource "terraform_data" "name" {
        + id     = (known after apply)
        + input  = "contoso"
        + output = (known after apply)
      }
    "#);
}
