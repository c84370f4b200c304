//! The shape of a provider: what [`protocol`](crate::protocol) calls, and what a provider implements.
//!
//! Names and duties are those of HashiCorp's terraform-plugin-framework. Nothing here knows of
//! gRPC, or of the service that a provider talks to.
//!
//! # Layout
//! - [`Provider`], [`Context`]: the whole, and what every operation is given (this file)
//! - [`Resource`], [`Recorder`]: what is managed, and how nothing of it is lost
//! - [`DataSource`]: what is looked up
//! - [`ListResource`]: which objects there are
//! - [`Action`]: what is done on demand
//! - [`Function`]: what is only computed
//! - `config_checks`: what a schema alone says of a configuration
//!
//! # What is done for you
//! - Values are decoded with attribute paths, and configurations checked by their schema.
//! - What a value leaves out is filled in, and what is write-only is dropped: [`Block::complete`].
//! - What is destroyed is planned to be null, and the protocol gets its identities.
//! - A panic becomes a diagnostic. A call that the host drops cuts no change short.
//! - With an error, the state that was [recorded](Recorder::record) last is returned.
//!
//! # A function, as an example
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
//!             Some("") | None => Err(FunctionError::of_argument(0, "there is nothing to shout")),
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
    Applied, ApplyRequest, ApplyResult, ImportRequest, Imported, PlanRequest, PlanResponse,
    ReadRequest, ReadResponse, Recorded, Recorder, Resource,
};

/// What one operation is given beside its request.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Cancelled when the user interrupts the host. The operation then starts nothing new, and
    /// returns what exists as partial state.
    pub cancelled: CancellationToken,
}

/// A provider. What it doesn't offer it needn't mention.
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

    /// The list resources, each of the name of a managed resource with an identity.
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

    /// Checks a provider block beyond its schema, without any network. Values may be unknown.
    async fn validate_config(&self, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Takes the provider block. Values may be unknown while planning: then what needs them has to
    /// cope, not this. It may come more than once in a process.
    async fn configure(&self, request: ConfigureRequest) -> Diagnostics;
}

/// The provider block as the host has evaluated it.
#[derive(Debug)]
pub struct ConfigureRequest {
    /// The block.
    pub config: Value,
    /// The version of the host, such as `1.11.4`. OpenTofu may send one of Terraform's.
    pub host_version: String,
}
