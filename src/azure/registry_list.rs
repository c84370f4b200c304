//! Lists registries page by page, because a subscription may have many.

use std::collections::HashSet;

use serde::Deserialize;
use url::Url;

use crate::azure::pages::ReadPages;
use crate::azure::{Azure, Error, Operation, OperationKind, RegistryId, arm, registry};
use crate::http::Budget;

/// A list of registries that is read one page at a time.
#[derive(Clone, Debug)]
pub(crate) struct RegistryPages {
    azure: Azure,
    operation: Operation,
    next: Option<Url>,
    read: ReadPages,
    /// The registries of earlier pages. If the list changes while it is read, a row can move to a later page.
    seen: HashSet<RegistryId>,
}

impl Azure {
    /// Returns the registries of a subscription or of one of its resource groups. It sends no request
    /// yet.
    #[must_use]
    pub(crate) fn registries(&self, subscription_id: &str, group: Option<&str>) -> RegistryPages {
        let group = group.map_or_else(String::new, |name| format!("/resourceGroups/{name}"));
        let scope = format!("/subscriptions/{subscription_id}{group}");
        let id = format!("{scope}/providers/Microsoft.ContainerRegistry/registries");
        RegistryPages {
            azure: self.clone(),
            next: Some(arm::url(self.cloud(), &id, registry::API_VERSION, &[])),
            operation: Operation::new(OperationKind::ListRegistries, scope),
            read: ReadPages::default(),
            seen: HashSet::new(),
        }
    }
}

impl RegistryPages {
    /// Returns the registries of the next page that no earlier row named, or [`None`] after the last page.
    ///
    /// # Errors
    /// Not found if the subscription or the resource group doesn't exist, or any request error.
    pub(crate) async fn next(&mut self, budget: &Budget) -> Result<Option<Vec<RegistryId>>, Error> {
        #[derive(Deserialize)]
        struct Entry {
            id: String,
        }

        let Some(url) = self.next.take() else {
            return Ok(None);
        };
        self.read.add(&self.operation, &url)?;
        let page = self
            .azure
            .arm_page::<Entry>(budget, &self.operation, url)
            .await?;
        self.next = page.next;
        // One invalid row doesn't affect the others.
        let ids = page.rows.iter().filter_map(|entry| {
            let id = RegistryId::parse(&entry.id);
            id.inspect_err(|error| tracing::warn!(%error, "skipped a registry with an invalid ID"))
                .ok()
        });
        let new = ids.filter(|id| self.seen.insert(id.clone()));
        Ok(Some(new.collect()))
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json as value;

    use crate::azure::testing::{azure, minute, registry};
    use crate::http::scripted_transport::{ScriptedTransport, json};

    #[tokio::test]
    async fn reads_a_page_only_on_request() {
        let link = "https://management.azure.com/next?$skiptoken=1";
        let entry = value!({"id": registry().to_string(), "name": "contoso"});
        let first = value!({"value": [entry.clone()], "nextLink": link});
        let transport = ScriptedTransport::default()
            .on(Method::GET, "/registries?", json(200, &first))
            .on(Method::GET, "/next?", json(200, &value!({"value": []})));
        let azure = azure(&transport);
        let mut pages = azure.registries(&registry().subscription_id, Some("demo"));
        let page = pages.next(&minute()).await.unwrap();
        assert_eq!(page, Some(vec![registry()]));
        assert_eq!(transport.requests().len(), 1);
        assert_eq!(pages.next(&minute()).await.unwrap(), Some(vec![]));
        assert_eq!(pages.next(&minute()).await.unwrap(), None);
        transport.assert_done();
    }

    #[tokio::test]
    async fn a_list_that_leads_back_ends_with_an_error() {
        let link = "https://management.azure.com/next?$skiptoken=1";
        let page = value!({"value": [], "nextLink": link});
        let transport = ScriptedTransport::default()
            .on(Method::GET, "/registries?", json(200, &page))
            .on(Method::GET, "/next?", json(200, &page));
        let azure = azure(&transport);
        let mut pages = azure.registries(&registry().subscription_id, None);
        pages.next(&minute()).await.unwrap();
        pages.next(&minute()).await.unwrap();
        let error = pages.next(&minute()).await.unwrap_err();
        assert!(error.to_string().ends_with(link), "{error}");
        assert_eq!(pages.next(&minute()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_registry_that_comes_twice_is_one_row_in_any_letter_case() {
        let link = "https://management.azure.com/next?$skiptoken=1";
        let row = |id: String| value!({"id": id});
        let id = registry().to_string();
        let first = value!({"value": [row(id.clone()), row(id.to_lowercase())], "nextLink": link});
        let second = value!({"value": [row(id.to_uppercase())]});
        let transport = ScriptedTransport::default()
            .on(Method::GET, "/registries?", json(200, &first))
            .on(Method::GET, "/next?", json(200, &second));
        let azure = azure(&transport);
        let mut pages = azure.registries(&registry().subscription_id, None);
        let page = pages.next(&minute()).await.unwrap();
        assert_eq!(page, Some(vec![registry()]));
        assert_eq!(pages.next(&minute()).await.unwrap(), Some(vec![]));
    }

    #[tokio::test]
    async fn skips_a_row_with_an_invalid_id() {
        let odd = value!({"id": "/subscriptions/x"});
        let page = value!({"value": [odd, {"id": registry().to_string()}]});
        let transport =
            ScriptedTransport::default().on(Method::GET, "/registries?", json(200, &page));
        let azure = azure(&transport);
        let mut pages = azure.registries(&registry().subscription_id, None);
        let page = pages.next(&minute()).await.unwrap();
        assert_eq!(page, Some(vec![registry()]));
    }
}
