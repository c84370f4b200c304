//! The resource `acr_continuous_patching_workflow`: the order of its acts: validate, plan, create, read,
//! update, delete, import.

use std::sync::Arc;

use async_trait::async_trait;

use crate::http::Budget;
use crate::patching::Policy;
use crate::provider::connection::Connection;
use crate::provider::report;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{
    ApplyRequest, ApplyResult, Context, ImportRequest, Imported, PlanRequest, PlanResponse,
    ReadRequest, ReadResponse, Recorder, Resource,
};
use terraform_plugin::schema::{IdentitySchema, Schema};
use terraform_plugin::value::Value;

use crate::provider::common::timeouts;
use crate::provider::workflow::model::{Config, Field, Preflight, State};
use crate::provider::workflow::plan::Act;
use crate::provider::workflow::preflight::Inspected;
use crate::provider::workflow::progress::Progress;
use crate::provider::workflow::work::{Work, known};
use crate::provider::workflow::{
    TYPE_NAME, generate_config, identity, names, notices, plan, preflight, schema, state, validate,
};
use crate::workflow::consistency::{self, Settled};
use crate::workflow::observe::{Known, Policies};
use crate::workflow::ownership::owned;
use crate::workflow::registry_facts::Private;
use crate::workflow::teardown;

/// The resource.
#[derive(Debug)]
pub(crate) struct ContinuousPatchingWorkflow {
    connection: Arc<Connection>,
    schema: Schema,
    identity: IdentitySchema,
}

impl ContinuousPatchingWorkflow {
    /// The resource, working through `connection`.
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
        let prior = (!request.prior.is_null()).then(|| State::read(&request.prior));
        let config = Config::read(&request.config);
        let act = plan::act(&config, prior.as_ref());
        let inspected = self
            .inspect(context, &request.config, &config, prior.as_ref(), act)
            .await;
        let mut private = Private::read(&request.prior_private);
        if act != Act::Update {
            private = Private::default();
        }
        private.facts = inspected.facts.or(private.facts);
        let mut response = plan::plan(&request.config, prior.as_ref(), &private);
        response.diagnostics.extend(inspected.findings);
        response
    }

    async fn create(
        &self,
        context: &Context,
        request: ApplyRequest,
        recorder: &Recorder,
    ) -> ApplyResult {
        let planned = State::read(&request.planned);
        let work = Work::begin(&self.connection, context, &planned, names::CREATE)?;
        let _turn = work.turn(&self.connection, CREATE).await?;
        let observed = work
            .observe(Policies::Read(Known {
                login_server: planned.login_server.clone(),
                policy: None,
            }))
            .await
            .map_err(|error| report::failure(CREATE, &error))?
            .ok_or_else(|| notices::no_such_registry(&planned.registry_id))?;
        if !observed.tasks.is_empty() {
            return Err(notices::already_exists(&observed.facts.id).into());
        }
        work.reconcile(CREATE, &request, planned, &observed, recorder)
            .await
    }

    async fn read(&self, context: &Context, request: ReadRequest) -> ReadResponse {
        let current = State::read(&request.current);
        // A plan with a provider block that isn't known yet goes on with what was there last.
        if self.connection.is_unknown() {
            return ReadResponse {
                state: Some(request.current),
                private: request.private,
                ..ReadResponse::default()
            };
        }
        let read = async {
            let work = Work::begin(&self.connection, context, &current, names::READ)?;
            work.observe(known(&current, &request.private))
                .await
                .map_err(|error| report::failure("Could not read the workflow", &error))
        };
        match read.await {
            Ok(Some(observed)) => {
                let before = Private::read(&request.private);
                let recorded = before.recorded(&current);
                let owned = owned(&observed, &current.registry_id, &recorded);
                let state = state::refreshed(&observed, &owned, &current);
                let private = observed.private(&owned);
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
            Ok(None) => {
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
        let planned = State::read(&request.planned);
        let work = Work::begin(&self.connection, context, &planned, names::UPDATE)?;
        let _turn = work.turn(&self.connection, UPDATE).await?;
        let observed = work
            .observe(known(
                &State::read(&request.prior),
                &request.planned_private,
            ))
            .await
            .map_err(|error| report::failure(UPDATE, &error))?
            .ok_or_else(|| notices::no_such_registry(&planned.registry_id))?;
        work.reconcile(UPDATE, &request, planned, &observed, recorder)
            .await
    }

    async fn delete(
        &self,
        context: &Context,
        request: ApplyRequest,
        recorder: &Recorder,
    ) -> Result<Diagnostics, Diagnostics> {
        const SUMMARY: &str = "Could not remove the whole workflow";
        let prior = State::read(&request.prior);
        let work = Work::begin(&self.connection, context, &prior, names::DELETE)?;
        let _turn = work.turn(&self.connection, SUMMARY).await?;
        let observed = work
            .observe(Policies::Skip)
            .await
            .map_err(|error| report::failure(SUMMARY, &error))?;
        // Without the registry nothing of the workflow is left either.
        let Some(observed) = observed else {
            return Ok(Diagnostics::new());
        };
        let recorded = Private::read(&request.planned_private).recorded(&prior);
        let owned = owned(&observed, &prior.registry_id, &recorded);
        let mut left = state::of(&observed, &owned, &prior);
        left.keep_unlisted(&observed, &prior);
        let progress = Progress::new(&observed, &owned, left, &prior, recorder);
        let failures = teardown::tear_down(work.site(&progress), &observed, &owned, &prior).await;
        if failures.is_empty() {
            Ok(
                match consistency::until_gone(&work, &prior, &recorded).await {
                    Settled::Yes => Diagnostics::new(),
                    Settled::NotYet => notices::not_shown_yet(&observed.facts.id).into(),
                },
            )
        } else {
            Err(report::failures(SUMMARY, &failures))
        }
    }

    async fn import(
        &self,
        _context: &Context,
        request: ImportRequest,
    ) -> Result<Imported, Diagnostics> {
        let registry = identity::named(&request)?;
        let state = State {
            registry_id: registry.to_string(),
            ..State::default()
        };
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

    // NO-OP: version 0 is the first.
    async fn upgrade_state(
        &self,
        version: i64,
        _state: serde_json::Value,
    ) -> Result<Value, Diagnostics> {
        Err(Diagnostic::error(
            "Unknown state version",
            format!("No release of this provider has written states of version {version}."),
        )
        .into())
    }
}

const CREATE: &str = "Could not create the whole workflow";
const UPDATE: &str = "Could not update the whole workflow";

impl ContinuousPatchingWorkflow {
    /// Looks at the registry, where that can change what is planned or what there is to say of it:
    /// before a create, and before another policy. Nothing is seen while the registry or the
    /// provider block aren't known, or when the user doesn't want anything to be looked up.
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
        let preflight = config.preflight.clone().or(Preflight::Warn);
        let (Some(azure), Field::Known(id), Some(preflight)) =
            (self.connection.if_ready(), &config.registry_id, preflight)
        else {
            return Inspected::default();
        };
        let needed = act != Act::Update || (policy.is_some() && another_policy);
        let (true, Ok(registry)) = (needed && preflight != Preflight::Off, id.parse()) else {
            return Inspected::default();
        };
        let timeout = timeouts::of(raw.get(names::TIMEOUTS), names::READ);
        let budget = Budget::new(timeout, context.cancelled.clone());
        let gone = self.connection.was_gone(id);
        let site = preflight::Site {
            azure: &azure,
            budget: &budget,
            registry: &registry,
            preflight,
        };
        match site.inspect(policy.as_ref()).await {
            Err(error) if error.is_not_found() && gone => Inspected::default(),
            Err(error) if error.is_not_found() => notices::no_such_registry(id).into(),
            Err(error) => report::failure("Could not look up the registry", &error).into(),
            Ok(inspected) => inspected,
        }
    }
}
