//! Workflows that are there already, found and taken over by whom knows how to list (Terraform 1.14).

use azure_simulator::RegistrySpec;
use host_cli::{Host, Kind};

use crate::golden::repository_file;
use crate::stage::{Stage, each, hosts};

/// The hosts that have `query`.
fn listing_hosts() -> impl Iterator<Item = &'static Host> {
    hosts()
        .iter()
        .filter(|host| host.kind == Kind::Terraform && host.is_at_least(14))
}

/// A stage on which two of three registries have a workflow that nobody's state knows any more.
async fn two_of_three(host: &Host) -> Stage {
    let names = ["contoso", "fabrikam", "northwind"];
    let stage = Stage::with(host, names.map(RegistrySpec::new), &each(&names[..2])).await;
    stage.apply().await;
    stage.workspace.forget_state().unwrap();
    stage.configure("");
    stage
}

/// What a line of `query` shows: the list's name and the registry's.
fn shown(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let list = words.next()?.rsplit_once('.')?.1;
    Some(format!("{list} {}", words.next_back()?))
}

#[tokio::test]
async fn the_workflows_of_a_subscription_are_listed() {
    for host in listing_hosts() {
        let stage = two_of_three(host).await;
        let query = repository_file(
            "examples/list-resources/acr_continuous_patching_workflow/list-resource.tfquery.hcl",
        );
        let query = query.replace(r#""example""#, r#""demo""#);
        stage.workspace.write("all.tfquery.hcl", &query).unwrap();
        let listed = stage.workspace.run(&["query"]).await.unwrap();
        let listed = listed.ended_with(0).unwrap();
        let mut names: Vec<String> = listed.stdout.lines().filter_map(shown).collect();
        names.sort();
        assert_eq!(
            names,
            [
                "all contoso",
                "all fabrikam",
                "demo contoso",
                "demo fabrikam"
            ]
        );
    }
}

#[tokio::test]
async fn a_list_becomes_a_configuration_that_takes_over_what_there_is() {
    for host in listing_hosts() {
        let stage = two_of_three(host).await;
        let query = "list \"acr_continuous_patching_workflow\" \"all\" {\n  provider = acr\n  include_resource = true\n}\n";
        stage.workspace.write("all.tfquery.hcl", query).unwrap();
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
