//! Terraform Core in process, with one resource in its state.
//!
//! It plans, applies, refreshes, imports and destroys over gRPC. It fails the test if the real Core
//! would report a bug in the provider.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use terraform_plugin::framework::Provider;
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::protocol::generated::provider_client::ProviderClient;
use terraform_plugin::schema::{Block, IdentitySchema};
use terraform_plugin::value::{Value, msgpack};
use tonic::transport::Channel;

pub use crate::core_state::{Action, Plan, Stored, errors, has_error, wire};

use crate::core_rules;
use crate::host::connect;

/// Starts a provider process that isn't configured yet, and connects to it.
type Start = Arc<dyn Fn() -> BoxFuture<'static, ProviderClient<Channel>> + Send + Sync>;

/// A Core, its provider and its state.
pub struct Core {
    start: Start,
    /// The type of the resource.
    type_name: &'static str,
    client: ProviderClient<Channel>,
    /// The schema of the resource.
    block: Block,
    identity: IdentitySchema,
    /// Whether this Core supports identities (Terraform and OpenTofu 1.12 and later).
    pub knows_identities: bool,
    provider_block: Block,
    /// The arguments in the provider block.
    arguments: Value,
    /// The resource in the state file.
    pub stored: Option<Stored>,
}

impl Core {
    /// A Core with an empty state for one resource of this type.
    ///
    /// `start` starts the provider, now and again for each [`Core::restart`]. `arguments` are the
    /// arguments of the provider block.
    pub async fn new(
        type_name: &'static str,
        arguments: Value,
        start: impl Fn() -> Arc<dyn Provider> + Send + Sync + 'static,
    ) -> Self {
        let provider = start();
        Self::connected(type_name, arguments, &*provider, move || {
            Box::pin(connect(start()))
        })
        .await
    }

    /// Like [`Core::new`], for a provider behind any connection. `provider` has the same schemas.
    pub async fn connected(
        type_name: &'static str,
        arguments: Value,
        provider: &dyn Provider,
        start: impl Fn() -> BoxFuture<'static, ProviderClient<Channel>> + Send + Sync + 'static,
    ) -> Self {
        let resources = provider.resources();
        let resource = resources.iter().find(|it| it.type_name() == type_name);
        let resource = resource.unwrap();
        let core = Self {
            block: resource.schema().block.clone(),
            identity: resource.identity_schema().unwrap().clone(),
            provider_block: provider.schema().block.clone(),
            client: start().await,
            start: Arc::new(start),
            type_name,
            knows_identities: true,
            arguments,
            stored: None,
        };
        core.configure(core.arguments.clone()).await;
        core
    }

    /// Another resource in the same provider process, with an empty state.
    pub fn another_resource(&self) -> Self {
        Self {
            start: Arc::clone(&self.start),
            type_name: self.type_name,
            client: self.client.clone(),
            block: self.block.clone(),
            identity: self.identity.clone(),
            knows_identities: self.knows_identities,
            provider_block: self.provider_block.clone(),
            arguments: self.arguments.clone(),
            stored: None,
        }
    }

    /// Restarts the provider, as each CLI command does.
    pub async fn restart(&mut self) {
        self.restart_with(self.arguments.clone()).await;
    }

    /// Restarts the provider once with other arguments in the provider block.
    pub async fn restart_with(&mut self, arguments: Value) {
        self.client = (self.start)().await;
        self.configure(arguments).await;
    }

    async fn configure(&self, arguments: Value) {
        let request = pb::configure_provider::Request {
            terraform_version: "1.11.4".to_owned(),
            config: wire(&self.provider_block, &arguments),
            ..Default::default()
        };
        let answer = self.client().configure_provider(request).await.unwrap();
        assert_eq!(answer.into_inner().diagnostics, []);
    }

    /// Validates the configuration and plans the change.
    pub async fn plan(&self, config: &Value) -> Result<Plan, Vec<pb::Diagnostic>> {
        let request = pb::validate_resource_config::Request {
            type_name: self.type_name.to_owned(),
            config: self.wire(config),
            ..Default::default()
        };
        let valid = self.client().validate_resource_config(request).await;
        assert_eq!(valid.unwrap().into_inner().diagnostics, []);

        // A tainted resource is planned as a create and then counts as a replacement.
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
                // The second plan has no prior state, but it has the planned identity of the new object.
                let identity = &planned.identity;
                let anew = self.plan_change(&Value::Null, identity, planned.private, config);
                (Action::Replace, anew.await?.0)
            }
            Some(_) => (Action::Update, planned),
        };
        Ok(Plan { action, ..planned })
    }

    /// Applies a plan and returns the provider's diagnostics.
    pub async fn apply(&mut self, plan: &Plan, config: &Value) -> Vec<pb::Diagnostic> {
        if plan.action == Action::Nothing {
            return vec![];
        }
        if plan.action == Action::Replace {
            let said = self.destroy().await;
            if self.stored.is_some() {
                return said;
            }
        }
        // During apply the whole configuration is known. Core plans again and checks that the provider
        // keeps to the first plan.
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

    /// Plans and applies without an error.
    pub async fn succeed(&mut self, config: &Value) -> Plan {
        let plan = self.plan(config).await.unwrap();
        let said = self.apply(&plan, config).await;
        assert!(!has_error(&said), "{said:#?}");
        plan
    }

    /// Refreshes the resource.
    pub async fn refresh(&mut self) -> Vec<pb::Diagnostic> {
        let Some(stored) = self.stored.clone() else {
            return vec![];
        };
        let request = pb::read_resource::Request {
            type_name: self.type_name.to_owned(),
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
    pub async fn import(&mut self, id: &str) -> Vec<pb::Diagnostic> {
        self.import_named(id, &Value::Null).await
    }

    /// Imports the resource by identity into an empty state.
    pub async fn import_by(&mut self, identity: &Value) -> Vec<pb::Diagnostic> {
        self.import_named("", identity).await
    }

    async fn import_named(&mut self, id: &str, identity: &Value) -> Vec<pb::Diagnostic> {
        assert_eq!(self.stored, None);
        let request = pb::import_resource_state::Request {
            type_name: self.type_name.to_owned(),
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

    /// Destroys the resource in the state.
    pub async fn destroy(&mut self) -> Vec<pb::Diagnostic> {
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

    /// Stops the provider's running operations.
    pub async fn stop(client: ProviderClient<Channel>) {
        let mut client = client;
        let request = pb::stop_provider::Request {};
        client.stop_provider(request).await.unwrap();
    }

    /// The state, or null if the state is empty.
    pub fn state(&self) -> &Value {
        self.stored
            .as_ref()
            .map_or(&Value::Null, |stored| &stored.state)
    }

    /// A separate client for one call, so that calls can run concurrently.
    pub fn client(&self) -> ProviderClient<Channel> {
        self.client.clone()
    }

    /// Returns the plan and whether it requires replacement.
    async fn plan_change(
        &self,
        prior: &Value,
        prior_identity: &Value,
        prior_private: Vec<u8>,
        config: &Value,
    ) -> Result<(Plan, bool), Vec<pb::Diagnostic>> {
        let config = self.block.complete(config.clone());
        let request = pb::plan_resource_change::Request {
            type_name: self.type_name.to_owned(),
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

    /// Applies a change and stores the result as Core does.
    async fn apply_change(
        &mut self,
        prior: &Value,
        plan: &Plan,
        config: &Value,
    ) -> Vec<pb::Diagnostic> {
        let request = pb::apply_resource_change::Request {
            type_name: self.type_name.to_owned(),
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

    /// Generates a configuration for the resource in the state. Returns it with the diagnostics.
    pub async fn generate_config(&self) -> (Value, Vec<pb::Diagnostic>) {
        let request = pb::generate_resource_config::Request {
            type_name: self.type_name.to_owned(),
            state: self.wire(self.state()),
        };
        let answer = self.client().generate_resource_config(request).await;
        let answer = answer.unwrap().into_inner();
        (self.value(answer.config), answer.diagnostics)
    }

    /// Decodes an identity.
    pub fn identity(&self, msgpack: &[u8]) -> Value {
        msgpack::decode(msgpack, &self.identity.value_type()).unwrap()
    }

    /// Decodes an object of the resource. A missing object is null.
    pub fn object(&self, sent: Option<pb::DynamicValue>) -> Value {
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

    /// Decodes the identity of an object. Every existing object must have one, and null must have none.
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

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("type_name", &self.type_name)
            .field("stored", &self.stored)
            .finish_non_exhaustive()
    }
}
