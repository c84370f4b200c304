//! The resource `acr_continuous_patching_workflow`, in the order of its operations: validate, plan, create,
//! read, update, delete, import.

use std::sync::Arc;

use async_trait::async_trait;

use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{
    ApplyRequest, ApplyResult, Context, ImportRequest, Imported, PlanRequest, PlanResponse,
    ReadRequest, ReadResponse, Recorder, Resource,
};
use terraform_plugin::model::{Field, Model as _};
use terraform_plugin::schema::{IdentitySchema, Schema};
use terraform_plugin::value::Value;

use crate::azure::RegistryClient;
use crate::patching::Policy;
use crate::provider::common::registry_id;
use crate::provider::common::timeouts::{Operation, Timeouts};
use crate::provider::connection::Connection;
use crate::provider::registry_locks::RegistryGuard;
use crate::provider::report;
use crate::provider::workflow::config::Config;
use crate::provider::workflow::model::State;
use crate::provider::workflow::plan::Act;
use crate::provider::workflow::preflight::{Inspected, Preflight};
use crate::provider::workflow::private_data::PrivateData;
use crate::provider::workflow::reconcile::reconcile;
use crate::provider::workflow::state_recorder::StateRecorder;
use crate::provider::workflow::{
    TYPE_NAME, generate_config, identity, left_active, names, notices, plan, preflight, schema,
    state, validate,
};
use crate::workflow::consistency::{Consistency, wait_until_removed};
use crate::workflow::observe::{KnownPolicy, PolicyRead, observe};
use crate::workflow::ownership::find_owned;
use crate::workflow::recorded_writes::Writer;
use crate::workflow::teardown::tear_down;

/// The resource.
#[derive(Debug)]
pub(crate) struct ContinuousPatchingWorkflow {
    connection: Arc<Connection>,
    schema: Schema,
    identity: IdentitySchema,
}

impl ContinuousPatchingWorkflow {
    /// Creates the resource, which uses `connection`.
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            schema: schema::schema(),
            identity: identity::schema(),
        }
    }
}

#[async_trait]
impl Resource for ContinuousPatchingWorkflow {
    fn type_name(&self) -> &'static str {
        TYPE_NAME
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate_config(&self, config: &Value) -> Diagnostics {
        validate::validate(config)
    }

    async fn plan(&self, context: &Context, request: PlanRequest) -> PlanResponse {
        let prior = match (!request.prior.is_null()).then(|| State::of(&request.prior)) {
            None => None,
            Some(Ok(prior)) => Some(prior),
            Some(Err(unreadable)) => {
                return PlanResponse {
                    diagnostics: unreadable.into(),
                    ..PlanResponse::default()
                };
            }
        };
        let config = Config::read(&request.config);
        let act = plan::act(&config, prior.as_ref());
        let inspected = self
            .inspect(context, &request.config, &config, prior.as_ref(), act)
            .await;
        let mut private = PrivateData::read(&request.prior_private);
        if act != Act::Update {
            private = PrivateData::default();
        }
        private.facts = inspected.facts.or(private.facts);
        let mut response = plan::plan(&request.config, &config, act, prior.as_ref(), &private);
        response.diagnostics.extend(inspected.findings);
        response
    }

    async fn create(
        &self,
        context: &Context,
        request: ApplyRequest,
        recorder: &Recorder,
    ) -> ApplyResult {
        let planned = State::planned(&request.planned)?;
        let registry = self.open(context, &planned, Operation::Create)?;
        let _guard = self.lock(&registry, CREATE).await?;
        let known = KnownPolicy {
            login_server: planned.login_server.clone(),
            policy: None,
        };
        let observed = observe(&registry, PolicyRead::Read(known))
            .await
            .map_err(|error| report::failure(CREATE, &error))?
            .ok_or_else(|| registry_id::not_found(&planned.registry_id))?;
        if !observed.tasks.is_empty() {
            return Err(notices::already_exists(observed.facts.id.as_written()).into());
        }
        let created = reconcile(&registry, CREATE, &request, planned, &observed, recorder).await;
        created.map_err(|errors| match recorder.last() {
            Some(_) => notices::tainted(errors),
            None => errors,
        })
    }

    async fn read(&self, context: &Context, request: ReadRequest) -> ReadResponse {
        // While the provider block is unknown, the prior state stands for Azure.
        if self.connection.is_unknown() {
            return ReadResponse {
                state: Some(request.current),
                private: request.private,
                ..ReadResponse::default()
            };
        }
        let before = PrivateData::read(&request.private);
        let read = async {
            let current = State::of(&request.current)?;
            let registry = self.open(context, &current, Operation::Read)?;
            let observed = observe(&registry, read_known(&current, &before)).await;
            let observed =
                observed.map_err(|error| report::failure("Could not read the workflow", &error))?;
            Ok::<_, Diagnostic>((current, observed))
        };
        match read.await {
            Ok((current, Some(observed))) => {
                let owned = find_owned(&observed, &current.recorded(&before));
                let state = state::refreshed(&observed, &owned, &current);
                let private = PrivateData {
                    run_owed: before.run_owed,
                    ..PrivateData::of(&observed, &owned)
                };
                let unchanged = state.as_ref() == Some(&current) && private.agrees_with(&before);
                ReadResponse {
                    diagnostics: notices::unreadable_policy(&observed).into_iter().collect(),
                    state: state.map(|state| state.write()),
                    private: if unchanged {
                        request.private
                    } else {
                        private.write()
                    },
                }
            }
            Ok((current, None)) => {
                self.connection.note_gone(&current.registry_id);
                ReadResponse::default()
            }
            Err(diagnostic) => ReadResponse {
                state: Some(request.current),
                private: request.private,
                diagnostics: diagnostic.into(),
            },
        }
    }

    async fn update(
        &self,
        context: &Context,
        request: ApplyRequest,
        recorder: &Recorder,
    ) -> ApplyResult {
        let planned = State::planned(&request.planned)?;
        let registry = self.open(context, &planned, Operation::Update)?;
        let _guard = self.lock(&registry, UPDATE).await?;
        let prior = State::of(&request.prior)?;
        let private = PrivateData::read(&request.planned_private);
        let observed = observe(&registry, read_known(&prior, &private))
            .await
            .map_err(|error| report::failure(UPDATE, &error))?
            .ok_or_else(|| registry_id::not_found(&planned.registry_id))?;
        reconcile(&registry, UPDATE, &request, planned, &observed, recorder).await
    }

    async fn delete(
        &self,
        context: &Context,
        request: ApplyRequest,
        recorder: &Recorder,
    ) -> Result<Diagnostics, Diagnostics> {
        const SUMMARY: &str = "Could not delete the workflow";
        let prior = State::of(&request.prior)?;
        let registry = self.open(context, &prior, Operation::Delete)?;
        let _guard = self.lock(&registry, SUMMARY).await?;
        let observed = observe(&registry, PolicyRead::Skip)
            .await
            .map_err(|error| report::failure(SUMMARY, &error))?;
        // The workflow was deleted along with the registry.
        let Some(observed) = observed else {
            return Ok(Diagnostics::new());
        };
        let recorded = prior.recorded(&PrivateData::read(&request.planned_private));
        let owned = find_owned(&observed, &recorded);
        let mut left = state::of(&observed, &owned, &prior);
        left.keep_unlisted(&observed, &prior, &recorded);
        let writer = Writer {
            registry: &registry,
            login_server: &observed.facts.login_server,
            progress: &StateRecorder::new(&observed, &owned, left, &prior, recorder),
        };
        let torn = tear_down(writer, &observed, &owned, &recorded).await;
        let left = left_active::after_destroy(&observed.facts.id, &torn.left_active);
        let mut diagnostics = report::failures(SUMMARY, &torn.failures);
        diagnostics.extend(left);
        if diagnostics.has_error() {
            return Err(diagnostics);
        }
        if wait_until_removed(&registry, &recorded).await == Consistency::NotYet {
            diagnostics.push(notices::not_shown_yet(&observed.facts.id));
        }
        Ok(diagnostics)
    }

    async fn import(
        &self,
        _context: &Context,
        request: ImportRequest,
    ) -> Result<Imported, Diagnostics> {
        let registry = identity::named(&request)?;
        let state = State::imported(registry.to_string());
        Ok(Imported {
            state: state.write(),
            private: Vec::new(),
        })
    }

    fn identity_schema(&self) -> Option<&IdentitySchema> {
        Some(&self.identity)
    }

    fn identity(&self, state: &Value) -> Value {
        identity::of(state.get(names::REGISTRY_ID))
    }

    fn generate_config(&self, state: Value) -> Value {
        generate_config::configuration(&self.schema, state)
    }

    // NO-OP: no state has an earlier version than 0.
    async fn upgrade_state(
        &self,
        version: i64,
        _state: serde_json::Value,
    ) -> Result<Value, Diagnostics> {
        Err(Diagnostic::error(
            "Unknown state version",
            format!("This provider release cannot read state version {version}. Upgrade to the release that wrote the state."),
        )
        .into())
    }
}

const CREATE: &str = "Could not create the workflow";
const UPDATE: &str = "Could not update the workflow";

impl ContinuousPatchingWorkflow {
    /// Opens the registry of a state for one operation.
    fn open(
        &self,
        context: &Context,
        state: &State,
        operation: Operation,
    ) -> Result<RegistryClient, Diagnostic> {
        let id = registry_id::parse(&state.registry_id)?;
        tracing::info!(%operation, registry_id = %id, "working on a registry");
        self.connection
            .registry(context, id, state.timeout(operation))
    }

    /// Locks the registry's workflow against concurrent changes in this process.
    async fn lock(
        &self,
        registry: &RegistryClient,
        summary: &str,
    ) -> Result<RegistryGuard, Diagnostic> {
        let guard = self.connection.locks().lock(registry).await;
        guard.map_err(|error| report::failure(summary, &error))
    }

    /// Reads the registry before a create and before a change of the policy. Reads nothing while the
    /// registry or the provider block is unknown, or if `preflight` is `off`.
    async fn inspect(
        &self,
        context: &Context,
        raw: &Value,
        config: &Config,
        prior: Option<&State>,
        act: Act,
    ) -> Inspected {
        let policy = config.policy();
        let another_policy = policy.as_ref().map(Policy::digest)
            != prior.and_then(|prior| prior.policy_digest.clone());
        let preflight = config.preflight.or(Preflight::Warn);
        let (true, Field::Known(id), Some(preflight)) = (
            self.connection.if_ready().is_some(),
            &config.registry_id,
            preflight,
        ) else {
            return Inspected::default();
        };
        let needed = act != Act::Update || (policy.is_some() && another_policy);
        let (true, Ok(parsed)) = (needed && preflight != Preflight::Off, id.parse()) else {
            return Inspected::default();
        };
        let timeout = Timeouts::of_config(raw.get(names::TIMEOUTS)).of(Operation::Read);
        let Ok(registry) = self.connection.registry(context, parsed, timeout) else {
            return Inspected::default();
        };
        let gone = self.connection.was_gone(id);
        match preflight::inspect(&registry, policy.as_ref(), preflight).await {
            Err(error) if error.is_gone() && gone => Inspected::default(),
            Err(error) if error.is_gone() => registry_id::not_found(id).into(),
            Err(error) => report::failure("Could not look up the registry", &error).into(),
            Ok(inspected) => inspected,
        }
    }
}

/// Reads the policy, unless its manifest is the one in state and private data.
fn read_known(state: &State, private: &PrivateData) -> PolicyRead {
    PolicyRead::Read(KnownPolicy {
        login_server: state.login_server.clone(),
        policy: private.policy_manifest.clone().zip(state.policy()),
    })
}
