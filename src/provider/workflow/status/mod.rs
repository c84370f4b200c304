//! The data source `acr_continuous_patching_status`: the patching status of each image of a workflow.
//!
//! # Layout
//! - `schema`, `names`: the schema and the names of its attributes
//! - `arguments`: the arguments and their validation
//! - `fetch`: reads runs and their logs from Azure
//! - `image_status`, `image_rows`: determine the status of each image
//! - `notices`: warnings

mod arguments;
mod fetch;
mod image_rows;
mod image_status;
mod names;
mod notices;
mod schema;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::azure::Error;
use crate::provider::common::registry_id;
use crate::provider::connection::Connection;
use crate::provider::report;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{
    Context, DataSource, ReadDataSourceResponse, ReadDataSourceResult,
};
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

use arguments::{Arguments, LONGEST_LOOKBACK};
use fetch::{Fetch, Fetched};
use image_rows::ImageRow;

/// The data source.
#[derive(Debug)]
pub(crate) struct ContinuousPatchingStatus {
    connection: Arc<Connection>,
    schema: Schema,
    /// Returns the current time.
    now: fn() -> Timestamp,
}

impl ContinuousPatchingStatus {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            schema: schema::schema(),
            now: Timestamp::now,
        }
    }
}

#[async_trait]
impl DataSource for ContinuousPatchingStatus {
    fn type_name(&self) -> &'static str {
        "acr_continuous_patching_status"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate_config(&self, _: &Context, config: &Value) -> Diagnostics {
        arguments::validate(config)
    }

    async fn read(&self, context: &Context, config: Value) -> ReadDataSourceResult {
        let arguments = Arguments::read(&config)?;
        let registry = self.connection.registry_of(context, &config)?;
        let fetch = Fetch {
            registry: &registry,
            logs_out_of_reach: &OnceLock::new(),
        };
        let failed = |error: Error| failure(&error, &registry.id().to_string());
        let mut diagnostics = Diagnostics::new();
        let days = match arguments.lookback {
            Some(days) => days,
            None => fetch
                .schedule_interval()
                .await
                .map_err(failed)?
                .unwrap_or_else(|| {
                    diagnostics.push(notices::no_schedule(registry.id()));
                    LONGEST_LOOKBACK
                }),
        };
        let fetched = fetch.images_since(before((self.now)(), days), arguments.status);
        let fetched = fetched.await.map_err(failed)?;
        diagnostics.extend(notices::unread(registry.id(), &fetched.unread));
        Ok(ReadDataSourceResponse {
            state: state(&config, days, &fetched),
            diagnostics,
        })
    }
}

fn failure(error: &Error, registry: &str) -> Diagnostic {
    if error.is_gone() {
        registry_id::not_found(registry)
    } else {
        report::failure("Could not read the status of the images", error)
    }
}

fn before(now: Timestamp, days: u8) -> Timestamp {
    let lookback = SignedDuration::from_hours(24 * i64::from(days));
    now.saturating_sub(lookback).unwrap_or(Timestamp::MIN)
}

/// Returns the configuration with the computed attributes.
fn state(config: &Value, days: u8, fetched: &Fetched) -> Value {
    let mut state = config.as_map().cloned().unwrap_or_default();
    let images = fetched.rows.iter().map(ImageRow::value).collect();
    let active = fetched.active.iter().map(|id| id.as_str().into()).collect();
    state.extend([
        (names::LOOKBACK_DAYS.to_owned(), i64::from(days).into()),
        (names::IMAGES.to_owned(), Value::List(images)),
        (names::ACTIVE_RUN_IDS.to_owned(), Value::List(active)),
    ]);
    Value::Object(state)
}
