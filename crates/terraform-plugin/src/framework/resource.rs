//! Managed resources.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::Context;
use crate::schema::{IdentitySchema, Schema};
use crate::value::type_error::found_name;
use crate::value::{AttributePath, Value};

/// A managed resource.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// The type name in configurations.
    fn type_name(&self) -> &str;

    /// The schema.
    fn schema(&self) -> &Schema;

    /// Validates a configuration without network access, in addition to the schema checks. Returns
    /// all errors at once, each with its path. Values may be unknown. Don't check unknown values.
    async fn validate_config(&self, _context: &Context, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Plans the change that apply will make. Not called for a destroy.
    async fn plan(&self, context: &Context, request: PlanRequest) -> PlanResponse;

    /// Creates the object that `planned` describes. Before it returns an error, it must record in
    /// `recorder` what already exists.
    async fn create(
        &self,
        context: &Context,
        request: ApplyRequest,
        recorder: &Recorder,
    ) -> ApplyResult;

    /// Refreshes the object. A [`None`] state means that the object no longer exists.
    async fn read(&self, context: &Context, request: ReadRequest) -> ReadResponse;

    /// Updates the object in place from `prior` to `planned`.
    async fn update(
        &self,
        context: &Context,
        request: ApplyRequest,
        recorder: &Recorder,
    ) -> ApplyResult;

    /// Deletes the object. `planned` and `config` are null. Before it returns an error, it must record
    /// in `recorder` what still exists.
    async fn delete(
        &self,
        context: &Context,
        request: ApplyRequest,
        recorder: &Recorder,
    ) -> Result<Diagnostics, Diagnostics>;

    /// Returns a state from which [`Resource::read`] can complete the import.
    async fn import(
        &self,
        context: &Context,
        request: ImportRequest,
    ) -> Result<Imported, Diagnostics>;

    /// Upgrades a state of an older schema version, as JSON, to the current version. Not called for a
    /// state of the current version.
    async fn upgrade_state(
        &self,
        _context: &Context,
        version: i64,
        _state: serde_json::Value,
    ) -> Result<Value, Diagnostics> {
        Err(Diagnostic::error(
            "Unknown state version",
            format!(
                "No release of this provider has written a state of schema version {version}. \
                 Restore the state from a backup, or remove the resource from it and import the \
                 object again."
            ),
        )
        .into())
    }

    /// The schema of the resource identity, if the resource has one.
    fn identity_schema(&self) -> Option<&IdentitySchema> {
        None
    }

    /// The identity of the object with this state or plan.
    ///
    /// For a plan it may be unknown, as a whole or in part. For a state it must be complete, even if
    /// the state is partial. Derive it only from attributes whose change requires replacement. Don't
    /// derive it from values that the API may return with another spelling.
    fn identity(&self, _state: &Value) -> Value {
        Value::Null
    }

    /// Whether two identities name the same object. The host's stored identity then stays as it is, because
    /// hosts don't allow it to change. Override it if an API ignores the letter case of its IDs.
    fn is_same_identity(&self, stored: &Value, now: &Value) -> bool {
        stored == now
    }

    /// Upgrades an identity of an older schema version, as JSON, to the current version.
    async fn upgrade_identity(
        &self,
        _context: &Context,
        version: i64,
        _identity: serde_json::Value,
    ) -> Result<Value, Diagnostics> {
        Err(Diagnostic::error(
            "Unknown identity version",
            format!(
                "No release of this provider has written an identity of schema version {version}. \
                 Restore the state from a backup, or remove the resource from it and import the \
                 object again."
            ),
        )
        .into())
    }

    /// Generates a configuration for this state. A plan with it must show no changes. If a plan would not
    /// accept it, warn and name what the user must complete.
    fn generate_config(&self, state: Value) -> GeneratedConfig {
        self.schema().block.configuration_of(state).into()
    }
}

/// The request of [`Resource::plan`].
#[derive(Debug)]
pub struct PlanRequest {
    /// The prior state, null for a create.
    pub prior: Value,
    /// The proposed state: the host merges configured attributes from `config` with others from `prior`.
    pub proposed: Value,
    /// The configuration. Values may be unknown.
    pub config: Value,
    /// The private state stored with `prior`.
    pub prior_private: Vec<u8>,
}

/// A plan.
#[derive(Debug, Default)]
pub struct PlanResponse {
    /// The planned state, with unknown for values known after apply. Ignored if `diagnostics` has an
    /// error.
    pub planned: Value,
    /// Attributes whose change requires replacement.
    pub requires_replace: Vec<AttributePath>,
    /// Private state for apply.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// The request of create, update and delete.
#[derive(Debug)]
pub struct ApplyRequest {
    /// The prior state, null for a create.
    pub prior: Value,
    /// The planned state, null for a delete.
    pub planned: Value,
    /// The configuration, null for a delete. Only the configuration has write-only values.
    pub config: Value,
    /// The private state of the plan.
    pub planned_private: Vec<u8>,
}

/// The result of create and update. After an error, the last record in the [`Recorder`] is the state.
pub type ApplyResult = Result<Applied, Diagnostics>;

/// The outcome of a successful create or update.
#[derive(Debug, Default)]
pub struct Applied {
    /// The complete state. Nothing is unknown.
    pub state: Value,
    /// Private state to store with it.
    pub private: Vec<u8>,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

impl From<Value> for Applied {
    /// A state without private state and without warnings.
    fn from(state: Value) -> Self {
        Self {
            state,
            ..Self::default()
        }
    }
}

/// The request of [`Resource::read`].
#[derive(Debug)]
pub struct ReadRequest {
    /// The state to refresh, never null.
    pub current: Value,
    /// The private state stored with it.
    pub private: Vec<u8>,
}

/// The response of [`Resource::read`].
#[derive(Debug, Default)]
pub struct ReadResponse {
    /// The refreshed state, or [`None`] if the object no longer exists. If `diagnostics` has an error,
    /// this is ignored and the host keeps the old state.
    pub state: Option<Value>,
    /// Private state to store with it.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

impl From<Result<Option<Value>, Diagnostics>> for ReadResponse {
    /// A state without private state and without warnings, or the errors.
    fn from(found: Result<Option<Value>, Diagnostics>) -> Self {
        let (state, diagnostics) = match found {
            Ok(state) => (state, Diagnostics::new()),
            Err(diagnostics) => (None, diagnostics.of_failure()),
        };
        Self {
            state,
            diagnostics,
            ..Self::default()
        }
    }
}

/// How the user specifies the object to import.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportRequest {
    /// By import ID.
    Id(String),
    /// By resource identity. The attributes that [`IdentitySchema`] requires are set, the others may be
    /// null.
    Identity(Value),
}

/// The state with which an import starts.
#[derive(Debug)]
pub struct Imported {
    /// A state with every attribute present. Attributes that the provider has not read yet are null.
    pub state: Value,
    /// Private state.
    pub private: Vec<u8>,
}

impl From<Value> for Imported {
    /// A state without private state.
    fn from(state: Value) -> Self {
        Self {
            state,
            private: Vec::new(),
        }
    }
}

/// A configuration that the provider has generated from a state.
#[derive(Debug)]
pub struct GeneratedConfig {
    /// The configuration.
    pub config: Value,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

impl From<Value> for GeneratedConfig {
    /// A configuration without warnings.
    fn from(config: Value) -> Self {
        Self {
            config,
            diagnostics: Diagnostics::new(),
        }
    }
}

/// Records the existing object as soon as a create, update or delete has changed it.
///
/// After an error, a panic or an interrupt, the last record is what reaches the state.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Option<Recorded>>>);

/// The content of a [`Recorder`].
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The state. Nothing is unknown.
    pub state: Value,
    /// Private state.
    pub private: Vec<u8>,
}

impl Recorder {
    /// Records the existing object. Replaces the previous record.
    ///
    /// A map counts as an object with the same attributes. A value that is neither an object nor null
    /// describes nothing, so the previous record stays.
    pub fn record(&self, state: Value, private: Vec<u8>) {
        let state = match state {
            Value::Map(attributes) => Value::Object(attributes),
            state @ (Value::Object(_) | Value::Null) => state,
            other => {
                let found = found_name(&other);
                tracing::error!(found, "a record must be an object");
                return;
            }
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Recorded { state, private });
    }

    /// Forgets the record, because the object turned out to be someone else's.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The last record.
    pub fn last(&self) -> Option<Recorded> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Value {
        Value::object([("id", Value::from("made"))])
    }

    #[test]
    fn a_record_is_always_an_object_or_null() {
        let recorder = Recorder::default();
        let last = || recorder.last().unwrap().state;

        recorder.record(
            Value::Map([("id".to_owned(), "made".into())].into()),
            vec![],
        );
        assert_eq!(last(), object());
        for nothing in [Value::Unknown, "made".into(), Value::List(vec![])] {
            recorder.record(nothing, b"lost".to_vec());
            assert_eq!(last(), object());
        }
        recorder.record(Value::Null, vec![]);
        assert_eq!(last(), Value::Null);
    }

    #[test]
    fn a_failed_read_without_an_error_does_not_mean_that_the_object_is_gone() {
        let read = ReadResponse::from(Err(Diagnostics::new()));
        assert!(read.diagnostics.has_error());
    }
}
