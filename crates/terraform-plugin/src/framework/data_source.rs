//! Data sources: what is looked up and not managed.

use async_trait::async_trait;

use crate::diagnostics::Diagnostics;
use crate::framework::Context;
use crate::schema::Schema;
use crate::value::Value;

/// A data source.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// Its name in configurations.
    fn type_name(&self) -> &str;

    /// Its schema.
    fn schema(&self) -> &Schema;

    /// Checks a configuration beyond its schema, without any network: all findings at once, each
    /// with its path. Values may be unknown; what is unknown is not judged.
    async fn validate_config(&self, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Looks up what the configuration asks for. It is dropped where the host gives up the call.
    async fn read(&self, context: &Context, config: Value) -> ReadDataSourceResult;
}

/// What [`DataSource::read`] returns.
pub type ReadDataSourceResult = Result<ReadDataSourceResponse, Diagnostics>;

/// What a data source has found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadDataSourceResponse {
    /// The configuration with everything computed filled in, nothing unknown.
    pub state: Value,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

impl From<Value> for ReadDataSourceResponse {
    /// Found without anything to say of it.
    fn from(state: Value) -> Self {
        Self {
            state,
            diagnostics: Diagnostics::new(),
        }
    }
}
