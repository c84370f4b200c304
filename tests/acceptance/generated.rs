//! What is generated from the provider's schema, as hosts see it: the golden schema and the
//! registry pages. `make generate` writes them anew.

use host_cli::{Host, mirror};
use serde_json::Value;

use crate::golden::assert_golden;
use crate::page::page;
use crate::stage::{Stage, hosts};

#[tokio::test]
async fn the_schema_is_the_golden_one_for_every_host() {
    for host in hosts() {
        let schema = serde_json::to_string_pretty(&schema(host).await).unwrap() + "\n";
        assert_golden("tests/golden/schema.json", &schema);
    }
}

#[tokio::test]
async fn the_registry_pages_say_what_the_schema_says() {
    for host in hosts() {
        let schema = schema(host).await;
        let index = page(include_str!("pages/index.md"), &schema["provider"]);
        assert_golden("docs/index.md", &index);
        let workflow = page(
            include_str!("pages/continuous_patching_workflow.md"),
            &schema["resource_schemas"]["acr_continuous_patching_workflow"],
        );
        assert_golden("docs/resources/continuous_patching_workflow.md", &workflow);
    }
}

/// The provider's schemas as a host prints them, without the kinds of things that it has none of:
/// which of these are listed at all differs from host to host.
async fn schema(host: &Host) -> Value {
    let stage = Stage::new(host, "").await;
    let mut schemas = stage.workspace.schemas().await.unwrap();
    let mut schema = schemas["provider_schemas"][mirror::address(host)].take();
    schema
        .as_object_mut()
        .unwrap()
        .retain(|_, kind| kind.as_object().is_some_and(|kind| !kind.is_empty()));
    schema
}
