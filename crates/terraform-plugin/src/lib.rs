//! A framework for Terraform and OpenTofu providers: plugin protocol 6 over mutual TLS.
//!
//! # A provider
//! Implement [`framework::Provider`] and the parts that it offers, such as a
//! [`framework::Resource`], a [`framework::DataSource`] or a [`framework::Function`]. Then call
//! [`process::run`] from `main`. This provider has a single data source:
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
//!         // `name` is required, and a host reads a data source only if its config is known.
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
//!         let name = Attribute::new("name", Type::String, Configurability::Required, "The name.");
//!         let text = Attribute::new("text", Type::String, Configurability::Computed, "The text.");
//!         vec![Arc::new(Greeting(schema(vec![name, text])))]
//!     }
//!
//!     async fn configure(&self, _: &Context, _: ConfigureRequest) -> Diagnostics {
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
//!         version: env!("CARGO_PKG_VERSION"),
//!         crates: &["terraform_provider_hello"],
//!     };
//!     let provider = Arc::new(Hello(schema(vec![])));
//!     process::run(binary, provider, std::env::args_os().skip(1), std::env::vars_os())
//! }
//! ```
//!
//! `examples/notes.rs` also has a managed resource, from create to import.
//!
//! # Three things to know
//! - [`value::Value::Unknown`] isn't null. A plan contains values that are known only after apply.
//! - Every object that exists must reach the state. Record it in [`framework::Recorder`] as soon
//!   as it exists.
//! - Standard output belongs to the host. Log with `tracing`.
//!
//! # Layout
//! - [`framework`]: the traits that a provider implements
//! - [`schema`], [`value`], [`diagnostics`]: schemas, values and messages to the user
//! - [`mod@model`]: reads values into Rust structs and writes them back
//! - [`protocol`]: the provider server of plugin protocol 6
//! - [`process`]: the plugin process with its handshake, mutual TLS, logs and shutdown

pub mod diagnostics;
mod error_text;
pub mod framework;
pub mod model;
pub mod process;
pub mod protocol;
pub mod schema;
pub mod value;
