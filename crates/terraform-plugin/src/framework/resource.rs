//! Managed resources.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::Context;
use crate::schema::{IdentitySchema, Schema};
use crate::value::{AttributePath, Value};

/// A managed resource.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// Its name in configurations.
    fn type_name(&self) -> &str;

    /// Its schema.
    fn schema(&self) -> &Schema;

    /// Checks a configuration beyond its schema, without any network: all findings at once, each
    /// with its path. Values may be unknown; what is unknown is not judged.
    async fn validate_config(&self, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Decides what apply will do. Not called for a destroy.
    async fn plan(&self, context: &Context, request: PlanRequest) -> PlanResponse;

    /// Creates the object that `planned` describes. Whatever exists by the time of an error has
    /// been recorded in `recorder`.
    async fn create(
        &self,
        context: &Context,
        request: ApplyRequest,
        recorder: &Recorder,
    ) -> ApplyResult;

    /// Reads the object again. A [`None`] state means that it is gone.
    async fn read(&self, context: &Context, request: ReadRequest) -> ReadResponse;

    /// Changes the object from `prior` to `planned`.
    async fn update(
        &self,
        context: &Context,
        request: ApplyRequest,
        recorder: &Recorder,
    ) -> ApplyResult;

    /// Removes the object; `planned` and `config` are null. What is left by the time of an error
    /// has been recorded in `recorder`.
    async fn delete(
        &self,
        context: &Context,
        request: ApplyRequest,
        recorder: &Recorder,
    ) -> Result<Diagnostics, Diagnostics>;

    /// Turns what the user names an object by into a state from which [`Resource::read`] can go on.
    async fn import(
        &self,
        context: &Context,
        request: ImportRequest,
    ) -> Result<Imported, Diagnostics>;

    /// Turns a state of an older schema version, as JSON, into one of the current version. States
    /// of the current version don't come here.
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

    /// The shape of the identity of its objects, where they have one.
    fn identity_schema(&self) -> Option<&IdentitySchema> {
        None
    }

    /// The identity of the object with this state or plan. Of a plan it may be unknown, as a whole
    /// or in part; of a state, however incomplete, it is whole. It follows from what never changes
    /// without a replacement, and from nothing that the service or anybody else might spell otherwise
    /// the next time.
    fn identity(&self, _state: &Value) -> Value {
        Value::Null
    }

    /// Turns an identity of an older schema version, as JSON, into one of the current version.
    async fn upgrade_identity(
        &self,
        version: i64,
        _identity: serde_json::Value,
    ) -> Result<Value, Diagnostics> {
        Err(Diagnostic::error(
            "Unknown identity version",
            format!("No release of this provider has written identities of version {version}."),
        )
        .into())
    }

    /// A configuration for an object with this state, that is valid and leaves nothing to do.
    fn generate_config(&self, state: Value) -> Value {
        self.schema().block.configuration_of(state)
    }
}

/// What [`Resource::plan`] decides on. `prior` is null for a create.
#[derive(Debug)]
pub struct PlanRequest {
    /// The last known state, or null.
    pub prior: Value,
    /// Config merged with prior by the host: configured attributes from config, others from prior.
    pub proposed: Value,
    /// The configuration; may hold unknowns.
    pub config: Value,
    /// The private data stored with `prior`.
    pub prior_private: Vec<u8>,
}

/// A plan.
#[derive(Debug, Default)]
pub struct PlanResponse {
    /// The state after apply, as far as it is known. Ignored where `diagnostics` has an error.
    pub planned: Value,
    /// Attributes whose change can't be made in place.
    pub requires_replace: Vec<AttributePath>,
    /// Private data for apply.
    pub private: Vec<u8>,
    /// What there is to say.
    pub diagnostics: Diagnostics,
}

/// What create, update and delete are given.
#[derive(Debug)]
pub struct ApplyRequest {
    /// The state before, null for a create.
    pub prior: Value,
    /// The plan, null for a delete.
    pub planned: Value,
    /// The configuration, null for a delete. The only place where write-only values stand.
    pub config: Value,
    /// The private data of the plan.
    pub planned_private: Vec<u8>,
}

/// What create and update return: the new state, or the errors; then the state is what the
/// recorder holds.
pub type ApplyResult = Result<Applied, Diagnostics>;

/// The outcome of a successful create or update.
#[derive(Debug, Default)]
pub struct Applied {
    /// The whole state, nothing unknown.
    pub state: Value,
    /// Private data to store with it.
    pub private: Vec<u8>,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

impl From<Value> for Applied {
    /// Done, with nothing private to store and nothing to say.
    fn from(state: Value) -> Self {
        Self {
            state,
            ..Self::default()
        }
    }
}

/// What [`Resource::read`] is given.
#[derive(Debug)]
pub struct ReadRequest {
    /// The state to refresh, never null.
    pub current: Value,
    /// The private data stored with it.
    pub private: Vec<u8>,
}

/// What [`Resource::read`] found.
#[derive(Debug, Default)]
pub struct ReadResponse {
    /// The state as it is now; [`None`] where the object is gone. Ignored where `diagnostics` has
    /// an error: the host then keeps the old one.
    pub state: Option<Value>,
    /// Private data to store with it.
    pub private: Vec<u8>,
    /// What there is to say.
    pub diagnostics: Diagnostics,
}

impl From<Result<Option<Value>, Diagnostics>> for ReadResponse {
    /// What was found, with nothing private to store; or what went wrong.
    fn from(found: Result<Option<Value>, Diagnostics>) -> Self {
        let (state, diagnostics) = match found {
            Ok(state) => (state, Diagnostics::new()),
            Err(diagnostics) => (None, diagnostics),
        };
        Self {
            state,
            diagnostics,
            ..Self::default()
        }
    }
}

/// What the user names an object by.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportRequest {
    /// By an id.
    Id(String),
    /// By its identity: what [`IdentitySchema`] requires is there, the rest may be null.
    Identity(Value),
}

/// What an import starts from.
#[derive(Debug)]
pub struct Imported {
    /// A state with every attribute present, null where unknown to us yet.
    pub state: Value,
    /// Private data.
    pub private: Vec<u8>,
}

impl From<Value> for Imported {
    /// A state without private data.
    fn from(state: Value) -> Self {
        Self {
            state,
            private: Vec::new(),
        }
    }
}

/// Where a create, update or delete notes what exists, as soon as it does. After an error, a
/// panic or an interrupt this is what reaches the state.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Option<Recorded>>>);

/// What a [`Recorder`] holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The state, nothing unknown.
    pub state: Value,
    /// Private data.
    pub private: Vec<u8>,
}

impl Recorder {
    /// Notes what exists now, in place of what was noted before.
    pub fn record(&self, state: Value, private: Vec<u8>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Recorded { state, private });
    }

    /// What was noted last.
    pub fn last(&self) -> Option<Recorded> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
