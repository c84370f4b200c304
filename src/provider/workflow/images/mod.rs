//! The data source `acr_continuous_patching_images`: the dry run, which images a run would take now,
//! by the policy of the registry or by another one.
//!
//! # Layout
//! - `schema`: what it looks like
//! - `asked`: which policy is tried
//! - `dry_run`: what is said of the images that it selects
//!
//! This file asks Azure: the registry, its policy as far as that is needed, and its repositories.

mod asked;
mod dry_run;
mod schema;

use std::sync::Arc;

use async_trait::async_trait;

use crate::azure::Error;
use crate::provider::connection::Connection;
use crate::provider::report;
use crate::provider::workflow::lookup::{Found, live_policy};
use crate::provider::workflow::model::Config;
use crate::provider::workflow::work::Work;
use crate::provider::workflow::{names, notices, validate};
use crate::workflow::registry_selection::{Selected, Tags};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{
    Context, DataSource, ReadDataSourceResponse, ReadDataSourceResult,
};
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;

use asked::{Asked, Live};

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

    async fn validate_config(&self, config: &Value) -> Diagnostics {
        validate(config)
    }

    async fn read(&self, context: &Context, config: Value) -> ReadDataSourceResult {
        let invalid = validate(&config);
        if invalid.has_error() {
            return Err(invalid);
        }
        let work = Work::look(&self.connection, context, &config)?;
        let asked = Asked::read(&config);
        let There { live, tags } = look(&work, &asked).await?;
        let (policy, mut diagnostics) = asked.over(&live)?;
        let tags = match tags {
            Some(tags) => tags,
            None => {
                let data_plane = work.azure.acr(&live.login_server);
                let tags = Tags::list(&data_plane, &work.budget, &policy.repositories);
                tags.await.map_err(|error| failed(&error))?
            }
        };
        let (mut said, warnings) = dry_run::told(&policy, &Selected::of(&policy, &tags));
        diagnostics.extend(warnings);
        for name in [names::REGISTRY_ID, names::TIMEOUTS] {
            said.insert(name.to_owned(), config.get(name).clone());
        }
        Ok(ReadDataSourceResponse {
            state: Value::Object(said),
            diagnostics,
        })
    }
}

/// What a registry has of what is asked about.
struct There {
    live: Live,
    /// The tags of the repositories, where they were known beforehand.
    tags: Option<Tags>,
}

/// Looks at a registry. Which tags its repositories have depends on no policy, if it is said which
/// repositories are meant: then both are read at once.
async fn look(work: &Work, asked: &Asked) -> Result<There, Diagnostic> {
    let (azure, budget) = (&work.azure, &work.budget);
    let login_server = match azure.get_registry(budget, &work.registry).await {
        Ok(registry) => registry.login_server,
        Err(error) if error.is_gone() => {
            return Err(notices::no_such_registry(&work.registry.to_string()));
        }
        Err(error) => return Err(failed(&error)),
    };
    let data_plane = azure.acr(&login_server);
    let policy = async {
        if asked.is_whole() {
            return Ok((Found::Unseen, None));
        }
        live_policy(azure, budget, &login_server).await
    };
    let tags = async {
        match &asked.repositories {
            Some(named) => Tags::list(&data_plane, budget, named).await.map(Some),
            None => Ok(None),
        }
    };
    let looked = futures::try_join!(policy, tags);
    let ((found, manifest), tags) = looked.map_err(|error| failed(&error))?;
    let live = Live {
        login_server,
        manifest,
        found,
    };
    Ok(There { live, tags })
}

fn validate(config: &Value) -> Diagnostics {
    let convention = Config::read(config).tag_convention.known();
    let without = "leave out `repositories`, for those of the registry's policy";
    let repositories = validate::repositories(config, convention, without);
    let durations = validate::durations(config);
    validate::registry(config)
        .into_iter()
        .chain(validate::tag_convention(config))
        .chain(repositories)
        .chain(durations)
        .collect()
}

fn failed(error: &Error) -> Diagnostic {
    report::failure("Could not look at the registry's images", error)
}
