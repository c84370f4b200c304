//! The Terraform snippets of the registry pages and the README, each validated alone as a user would paste it.

use std::collections::BTreeSet;
use std::path::Path;

use host_cli::{Host, Kind, Workspace};
use serde_json::{Value, json};

use crate::golden::{files_below, repository_file};
use crate::stage::{azurerm, hosts, provider};

/// A file that a snippet reads.
const POLICY: &str = "continuouspatching.json";

/// The pages with their snippets of Terraform code.
fn snippets() -> Vec<(String, String)> {
    let mut pages = files_below(Path::new("docs"));
    pages.insert("README.md".to_owned());
    pages.retain(|page| page.ends_with(".md"));
    let of_page = |page: String| {
        let text = repository_file(&page);
        let blocks = text.split("```").skip(1).step_by(2);
        let code = blocks.filter_map(|block| {
            let language = ["terraform\n", "hcl\n"];
            language.iter().find_map(|it| block.strip_prefix(it))
        });
        let code: Vec<String> = code.map(str::to_owned).collect();
        code.into_iter().map(move |code| (page.clone(), code))
    };
    pages.into_iter().flat_map(of_page).collect()
}

/// The types that the stand-in for azurerm has.
const OF_AZURERM: [&str; 4] = [
    "azurerm_client_config",
    "azurerm_container_registry",
    "azurerm_resource_group",
    "azurerm_role_assignment",
];

/// Whether the stand-in for azurerm lacks a type of this snippet.
fn needs_azurerm(code: &str) -> bool {
    let declared = code.lines().filter_map(|line| {
        let rest = line
            .strip_prefix("resource \"")
            .or_else(|| line.strip_prefix("data \""))?;
        rest.split('"').next()
    });
    let mut of_azurerm = declared.filter(|kind| kind.starts_with("azurerm_"));
    of_azurerm.any(|kind| !OF_AZURERM.contains(&kind))
}

/// Whether a file of this kind can contain the snippet: a query is no configuration.
fn is_query(code: &str) -> bool {
    code.contains("\nlist \"")
}

/// What a snippet needs besides this provider, as far as the host can't have it here.
fn missing(code: &str, host: &Host) -> Option<&'static str> {
    let is_new = host.is_at_least(14) && host.kind == Kind::Terraform;
    let needs = [
        (needs_azurerm(code), "the provider azurerm"),
        (
            code.contains("microsoft/azuredevops"),
            "the provider azuredevops",
        ),
        (code.contains("\naction \"") && !is_new, "actions"),
        (
            code.contains("  identity = {") && !host.is_at_least(12),
            "identities",
        ),
    ];
    needs
        .into_iter()
        .find_map(|(needs, what)| needs.then_some(what))
}

#[test]
fn each_snippet_requires_the_providers_that_it_uses() {
    for (page, code) in snippets() {
        let uses = [
            "acr_continuous_patching",
            "provider::acr",
            "provider \"acr\"",
        ];
        let is_alone = is_query(&code) || code.contains("required_providers");
        assert!(
            is_alone || !uses.iter().any(|part| code.contains(part)),
            "a snippet of {page} would use hashicorp/acr:\n{code}"
        );
    }
}

#[tokio::test]
async fn each_snippet_is_valid_alone() {
    let example = "examples/functions/policy_from_json/continuouspatching.json";
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/modules");
    for host in hosts() {
        let workspace = Workspace::with_providers(host, &[&provider(), &azurerm()]).unwrap();
        workspace.write(POLICY, &repository_file(example)).unwrap();
        workspace.copy(&modules, "modules").unwrap();
        let mut skipped = BTreeSet::new();
        for (page, code) in snippets() {
            if is_query(&code) {
                continue;
            }
            if let Some(what) = missing(&code, host) {
                skipped.insert(format!("{page}: {what}"));
                continue;
            }
            workspace.write("main.tf", &code).unwrap();
            workspace.init().await.unwrap();
            let validated = workspace.run(&["validate", "-json"]).await.unwrap();
            let answer: Value = serde_json::from_str(&validated.stdout).unwrap();
            assert_eq!(
                answer["diagnostics"],
                json!([]),
                "{page} under {host}:\n{code}"
            );
        }
        eprintln!("not validated under {host}: {skipped:#?}");
    }
}
