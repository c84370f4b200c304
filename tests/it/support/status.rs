//! The data source `acr_continuous_patching_status`, called as Terraform calls it.

use terraform_provider_acr::framework::Provider as _;
use terraform_provider_acr::provider::{AcrProvider, Environment};
use terraform_provider_acr::rpc::generated as pb;
use terraform_provider_acr::schema::Block;
use terraform_provider_acr::value::{Value, msgpack};

use crate::support::terraform::Terraform;

const STATUS: &str = "acr_continuous_patching_status";

/// Validates the configuration and reads it; null beside what is said where that is an error.
pub(crate) async fn read(terraform: &Terraform, config: &Value) -> (Value, Vec<pb::Diagnostic>) {
    let block = block();
    let kind = block.value_type();
    let sent = Some(pb::DynamicValue {
        msgpack: msgpack::encode(&block.complete(config.clone()), &kind).unwrap(),
        json: vec![],
    });
    let request = pb::validate_data_resource_config::Request {
        type_name: STATUS.to_owned(),
        config: sent.clone(),
    };
    let mut client = terraform.client();
    let validated = client.validate_data_resource_config(request).await;
    let said = validated.unwrap().into_inner().diagnostics;
    if !said.is_empty() {
        return (Value::Null, said);
    }
    let request = pb::read_data_source::Request {
        type_name: STATUS.to_owned(),
        config: sent,
        ..Default::default()
    };
    let answer = client.read_data_source(request).await.unwrap();
    let answer = answer.into_inner();
    let state = answer.state.map_or(Value::Null, |state| {
        msgpack::decode(&state.msgpack, &kind).unwrap()
    });
    assert!(state.is_wholly_known(), "unknown values are read");
    (state, answer.diagnostics)
}

fn block() -> Block {
    let provider = AcrProvider::new(Environment::default());
    let sources = provider.data_sources();
    let source = sources.iter().find(|source| source.type_name() == STATUS);
    source.unwrap().schema().block.clone()
}
