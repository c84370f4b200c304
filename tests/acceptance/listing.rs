//! Listing and importing existing workflows, under hosts that support `query` (Terraform 1.14 or later).

use azure_simulator::RegistrySpec;
use host_cli::{Host, Kind};

use crate::golden::repository_file;
use crate::stage::{Stage, each, hosts};

/// The query on the page of the list resource.
const EXAMPLE: &str =
    "examples/list-resources/acr_continuous_patching_workflow/list-resource.tfquery.hcl";

/// The hosts that support `query`.
fn listing_hosts() -> impl Iterator<Item = &'static Host> {
    hosts()
        .iter()
        .filter(|host| host.kind == Kind::Terraform && host.is_at_least(14))
}

/// Sets up three registries, two of which have a workflow that is in no state.
async fn two_of_three(host: &Host) -> Stage {
    let names = ["contoso", "fabrikam", "northwind"];
    let stage = Stage::with(host, names.map(RegistrySpec::new), &each(&names[..2])).await;
    stage.apply().await;
    stage.workspace.forget_state().unwrap();
    stage.configure("");
    stage
}

/// The names of the list and the registry on a line of `query`'s output.
fn shown(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let list = words.next()?.rsplit_once('.')?.1;
    Some(format!("{list} {}", words.next_back()?))
}

#[tokio::test]
async fn query_lists_the_workflows_of_a_subscription() {
    for host in listing_hosts() {
        let stage = two_of_three(host).await;
        let query = repository_file(EXAMPLE);
        stage.workspace.write("all.tfquery.hcl", &query).unwrap();
        let listed = stage.workspace.run(&["query"]).await.unwrap();
        let listed = listed.ended_with(0).unwrap();
        let mut names: Vec<String> = listed.stdout.lines().filter_map(shown).collect();
        names.sort();
        assert_eq!(names, ["example contoso", "example fabrikam"]);
    }
}

#[tokio::test]
async fn the_example_of_the_list_resource_imports_each_workflow_once() {
    for host in listing_hosts() {
        let stage = two_of_three(host).await;
        let query = repository_file(EXAMPLE);
        stage.workspace.write("all.tfquery.hcl", &query).unwrap();
        let generate = ["query", "-generate-config-out=generated.tf"];
        let generated = stage.workspace.run(&generate).await.unwrap();
        generated.ended_with(0).unwrap();
        let plan = stage.assert_changes().await;
        assert!(
            plan.contains("2 to import, 0 to add, 0 to change, 0 to destroy"),
            "{plan}"
        );
        assert_eq!(stage.apply().await, Vec::<String>::new());
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}
