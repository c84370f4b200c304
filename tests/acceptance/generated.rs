//! Files that are generated from the provider's schemas: the golden schema and the registry pages.
//! `make generate` writes them.

use std::collections::BTreeSet;
use std::path::Path;

use host_cli::Host;
use serde_json::Value;

use crate::docs_pages;
use crate::golden::{assert_golden, files_below};
use crate::provider_schema::provider_schema;
use crate::source_address;
use crate::stage::{Stage, hosts, provider};

#[test]
fn the_schema_matches_the_golden_file() {
    let schema = serde_json::to_string_pretty(&provider_schema()).unwrap() + "\n";
    assert_golden("tests/golden/schema.json", &schema);
}

#[tokio::test]
async fn each_host_prints_the_schemas_that_it_supports() {
    let expected = provider_schema();
    for host in hosts() {
        let printed = schema(host).await;
        for known in ["provider", "resource_schemas", "functions"] {
            assert!(printed[known].is_object(), "{host} prints no {known}");
        }
        for (kind, printed) in printed.as_object().unwrap() {
            assert_eq!(*printed, expected[kind], "the {kind} under {host}");
        }
    }
}

#[test]
fn the_registry_pages_match_the_schema_and_none_is_extra() {
    // The pages contain examples, so the examples come first.
    source_address::assert_everywhere();
    let pages = docs_pages::all(&provider_schema());
    for (path, text) in &pages {
        assert_golden(path, text);
    }
    let expected: BTreeSet<String> = pages.into_iter().map(|(path, _)| path).collect();
    let mut written = files_below(Path::new("docs"));
    // A picture is no page.
    written.retain(|path| path.ends_with(".md"));
    assert_eq!(written, expected);
}

/// The provider's schemas as a host prints them, without empty kinds. Hosts differ in whether they list an
/// empty kind.
async fn schema(host: &Host) -> Value {
    let stage = Stage::new(host, "").await;
    let mut schemas = stage.workspace.schemas().await.unwrap();
    let mut schema = schemas["provider_schemas"][provider().address(host)].take();
    schema
        .as_object_mut()
        .unwrap()
        .retain(|_, kind| kind.as_object().is_some_and(|kind| !kind.is_empty()));
    schema
}
