//! The list resource `acr_continuous_patching_workflow`: every registry of a subscription that has a
//! workflow.
//!
//! A registry has a workflow if any of the three tasks exists. A create then fails and asks for an import.
//! The list reads registries page by page, and a limited number of them at a time. It looks at the tasks
//! first, because most registries have no workflow. It sends each workflow as soon as it finds it, and stops
//! at the host's limit or after [`TIMEOUT`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, Stream, TryStreamExt as _};

use crate::azure::error::Error;
use crate::azure::id::{RegistryId, problem_of_group, problem_of_subscription};
use crate::azure::{Azure, RegistryClient};
use crate::http::{Budget, LOOKUPS_AT_ONCE, Stopped};
use crate::provider::common::timeouts::Operation;
use crate::provider::connection::Connection;
use crate::provider::report;
use crate::provider::workflow::lookup::{Lookup, look_up_rest};
use crate::provider::workflow::run::wording::span;
use crate::provider::workflow::{TYPE_NAME, identity};
use crate::workflow::observe::{has_workflow, is_of_workflow};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{
    Context, ListRequest, ListResource, ListResult, ListResults, NoMoreWanted,
};
use terraform_plugin::schema::{Attribute, Block, Configurability, Schema};
use terraform_plugin::value::{AttributePath, Type, Value};

const SUBSCRIPTION_ID: &str = "subscription_id";
const RESOURCE_GROUP_NAME: &str = "resource_group_name";

/// The time for the whole list. A list has no `timeouts` block.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// The list resource.
#[derive(Debug)]
pub(crate) struct ContinuousPatchingWorkflows {
    connection: Arc<Connection>,
    schema: Schema,
}

impl ContinuousPatchingWorkflows {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            schema: schema(),
        }
    }

    /// Returns the subscription of the configuration, or else of the provider.
    fn subscription(&self, config: &Value) -> Result<String, Diagnostic> {
        if let Some(id) = text(config, SUBSCRIPTION_ID) {
            return Ok(id.to_owned());
        }
        self.connection.subscription().ok_or_else(no_subscription)
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

    async fn validate_config(&self, _: &Context, config: &Value) -> Diagnostics {
        let subscription = text(config, SUBSCRIPTION_ID).and_then(|id| {
            let problem = problem_of_subscription(id)?;
            Some(invalid_subscription(id, problem).at(AttributePath::new(SUBSCRIPTION_ID)))
        });
        let group = text(config, RESOURCE_GROUP_NAME).and_then(|name| {
            let problem = problem_of_group(name)?;
            let detail = format!("{name:?} is not a valid resource group name: {problem}.");
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
            budget: Budget::new(TIMEOUT, context.cancelled.clone()),
            with_state: request.include_resource,
            wanted: AtomicU64::new(request.limit),
            results,
        };
        let subscription = self.subscription(&request.config)?;
        let group = text(&request.config, RESOURCE_GROUP_NAME);
        // A stable order, because hosts generate configurations from the list.
        let sent = search
            .registries(&subscription, group)
            .map_ok(|registry| search.fetch(registry))
            .try_buffered(LOOKUPS_AT_ONCE)
            .try_for_each(|found| search.send(found));
        match sent.await {
            Ok(()) | Err(End::Enough) => Ok(()),
            Err(End::Failed(error)) => Err(match search.budget.check() {
                Err(Stopped::Deadline) => not_in_time(&error).into(),
                Ok(()) | Err(Stopped::Cancelled) => not_listed(&error).into(),
            }),
        }
    }
}

/// A list in progress.
struct Search<'a> {
    azure: Azure,
    /// The budget of the whole list.
    budget: Budget,
    with_state: bool,
    /// The number of workflows that the host still accepts.
    wanted: AtomicU64,
    results: &'a ListResults,
}

/// Why a list ends before the last registry.
enum End {
    /// The host's limit is reached.
    Enough,
    Failed(Error),
}

impl From<NoMoreWanted> for End {
    fn from(_: NoMoreWanted) -> Self {
        Self::Enough
    }
}

impl Search<'_> {
    /// The registries. The list reads the next page while it reads the workflows of the current one.
    fn registries(
        &self,
        subscription: &str,
        group: Option<&str>,
    ) -> impl Stream<Item = Result<RegistryId, End>> {
        let pages = self.azure.registries(subscription, group);
        let pages = stream::try_unfold(pages, async |mut pages| {
            let page = pages.next(&self.budget_of_one()).await?;
            let page = page.map(|page| stream::iter(page.into_iter().map(Ok)));
            Ok::<_, Error>(page.map(|page| (page, pages)))
        });
        pages.try_flatten().map_err(End::Failed)
    }

    /// Returns the workflow of a registry if it has one, or a warning if it can't be read.
    async fn fetch(&self, registry: RegistryId) -> Result<Option<ListResult>, End> {
        match self.workflow_of(&registry).await {
            Ok(found) => Ok(found),
            // The registry was deleted after Azure listed it.
            Err(error) if error.is_gone() => Ok(None),
            // The user cancelled, or the time of the whole list is over.
            Err(error) if self.budget.check().is_err() => Err(End::Failed(error)),
            Err(error) => {
                let unreadable = unreadable(&registry, &error);
                Ok(Some(Diagnostics::from(unreadable).into()))
            }
        }
    }

    /// Returns the workflow of a registry, with the state after an import if the host asks for it.
    async fn workflow_of(&self, registry: &RegistryId) -> Result<Option<ListResult>, Error> {
        let budget = self.budget_of_one();
        let client = RegistryClient::new(self.azure.clone(), budget, registry.clone());
        let tasks = client.list_tasks(is_of_workflow).await?;
        if !has_workflow(&tasks) {
            return Ok(None);
        }
        let result = |resource, diagnostics| ListResult {
            display_name: registry.registry.clone(),
            identity: identity::of_registry(registry),
            resource,
            diagnostics,
        };
        if !self.with_state {
            return Ok(Some(result(None, Diagnostics::new())));
        }
        Ok(match look_up_rest(&client, tasks).await? {
            Lookup::NoRegistry | Lookup::NoWorkflow => None,
            Lookup::Workflow { state, diagnostics } => Some(result(Some(state), diagnostics)),
        })
    }

    /// Sends a result, up to the host's limit.
    async fn send(&self, found: Option<ListResult>) -> Result<(), End> {
        let Some(found) = found else {
            return Ok(());
        };
        let is_workflow = !found.identity.is_null();
        self.results.send(found).await?;
        if is_workflow && self.wanted.fetch_sub(1, Ordering::Relaxed) <= 1 {
            return Err(End::Enough);
        }
        Ok(())
    }

    /// The budget for one page or one registry: the same as for a refresh, within the time of the list.
    fn budget_of_one(&self) -> Budget {
        self.budget.within(Operation::Read.default_timeout())
    }
}

/// The schema, version 0.
fn schema() -> Schema {
    let text = |name, description| {
        Attribute::new(name, Type::String, Configurability::Optional, description)
    };
    Schema {
        version: 0,
        block: Block {
            attributes: vec![
                text(
                    RESOURCE_GROUP_NAME,
                    "The name of the resource group to search. If omitted, the whole subscription \
                     is searched.",
                ),
                text(
                    SUBSCRIPTION_ID,
                    "The ID of the subscription to search. Defaults to the provider's \
                     `subscription_id`.",
                ),
            ],
            description: "Lists the Continuous Patching workflows of a subscription. There is one \
                          result for each container registry that has any of the three tasks. It \
                          does not matter which tool created the workflow."
                .to_owned(),
            ..Block::default()
        },
    }
}

/// Returns the text of an argument. An empty text counts as omitted.
fn text<'a>(config: &'a Value, name: &str) -> Option<&'a str> {
    config.get(name).as_str().filter(|text| !text.is_empty())
}

fn invalid_subscription(id: &str, problem: &str) -> Diagnostic {
    let detail = format!("{id:?} is not a valid subscription ID: {problem}.");
    Diagnostic::error("Invalid subscription ID", detail)
}

/// A warning about one registry. An error would end the list of the other ones.
fn unreadable(registry: &RegistryId, error: &Error) -> Diagnostic {
    let summary = format!("Could not look up the workflow of {}", registry.registry);
    let failure = report::failure(&summary, error);
    Diagnostic::warning(failure.summary, failure.detail)
}

/// The error after the list of registries failed. It points to the argument that names a missing scope.
fn not_listed(error: &Error) -> Diagnostic {
    const SUMMARY: &str = "Could not list the registries";
    let (argument, next) = match error.code() {
        Some("ResourceGroupNotFound") => (
            RESOURCE_GROUP_NAME,
            "Check `resource_group_name`, and the subscription of that resource group.",
        ),
        Some("SubscriptionNotFound" | "InvalidSubscriptionId") => (
            SUBSCRIPTION_ID,
            "Check `subscription_id` in the list or in the provider block, and that the signed-in identity \
             has access to that subscription.",
        ),
        _ => return report::failure(SUMMARY, error),
    };
    let detail = format!("{}\n\n{next}", report::happened(error));
    Diagnostic::error(SUMMARY, detail).at(AttributePath::new(argument))
}

/// The error after the time of the list.
fn not_in_time(error: &Error) -> Diagnostic {
    let happened = report::happened(error);
    Diagnostic::error(
        format!("The list did not finish within {}", span(TIMEOUT)),
        format!(
            "{happened}\n\nThe workflows that the list has found so far are complete, but others may be \
             missing. To search fewer registries, set `resource_group_name`."
        ),
    )
}

fn no_subscription() -> Diagnostic {
    Diagnostic::error(
        "No subscription to list",
        "No subscription is configured. Set `subscription_id` in the `config` block of the list or in \
         the provider block, or set the environment variable ARM_SUBSCRIPTION_ID.",
    )
}
