//! The list resource `acr_continuous_patching_workflow`: every registry of a subscription that has
//! a workflow.
//!
//! Registries are read page by page, and looked at some at a time. A workflow goes out as soon as
//! it is found, and nothing is looked at for which nobody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures::stream::{self, Stream, TryStreamExt as _};

use crate::azure::Azure;
use crate::azure::error::Error;
use crate::azure::id::{RegistryId, problem_of_group, problem_of_subscription};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::{Context, ListRequest, ListResource, ListResults, NoMoreWanted};
use crate::http::Budget;
use crate::resource::connection::Connection;
use crate::resource::continuous_patching_workflow::{TYPE_NAME, listed};
use crate::resource::report;
use crate::schema::{Attribute, Block, Presence, Schema};
use crate::value::{AttributePath, Type, Value};

const SUBSCRIPTION_ID: &str = "subscription_id";
const RESOURCE_GROUP_NAME: &str = "resource_group_name";

/// How many registries are looked at at once.
const AT_ONCE: usize = 8;

/// The list resource.
#[derive(Debug)]
pub struct ContinuousPatchingWorkflows {
    connection: Arc<Connection>,
    schema: Schema,
}

impl ContinuousPatchingWorkflows {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            schema: schema(),
        }
    }

    /// The subscription of the configuration, else that of the provider.
    fn subscription(&self, config: &Value) -> Result<String, Diagnostic> {
        if let Some(id) = text(config, SUBSCRIPTION_ID) {
            return Ok(id.to_owned());
        }
        let id = self.connection.subscription().ok_or_else(no_subscription)?;
        match problem_of_subscription(&id) {
            None => Ok(id),
            Some(problem) => Err(invalid_subscription(&id, problem)),
        }
    }
}

#[async_trait]
impl ListResource for ContinuousPatchingWorkflows {
    fn type_name(&self) -> &str {
        TYPE_NAME
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate_config(&self, config: &Value) -> Diagnostics {
        let subscription = text(config, SUBSCRIPTION_ID).and_then(|id| {
            let problem = problem_of_subscription(id)?;
            Some(invalid_subscription(id, problem).at(AttributePath::new(SUBSCRIPTION_ID)))
        });
        let group = text(config, RESOURCE_GROUP_NAME).and_then(|name| {
            let problem = problem_of_group(name)?;
            let detail = format!("{name:?} is no name of a resource group: {problem}.");
            let found = Diagnostic::error("Invalid resource group name", detail);
            Some(found.at(AttributePath::new(RESOURCE_GROUP_NAME)))
        });
        subscription.into_iter().chain(group).collect()
    }

    async fn list(
        &self,
        context: &Context,
        request: ListRequest,
        results: &ListResults,
    ) -> Result<(), Diagnostics> {
        let search = Search {
            azure: self.connection.ready()?,
            context,
            with_state: request.include_resource,
            wanted: AtomicU64::new(request.limit),
            results,
        };
        let subscription = self.subscription(&request.config)?;
        let group = text(&request.config, RESOURCE_GROUP_NAME);
        let looks = search
            .registries(&subscription, group)
            .try_for_each_concurrent(AT_ONCE, |registry| search.look_at(registry));
        match looks.await {
            Ok(()) | Err(End::Enough) => Ok(()),
            Err(End::Failed(error)) => {
                Err(report::failure("Could not list the registries", &error).into())
            }
        }
    }
}

/// One list on its way.
struct Search<'a> {
    azure: Azure,
    context: &'a Context,
    with_state: bool,
    /// How many more workflows are wanted.
    wanted: AtomicU64,
    results: &'a ListResults,
}

/// Why a list ends before the last registry.
enum End {
    /// All that was wanted has been found.
    Enough,
    Failed(Error),
}

impl From<NoMoreWanted> for End {
    fn from(_: NoMoreWanted) -> Self {
        Self::Enough
    }
}

impl Search<'_> {
    /// The registries; a page of them is read when those of the one before are being looked at.
    fn registries(
        &self,
        subscription: &str,
        group: Option<&str>,
    ) -> impl Stream<Item = Result<RegistryId, End>> {
        let pages = self.azure.registries(subscription, group);
        let pages = stream::try_unfold(pages, async |mut pages| {
            let page = pages.next(&self.budget()).await?;
            let page = page.map(|page| stream::iter(page.into_iter().map(Ok)));
            Ok::<_, Error>(page.map(|page| (page, pages)))
        });
        pages.try_flatten().map_err(End::Failed)
    }

    /// Sends the workflow of a registry, if it has one.
    async fn look_at(&self, registry: RegistryId) -> Result<(), End> {
        let budget = self.budget();
        let found = listed::find(&self.azure, &budget, &registry, self.with_state);
        match found.await {
            Ok(None) => {}
            Ok(Some(workflow)) => {
                self.results.send(workflow).await?;
                if self.wanted.fetch_sub(1, Ordering::Relaxed) <= 1 {
                    return Err(End::Enough);
                }
            }
            // It has been deleted since it was listed.
            Err(error) if error.is_gone() => {}
            Err(error) if error.is_cancelled() => return Err(End::Failed(error)),
            Err(error) => {
                let unreadable = listed::unreadable(&registry, &error);
                let unreadable = Diagnostics::from(unreadable);
                self.results.send(unreadable.into()).await?;
            }
        }
        Ok(())
    }

    /// What a page, or a look at one registry, may spend.
    fn budget(&self) -> Budget {
        Budget::new(listed::timeout(), self.context.cancelled.clone())
    }
}

/// The schema, version 0.
fn schema() -> Schema {
    let text =
        |name, description| Attribute::new(name, Type::String, Presence::Optional, description);
    Schema {
        version: 0,
        block: Block {
            attributes: vec![
                text(
                    RESOURCE_GROUP_NAME,
                    "The name of the resource group whose registries are looked at. Left out, \
                     those of the whole subscription are.",
                ),
                text(
                    SUBSCRIPTION_ID,
                    "The ID of the subscription whose registries are looked at. Defaults to the \
                     provider's `subscription_id`.",
                ),
            ],
            description:
                "Lists the Continuous Patching workflows of a subscription: one for every \
                          container registry that has any of the three tasks, whoever set it up."
                    .to_owned(),
            ..Block::default()
        },
    }
}

/// The text of an argument; nothing where it is empty, as where it isn't there.
fn text<'a>(config: &'a Value, name: &str) -> Option<&'a str> {
    config.get(name).as_str().filter(|text| !text.is_empty())
}

fn invalid_subscription(id: &str, problem: &str) -> Diagnostic {
    let detail = format!("{id:?} can't be used: {problem}.");
    Diagnostic::error("Invalid subscription ID", detail)
}

fn no_subscription() -> Diagnostic {
    Diagnostic::error(
        "No subscription to list",
        "Nothing says in which subscription to look. Set `subscription_id` in the `config` block \
         of the list or in the provider block, or the environment variable ARM_SUBSCRIPTION_ID.",
    )
}
