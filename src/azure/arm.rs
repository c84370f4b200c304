//! Builds, signs and sends requests to Azure Resource Manager, and reads pages and bodies.

use http::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::azure::absence;
use crate::azure::pages::ReadPages;
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

/// Adds the tokens to a request.
fn signed(
    operation: &Operation,
    request: Request,
    token: &Secret,
    auxiliary: &[Secret],
) -> Result<Request, Error> {
    let request = request.header(AUTHORIZATION, token.bearer(operation)?);
    if auxiliary.is_empty() {
        return Ok(request);
    }
    let tokens = auxiliary.iter().map(Secret::expose);
    let tokens: Vec<String> = tokens.map(|token| format!("Bearer {token}")).collect();
    let mut value = HeaderValue::try_from(tokens.join(", ")).map_err(|_| {
        Error::unexpected(operation, "an auxiliary token is not a valid header value")
    })?;
    value.set_sensitive(true);
    Ok(request.header(AUXILIARY, value))
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
        let request = self.with_common_headers(request);
        let first = signed(operation, request.clone(), &token, &auxiliary)?;
        let answer = self.send_once(budget, operation, &first).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let again = async {
            let (token, auxiliary) = tokio::try_join!(
                credential.renewed_token(budget, &scope, &token),
                credential.renewed_auxiliary_tokens(budget, &scope, &auxiliary),
            )?;
            let second = signed(operation, request, &token, &auxiliary)?;
            self.send_once(budget, operation, &second).await
        };
        match again.await {
            Ok(mut renewed) => {
                renewed.outcome_unknown |= answer.outcome_unknown;
                Ok(renewed)
            }
            Err(error) => Err(error.after(operation, &answer)),
        }
    }

    /// Adds all headers except the tokens.
    fn with_common_headers(&self, request: Request) -> Request {
        let lanes = rate_limits::resource_manager(&request);
        let request = request
            .lanes(lanes)
            .header(ACCEPT, HeaderValue::from_static("application/json"));
        let id = self.shared.correlation_id.as_deref();
        match id.and_then(|id| HeaderValue::from_str(id).ok()) {
            Some(id) => request.header(CORRELATION_ID, id),
            None => request,
        }
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
        let mut read = ReadPages::default();
        let mut next = Some(first);
        while let Some(url) = next {
            read.add(operation, &url)?;
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
mod tests;
