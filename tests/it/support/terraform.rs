//! A Terraform with one resource in its state: it plans, applies, refreshes, imports and destroys
//! as Terraform Core does, over gRPC, and fails the test where Core would blame the provider.

use std::sync::Arc;

use terraform_provider_acr::framework::Provider;
use terraform_provider_acr::provider::{AcrProvider, Environment};
use terraform_provider_acr::rpc::generated as pb;
use terraform_provider_acr::rpc::generated::provider_client::ProviderClient;
use terraform_provider_acr::schema::{Block, IdentitySchema};
use terraform_provider_acr::value::{Value, msgpack};
use tonic::transport::Channel;

use crate::support::core_rules;
use crate::support::host::connect;
use crate::support::wire::Wire;

const RESOURCE: &str = "acr_continuous_patching_workflow";

/// A Terraform, its provider and its state.
pub(crate) struct Terraform {
    environment: Environment,
    wire: Arc<Wire>,
    client: ProviderClient<Channel>,
    /// The shape of the resource.
    block: Block,
    identity: IdentitySchema,
    /// Whether it is one of those that know identities (Terraform and OpenTofu from 1.12 on).
    pub(crate) knows_identities: bool,
    provider_block: Block,
    /// What its configuration says in the provider block.
    arguments: Value,
    /// What the state file says of the resource.
    pub(crate) stored: Option<Stored>,
}

/// A resource in a state file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    pub(crate) state: Value,
    /// Null where the host doesn't know identities.
    pub(crate) identity: Value,
    private: Vec<u8>,
    /// Its create has failed: the next apply replaces it.
    pub(crate) tainted: bool,
}

/// What to do about a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Nothing,
    Create,
    Update,
    Replace,
}

/// A plan for the resource.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) action: Action,
    /// The state that is planned.
    pub(crate) planned: Value,
    /// What the provider has to say about it.
    pub(crate) said: Vec<pb::Diagnostic>,
    identity: Value,
    private: Vec<u8>,
}

impl Terraform {
    /// A Terraform with an empty state, whose provider runs in this environment.
    pub(crate) async fn new(environment: Environment, wire: Arc<Wire>) -> Self {
        Self::told(environment, wire, Value::object::<String>([])).await
    }

    /// The same with arguments in the provider block.
    pub(crate) async fn told(environment: Environment, wire: Arc<Wire>, arguments: Value) -> Self {
        let provider = Arc::new(AcrProvider::new(Environment::default()));
        let resources = provider.resources();
        let block = resources[0].schema().block.clone();
        let identity = resources[0].identity_schema().unwrap().clone();
        let provider_block = provider.schema().block.clone();
        let mut terraform = Self {
            environment,
            wire,
            client: connect(provider).await,
            block,
            identity,
            knows_identities: true,
            provider_block,
            arguments,
            stored: None,
        };
        terraform.restart().await;
        terraform
    }

    /// Another resource of the same process, with an empty state.
    pub(crate) fn beside(&self) -> Self {
        Self {
            environment: self.environment.clone(),
            wire: Arc::clone(&self.wire),
            client: self.client.clone(),
            block: self.block.clone(),
            identity: self.identity.clone(),
            knows_identities: self.knows_identities,
            provider_block: self.provider_block.clone(),
            arguments: self.arguments.clone(),
            stored: None,
        }
    }

    /// Starts the provider anew, as each command does.
    pub(crate) async fn restart(&mut self) {
        self.restart_with(self.arguments.clone()).await;
    }

    /// The same, this once with other arguments in the provider block.
    pub(crate) async fn restart_with(&mut self, arguments: Value) {
        let transport = Arc::clone(&self.wire) as _;
        let provider = AcrProvider::with_transport(self.environment.clone(), transport);
        self.client = connect(Arc::new(provider)).await;
        let request = pb::configure_provider::Request {
            terraform_version: "1.11.4".to_owned(),
            config: wire(&self.provider_block, &arguments),
            ..Default::default()
        };
        let answer = self.client().configure_provider(request).await.unwrap();
        assert_eq!(answer.into_inner().diagnostics, []);
    }

    /// Validates the configuration and plans what has to be done for it.
    pub(crate) async fn plan(&self, config: &Value) -> Result<Plan, Vec<pb::Diagnostic>> {
        let request = pb::validate_resource_config::Request {
            type_name: RESOURCE.to_owned(),
            config: self.wire(config),
            ..Default::default()
        };
        let valid = self.client().validate_resource_config(request).await;
        assert_eq!(valid.unwrap().into_inner().diagnostics, []);

        // What is tainted is planned as if there were nothing, and then counts as replaced.
        let stored = self.stored.as_ref();
        let usable = stored.filter(|stored| !stored.tainted);
        let prior = usable.map_or(Value::Null, |stored| stored.state.clone());
        let private = stored.map_or_else(Vec::new, |stored| stored.private.clone());
        let identity = usable.map_or(Value::Null, |stored| stored.identity.clone());
        let change = self.plan_change(&prior, &identity, private, config);
        let (planned, replace) = change.await?;
        let (action, planned) = match stored {
            None => (Action::Create, planned),
            Some(stored) if stored.tainted => (Action::Replace, planned),
            Some(stored) if planned.planned == stored.state => (Action::Nothing, planned),
            Some(_) if replace => {
                // Without the object before, but with the identity that was planned for the next.
                let identity = &planned.identity;
                let anew = self.plan_change(&Value::Null, identity, planned.private, config);
                (Action::Replace, anew.await?.0)
            }
            Some(_) => (Action::Update, planned),
        };
        Ok(Plan { action, ..planned })
    }

    /// Carries a plan out; gives what the provider had to say.
    pub(crate) async fn apply(&mut self, plan: &Plan, config: &Value) -> Vec<pb::Diagnostic> {
        if plan.action == Action::Nothing {
            return vec![];
        }
        if plan.action == Action::Replace {
            let said = self.destroy().await;
            if self.stored.is_some() {
                return said;
            }
        }
        // By now everything in the configuration is known: Core plans once more, and holds the
        // provider to what it has promised.
        let stored = self.stored.clone();
        let prior = stored
            .as_ref()
            .map_or(Value::Null, |stored| stored.state.clone());
        let identity = stored
            .as_ref()
            .map_or(Value::Null, |stored| stored.identity.clone());
        let private = stored.map_or_else(Vec::new, |stored| stored.private);
        let change = self.plan_change(&prior, &identity, private, config);
        let settled = match change.await {
            Ok((settled, _)) => settled,
            Err(diagnostics) => return diagnostics,
        };
        let broken = core_rules::broken_promises(&plan.planned, &settled.planned);
        assert_eq!(broken, [""; 0], "inconsistent final plan");
        self.apply_change(&prior, &settled, config).await
    }

    /// Plans and applies; nothing may go wrong.
    pub(crate) async fn succeed(&mut self, config: &Value) -> Plan {
        let plan = self.plan(config).await.unwrap();
        let said = self.apply(&plan, config).await;
        assert!(!has_error(&said), "{said:#?}");
        plan
    }

    /// Reads the resource again.
    pub(crate) async fn refresh(&mut self) -> Vec<pb::Diagnostic> {
        let Some(stored) = self.stored.clone() else {
            return vec![];
        };
        let request = pb::read_resource::Request {
            type_name: RESOURCE.to_owned(),
            current_state: self.wire(&stored.state),
            private: stored.private,
            current_identity: self.wire_identity(&stored.identity),
            ..Default::default()
        };
        let answer = self.client().read_resource(request).await.unwrap();
        let answer = answer.into_inner();
        let state = self.value(answer.new_state);
        let identity = self.known_identity(answer.new_identity, &state);
        if !has_error(&answer.diagnostics) {
            assert!(state.is_wholly_known(), "read returns unknown values");
            self.stored = (!state.is_null()).then_some(Stored {
                state,
                identity,
                private: answer.private,
                tainted: stored.tainted,
            });
        }
        answer.diagnostics
    }

    /// Imports the resource into an empty state.
    pub(crate) async fn import(&mut self, id: &str) -> Vec<pb::Diagnostic> {
        self.import_named(id, &Value::Null).await
    }

    /// The same, by identity.
    pub(crate) async fn import_by(&mut self, identity: &Value) -> Vec<pb::Diagnostic> {
        self.import_named("", identity).await
    }

    async fn import_named(&mut self, id: &str, identity: &Value) -> Vec<pb::Diagnostic> {
        assert_eq!(self.stored, None);
        let request = pb::import_resource_state::Request {
            type_name: RESOURCE.to_owned(),
            id: id.to_owned(),
            identity: self.wire_identity(identity),
            ..Default::default()
        };
        let answer = self.client().import_resource_state(request).await.unwrap();
        let mut answer = answer.into_inner();
        if has_error(&answer.diagnostics) {
            return answer.diagnostics;
        }
        let imported = answer.imported_resources.remove(0);
        let state = self.value(imported.state);
        self.stored = Some(Stored {
            identity: self.known_identity(imported.identity, &state),
            state,
            private: imported.private,
            tainted: false,
        });
        self.refresh().await
    }

    /// Destroys what is in the state.
    pub(crate) async fn destroy(&mut self) -> Vec<pb::Diagnostic> {
        let Some(stored) = self.stored.clone() else {
            return vec![];
        };
        let absence = Plan {
            action: Action::Nothing,
            planned: Value::Null,
            said: vec![],
            identity: Value::Null,
            private: stored.private,
        };
        self.apply_change(&stored.state, &absence, &Value::Null)
            .await
    }

    /// Interrupts whatever the provider is doing.
    pub(crate) async fn stop(client: ProviderClient<Channel>) {
        let mut client = client;
        let request = pb::stop_provider::Request {};
        client.stop_provider(request).await.unwrap();
    }

    /// The state; null where there is none.
    pub(crate) fn state(&self) -> &Value {
        self.stored
            .as_ref()
            .map_or(&Value::Null, |stored| &stored.state)
    }

    /// A client of its own for one call: calls go on beside each other.
    pub(crate) fn client(&self) -> ProviderClient<Channel> {
        self.client.clone()
    }

    /// The plan, and whether it can't be carried out in place.
    async fn plan_change(
        &self,
        prior: &Value,
        prior_identity: &Value,
        prior_private: Vec<u8>,
        config: &Value,
    ) -> Result<(Plan, bool), Vec<pb::Diagnostic>> {
        let config = self.block.complete(config.clone());
        let request = pb::plan_resource_change::Request {
            type_name: RESOURCE.to_owned(),
            prior_state: self.wire(prior),
            proposed_new_state: self.wire(&core_rules::proposed(&self.block, prior, &config)),
            config: self.wire(&config),
            prior_private,
            prior_identity: self.wire_identity(prior_identity),
            ..Default::default()
        };
        let answer = self.client().plan_resource_change(request).await.unwrap();
        let answer = answer.into_inner();
        if has_error(&answer.diagnostics) {
            return Err(answer.diagnostics);
        }
        let planned = self.value(answer.planned_state);
        let faults = core_rules::plan_faults(&self.block, prior, &config, &planned);
        assert_eq!(faults, [""; 0], "invalid plan");
        let plan = Plan {
            action: Action::Nothing,
            planned,
            said: answer.diagnostics,
            identity: self.received_identity(answer.planned_identity),
            private: answer.planned_private,
        };
        let replace = !answer.requires_replace.is_empty();
        assert!(
            prior.is_null() || replace || plan.identity.is_wholly_known(),
            "an update with an unknown identity"
        );
        Ok((plan, replace))
    }

    /// Has the provider make a change, and stores what Core would store.
    async fn apply_change(
        &mut self,
        prior: &Value,
        plan: &Plan,
        config: &Value,
    ) -> Vec<pb::Diagnostic> {
        let request = pb::apply_resource_change::Request {
            type_name: RESOURCE.to_owned(),
            prior_state: self.wire(prior),
            planned_state: self.wire(&plan.planned),
            config: self.wire(config),
            planned_private: plan.private.clone(),
            planned_identity: self.wire_identity(&plan.identity),
            ..Default::default()
        };
        let answer = self.client().apply_resource_change(request).await.unwrap();
        let answer = answer.into_inner();
        let state = self.value(answer.new_state);
        let identity = self.known_identity(answer.new_identity, &state);
        assert!(state.is_wholly_known(), "apply returns unknown values");
        let failed = has_error(&answer.diagnostics);
        if !failed && plan.planned.is_null() {
            assert!(state.is_null(), "a delete returns {state:?}");
        } else if !failed {
            let broken = core_rules::broken_promises(&plan.planned, &state);
            assert_eq!(broken, [""; 0], "inconsistent result after apply");
        }
        let was_tainted = self.stored.as_ref().is_some_and(|stored| stored.tainted);
        self.stored = (!state.is_null()).then_some(Stored {
            state,
            identity,
            private: answer.private,
            tainted: failed && (prior.is_null() || was_tainted),
        });
        answer.diagnostics
    }

    /// Has the provider work out a configuration for what is in the state.
    pub(crate) async fn generate_config(&self) -> Value {
        let request = pb::generate_resource_config::Request {
            type_name: RESOURCE.to_owned(),
            state: self.wire(self.state()),
        };
        let answer = self.client().generate_resource_config(request).await;
        let answer = answer.unwrap().into_inner();
        assert_eq!(answer.diagnostics, []);
        self.value(answer.config)
    }

    /// An identity off the wire.
    pub(crate) fn identity(&self, msgpack: &[u8]) -> Value {
        msgpack::decode(msgpack, &self.identity.value_type()).unwrap()
    }

    /// An object of the resource off the wire; null where there is none.
    pub(crate) fn object(&self, sent: Option<pb::DynamicValue>) -> Value {
        self.value(sent)
    }

    fn wire_identity(&self, identity: &Value) -> Option<pb::ResourceIdentityData> {
        (self.knows_identities && !identity.is_null()).then(|| pb::ResourceIdentityData {
            identity_data: Some(pb::DynamicValue {
                msgpack: msgpack::encode(identity, &self.identity.value_type()).unwrap(),
                json: vec![],
            }),
        })
    }

    fn received_identity(&self, sent: Option<pb::ResourceIdentityData>) -> Value {
        let known = sent.filter(|_| self.knows_identities);
        known.map_or(Value::Null, |sent| {
            let msgpack = sent.identity_data.unwrap().msgpack;
            msgpack::decode(&msgpack, &self.identity.value_type()).unwrap()
        })
    }

    /// The identity of an object, which has to be there with every object and with no absence.
    fn known_identity(&self, sent: Option<pb::ResourceIdentityData>, object: &Value) -> Value {
        let identity = self.received_identity(sent);
        assert!(identity.is_wholly_known(), "the identity is still unknown");
        let expected = self.knows_identities && !object.is_null();
        assert_eq!(
            identity.as_map().is_some(),
            expected,
            "{identity:?} of {object:?}"
        );
        identity
    }

    fn wire(&self, object: &Value) -> Option<pb::DynamicValue> {
        wire(&self.block, object)
    }

    fn value(&self, sent: Option<pb::DynamicValue>) -> Value {
        sent.map_or(Value::Null, |sent| {
            msgpack::decode(&sent.msgpack, &self.block.value_type()).unwrap()
        })
    }
}

/// Whether one of them is an error.
pub(crate) fn has_error(diagnostics: &[pb::Diagnostic]) -> bool {
    errors(diagnostics).next().is_some()
}

/// The errors among them.
pub(crate) fn errors(diagnostics: &[pb::Diagnostic]) -> impl Iterator<Item = &pb::Diagnostic> {
    diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity() == pb::diagnostic::Severity::Error)
}

/// An object of this shape for the wire, with null for what it leaves out.
pub(crate) fn wire(block: &Block, object: &Value) -> Option<pb::DynamicValue> {
    let msgpack = msgpack::encode(&block.complete(object.clone()), &block.value_type());
    Some(pb::DynamicValue {
        msgpack: msgpack.unwrap(),
        json: vec![],
    })
}
