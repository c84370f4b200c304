//! Lists the tags of repositories, and deletes repositories.

use http::header::LINK;
use http::{Method, StatusCode};
use serde::Deserialize;

use crate::azure::acr::{AcrClient, Right, segment};
use crate::azure::pages::ReadPages;
use crate::azure::{Error, OperationKind, arm};
use crate::http::{Budget, Request};

/// The page size of the tag list.
const PAGE: u32 = 1000;

impl AcrClient {
    /// Returns all tags of a repository, or `None` if the repository doesn't exist.
    pub async fn list_tags(
        &self,
        budget: &Budget,
        repository: &str,
    ) -> Result<Option<Vec<String>>, Error> {
        #[derive(Deserialize)]
        struct Page {
            tags: Option<Vec<String>>,
        }

        let operation = self.operation(OperationKind::ListTags, repository);
        let scope = self.scope(Right::ListTags, repository);
        let mut all = Vec::new();
        let mut read = ReadPages::default();
        let mut next = Some(format!("/v2/{repository}/tags/list?n={PAGE}"));
        while let Some(link) = next {
            let url = self.link(&operation, &link)?;
            read.add(&operation, &url)?;
            let request = Request::new(Method::GET, url);
            let answer = self.call(budget, &operation, &scope, &request).await?;
            if answer.status != StatusCode::OK {
                return arm::found(Err(Error::refused(&operation, &answer)));
            }
            let page: Page = arm::decode(&operation, &answer)?;
            all.extend(page.tags.unwrap_or_default());
            next = answer.header(LINK.as_str()).and_then(next_page);
        }
        Ok(Some(all))
    }

    /// Deletes a repository with all its content. Returns whether it existed.
    pub async fn delete_repository(
        &self,
        budget: &Budget,
        repository: &str,
    ) -> Result<bool, Error> {
        let operation = self.operation(OperationKind::DeleteRepository, repository);
        let url = self.url(&operation, &format!("/acr/v1/{}", segment(repository)))?;
        let request = Request::new(Method::DELETE, url);
        let scope = self.scope(Right::Delete, repository);
        let answer = self.call(budget, &operation, &scope, &request).await?;
        let deleted = match answer.status.is_success() {
            true => Ok(()),
            false => Err(Error::refused(&operation, &answer)),
        };
        arm::found(deleted).map(|deleted| deleted.is_some())
    }
}

/// Returns the next page's address from a `Link` header such as `</v2/…?last=x&n=1000>; rel="next"`.
fn next_page(header: &str) -> Option<String> {
    let (link, parameters) = header.trim().strip_prefix('<')?.split_once('>')?;
    parameters
        .contains(r#"rel="next""#)
        .then(|| link.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;

    use super::*;
    use crate::azure::acr::testing::{client, signed_in, story};
    use crate::azure::testing::minute;
    use crate::http::scripted_transport::{absent, json, reply};

    #[tokio::test]
    async fn lists_tags_from_all_pages() {
        let page = |tags: &[&str]| json(200, &value!({"name": "a/b", "tags": tags}));
        let link = r#"</v2/a/b/tags/list?last=2&n=1000>; rel="next""#;
        let transport = signed_in().on(Method::GET, "last=2", page(&["3"])).on(
            Method::GET,
            "/tags/list",
            page(&["1", "2"]).with("link", link),
        );
        let tags = client(&transport)
            .list_tags(&minute(), "a/b")
            .await
            .unwrap();
        assert_eq!(tags.unwrap(), ["1", "2", "3"]);
        insta::assert_snapshot!(story(&transport).join("\n"), @"
        GET https://contoso.azurecr.io/v2/a/b/tags/list?n=1000
        GET https://contoso.azurecr.io/v2/a/b/tags/list?last=2&n=1000
        ");
    }

    #[tokio::test]
    async fn a_link_to_a_page_that_was_read_is_an_error_that_names_it() {
        let page = json(200, &value!({"name": "a/b", "tags": ["1"]}));
        let link = r#"</v2/a/b/tags/list?last=1&n=1000>; rel="next""#;
        let transport = signed_in().twice(Method::GET, "/tags/list", page.with("link", link));
        let tags = client(&transport).list_tags(&minute(), "a/b").await;
        insta::assert_snapshot!(tags.unwrap_err(), @"listing tags of contoso.azurecr.io/a/b: unexpected answer: its link to the next page leads to a page that was already read: https://contoso.azurecr.io/v2/a/b/tags/list?last=1&n=1000");
        transport.assert_done();
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_repository_is_none_and_an_empty_one_has_no_tags() {
        let transport = signed_in()
            .twice(Method::GET, "/tags/list", absent("NAME_UNKNOWN"))
            .on(
                Method::GET,
                "/tags/list",
                json(200, &value!({"name": "a/b", "tags": null})),
            );
        let client = client(&transport);
        assert_eq!(client.list_tags(&minute(), "a/b").await.unwrap(), None);
        assert_eq!(
            client.list_tags(&minute(), "a/b").await.unwrap(),
            Some(Vec::new())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn deleting_a_missing_repository_returns_false() {
        let transport = signed_in()
            .on(Method::DELETE, "/acr/v1/", reply(202))
            .twice(Method::DELETE, "/acr/v1/", absent("NAME_UNKNOWN"));
        let client = client(&transport);
        assert!(client.delete_repository(&minute(), "a/b").await.unwrap());
        assert!(!client.delete_repository(&minute(), "a/b").await.unwrap());
        assert_eq!(
            story(&transport)[0],
            "DELETE https://contoso.azurecr.io/acr/v1/a%2Fb"
        );
    }
}
