//! Data sources: objects that the provider reads and doesn't manage.

use async_trait::async_trait;

use crate::diagnostics::Diagnostics;
use crate::framework::Context;
use crate::schema::Schema;
use crate::value::Value;

/// A data source.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// The type name in configurations.
    fn type_name(&self) -> &str;

    /// The schema.
    fn schema(&self) -> &Schema;

    /// Validates a configuration without network access, in addition to the schema checks. Returns
    /// all errors at once, each with its path. Values may be unknown. Don't check unknown values.
    async fn validate_config(&self, _context: &Context, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Reads the object that the configuration selects. The future is dropped if the host gives up
    /// the call.
    async fn read(&self, context: &Context, config: Value) -> ReadDataSourceResult;
}

/// The result of [`DataSource::read`].
pub type ReadDataSourceResult = Result<ReadDataSourceResponse, Diagnostics>;

/// The object that a data source has read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadDataSourceResponse {
    /// The configuration with all computed attributes set. Nothing is unknown.
    pub state: Value,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

impl From<Value> for ReadDataSourceResponse {
    /// A state without warnings.
    fn from(state: Value) -> Self {
        Self {
            state,
            diagnostics: Diagnostics::new(),
        }
    }
}
