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

use uuid::Uuid;

use crate::azure::run::Run;
use crate::azure::{Error, Look, RegistryClient, RegistryId};
use crate::patching::{Policy, TaskName};
use crate::provider::common::registry_id;
use crate::provider::common::timeouts::{Operation, Timeouts};
use crate::provider::connection::Connection;
use crate::provider::registry_claims::Claimed;
use crate::provider::registry_locks::RegistryGuard;
use crate::provider::report;
use crate::provider::workflow::config::Config;
use crate::provider::workflow::existing::{self, Existing};
use crate::provider::workflow::model::State;
use crate::provider::workflow::plan::Act;
use crate::provider::workflow::preflight::{Inspected, Preflight};
use crate::provider::workflow::private_data::PrivateData;
use crate::provider::workflow::reconcile::{Apply, reconcile};
use crate::provider::workflow::state_recorder::StateRecorder;
use crate::provider::workflow::{
    TYPE_NAME, generate_config, identity, left_active, names, notices, plan, preflight, schema,
    state, validate,
};
use crate::workflow::observe::{KnownPolicy, Observed, PolicyRead, observe};
use crate::workflow::ownership::find_owned;
use crate::workflow::recorded_writes::Writer;
use crate::workflow::task_drift::mark;
use crate::workflow::teardown::remove;

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
        let mut private = PrivateData::read(&request.prior_private);
        let claimed = match (&prior, act) {
            (Some(prior), Act::Update) => {
                let mark = private.created_by.as_deref();
                let claims = self.connection.claims();
                claims.manage(&prior.registry_id, mark).err()
            }
            _ => None,
        };
        let inspected = self
            .inspect(context, &request.config, &config, prior.as_ref(), act)
            .await;
        if act != Act::Update {
            private = PrivateData {
                start_time: inspected.start_time,
                is_claimed: inspected.is_claimed,
                ..PrivateData::default()
            };
        }
        private.facts = inspected.facts.or(private.facts);
        let mut response = plan::plan(&request.config, &config, act, prior.as_ref(), &private);
        response.diagnostics.extend(inspected.findings);
        if let (Some(Claimed), Some(prior)) = (claimed, &prior) {
            let claimed = notices::already_managed(&prior.registry_id);
            response.diagnostics.push(claimed);
        }
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
            // If the answer is wrong, the create pushes the same policy again.
            look: Look::Once,
        };
        let observed = observe(&registry, PolicyRead::Read(known))
            .await
            .map_err(|error| report::failure(CREATE, &error))?
            .ok_or_else(|| registry_id::not_found(&planned.registry_id))?;
        self.refuse_existing(&observed, &planned, &request.planned_private)?;
        let id = planned.registry_id.clone();
        let mark = Uuid::new_v4().to_string();
        let apply = Apply {
            summary: CREATE,
            request: &request,
            planned,
            mark: &mark,
        };
        let created = reconcile(&registry, apply, &observed, recorder).await;
        if recorder.last().is_some() {
            self.connection.claims().create(&id, &mark);
        }
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
            let mark = before.created_by.as_deref();
            let claims = self.connection.claims();
            match &observed {
                Some(_) => claims
                    .manage(&current.registry_id, mark)
                    .map_err(|Claimed| notices::already_managed(&current.registry_id))?,
                None => claims.release(&current.registry_id),
            }
            Ok::<_, Diagnostic>((current, observed))
        };
        match read.await {
            Ok((current, Some(observed))) => {
                let owned = find_owned(&observed, &current.recorded(&before));
                let state = state::refreshed(&observed, &owned, &current);
                let start_time = state.as_ref().and_then(|state| state.start_time);
                let start_time = start_time.or(before.start_time);
                let private = PrivateData::of(&observed, start_time).keeping(&before);
                let unchanged = state.as_ref() == Some(&current) && private.agrees_with(&before);
                let policy = notices::unreadable_policy(&observed);
                let preview = notices::preview_tasks(&observed);
                ReadResponse {
                    diagnostics: policy.into_iter().chain(preview).collect(),
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
        self.manage(&prior, &private)?;
        let observed = observe(&registry, read_known(&prior, &private))
            .await
            .map_err(|error| report::failure(UPDATE, &error))?
            .ok_or_else(|| registry_id::not_found(&planned.registry_id))?;
        let mark = Uuid::new_v4().to_string();
        let apply = Apply {
            summary: UPDATE,
            request: &request,
            planned,
            mark: &mark,
        };
        reconcile(&registry, apply, &observed, recorder).await
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
        let private = PrivateData::read(&request.planned_private);
        self.manage(&prior, &private)?;
        let observed = observe(&registry, PolicyRead::Skip)
            .await
            .map_err(|error| report::failure(SUMMARY, &error))?;
        let claims = self.connection.claims();
        // The workflow was deleted along with the registry.
        let Some(observed) = observed else {
            claims.release(&prior.registry_id);
            return Ok(Diagnostics::new());
        };
        let recorded = prior.recorded(&private);
        let owned = find_owned(&observed, &recorded);
        let mut left = state::of(&observed, &owned, &prior);
        left.keep_unlisted(&observed, &prior, &recorded);
        let facts = observed.facts.clone();
        let progress = StateRecorder::new(&observed, left, &prior, &private, recorder);
        let writer = Writer {
            registry: &registry,
            login_server: &facts.login_server,
            progress: &progress,
        };
        let removed = remove(writer, &observed, &recorded).await;
        let left = |runs: &[Run]| left_active::after_destroy(&facts.id, runs);
        match removed {
            Ok(runs) => {
                claims.release(&prior.registry_id);
                Ok(left(&runs).into_iter().collect())
            }
            Err(remains) => {
                if let Some(seen) = remains.seen {
                    let owned = find_owned(&seen, &recorded);
                    let private = PrivateData::of(&seen, prior.start_time).keeping(&private);
                    let state = state::of(&seen, &owned, &prior);
                    recorder.record(state.write(), private.write());
                }
                let mut diagnostics = report::failures(SUMMARY, &remains.failures);
                diagnostics.extend(left(&remains.left_active));
                Err(diagnostics)
            }
        }
    }

    async fn import(
        &self,
        _context: &Context,
        request: ImportRequest,
    ) -> Result<Imported, Diagnostics> {
        let registry = identity::named(&request)?;
        // No other resource in the state has it, because a host refuses such an import.
        self.connection.claims().release(&registry.to_string());
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

const LOOK_UP: &str = "Could not look up the registry";
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

    /// Notes that a resource in the state manages the workflow.
    ///
    /// # Errors
    /// Another resource has taken the workflow over.
    fn manage(&self, state: &State, private: &PrivateData) -> Result<(), Diagnostic> {
        let mark = private.created_by.as_deref();
        let managed = self.connection.claims().manage(&state.registry_id, mark);
        managed.map_err(|Claimed| notices::already_managed(&state.registry_id))
    }

    /// Refuses to create what exists, unless an interrupted apply left it or the create takes it over.
    fn refuse_existing(
        &self,
        observed: &Observed,
        planned: &State,
        private: &[u8],
    ) -> Result<(), Diagnostic> {
        let trigger = observed.tasks.get(&TaskName::Trigger);
        let is_unfinished = trigger.is_some_and(|trigger| mark(trigger).is_some());
        if observed.tasks.is_empty() || is_unfinished {
            return Ok(());
        }
        let id = observed.facts.id.as_written();
        let is_claimed = self.connection.claims().is_claimed(&planned.registry_id);
        match (
            PrivateData::read(private).is_claimed,
            planned.adopt_existing,
        ) {
            (true, _) => Err(notices::already_managed(id)),
            (false, true) if is_claimed => Err(notices::already_managed(id)),
            (false, true) => Ok(()),
            (false, false) => Err(notices::already_exists(id)),
        }
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
        let existing = async {
            match act {
                Act::Update => Ok(None),
                Act::Create | Act::Replace => existing::look(&registry).await,
            }
        };
        let inspected = preflight::inspect(&registry, policy.as_ref(), preflight);
        let (inspected, existing) = futures::join!(inspected, existing);
        let mut inspected = match inspected {
            Err(error) if error.is_gone() && gone => Inspected::default(),
            Err(error) if error.is_gone() => registry_id::not_found(id).into(),
            // No destroy works without a sign-in either.
            Err(error @ Error::SignIn(_)) => return report::failure(LOOK_UP, &error).into(),
            Err(error) => report::failure(LOOK_UP, &error).into(),
            Ok(inspected) => inspected,
        };
        if act != Act::Update {
            // If the tasks can't be listed, the apply reports it.
            self.consider(
                existing.ok().flatten(),
                registry.id(),
                config,
                &mut inspected,
            );
        }
        inspected.with_way_out()
    }

    /// Adds what a plan that creates the workflow says about the existing one.
    fn consider(
        &self,
        existing: Option<Existing>,
        registry: &RegistryId,
        config: &Config,
        inspected: &mut Inspected,
    ) {
        let adopts = config.adopt_existing.or(false) == Some(true);
        let is_finished = existing.as_ref().is_some_and(|it| !it.is_unfinished);
        let claims = self.connection.claims();
        let planned = claims.plan(&registry.to_string(), adopts && is_finished);
        // The resource in the state may be the one that this plan replaces.
        inspected.is_claimed = planned.is_err();
        if let Some(existing) = existing
            && !inspected.is_claimed
        {
            inspected.start_time = existing.start_time.filter(|_| adopts);
            let finding = existing.finding(registry, adopts);
            inspected.findings.extend(finding);
        }
    }
}

/// Reads the policy, unless its manifest is the one in state and private data.
fn read_known(state: &State, private: &PrivateData) -> PolicyRead {
    PolicyRead::Read(KnownPolicy {
        login_server: state.login_server.clone(),
        policy: private.policy_manifest.clone().zip(state.policy()),
        look: Look::Twice,
    })
}
