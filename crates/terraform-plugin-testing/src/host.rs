//! A host that calls a provider over gRPC in process, and reads its answers as strictly as Terraform
//! does.

use std::io;
use std::sync::Arc;

use futures::{StreamExt, stream};
use hyper_util::rt::TokioIo;
use terraform_plugin::framework::Provider;
use terraform_plugin::protocol::ProviderService;
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::protocol::generated::provider_client::ProviderClient;
use terraform_plugin::schema::Schema;
use terraform_plugin::value::{Value, msgpack};
use tonic::transport::{Channel, Endpoint, Server};

use crate::schemas;
use crate::scripted_provider::{Behavior, RESOURCE_TYPE, ScriptedProvider, ScriptedResource};
use crate::scripted_unmanaged::ScriptedUnmanaged;

/// The maximum size of a message that the host reads: Terraform's limit for schemas.
const MAX_RECEIVED: usize = 64 << 20;

/// A host with one provider that has one resource.
pub struct Host {
    /// The client for calls that use only the protocol's types.
    pub client: ProviderClient<Channel>,
    /// The resource.
    pub resource: Arc<ScriptedResource>,
    schema: Schema,
}

/// The answer of a provider.
#[derive(Debug)]
pub struct Answer {
    /// The object, or null if the answer has none.
    pub object: Value,
    /// The private state.
    pub private: Vec<u8>,
    /// The diagnostics.
    pub diagnostics: Vec<pb::Diagnostic>,
}

impl Host {
    /// A host of the small resource with this behavior.
    pub async fn of(behavior: Behavior) -> Self {
        Self::with(schemas::thing(), behavior).await
    }

    /// A host of the small resource with an identity and this behavior.
    pub async fn identified(behavior: Behavior) -> Self {
        Self::with_unmanaged(behavior, &ScriptedUnmanaged::new()).await
    }

    /// Like [`Host::identified`], with a data source, a list resource, an action and a function.
    pub async fn with_unmanaged(behavior: Behavior, unmanaged: &Arc<ScriptedUnmanaged>) -> Self {
        let schema = schemas::thing();
        let identity = Some(schemas::identity());
        let resource = ScriptedResource::with_identity(schema.clone(), identity, behavior);
        Self {
            client: connect(Arc::new(
                ScriptedProvider::of(&resource).with_unmanaged(unmanaged),
            ))
            .await,
            resource,
            schema,
        }
    }

    /// A host of a resource with this schema and this behavior.
    pub async fn with(schema: Schema, behavior: Behavior) -> Self {
        let resource = ScriptedResource::new(schema.clone(), behavior);
        Self {
            client: connect(Arc::new(ScriptedProvider::of(&resource))).await,
            resource,
            schema,
        }
    }

    /// The schemas of everything that the provider offers.
    pub async fn schemas(&self) -> pb::get_provider_schema::Response {
        let request = pb::get_provider_schema::Request {};
        let answer = self.client().get_provider_schema(request).await;
        answer.unwrap().into_inner()
    }

    /// Validates a configuration, as a host with or without support for write-only attributes.
    pub async fn validate(&self, config: &Value, write_only_allowed: bool) -> Answer {
        let request = pb::validate_resource_config::Request {
            type_name: RESOURCE_TYPE.to_owned(),
            config: self.wire(config),
            client_capabilities: Some(pb::ClientCapabilities {
                write_only_attributes_allowed: write_only_allowed,
                ..Default::default()
            }),
        };
        let answer = self.client().validate_resource_config(request).await;
        Answer {
            object: Value::Null,
            private: vec![],
            diagnostics: answer.unwrap().into_inner().diagnostics,
        }
    }

    /// Plans the change from `prior` to `proposed`. `proposed` is also the configuration.
    pub async fn plan(&self, prior: &Value, proposed: &Value) -> Answer {
        let request = self.plan_request(prior, proposed);
        let answer = self.client().plan_resource_change(request).await;
        let answer = answer.unwrap().into_inner();
        assert!(!answer.legacy_type_system);
        assert_eq!((answer.deferred, answer.planned_identity), (None, None));
        Answer {
            object: self.value(answer.planned_state),
            private: answer.planned_private,
            diagnostics: answer.diagnostics,
        }
    }

    /// The request of [`Host::plan`].
    pub fn plan_request(
        &self,
        prior: &Value,
        proposed: &Value,
    ) -> pb::plan_resource_change::Request {
        pb::plan_resource_change::Request {
            type_name: RESOURCE_TYPE.to_owned(),
            prior_state: self.wire(prior),
            proposed_new_state: self.wire(proposed),
            config: self.wire(proposed),
            prior_private: b"prior".to_vec(),
            ..Default::default()
        }
    }

    /// Applies the change from `prior` to `planned`. `planned` is also the configuration.
    pub async fn apply(&self, prior: &Value, planned: &Value) -> Answer {
        let request = self.apply_request(prior, planned);
        let answer = self.client().apply_resource_change(request).await;
        let answer = answer.unwrap().into_inner();
        assert!(!answer.legacy_type_system);
        assert_eq!(answer.new_identity, None);
        Answer {
            object: self.value(answer.new_state),
            private: answer.private,
            diagnostics: answer.diagnostics,
        }
    }

    /// The request of [`Host::apply`].
    pub fn apply_request(
        &self,
        prior: &Value,
        planned: &Value,
    ) -> pb::apply_resource_change::Request {
        pb::apply_resource_change::Request {
            type_name: RESOURCE_TYPE.to_owned(),
            prior_state: self.wire(prior),
            planned_state: self.wire(planned),
            config: self.wire(planned),
            planned_private: b"planned".to_vec(),
            ..Default::default()
        }
    }

    /// Refreshes an object.
    pub async fn read(&self, current: &Value) -> Answer {
        let request = pb::read_resource::Request {
            type_name: RESOURCE_TYPE.to_owned(),
            current_state: self.wire(current),
            private: b"stored".to_vec(),
            ..Default::default()
        };
        let answer = self.client().read_resource(request).await.unwrap();
        let answer = answer.into_inner();
        assert_eq!((answer.deferred, answer.new_identity), (None, None));
        Answer {
            object: self.value(answer.new_state),
            private: answer.private,
            diagnostics: answer.diagnostics,
        }
    }

    /// Imports by ID. Returns [`None`] and the diagnostics if the answer has no object.
    pub async fn import(&self, id: &str) -> (Option<Answer>, Vec<pb::Diagnostic>) {
        let request = pb::import_resource_state::Request {
            type_name: RESOURCE_TYPE.to_owned(),
            id: id.to_owned(),
            ..Default::default()
        };
        let answer = self.client().import_resource_state(request).await.unwrap();
        let mut answer = answer.into_inner();
        assert!(answer.imported_resources.len() <= 1);
        let imported = answer.imported_resources.pop().map(|imported| {
            assert_eq!(imported.type_name, RESOURCE_TYPE);
            assert_eq!(imported.identity, None);
            Answer {
                object: self.value(imported.state),
                private: imported.private,
                diagnostics: vec![],
            }
        });
        (imported, answer.diagnostics)
    }

    /// Upgrades a state of an older schema version.
    pub async fn upgrade(&self, version: i64, state: pb::RawState) -> Answer {
        let request = pb::upgrade_resource_state::Request {
            type_name: RESOURCE_TYPE.to_owned(),
            version,
            raw_state: Some(state),
        };
        let answer = self.client().upgrade_resource_state(request).await.unwrap();
        let answer = answer.into_inner();
        Answer {
            object: self.value(answer.upgraded_state),
            private: vec![],
            diagnostics: answer.diagnostics,
        }
    }

    /// Stops the provider's running operations.
    pub async fn stop(&self) {
        let request = pb::stop_provider::Request {};
        let stopped = self.client().stop_provider(request).await.unwrap();
        assert_eq!(stopped.into_inner().error, "");
    }

    /// A separate client for one call, so that calls can run concurrently.
    pub fn client(&self) -> ProviderClient<Channel> {
        self.client.clone()
    }

    /// Encodes an object.
    pub fn wire(&self, object: &Value) -> Option<pb::DynamicValue> {
        let kind = self.schema.block.value_type();
        Some(pb::DynamicValue {
            msgpack: msgpack::encode(&self.schema.block.complete(object.clone()), &kind).unwrap(),
            json: vec![],
        })
    }

    /// Decodes an object. Every attribute must be present.
    pub fn value(&self, sent: Option<pb::DynamicValue>) -> Value {
        let Some(sent) = sent else {
            return Value::Null;
        };
        assert_eq!(sent.json, b"", "answers must be MessagePack");
        msgpack::decode(&sent.msgpack, &self.schema.block.value_type()).unwrap()
    }
}

impl Answer {
    /// The diagnostics, one line each: severity, path, summary.
    pub fn lines(&self) -> Vec<String> {
        lines(&self.diagnostics)
    }
}

/// Formats diagnostics, one line each: severity, path, summary.
pub fn lines(diagnostics: &[pb::Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let severity = match diagnostic.severity() {
                pb::diagnostic::Severity::Error => "error",
                pb::diagnostic::Severity::Warning => "warning",
                pb::diagnostic::Severity::Invalid => panic!("hosts don't show {diagnostic:?}"),
            };
            match &diagnostic.attribute {
                None => format!("{severity}: {}", diagnostic.summary),
                Some(path) => {
                    let path: String = path.steps.iter().map(step_text).collect();
                    format!("{severity} at {path}: {}", diagnostic.summary)
                }
            }
        })
        .collect()
}

fn step_text(step: &pb::attribute_path::Step) -> String {
    use pb::attribute_path::step::Selector;
    match step.selector.as_ref().unwrap() {
        Selector::AttributeName(name) => format!(".{name}"),
        Selector::ElementKeyString(key) => format!("[{key:?}]"),
        Selector::ElementKeyInt(index) => format!("[{index}]"),
    }
}

/// Serves a provider in process and connects to it.
pub async fn connect(provider: Arc<dyn Provider>) -> ProviderClient<Channel> {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let incoming = stream::iter([Ok::<_, io::Error>(theirs)]).chain(stream::pending());
    let service = ProviderService::new(provider).into_server();
    tokio::spawn(
        Server::builder()
            .add_service(service)
            .serve_with_incoming(incoming),
    );

    let mut ours = Some(ours);
    let connector = tower::service_fn(move |_| {
        let connection = ours.take().ok_or(io::ErrorKind::NotConnected);
        async move { Ok::<_, io::Error>(TokioIo::new(connection?)) }
    });
    let channel = Endpoint::from_static("http://provider")
        .connect_with_connector(connector)
        .await
        .unwrap();
    ProviderClient::new(channel)
        .max_decoding_message_size(MAX_RECEIVED)
        .max_encoding_message_size(usize::MAX)
}
