//! The resource `acr_continuous_patching_workflow`, in the order of its operations: validate, plan, create,
//! read, update, delete, import.

use std::sync::Arc;

use async_trait::async_trait;

use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{
    ApplyRequest, ApplyResult, Context, GeneratedConfig, ImportRequest, Imported, PlanRequest,
    PlanResponse, ReadRequest, ReadResponse, Recorder, Resource,
};
use terraform_plugin::model::Model as _;
use terraform_plugin::schema::{IdentitySchema, Schema};
use terraform_plugin::value::Value;

use uuid::Uuid;

use crate::azure::acr::Right;
use crate::azure::run::Run;
use crate::azure::{Look, RegistryClient};
use crate::provider::common::registry_id;
use crate::provider::common::timeouts::Operation;
use crate::provider::connection::Connection;
use crate::provider::registry_claims::Claimed;
use crate::provider::registry_locks::RegistryGuard;
use crate::provider::report;
use crate::provider::workflow::config::Config;
use crate::provider::workflow::existing::{note_kept, refuse_existing, refuse_kept};
use crate::provider::workflow::inspect::inspect;
use crate::provider::workflow::model::State;
use crate::provider::workflow::plan::Act;
use crate::provider::workflow::private_data::PrivateData;
use crate::provider::workflow::reconcile::{Apply, reconcile};
use crate::provider::workflow::state_recorder::StateRecorder;
use crate::provider::workflow::{
    TYPE_NAME, generate_config, identity, left_active, names, notices, plan, schema, state,
    validate,
};
use crate::workflow::observe::{KnownPolicy, PolicyRead, observe};
use crate::workflow::ownership::find_owned;
use crate::workflow::recorded_writes::Writer;
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

    async fn validate_config(&self, _: &Context, config: &Value) -> Diagnostics {
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
        let claims = self.connection.claims();
        let conflict = match (&prior, act) {
            (Some(prior), Act::Update) => note_kept(claims, prior, &private),
            _ => None,
        };
        if let Err(refused) = refuse_kept(claims, &config, act, &request.prior_private) {
            return PlanResponse {
                diagnostics: refused.into(),
                ..PlanResponse::default()
            };
        }
        let inspected = inspect(
            &self.connection,
            context,
            &request.config,
            &config,
            prior.as_ref(),
            act,
        )
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
        response.diagnostics.extend(conflict);
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
        let policy = PolicyRead::Later(planned.login_server.clone());
        let observed = observe(&registry, policy)
            .await
            .map_err(|error| report::failure(CREATE, &error))?
            .ok_or_else(|| registry_id::not_found(&planned.registry_id))?;
        refuse_existing(
            self.connection.claims(),
            &observed,
            &planned,
            &request.planned_private,
        )?;
        let id = planned.registry_id.clone();
        let mark = Uuid::new_v4().to_string();
        let apply = Apply {
            summary: CREATE,
            request: &request,
            planned,
            mark: &mark,
        };
        let created = reconcile(&registry, apply, observed, recorder).await;
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
            let observed = observe(&registry, read_known(&current, &before, Right::Pull)).await;
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
            Ok((current, Some(mut observed))) => {
                if let Some(registry) = observed.registry.take() {
                    let id = &current.registry_id;
                    self.connection.note_registry(id, registry);
                }
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
        let observed = observe(&registry, read_known(&prior, &private, Right::Push))
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
        reconcile(&registry, apply, observed, recorder).await
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
        let registry = identity::named(&request)?.to_string();
        self.connection.claims().import(&registry);
        let private = PrivateData {
            created_by: Some(Uuid::new_v4().to_string()),
            ..PrivateData::default()
        };
        Ok(Imported {
            state: State::imported(registry).write(),
            private: private.write(),
        })
    }

    fn identity_schema(&self) -> Option<&IdentitySchema> {
        Some(&self.identity)
    }

    fn identity(&self, state: &Value) -> Value {
        identity::of(state.get(names::REGISTRY_ID))
    }

    fn is_same_identity(&self, stored: &Value, now: &Value) -> bool {
        identity::is_same(stored, now)
    }

    fn generate_config(&self, state: Value) -> GeneratedConfig {
        generate_config::configuration(&self.schema, state)
    }

    // Only version 0 has ever been written, and it needs no upgrade.
    async fn upgrade_state(
        &self,
        _: &Context,
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

    /// Notes that a resource in the state manages the workflow.
    ///
    /// # Errors
    /// Another resource has taken the workflow over.
    fn manage(&self, state: &State, private: &PrivateData) -> Result<(), Diagnostic> {
        let mark = private.created_by.as_deref();
        let managed = self.connection.claims().manage(&state.registry_id, mark);
        managed.map_err(|Claimed| notices::already_managed(&state.registry_id))
    }
}

/// Reads the policy, unless its manifest is the one in state and private data.
fn read_known(state: &State, private: &PrivateData, right: Right) -> PolicyRead {
    PolicyRead::Read(KnownPolicy {
        login_server: state.login_server.clone(),
        policy: private.policy_manifest.clone().zip(state.policy()),
        look: Look::Twice,
        right,
    })
}
