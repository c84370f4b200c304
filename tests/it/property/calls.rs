//! Arbitrary calls of a host to a configured provider: valid values with arbitrary changes, in any combination.
//! The provider answers each call, and no call panics.

use std::fmt::Debug;
use std::time::Duration;

use corpus::{Change, changes};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::protocol::generated::provider_client::ProviderClient;
use terraform_plugin_testing::core::wire;
use terraform_provider_acr::provider::{AcrProvider, Environment};
use tonic::transport::Channel;
use tonic::{Response, Status, Streaming};

use crate::property::step::Desired;
use crate::property::world::World;
use crate::property::{GROUP, try_values};

const WORKFLOW: &str = "acr_continuous_patching_workflow";

/// More than any timeout of an operation, in paused time.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A private state with every field.
const PRIVATE: &str = r#"{"version":1,"facts":{"id":"/subscriptions/a","login_server":"a","location":"a","abac":true},
    "policy_manifest":"sha256:0","start_time":"02:30","created_by":"a","claimed":true,"run_owed":true}"#;

/// A call with its values.
#[derive(Clone, Copy, Debug)]
enum Rpc {
    ValidateProvider,
    Validate,
    Upgrade,
    Read,
    Plan,
    Apply,
    Import,
    GenerateConfig,
    DataSource(&'static str),
    List,
    Action(&'static str),
    Function(&'static str),
}

const RPCS: [Rpc; 18] = [
    Rpc::ValidateProvider,
    Rpc::Validate,
    Rpc::Upgrade,
    Rpc::Read,
    Rpc::Plan,
    Rpc::Apply,
    Rpc::Import,
    Rpc::GenerateConfig,
    Rpc::DataSource("acr_continuous_patching_workflow"),
    Rpc::DataSource("acr_continuous_patching_images"),
    Rpc::DataSource("acr_continuous_patching_status"),
    Rpc::List,
    Rpc::Action("acr_continuous_patching_run"),
    Rpc::Action("acr_continuous_patching_cancel_runs"),
    Rpc::Function("next_run"),
    Rpc::Function("parse_tag"),
    Rpc::Function("policy_from_json"),
    Rpc::Function("schedule_days"),
];

/// What a message is made from.
#[derive(Clone, Debug)]
enum Base {
    Config,
    State,
    Null,
    Bytes(Vec<u8>),
}

#[derive(Clone, Debug)]
struct Message {
    base: Base,
    changes: Vec<Change>,
    is_json: bool,
}

#[derive(Clone, Debug)]
struct Call {
    rpc: Rpc,
    messages: [Message; 3],
    private: Vec<Change>,
    text: String,
}

/// The valid messages.
struct Valid {
    config: Vec<u8>,
    state: Vec<u8>,
}

#[test]
fn arbitrary_calls_to_a_configured_provider_end_without_a_panic() {
    let runtime = super::paused_runtime();
    let (world, valid) = runtime.block_on(configured());
    try_values(500, &calls(), |call| {
        let client = world.terraform.client();
        runtime.block_on(async {
            let answer = tokio::time::timeout(DAY, answer(client, &valid, &call)).await;
            let answer = answer.expect("a call hangs");
            assert!(!answer.contains("panicked"), "{answer}");
        });
    });
}

/// A configured provider with a workflow in Azure.
async fn configured() -> (World, Valid) {
    let mut world = World::new(GROUP).await;
    let config = Desired::default().config(&world.registry().id());
    world.terraform.succeed(&config).await;
    let provider = AcrProvider::new(Environment::default());
    let resources = terraform_plugin::framework::Provider::resources(&provider);
    let block = &resources[0].schema().block;
    let bytes = |value| wire(block, value).unwrap().msgpack;
    let valid = Valid {
        config: bytes(&config),
        state: bytes(world.terraform.state()),
    };
    (world, valid)
}

async fn answer(mut client: ProviderClient<Channel>, valid: &Valid, call: &Call) -> String {
    let [first, second, third] = &call.messages;
    let value = |message: &Message| Some(message.value(valid));
    let (one, two, three) = (value(first), value(second), value(third));
    let mut private = PRIVATE.as_bytes().to_vec();
    corpus::apply(&mut private, &call.private);
    let type_name = WORKFLOW.to_owned();
    match call.rpc {
        Rpc::ValidateProvider => {
            let request = pb::validate_provider_config::Request { config: one };
            shown(&client.validate_provider_config(request).await)
        }
        Rpc::Validate => {
            let request = pb::validate_resource_config::Request {
                type_name,
                config: one,
                ..Default::default()
            };
            shown(&client.validate_resource_config(request).await)
        }
        Rpc::Upgrade => {
            let request = pb::upgrade_resource_state::Request {
                type_name,
                version: call.private.len().try_into().unwrap(),
                raw_state: Some(pb::RawState {
                    json: first.value(valid).msgpack,
                    ..Default::default()
                }),
            };
            shown(&client.upgrade_resource_state(request).await)
        }
        Rpc::Read => {
            let request = pb::read_resource::Request {
                type_name,
                current_state: one,
                private,
                ..Default::default()
            };
            shown(&client.read_resource(request).await)
        }
        Rpc::Plan => {
            let request = pb::plan_resource_change::Request {
                type_name,
                prior_state: one,
                proposed_new_state: two,
                config: three,
                prior_private: private,
                ..Default::default()
            };
            shown(&client.plan_resource_change(request).await)
        }
        Rpc::Apply => {
            let request = pb::apply_resource_change::Request {
                type_name,
                prior_state: one,
                planned_state: two,
                config: three,
                planned_private: private,
                ..Default::default()
            };
            shown(&client.apply_resource_change(request).await)
        }
        Rpc::Import => {
            let request = pb::import_resource_state::Request {
                type_name,
                id: call.text.clone(),
                ..Default::default()
            };
            shown(&client.import_resource_state(request).await)
        }
        Rpc::GenerateConfig => {
            let request = pb::generate_resource_config::Request {
                type_name,
                state: one,
            };
            shown(&client.generate_resource_config(request).await)
        }
        Rpc::DataSource(name) => {
            let request = pb::read_data_source::Request {
                type_name: name.to_owned(),
                config: one,
                ..Default::default()
            };
            shown(&client.read_data_source(request).await)
        }
        Rpc::List => {
            let request = pb::list_resource::Request {
                type_name,
                config: one,
                ..Default::default()
            };
            streamed(client.list_resource(request).await).await
        }
        Rpc::Action(name) => {
            let request = pb::invoke_action::Request {
                action_type: name.to_owned(),
                config: one,
                ..Default::default()
            };
            streamed(client.invoke_action(request).await).await
        }
        Rpc::Function(name) => {
            let request = pb::call_function::Request {
                name: name.to_owned(),
                arguments: vec![first.value(valid), second.value(valid)],
            };
            shown(&client.call_function(request).await)
        }
    }
}

fn shown<T: Debug>(answer: &Result<Response<T>, Status>) -> String {
    format!("{answer:?}")
}

async fn streamed<T: Debug>(answer: Result<Response<Streaming<T>>, Status>) -> String {
    let mut events = match answer {
        Ok(events) => events.into_inner(),
        Err(status) => return format!("{status:?}"),
    };
    let mut shown = String::new();
    loop {
        match events.message().await {
            Ok(Some(event)) => shown.push_str(&format!("{event:?}")),
            Ok(None) => return shown,
            Err(status) => return format!("{shown}{status:?}"),
        }
    }
}

impl Message {
    fn value(&self, valid: &Valid) -> pb::DynamicValue {
        let mut bytes = match &self.base {
            Base::Config => valid.config.clone(),
            Base::State => valid.state.clone(),
            // Null in MessagePack.
            Base::Null => vec![0xc0],
            Base::Bytes(bytes) => bytes.clone(),
        };
        corpus::apply(&mut bytes, &self.changes);
        match self.is_json {
            false => pb::DynamicValue {
                msgpack: bytes,
                ..Default::default()
            },
            true => pb::DynamicValue {
                json: bytes,
                ..Default::default()
            },
        }
    }
}

fn calls() -> impl Strategy<Value = Call> {
    let messages = [messages(), messages(), messages()];
    (select(&RPCS[..]), messages, changes(3), ".{0,60}").prop_map(
        |(rpc, messages, private, text)| Call {
            rpc,
            messages,
            private,
            text,
        },
    )
}

fn messages() -> impl Strategy<Value = Message> {
    let base = prop_oneof![
        4 => Just(Base::Config),
        4 => Just(Base::State),
        1 => Just(Base::Null),
        1 => vec(any::<u8>(), 0..40).prop_map(Base::Bytes),
    ];
    (base, changes(3), prop::bool::weighted(0.1)).prop_map(|(base, changes, is_json)| Message {
        base,
        changes,
        is_json,
    })
}
