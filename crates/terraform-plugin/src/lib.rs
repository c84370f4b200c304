//! A framework for Terraform and OpenTofu providers: plugin protocol 6 over mutual TLS.
//!
//! # A provider
//! Implement [`framework::Provider`] and what it offers: a [`framework::Resource`], a
//! [`framework::DataSource`], a [`framework::Function`] and so on. Then let [`process::run`] be
//! the process. This one has a single data source:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use terraform_plugin::diagnostics::Diagnostics;
//! use terraform_plugin::framework::{
//!     ConfigureRequest, Context, DataSource, Provider, ReadDataSourceResult,
//! };
//! use terraform_plugin::process::{self, Binary};
//! use terraform_plugin::schema::{Attribute, Block, Configurability, Schema};
//! use terraform_plugin::value::{Type, Value};
//!
//! /// The data source `hello_greeting`.
//! struct Greeting(Schema);
//!
//! #[async_trait]
//! impl DataSource for Greeting {
//!     fn type_name(&self) -> &str {
//!         "hello_greeting"
//!     }
//!
//!     fn schema(&self) -> &Schema {
//!         &self.0
//!     }
//!
//!     async fn read(&self, _: &Context, config: Value) -> ReadDataSourceResult {
//!         // The schema requires it, and a host reads nothing before all of it is known.
//!         let name = config.get("name").as_str().unwrap_or_default();
//!         let text = format!("Hello, {name}!").into();
//!         Ok(Value::object([("name", name.into()), ("text", text)]).into())
//!     }
//! }
//!
//! struct Hello(Schema);
//!
//! #[async_trait]
//! impl Provider for Hello {
//!     fn schema(&self) -> &Schema {
//!         &self.0
//!     }
//!
//!     fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
//!         let name = Attribute::new("name", Type::String, Configurability::Required, "Who.");
//!         let text = Attribute::new("text", Type::String, Configurability::Computed, "What.");
//!         vec![Arc::new(Greeting(schema(vec![name, text])))]
//!     }
//!
//!     async fn configure(&self, _: ConfigureRequest) -> Diagnostics {
//!         Diagnostics::new()
//!     }
//! }
//!
//! fn schema(attributes: Vec<Attribute>) -> Schema {
//!     let block = Block { attributes, ..Block::default() };
//!     Schema { version: 0, block }
//! }
//!
//! fn main() -> ExitCode {
//!     let binary = Binary {
//!         address: "registry.terraform.io/example/hello",
//!         crates: &["terraform_provider_hello"],
//!     };
//!     let provider = Arc::new(Hello(schema(vec![])));
//!     process::run(binary, provider, std::env::args_os().skip(1), std::env::vars_os())
//! }
//! ```
//!
//! The file `examples/notes.rs` has a resource too, from create to import.
//!
//! # Three things to know
//! - [`value::Value::Unknown`] isn't null: a plan meets values that only apply will know.
//! - Whatever exists has to reach the state. Note it in [`framework::Recorder`] as soon as it does.
//! - Standard output belongs to the host. Log with `tracing`.
//!
//! # Layout
//! - [`framework`]: the traits that a provider implements
//! - [`schema`], [`value`], [`diagnostics`]: what a provider describes, takes and answers
//! - [`mod@model`]: values as Rust types, declared once
//! - [`protocol`]: the calls of plugin protocol 6
//! - [`process`]: the process that a host starts: handshake, mutual TLS, logs, shutdown

pub mod diagnostics;
mod error_text;
pub mod framework;
pub mod model;
pub mod process;
pub mod protocol;
pub mod schema;
pub mod value;
