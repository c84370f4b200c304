//! Builds, signs and sends requests to Azure Resource Manager, and reads pages and bodies.

use http::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::azure::absence;
use crate::azure::{Azure, Cloud, Error, Operation, Secret, rate_limits};
use crate::http::{Budget, Request, Response};

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-correlation-request-id");

const AUXILIARY: HeaderName = HeaderName::from_static("x-ms-authorization-auxiliary");

/// The characters that a query value keeps unescaped. A space becomes `%20`, because not every service
/// reads `+` as a space.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'(')
    .remove(b')')
    .remove(b',')
    .remove(b':')
    .remove(b'/');

/// Returns the URL of a resource or of an action on it, with an API version and further query parameters.
pub(crate) fn url(cloud: &Cloud, id: &str, api_version: &str, query: &[(&str, &str)]) -> Url {
    let mut url = cloud.resource_manager.clone();
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}{id}"));
    let further = query
        .iter()
        .map(|(name, value)| format!("&{name}={}", utf8_percent_encode(value, QUERY_VALUE)));
    let text: String = std::iter::once(format!("api-version={api_version}"))
        .chain(further)
        .collect();
    url.set_query(Some(&text));
    url
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// The rows that can be read.
    pub(crate) rows: Vec<T>,
    /// The other rows.
    pub(crate) unreadable: Vec<UnreadableRow>,
    /// The URL of the next page.
    pub(crate) next: Option<Url>,
}

/// A row of a list that can't be read.
#[derive(Debug)]
pub(crate) struct UnreadableRow {
    /// The resource's name. Empty if the row has none.
    pub(crate) name: String,
    /// Why it can't be read.
    pub(crate) reason: String,
}

/// Parses a JSON answer.
pub(crate) fn decode<T: DeserializeOwned>(
    operation: &Operation,
    response: &Response,
) -> Result<T, Error> {
    serde_json::from_slice(&response.body)
        .map_err(|error| Error::unexpected(operation, error.to_string()))
}

/// Turns the error of something that is [gone](Error::is_gone) into `None`.
pub(crate) fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.is_gone() => Ok(None),
        Err(error) => Err(error),
    }
}

impl Azure {
    /// Signs and sends a request. Any status is an answer. A rejected token is renewed once, and a 404 is
    /// checked with a second look.
    pub(crate) async fn arm_any(
        &self,
        budget: &Budget,
        operation: &Operation,
        request: Request,
    ) -> Result<Response, Error> {
        let first = self.arm_once(budget, operation, request.clone()).await?;
        if !absence::is_second_look_due(budget, operation, &first).await? {
            return Ok(first);
        }
        let second = self.arm_once(budget, operation, request).await;
        absence::second_answer(operation, &first, second)
    }

    /// Sends a request as [`Self::arm_any`] does, without a second look. For polls, which look again
    /// anyway.
    pub(crate) async fn arm_once(
        &self,
        budget: &Budget,
        operation: &Operation,
        request: Request,
    ) -> Result<Response, Error> {
        // So that a stopped operation reports this request and not the token request.
        budget
            .check()
            .map_err(|why| Error::stopped(operation, why))?;
        let credential = &self.shared.credential;
        let scope = self.shared.cloud.resource_manager_scope();
        let token = credential.token(budget, &scope).await?;
        let auxiliary = credential.auxiliary_tokens(budget, &scope).await?;
        let request = self.with_common_headers(operation, request, &auxiliary)?;
        let signed = request
            .clone()
            .header(AUTHORIZATION, token.bearer(operation)?);
        let answer = self.send_once(budget, operation, &signed).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let again = async {
            let token = credential.renewed_token(budget, &scope, &token).await?;
            let signed = request.header(AUTHORIZATION, token.bearer(operation)?);
            self.send_once(budget, operation, &signed).await
        };
        match again.await {
            Ok(mut renewed) => {
                renewed.outcome_unknown |= answer.outcome_unknown;
                Ok(renewed)
            }
            Err(error) => Err(error.after(operation, &answer)),
        }
    }

    /// Adds all headers except the request's own token.
    fn with_common_headers(
        &self,
        operation: &Operation,
        request: Request,
        auxiliary: &[Secret],
    ) -> Result<Request, Error> {
        let lanes = rate_limits::resource_manager(&request);
        let mut request = request
            .lanes(lanes)
            .header(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(id) = &self.shared.correlation_id
            && let Ok(id) = HeaderValue::from_str(id)
        {
            request = request.header(CORRELATION_ID, id);
        }
        if !auxiliary.is_empty() {
            let tokens = auxiliary.iter().map(Secret::expose);
            let tokens: Vec<String> = tokens.map(|token| format!("Bearer {token}")).collect();
            let mut value = HeaderValue::try_from(tokens.join(", ")).map_err(|_| {
                Error::unexpected(operation, "an auxiliary token is not a valid header value")
            })?;
            value.set_sensitive(true);
            request = request.header(AUXILIARY, value);
        }
        Ok(request)
    }

    /// Signs and sends a request. A status other than 2xx is an error.
    pub(crate) async fn arm(
        &self,
        budget: &Budget,
        operation: &Operation,
        request: Request,
    ) -> Result<Response, Error> {
        let response = self.arm_any(budget, operation, request).await?;
        if response.status.is_success() {
            Ok(response)
        } else {
            Err(Error::refused(operation, &response))
        }
    }

    /// Reads one resource.
    pub(crate) async fn arm_get<T: DeserializeOwned>(
        &self,
        budget: &Budget,
        operation: &Operation,
        url: Url,
    ) -> Result<T, Error> {
        let request = Request::new(Method::GET, url);
        let response = self.arm(budget, operation, request).await?;
        decode(operation, &response)
    }

    /// Reads all pages of a list, without rows that can't be read. Such a row is usually another tool's, and
    /// must not affect the others. Only a row whose name `is_needed` is an error.
    pub(crate) async fn arm_list<T: DeserializeOwned>(
        &self,
        budget: &Budget,
        operation: &Operation,
        first: Url,
        is_needed: impl Fn(&str) -> bool,
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        let mut next = Some(first);
        while let Some(url) = next {
            let page = self.arm_page(budget, operation, url).await?;
            if let Some(row) = page.unreadable.iter().find(|row| is_needed(&row.name)) {
                let reason = format!("its row {}: {}", row.name, row.reason);
                return Err(Error::unexpected(operation, reason));
            }
            all.extend(page.rows);
            next = page.next;
        }
        Ok(all)
    }

    /// Reads one page of a list.
    pub(crate) async fn arm_page<T: DeserializeOwned>(
        &self,
        budget: &Budget,
        operation: &Operation,
        url: Url,
    ) -> Result<Page<T>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            value: Vec<Value>,
            next_link: Option<String>,
        }

        let wire: Wire = self.arm_get(budget, operation, url).await?;
        let mut page = Page {
            rows: Vec::with_capacity(wire.value.len()),
            unreadable: Vec::new(),
            next: None,
        };
        for row in wire.value {
            let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
            let name = name.to_owned();
            match serde_json::from_value(row) {
                Ok(row) => page.rows.push(row),
                Err(error) => {
                    let reason = error.to_string();
                    tracing::warn!(%operation, %name, %reason, "skipped an unreadable row of a list");
                    page.unreadable.push(UnreadableRow { name, reason });
                }
            }
        }
        let further = wire.next_link.filter(|link| !link.is_empty());
        page.next = further
            .map(|link| self.arm_link(operation, &link))
            .transpose()?;
        Ok(page)
    }

    /// Deletes one resource and returns the answer. It is not an error if the resource is gone.
    pub(crate) async fn arm_delete(
        &self,
        budget: &Budget,
        operation: &Operation,
        url: Url,
    ) -> Result<Response, Error> {
        let request = Request::new(Method::DELETE, url);
        let response = self.arm_any(budget, operation, request).await?;
        if response.status.is_success() {
            return Ok(response);
        }
        match Error::refused(operation, &response) {
            refusal if refusal.is_gone() => Ok(response),
            refusal => Err(refusal),
        }
    }

    /// Resolves a link in an answer. A link to another host is an error, because it would receive the
    /// token.
    pub(crate) fn arm_link(&self, operation: &Operation, link: &str) -> Result<Url, Error> {
        self.cloud()
            .resource_manager
            .join(link)
            .ok()
            .filter(|url| self.cloud().is_resource_manager(url))
            .ok_or_else(|| {
                Error::unexpected(
                    operation,
                    "it has a link to a host other than Resource Manager",
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json as value;
    use tokio::time::Instant;

    use super::*;
    use crate::azure::OperationKind;
    use crate::azure::testing::{azure, minute};
    use crate::http::TransportErrorKind;
    use crate::http::scripted_transport::{ScriptedTransport, absent, json, reply};

    fn listing() -> Operation {
        Operation::new(OperationKind::ListTasks, "/things")
    }

    #[test]
    fn a_query_encodes_spaces_as_percent_20() {
        let filter = [("$filter", "TaskName in ('a') and x eq 'b+c'")];
        let url = url(&Cloud::public(), "/things", "2022-04-01", &filter);
        assert_eq!(
            url.as_str(),
            "https://management.azure.com/things?api-version=2022-04-01\
             &$filter=TaskName%20in%20(%27a%27)%20and%20x%20eq%20%27b%2Bc%27"
        );
    }

    #[test]
    fn keeps_the_path_of_an_endpoint() {
        let mut cloud = Cloud::public();
        cloud.resource_manager = Url::parse("https://localhost:8443/arm/").unwrap();
        let url = url(&cloud, "/things", "1", &[]);
        assert_eq!(
            url.as_str(),
            "https://localhost:8443/arm/things?api-version=1"
        );
    }

    #[tokio::test]
    async fn requests_have_a_token_and_a_correlation_id() {
        let transport =
            ScriptedTransport::default().on(Method::GET, "/things", json(200, &value!({})));
        let azure = azure(&transport);
        let url = url(azure.cloud(), "/things", "1", &[]);
        let _: Value = azure.arm_get(&minute(), &listing(), url).await.unwrap();
        let headers = &transport.requests()[0].headers;
        assert_eq!(
            headers["authorization"],
            "Bearer token-for-https://management.azure.com/.default"
        );
        assert_eq!(headers["accept"], "application/json");
        assert_eq!(headers["x-ms-correlation-request-id"], "correlation-1");
    }

    #[tokio::test]
    async fn reads_all_pages_of_a_list() {
        let page =
            |items: Value, next: &str| json(200, &value!({"value": items, "nextLink": next}));
        let next = "https://management.azure.com/things?page=2";
        let transport = ScriptedTransport::default()
            .on(Method::GET, "/things?page=2", page(value!([3]), ""))
            .on(Method::GET, "/things", page(value!([1, 2]), next));
        let azure = azure(&transport);
        let url = url(azure.cloud(), "/things", "1", &[]);
        let all: Vec<u32> = azure
            .arm_list(&minute(), &listing(), url, |_| true)
            .await
            .unwrap();
        assert_eq!(all, [1, 2, 3]);
    }

    #[tokio::test]
    async fn a_next_link_to_another_host_is_an_error() {
        let page = value!({"value": [], "nextLink": "https://evil.example/things"});
        let transport = ScriptedTransport::default().on(Method::GET, "/things", json(200, &page));
        let azure = azure(&transport);
        let url = url(azure.cloud(), "/things", "1", &[]);
        let error = azure
            .arm_list::<u32>(&minute(), &listing(), url, |_| true)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Decode { .. }));
        assert_eq!(transport.requests().len(), 1);
    }

    #[tokio::test]
    async fn a_rejected_token_is_renewed_once() {
        let transport = ScriptedTransport::default()
            .on(Method::PUT, "/things", reply(401))
            .on(Method::PUT, "/things", reply(201))
            .on(Method::PUT, "/things", reply(401))
            .on(Method::PUT, "/things", reply(401));
        let azure = azure(&transport);
        let put = || Request::new(Method::PUT, url(azure.cloud(), "/things", "1", &[]));
        let done = azure.arm(&minute(), &listing(), put()).await.unwrap();
        assert_eq!(done.status, 201);
        let refused = azure.arm(&minute(), &listing(), put()).await.unwrap_err();
        assert_eq!(refused.status(), Some(StatusCode::UNAUTHORIZED));
        transport.assert_done();
    }

    /// Reads role assignments, which answer with this 429 first. Returns how long a read of the registry has to
    /// wait after that.
    async fn wait_after(refusal: Response) -> Duration {
        const REGISTRY: &str =
            "/subscriptions/s/providers/Microsoft.ContainerRegistry/registries/r";
        let assignments = format!("{REGISTRY}/providers/Microsoft.Authorization/roleAssignments");
        let transport = ScriptedTransport::default()
            .on(Method::GET, &assignments, refusal.with("retry-after", "40"))
            .on(Method::GET, &assignments, json(200, &value!({})))
            .on(Method::GET, REGISTRY, json(200, &value!({})));
        let azure = azure(&transport);
        let budget = minute();
        let operation = listing();
        let read = |id: &str| {
            let url = url(azure.cloud(), id, "1", &[]);
            azure.arm_get::<Value>(&budget, &operation, url)
        };
        let start = Instant::now();
        let registry = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            read(REGISTRY).await.unwrap();
            start.elapsed() - Duration::from_secs(1)
        };
        let (assignments, waited) = tokio::join!(read(&assignments), registry);
        assignments.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(40));
        waited
    }

    #[tokio::test(start_paused = true)]
    async fn only_resource_managers_own_429_stops_the_reads_of_the_subscription() {
        let coded = |code: &str| json(429, &value!({"error": {"code": code, "message": "…"}}));
        assert_eq!(wait_after(coded("TooManyRequests")).await, Duration::ZERO);
        assert_eq!(wait_after(reply(429)).await, Duration::ZERO);
        let most = Duration::from_secs(39);
        assert_eq!(
            wait_after(coded("SubscriptionRequestsThrottled")).await,
            most
        );
        let gateway = reply(429).with("x-ms-failure-cause", "gateway");
        assert_eq!(wait_after(gateway).await, most);
    }

    #[tokio::test(start_paused = true)]
    async fn an_interrupted_and_then_refused_write_may_have_been_done() {
        let refused_after = |kind| async move {
            let transport = ScriptedTransport::default()
                .fail(Method::PUT, "/things", kind)
                .on(Method::PUT, "/things", reply(403));
            let azure = azure(&transport);
            let request = Request::new(Method::PUT, url(azure.cloud(), "/things", "1", &[]));
            let refused = azure.arm(&minute(), &listing(), request).await;
            refused.unwrap_err().may_have_been_done()
        };
        assert!(refused_after(TransportErrorKind::Interrupted).await);
        assert!(!refused_after(TransportErrorKind::Connect).await);
    }

    #[tokio::test(start_paused = true)]
    async fn the_outcome_stays_unknown_after_a_token_renewal() {
        let cut_and_refused = ScriptedTransport::default()
            .fail(Method::PUT, "/things", TransportErrorKind::Interrupted)
            .on(Method::PUT, "/things", reply(401));
        let transport = (0..20).fold(cut_and_refused, |transport, _| {
            transport.fail(Method::PUT, "/things", TransportErrorKind::Connect)
        });
        let azure = azure(&transport);
        let request = Request::new(Method::PUT, url(azure.cloud(), "/things", "1", &[]));
        let error = azure.arm(&minute(), &listing(), request).await.unwrap_err();
        assert!(matches!(&error, Error::Stopped { .. }) && error.may_have_been_done());
    }

    #[tokio::test(start_paused = true)]
    async fn deleting_a_missing_resource_is_not_an_error() {
        let transport = ScriptedTransport::default()
            .twice(Method::DELETE, "/things", absent("ResourceNotFound"))
            .on(Method::DELETE, "/things", reply(409));
        let azure = azure(&transport);
        let url = url(azure.cloud(), "/things", "1", &[]);
        let gone = azure.arm_delete(&minute(), &listing(), url.clone()).await;
        assert_eq!(gone.unwrap().status, 404);
        let refused = azure.arm_delete(&minute(), &listing(), url).await;
        assert!(refused.unwrap_err().is_conflict());
    }
}
