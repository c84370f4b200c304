//! The data source `acr_continuous_patching_status`: what has become of the images of a workflow.
//!
//! # Layout
//! - `schema`, `names`: what it looks like
//! - `arguments`: what is asked for
//! - `look`: runs and their logs, read from Azure
//! - `status`, `rows`: what they say of the images
//! - `notices`: what there is to say beside

mod arguments;
mod image_status;
mod look;
mod names;
mod notices;
mod rows;
mod schema;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::azure::Error;
use crate::provider::connection::Connection;
use crate::provider::report;
use crate::provider::workflow::notices as workflow_notices;
use crate::provider::workflow::work::Work;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{
    Context, DataSource, ReadDataSourceResponse, ReadDataSourceResult,
};
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

use arguments::{Asked, LONGEST_LOOKBACK};
use look::{Look, Seen};
use rows::Row;

/// The data source.
#[derive(Debug)]
pub(crate) struct ContinuousPatchingStatus {
    connection: Arc<Connection>,
    schema: Schema,
    /// Tells the time.
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

    async fn validate_config(&self, config: &Value) -> Diagnostics {
        arguments::validate(config)
    }

    async fn read(&self, context: &Context, config: Value) -> ReadDataSourceResult {
        let asked = Asked::read(&config)?;
        let work = Work::look(&self.connection, context, &config)?;
        let registry = &work.registry;
        let look = Look {
            azure: &work.azure,
            budget: &work.budget,
            registry,
            no_way: &OnceLock::new(),
        };
        let failed = |error: Error| failure(&error, &registry.to_string());
        let mut diagnostics = Diagnostics::new();
        let days = match asked.lookback {
            Some(days) => days,
            None => look.interval().await.map_err(failed)?.unwrap_or_else(|| {
                diagnostics.push(notices::no_schedule(registry));
                LONGEST_LOOKBACK
            }),
        };
        let since = look.since(before((self.now)(), days), asked.status);
        let seen = since.await.map_err(failed)?;
        diagnostics.extend(notices::unread(&seen.unread));
        Ok(ReadDataSourceResponse {
            state: state(&config, days, &seen),
            diagnostics,
        })
    }
}

fn failure(error: &Error, registry: &str) -> Diagnostic {
    if error.is_gone() {
        workflow_notices::no_such_registry(registry)
    } else {
        report::failure("Could not read the status of the images", error)
    }
}

fn before(now: Timestamp, days: u8) -> Timestamp {
    let lookback = SignedDuration::from_hours(24 * i64::from(days));
    now.saturating_sub(lookback).unwrap_or(Timestamp::MIN)
}

/// The configuration with what was found.
fn state(config: &Value, days: u8, seen: &Seen) -> Value {
    let mut state = config.as_map().cloned().unwrap_or_default();
    let images = seen.rows.iter().map(Row::value).collect();
    let active = seen.active.iter().map(|id| id.as_str().into()).collect();
    state.extend([
        (names::LOOKBACK_DAYS.to_owned(), i64::from(days).into()),
        (names::IMAGES.to_owned(), Value::List(images)),
        (names::ACTIVE_RUN_IDS.to_owned(), Value::List(active)),
    ]);
    Value::Object(state)
}
