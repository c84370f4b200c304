//! A provider with one scripted resource, whose behavior may be valid or invalid.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{
    Action, Applied, ApplyRequest, ApplyResult, ConfigureRequest, Context, DataSource, Function,
    ImportRequest, Imported, ListResource, PlanRequest, PlanResponse, Provider, ReadRequest,
    ReadResponse, Recorder, Resource,
};
use terraform_plugin::schema::{IdentitySchema, Schema};
use terraform_plugin::value::{AttributePath, Value};
use tokio::sync::Notify;
use tokio::time::timeout;

pub use crate::behavior::Behavior;
use crate::plugin_process::LONG_ENOUGH;
use crate::schemas;
use crate::scripted_unmanaged::ScriptedUnmanaged;

/// The name of the one resource.
pub const RESOURCE_TYPE: &str = "test_thing";

/// A provider with one [`ScriptedResource`].
pub struct ScriptedProvider {
    schema: Schema,
    resource: Arc<ScriptedResource>,
    unmanaged: Option<Arc<ScriptedUnmanaged>>,
}

/// The resource.
pub struct ScriptedResource {
    schema: Schema,
    /// The identity schema: a name, and optionally a zone.
    identity: Option<IdentitySchema>,
    behavior: Behavior,
    /// The calls in order.
    calls: Mutex<Vec<String>>,
    /// Notifies about a new call.
    called: Notify,
    /// Releases a waiting call.
    pub release: Notify,
}

impl ScriptedProvider {
    /// A provider with only this resource.
    pub fn of(resource: &Arc<ScriptedResource>) -> Self {
        Self {
            schema: schemas::schema(
                vec![schemas::plain(
                    "account",
                    terraform_plugin::value::Type::String,
                )],
                vec![],
            ),
            resource: Arc::clone(resource),
            unmanaged: None,
        }
    }

    /// Adds a data source, a list resource, an action and a function.
    pub fn with_unmanaged(self, unmanaged: &Arc<ScriptedUnmanaged>) -> Self {
        Self {
            unmanaged: Some(Arc::clone(unmanaged)),
            ..self
        }
    }
}

impl ScriptedResource {
    /// A resource without an identity.
    pub fn new(schema: Schema, behavior: Behavior) -> Arc<Self> {
        Self::with_identity(schema, None, behavior)
    }

    /// A resource with this identity, if any.
    pub fn with_identity(
        schema: Schema,
        identity: Option<IdentitySchema>,
        behavior: Behavior,
    ) -> Arc<Self> {
        Arc::new(Self {
            schema,
            identity,
            behavior,
            calls: Mutex::default(),
            called: Notify::new(),
            release: Notify::new(),
        })
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// Waits until `call` has been made.
    pub async fn until(&self, call: &str) {
        let made = async {
            loop {
                let called = self.called.notified();
                if self.calls().iter().any(|known| known == call) {
                    return;
                }
                called.await;
            }
        };
        timeout(LONG_ENOUGH, made)
            .await
            .unwrap_or_else(|_| panic!("no call {call:?}, only {:?}", self.calls()));
    }

    fn note(&self, call: &str) {
        self.calls.lock().unwrap().push(call.to_owned());
        self.called.notify_waiters();
    }

    /// Notes a call, and fails or panics if the behavior requires it.
    fn begin(&self, call: &str) -> Result<(), Diagnostics> {
        self.note(call);
        match self.behavior {
            Behavior::Panics => panic!("{call} went wrong"),
            Behavior::FailsAtOnce => Err(failure(call)),
            Behavior::FailsSilently => Err(Diagnostics::new()),
            _ => Ok(()),
        }
    }

    async fn change(
        &self,
        call: &str,
        context: &Context,
        request: &ApplyRequest,
        recorder: &Recorder,
    ) -> ApplyResult {
        let half_done = || recorder.record(self.half_done(request), b"half".to_vec());
        match &self.behavior {
            Behavior::Panics | Behavior::FailsSilently => half_done(),
            Behavior::RecordsThenReturns(_) => {
                let Value::Object(attributes) = self.half_done(request) else {
                    unreachable!("a partial object is an object")
                };
                recorder.record(Value::Map(attributes), b"half".to_vec());
            }
            Behavior::FailsHalfway => {
                half_done();
                return Err(failure(call));
            }
            Behavior::Waits => {
                self.note(&format!("{call} waits"));
                tokio::select! {
                    () = context.cancelled.cancelled() => {
                        half_done();
                        self.note(&format!("{call} is cancelled"));
                        return Err(failure(call));
                    }
                    () = self.release.notified() => self.note(&format!("{call} goes on")),
                }
            }
            Behavior::Insists => {
                self.note(&format!("{call} waits"));
                self.release.notified().await;
            }
            _ => {}
        }
        self.begin(call)?;
        Ok(Applied {
            state: self.made(&request.planned),
            private: b"done".to_vec(),
            diagnostics: Diagnostics::new(),
        })
    }

    /// The object after the planned change.
    fn made(&self, planned: &Value) -> Value {
        match (&self.behavior, planned) {
            (Behavior::Returns(value) | Behavior::RecordsThenReturns(value), _) => value.clone(),
            (_, Value::Object(attributes)) => {
                let mut attributes = attributes.clone();
                if attributes.get("id").is_some_and(Value::is_unknown) {
                    attributes.insert("id".to_owned(), "made".into());
                }
                Value::Object(attributes)
            }
            (_, other) => other.clone(),
        }
    }

    /// The partial object that an interrupted change leaves.
    fn half_done(&self, request: &ApplyRequest) -> Value {
        let whole = if request.planned.is_null() {
            &request.prior
        } else {
            &request.planned
        };
        let mut attributes = whole.as_map().unwrap().clone();
        attributes.insert("id".to_owned(), "half".into());
        Value::Object(attributes)
    }
}

/// The attribute that requires replacement, if the plan has it.
fn first_rule(planned: &Value) -> Option<AttributePath> {
    planned.get("rule").as_elements()?.first()?;
    Some(AttributePath::new("rule").index(0).attribute("name"))
}

fn failure(call: &str) -> Diagnostics {
    Diagnostic::error(format!("Can't {call}"), "The test says so.")
        .at(AttributePath::new("name"))
        .into()
}

#[async_trait]
impl Provider for ScriptedProvider {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::clone(&self.resource) as Arc<dyn Resource>]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        let unmanaged = self.unmanaged.iter();
        unmanaged.map(|it| Arc::clone(it) as _).collect()
    }

    fn list_resources(&self) -> Vec<Arc<dyn ListResource>> {
        let unmanaged = self.unmanaged.iter();
        unmanaged.map(|it| Arc::clone(it) as _).collect()
    }

    fn actions(&self) -> Vec<Arc<dyn Action>> {
        let unmanaged = self.unmanaged.iter();
        unmanaged.map(|it| Arc::clone(it) as _).collect()
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        let unmanaged = self.unmanaged.iter();
        unmanaged.map(|it| Arc::clone(it) as _).collect()
    }

    async fn validate_config(&self, _: &Context, _: &Value) -> Diagnostics {
        self.resource
            .begin("validate provider")
            .err()
            .unwrap_or_default()
    }

    async fn configure(&self, context: &Context, request: ConfigureRequest) -> Diagnostics {
        let ConfigureRequest {
            config,
            host_version,
        } = request;
        let account = config.get("account").as_str().unwrap_or("no account");
        if matches!(self.resource.behavior, Behavior::Waits) {
            self.resource.note("configure waits");
            context.cancelled.cancelled().await;
            return failure("configure");
        }
        let call = format!("configure {account} for {host_version}");
        self.resource.begin(&call).err().unwrap_or_default()
    }
}

#[async_trait]
impl Resource for ScriptedResource {
    fn type_name(&self) -> &str {
        RESOURCE_TYPE
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate_config(&self, _: &Context, _: &Value) -> Diagnostics {
        self.begin("validate").err().unwrap_or_default()
    }

    async fn plan(&self, _: &Context, request: PlanRequest) -> PlanResponse {
        if let Err(diagnostics) = self.begin("plan") {
            return PlanResponse {
                diagnostics,
                ..PlanResponse::default()
            };
        }
        let planned = match (&self.behavior, request.proposed) {
            (Behavior::Returns(value), _) => value.clone(),
            (_, Value::Object(mut attributes)) => {
                let id = attributes.get_mut("id").filter(|id| id.is_null());
                id.into_iter().for_each(|id| *id = Value::Unknown);
                Value::Object(attributes)
            }
            (_, other) => other,
        };
        PlanResponse {
            requires_replace: first_rule(&planned).into_iter().collect(),
            planned,
            private: b"planned".to_vec(),
            diagnostics: Diagnostics::new(),
        }
    }

    async fn create(
        &self,
        context: &Context,
        request: ApplyRequest,
        recorder: &Recorder,
    ) -> ApplyResult {
        self.change("create", context, &request, recorder).await
    }

    async fn read(&self, _: &Context, request: ReadRequest) -> ReadResponse {
        let diagnostics = self.begin("read").err().unwrap_or_default();
        let state = match &self.behavior {
            Behavior::Returns(Value::Null) => None,
            Behavior::Returns(value) => Some(value.clone()),
            _ => Some(request.current),
        };
        ReadResponse {
            state,
            private: request.private,
            diagnostics,
        }
    }

    async fn update(
        &self,
        context: &Context,
        request: ApplyRequest,
        recorder: &Recorder,
    ) -> ApplyResult {
        self.change("update", context, &request, recorder).await
    }

    async fn delete(
        &self,
        context: &Context,
        request: ApplyRequest,
        recorder: &Recorder,
    ) -> Result<Diagnostics, Diagnostics> {
        let applied = self.change("delete", context, &request, recorder).await?;
        Ok(applied.diagnostics)
    }

    async fn import(&self, _: &Context, request: ImportRequest) -> Result<Imported, Diagnostics> {
        self.begin("import")?;
        let state = match (&self.behavior, request) {
            (Behavior::Returns(value), _) => value.clone(),
            // With an identity, the import ID is the name.
            (_, ImportRequest::Id(id)) if self.identity.is_some() => {
                Value::object([("name", id.into())])
            }
            (_, ImportRequest::Id(id)) => Value::object([("id", id.into())]),
            (_, ImportRequest::Identity(identity)) => {
                Value::object([("name", identity.get("name").clone())])
            }
        };
        Ok(Imported {
            state,
            private: b"imported".to_vec(),
        })
    }

    async fn upgrade_state(
        &self,
        _: &Context,
        version: i64,
        state: serde_json::Value,
    ) -> Result<Value, Diagnostics> {
        self.begin(&format!("upgrade {version}: {state}"))?;
        Ok(match &self.behavior {
            Behavior::Returns(value) => value.clone(),
            _ => Value::object([("name", "upgraded".into())]),
        })
    }

    fn identity_schema(&self) -> Option<&IdentitySchema> {
        self.identity.as_ref()
    }

    fn identity(&self, state: &Value) -> Value {
        // A plan has no identity yet, because `id` is unknown.
        if matches!(self.behavior, Behavior::IdentityPanics) && state.is_wholly_known() {
            panic!("no identity");
        }
        match state.get("name") {
            Value::Null => Value::Null,
            name => Value::object([("name", name.clone())]),
        }
    }

    // The API of this resource ignores the letter case of names.
    fn is_same_identity(&self, stored: &Value, now: &Value) -> bool {
        let name = |identity: &Value| identity.get("name").as_str().map(str::to_lowercase);
        name(stored).is_some() && name(stored) == name(now)
    }

    async fn upgrade_identity(
        &self,
        _: &Context,
        version: i64,
        identity: serde_json::Value,
    ) -> Result<Value, Diagnostics> {
        self.begin(&format!("upgrade identity {version}: {identity}"))?;
        Ok(match &self.behavior {
            Behavior::Returns(value) => value.clone(),
            _ => Value::object([("name", "upgraded".into())]),
        })
    }
}
