//! The traits that a provider implements and that [`protocol`](crate::protocol) calls.
//!
//! Names and semantics follow HashiCorp's terraform-plugin-framework. Nothing here depends on gRPC or
//! on the provider's API.
//!
//! # Layout
//! - [`Provider`], [`Context`]: the provider, and the context of every operation (this file)
//! - [`Resource`], [`Recorder`]: managed resources, and the record of partial state
//! - [`DataSource`]: data sources
//! - [`ListResource`]: lists of existing objects
//! - [`Action`]: operations on demand
//! - [`Function`]: pure functions
//! - `config_checks`: checks a configuration against its schema
//!
//! # What the framework does for you
//! - It decodes values, reports errors with attribute paths, and checks configurations against
//!   their schema.
//! - It fills in omitted attributes and drops write-only values ([`Block::complete`]).
//! - It plans a destroy as null and sends identities with every answer.
//! - It turns a panic into a diagnostic. A change that the host gives up is
//!   cancelled, but not dropped.
//! - After an error or a panic it returns the state that was [recorded](Recorder::record) last.
//! - It logs the end of every call.
//!
//! # Example: a function
//! ```
//! use terraform_plugin::framework::{Definition, Function, FunctionError, Parameter};
//! use terraform_plugin::value::{Type, Value};
//!
//! struct Shout(Definition);
//!
//! impl Function for Shout {
//!     fn name(&self) -> &str {
//!         "shout"
//!     }
//!
//!     fn definition(&self) -> &Definition {
//!         &self.0
//!     }
//!
//!     fn run(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
//!         match arguments[0].as_str() {
//!             Some("") | None => Err(FunctionError::of_argument(0, "must not be empty")),
//!             Some(text) => Ok(text.to_uppercase().into()),
//!         }
//!     }
//! }
//!
//! let text = Parameter::new("text", Type::String, "What to shout.");
//! let shout = Shout(Definition::new(vec![text], Type::String, "The text in capitals"));
//! assert_eq!(shout.run(&["hello".into()]), Ok("HELLO".into()));
//! assert_eq!(shout.run(&["".into()]).unwrap_err().argument, Some(0));
//! ```
//!
//! [`Block::complete`]: crate::schema::Block::complete

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::diagnostics::Diagnostics;
use crate::schema::Schema;
use crate::value::Value;

mod action;
mod config_checks;
mod data_source;
mod function;
mod list_resource;
mod resource;

pub use action::{Action, Progress};
pub(crate) use config_checks::{WriteOnly, check_config};
pub use data_source::{DataSource, ReadDataSourceResponse, ReadDataSourceResult};
pub use function::{Definition, Function, FunctionError, Parameter};
pub use list_resource::{ListRequest, ListResource, ListResult, ListResults, NoMoreWanted};
pub use resource::{
    Applied, ApplyRequest, ApplyResult, GeneratedConfig, ImportRequest, Imported, PlanRequest,
    PlanResponse, ReadRequest, ReadResponse, Recorded, Recorder, Resource,
};

/// The context of an operation, in addition to its request.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Cancelled when the user interrupts the host, and when the host gives up the call or dies. The operation
    /// must then start nothing new, and end soon. A change returns the existing object as partial state.
    pub cancelled: CancellationToken,
}

/// A provider. All parts except the schema and `configure` are optional.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The schema of the provider block.
    fn schema(&self) -> &Schema;

    /// The managed resources.
    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        Vec::new()
    }

    /// The data sources.
    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        Vec::new()
    }

    /// The list resources. Each has the type name of a managed resource with an identity.
    fn list_resources(&self) -> Vec<Arc<dyn ListResource>> {
        Vec::new()
    }

    /// The actions.
    fn actions(&self) -> Vec<Arc<dyn Action>> {
        Vec::new()
    }

    /// The functions.
    fn functions(&self) -> Vec<Arc<dyn Function>> {
        Vec::new()
    }

    /// Validates a provider block without network access, in addition to the schema checks. Values
    /// may be unknown.
    async fn validate_config(&self, _context: &Context, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Configures the provider. Values may be unknown during a plan. That must not be an error here:
    /// the operations that need the values must handle it. A host may call this more than once.
    async fn configure(&self, context: &Context, request: ConfigureRequest) -> Diagnostics;
}

/// The provider block with its expressions evaluated.
#[derive(Debug)]
pub struct ConfigureRequest {
    /// The block.
    pub config: Value,
    /// The version of the host, such as `1.11.4`. OpenTofu may send a version of Terraform.
    pub host_version: String,
}
