//! Configurations for objects that have been imported, as Terraform 1.14 and later ask for them.

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
async fn what_only_the_provider_decides_on_stands_in_no_configuration() {
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
async fn a_host_that_sends_no_state_gets_an_answer_that_says_so() {
    let host = Host::of(Behavior::Behaves).await;
    for state in [None, Some(&Value::Null)] {
        let (config, said) = generate(&host, state).await;
        assert_eq!(config, Value::Null);
        assert_eq!(said, ["error: Configuration can't be generated"]);
    }
}
