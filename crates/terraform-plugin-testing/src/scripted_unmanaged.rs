//! A scripted data source, list resource, action and function. Their configuration selects their
//! behavior, valid or invalid.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{
    Action, Context, DataSource, Definition, Function, FunctionError, ListRequest, ListResource,
    ListResult, ListResults, Parameter, Progress, ReadDataSourceResponse, ReadDataSourceResult,
};
use terraform_plugin::schema::{Attribute, Configurability, Schema};
use terraform_plugin::value::{AttributePath, Type, Value};
use tokio::sync::Notify;

use crate::schemas;
use crate::scripted_provider::RESOURCE_TYPE;

/// The name of the data source and of the action.
pub const DATA_SOURCE_TYPE: &str = "test_look";

/// The name of the function.
pub const FUNCTION_NAME: &str = "join_words";

/// A data source, a list resource, an action and a function in one. The argument `word` selects the
/// behavior of the first three.
pub struct ScriptedUnmanaged {
    data: Schema,
    arguments: Schema,
    join: Definition,
    noted: Mutex<Vec<String>>,
    grown: Notify,
    /// Releases a waiting call.
    pub release: Notify,
}

impl ScriptedUnmanaged {
    /// One of each kind.
    pub fn new() -> Arc<Self> {
        let word = || {
            Attribute::new(
                "word",
                Type::String,
                Configurability::Required,
                "What to do.",
            )
        };
        let length = Attribute::new(
            "length",
            Type::Number,
            Configurability::Computed,
            "Its length.",
        );
        let text = |name| Parameter::new(name, Type::String, "");
        let nullable = Parameter {
            allow_null: true,
            allow_unknown: true,
            ..text("separator")
        };
        Arc::new(Self {
            data: schemas::schema(vec![word(), length], vec![]),
            arguments: schemas::schema(vec![word()], vec![]),
            join: Definition::new(vec![text("first"), nullable], Type::String, "Joins words")
                .variadic(text("more"))
                .described("One after the other."),
            noted: Mutex::default(),
            grown: Notify::new(),
            release: Notify::new(),
        })
    }

    /// The events so far.
    pub fn noted(&self) -> Vec<String> {
        self.noted.lock().unwrap().clone()
    }

    /// Waits until this event has happened.
    pub async fn until(&self, what: &str) {
        loop {
            let grown = self.grown.notified();
            if self.noted().iter().any(|noted| noted == what) {
                return;
            }
            grown.await;
        }
    }

    fn note(&self, what: impl Into<String>) {
        self.noted.lock().unwrap().push(what.into());
        self.grown.notify_waiters();
    }

    /// Validates a configuration. The word "bad" is an error.
    fn judge(&self, config: &Value) -> Diagnostics {
        self.note("validate");
        match config.get("word").as_str() {
            Some("bad") => failure(),
            _ => Diagnostics::new(),
        }
    }
}

/// The error that all of them return.
fn failure() -> Diagnostics {
    Diagnostic::error("Bad word", "The test says so.")
        .at(AttributePath::new("word"))
        .into()
}

fn warning() -> Diagnostics {
    Diagnostic::warning("Odd word", "The test says so.").into()
}

/// A listed object named `name`.
fn listed(name: &str, request: &ListRequest) -> ListResult {
    let thing = || Value::object([("id", "made".into()), ("name", name.into())]);
    ListResult {
        display_name: format!("thing {name}"),
        identity: Value::object([("name", name.into())]),
        resource: request.include_resource.then(thing),
        diagnostics: Diagnostics::new(),
    }
}

#[async_trait]
impl DataSource for ScriptedUnmanaged {
    fn type_name(&self) -> &str {
        DATA_SOURCE_TYPE
    }

    fn schema(&self) -> &Schema {
        &self.data
    }

    async fn validate_config(&self, _: &Context, config: &Value) -> Diagnostics {
        self.judge(config)
    }

    async fn read(&self, context: &Context, config: Value) -> ReadDataSourceResult {
        let word = config.get("word").as_str().unwrap().to_owned();
        let length = match word.as_str() {
            "bad" => return Err(failure()),
            "panic" => panic!("no such word"),
            "nothing" => return Ok(Value::Null.into()),
            "unknown" => Value::Unknown,
            "wait" => {
                self.note("read waits");
                context.cancelled.cancelled().await;
                return Err(failure());
            }
            word => i64::try_from(word.len()).unwrap().into(),
        };
        let state = Value::object([("word", word.as_str().into()), ("length", length)]);
        Ok(ReadDataSourceResponse {
            state,
            diagnostics: if word == "odd" {
                warning()
            } else {
                Diagnostics::new()
            },
        })
    }
}

#[async_trait]
impl ListResource for ScriptedUnmanaged {
    fn type_name(&self) -> &str {
        RESOURCE_TYPE
    }

    fn schema(&self) -> &Schema {
        &self.arguments
    }

    async fn validate_config(&self, _: &Context, config: &Value) -> Diagnostics {
        self.judge(config)
    }

    /// Lists one object for each letter.
    async fn list(
        &self,
        context: &Context,
        request: ListRequest,
        results: &ListResults,
    ) -> Result<(), Diagnostics> {
        let word = request.config.get("word").as_str().unwrap();
        match word {
            "bad" => return Err(failure()),
            "silent" => return Err(Diagnostics::new()),
            "nameless" => results.send(ListResult::default()).await?,
            "bare" => {
                let bare = ListResult {
                    resource: None,
                    ..listed("bare", &request)
                };
                results.send(bare).await?;
            }
            "misfit" => {
                let misfit = ListResult {
                    resource: Some(Value::object([("name", true.into())])),
                    ..listed("misfit", &request)
                };
                results.send(misfit).await?;
            }
            word => {
                for letter in word.chars() {
                    results.send(listed(&letter.to_string(), &request)).await?;
                    self.note(format!("sent {letter}"));
                }
            }
        }
        match word {
            "panic" => panic!("no such word"),
            "partly" => Err(failure()),
            "odd" => {
                results.send(warning().into()).await?;
                Ok(())
            }
            "wait" => {
                self.note("list waits");
                context.cancelled.cancelled().await;
                Err(failure())
            }
            "deaf" => {
                let _dropped = Dropped(self);
                self.note("list waits");
                std::future::pending().await
            }
            _ => Ok(()),
        }
    }
}

/// Notes that a list was dropped before its end.
struct Dropped<'a>(&'a ScriptedUnmanaged);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.note("list dropped");
    }
}

#[async_trait]
impl Action for ScriptedUnmanaged {
    fn type_name(&self) -> &str {
        DATA_SOURCE_TYPE
    }

    fn schema(&self) -> &Schema {
        &self.arguments
    }

    async fn validate_config(&self, _: &Context, config: &Value) -> Diagnostics {
        self.judge(config)
    }

    async fn plan(&self, _: &Context, config: &Value) -> Diagnostics {
        self.note(format!("plan {:?}", config.get("word").as_str()));
        match config.get("word").as_str() {
            Some("bad") => failure(),
            _ => Diagnostics::new(),
        }
    }

    /// Reports each letter.
    async fn invoke(
        &self,
        context: &Context,
        config: Value,
        progress: &Progress,
    ) -> Result<Diagnostics, Diagnostics> {
        let word = config.get("word").as_str().unwrap();
        for letter in word.chars() {
            progress.report(letter).await;
        }
        match word {
            "bad" => Err(failure()),
            "silent" => Err(Diagnostics::new()),
            "panic" => panic!("no such word"),
            "odd" => Ok(warning()),
            "wait" => {
                self.note("invoke waits");
                context.cancelled.cancelled().await;
                self.note("invoke cancelled");
                progress.report("too late").await;
                self.release.notified().await;
                self.note("invoke ended");
                Err(failure())
            }
            "leak" => {
                // A leaked message channel must not delay the completion.
                let (progress, release) = (progress.clone(), Notify::new());
                tokio::spawn(async move {
                    release.notified().await;
                    progress.report("late").await;
                });
                Ok(Diagnostics::new())
            }
            _ => Ok(Diagnostics::new()),
        }
    }
}

impl Function for ScriptedUnmanaged {
    fn name(&self) -> &str {
        FUNCTION_NAME
    }

    fn definition(&self) -> &Definition {
        &self.join
    }

    fn run(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        self.note(format!("join {}", arguments.len()));
        let separator = match &arguments[1] {
            Value::Unknown => return Ok(Value::Unknown),
            separator => separator.as_str().unwrap_or_default(),
        };
        let words = arguments
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != 1);
        let words: Vec<&str> = words.filter_map(|(_, word)| word.as_str()).collect();
        if let Some(index) = words.iter().position(|word| *word == "bad") {
            let argument = if index == 0 { 0 } else { index + 1 };
            return Err(FunctionError::of_argument(argument, "it is a bad word"));
        }
        match words[0] {
            "worse" => Err(FunctionError::new("there are worse words")),
            "panic" => panic!("no such word"),
            "number" => Ok(7.into()),
            "unknown" => Ok(Value::Unknown),
            _ => Ok(words.join(separator).into()),
        }
    }
}
