//! Generated configurations for imported objects, as Terraform 1.14 and later request them.

use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::Value;

use terraform_plugin_testing::host::{Host, lines};
use terraform_plugin_testing::scripted_provider::{Behavior, RESOURCE_TYPE};

async fn generate(host: &Host, state: Option<&Value>) -> (Value, Vec<String>) {
    let request = pb::generate_resource_config::Request {
        type_name: RESOURCE_TYPE.to_owned(),
        state: state.and_then(|state| host.wire(state)),
    };
    let answer = host.client().generate_resource_config(request).await;
    let answer = answer.unwrap().into_inner();
    (host.value(answer.config), lines(&answer.diagnostics))
}

#[tokio::test]
async fn a_generated_configuration_has_no_computed_attributes() {
    let host = Host::of(Behavior::Behaves).await;
    let rule = Value::object([("name", "x".into())]);
    let state = |id: Value| {
        Value::object([
            ("id", id),
            ("name", "a".into()),
            ("size", 7.into()),
            ("secret", Value::Null),
            ("rule", Value::List(vec![rule.clone()])),
        ])
    };
    let (config, said) = generate(&host, Some(&state("made".into()))).await;
    assert_eq!((config.clone(), said), (state(Value::Null), vec![]));
    assert_eq!(host.validate(&config, true).await.lines(), [""; 0]);
}

#[tokio::test]
async fn a_request_without_a_state_is_an_error() {
    let host = Host::of(Behavior::Behaves).await;
    for state in [None, Some(&Value::Null)] {
        let (config, said) = generate(&host, state).await;
        assert_eq!(config, Value::Null);
        assert_eq!(said, ["error: Configuration can't be generated"]);
    }
}
