//! The data source `acr_continuous_patching_images`: a dry run. It reports the images that a run would select
//! now, with the policy of the registry or with another one.
//!
//! # Layout
//! - `schema`: the schema
//! - `effective_policy`: combines the configured policy and the registry's
//! - `dry_run`: the attributes and warnings for the selected images
//!
//! This file reads Azure: the registry, its policy if needed, and its repositories.

mod dry_run;
mod effective_policy;
mod schema;

use std::sync::Arc;

use async_trait::async_trait;

use crate::azure::{Error, RegistryClient};
use crate::provider::common::registry_id;
use crate::provider::common::validate::registry_and_timeouts;
use crate::provider::connection::Connection;
use crate::provider::report;
use crate::provider::workflow::config::Config;
use crate::provider::workflow::{names, validate};
use crate::workflow::observe::{KnownPolicy, PolicyState, read_policy};
use crate::workflow::registry_selection::{Selected, Tags};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{
    Context, DataSource, ReadDataSourceResponse, ReadDataSourceResult,
};
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

use effective_policy::{LivePolicy, PolicyArguments};

/// The data source.
#[derive(Debug)]
pub(crate) struct ContinuousPatchingImages {
    connection: Arc<Connection>,
    schema: Schema,
}

impl ContinuousPatchingImages {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            schema: schema::schema(),
        }
    }
}

#[async_trait]
impl DataSource for ContinuousPatchingImages {
    fn type_name(&self) -> &str {
        "acr_continuous_patching_images"
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate_config(&self, _: &Context, config: &Value) -> Diagnostics {
        validate(config)
    }

    async fn read(&self, context: &Context, config: Value) -> ReadDataSourceResult {
        let invalid = validate(&config);
        if invalid.has_error() {
            return Err(invalid);
        }
        let registry = self.connection.registry_of(context, &config)?;
        let arguments = PolicyArguments::read(&config);
        let Fetched { live, tags } = fetch(&registry, &arguments).await?;
        let (policy, mut diagnostics) = arguments.effective(&live)?;
        let tags = match tags {
            Some(tags) => tags,
            None => {
                let data_plane = registry.data_plane(&live.login_server);
                let tags = Tags::list(&data_plane, registry.budget(), &policy.repositories);
                tags.await.map_err(|error| failed(&error))?
            }
        };
        let (mut attributes, warnings) = dry_run::computed(
            &registry.id().registry,
            &policy,
            &Selected::of(&policy, &tags),
        );
        diagnostics.extend(warnings);
        for name in [names::REGISTRY_ID, names::TIMEOUTS] {
            attributes.insert(name.to_owned(), config.get(name).clone());
        }
        Ok(ReadDataSourceResponse {
            state: Value::Object(attributes),
            diagnostics,
        })
    }
}

/// The data read from a registry.
struct Fetched {
    live: LivePolicy,
    /// The tags of the repositories, if the configuration names the repositories.
    tags: Option<Tags>,
}

/// Reads a registry. If the configuration names the repositories, it reads their tags and the policy at
/// once.
async fn fetch(
    registry: &RegistryClient,
    arguments: &PolicyArguments,
) -> Result<Fetched, Diagnostic> {
    let (found, signed_in) = registry.get_and_sign_in(None).await;
    let login_server = match found {
        Ok(registry) => registry.login_server,
        Err(error) if error.is_gone() => {
            return Err(registry_id::not_found(&registry.id().to_string()));
        }
        Err(error) => return Err(failed(&error)),
    };
    signed_in.map_err(|error| failed(&error))?;
    let (data_plane, budget) = (registry.data_plane(&login_server), registry.budget());
    let policy = async {
        if arguments.is_complete() {
            return Ok((PolicyState::NotRead, None));
        }
        read_policy(&data_plane, budget, &KnownPolicy::default()).await
    };
    let tags = async {
        match &arguments.repositories {
            Some(named) => Tags::list(&data_plane, budget, named).await.map(Some),
            None => Ok(None),
        }
    };
    let fetched = futures::try_join!(policy, tags);
    let ((found, manifest), tags) = fetched.map_err(|error| failed(&error))?;
    let live = LivePolicy {
        login_server,
        manifest,
        found,
    };
    Ok(Fetched { live, tags })
}

fn validate(config: &Value) -> Diagnostics {
    let convention = Config::read(config).tag_convention.known();
    let without = "omit `repositories` to use the policy of the registry";
    let repositories = validate::repositories(config, convention, without);
    let tag_convention = validate::tag_convention(config).into_iter();
    registry_and_timeouts(config, tag_convention.chain(repositories))
}

fn failed(error: &Error) -> Diagnostic {
    report::failure("Could not read the images", error)
}
