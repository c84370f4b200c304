//! Reads a cloud's endpoints from a metadata host. Any Resource Manager is one.

use std::fmt;

use http::Method;
use serde::Deserialize;
use url::Url;

use crate::azure::{Cloud, Error, Operation, OperationKind};
use crate::http::{Budget, Pipeline, Request, Response};

/// The API version that azurerm uses, and the older one that it falls back to.
const VERSIONS: [&str; 2] = ["2022-09-01", "2019-05-01"];

/// A host that serves the endpoints of a cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetadataHost(Url);

/// The parts of an environment that this provider uses.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Environment {
    #[serde(default)]
    name: String,
    authentication: Authentication,
    resource_manager: String,
    #[serde(default)]
    suffixes: Suffixes,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authentication {
    login_endpoint: String,
    #[serde(default)]
    audiences: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Suffixes {
    #[serde(default)]
    acr_login_server: Option<String>,
}

/// Older versions return all environments that the host knows.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    One(Environment),
    Many(Vec<Environment>),
}

impl MetadataHost {
    /// Parses a host name with an optional port. A leading `https://` is allowed.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let name = text.trim().trim_start_matches("https://");
        let url = Url::parse(&format!("https://{}/", name.trim_end_matches('/'))).ok()?;
        let bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
        (bare && url.has_host() && !name.is_empty()).then_some(Self(url))
    }

    /// Reads the endpoints of the cloud. If the host returns several clouds, `name` selects one.
    ///
    /// # Errors
    /// If the host doesn't answer, or its answer contains no valid endpoints.
    pub(crate) async fn cloud(
        &self,
        budget: &Budget,
        pipeline: &Pipeline,
        name: &str,
    ) -> Result<Cloud, Error> {
        let operation = Operation::new(OperationKind::ReadMetadata, self.to_string());
        let mut last = None;
        for version in VERSIONS {
            let mut url = self.0.clone();
            url.set_path("/metadata/endpoints");
            url.set_query(Some(&format!("api-version={version}")));
            let request = Request::new(Method::GET, url);
            let sent = pipeline.send(budget, &request).await;
            let response = sent.map_err(|error| Error::unsent(&operation, error))?;
            match read(&operation, &response, name) {
                Ok(cloud) => return Ok(cloud),
                // The error for the newest API version is the most useful one.
                Err(error) => last = last.or(Some(error)),
            }
        }
        Err(last.unwrap_or_else(|| Error::unexpected(&operation, "no API version was requested")))
    }
}

impl fmt::Display for MetadataHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::http::host(&self.0))
    }
}

fn read(operation: &Operation, response: &Response, name: &str) -> Result<Cloud, Error> {
    if !response.status.is_success() {
        return Err(Error::refused(operation, response));
    }
    let unexpected = |reason: &str| Error::unexpected(operation, reason);
    let body = response
        .body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&response.body);
    let answer = serde_json::from_slice(body);
    let environment = match answer.map_err(|_| unexpected("it contains no endpoints"))? {
        Answer::One(environment) => environment,
        Answer::Many(environments) => environments
            .into_iter()
            .find(|it| name.is_empty() || it.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| unexpected(&format!("it has no environment named {name:?}")))?,
    };
    let https = |text: &str| {
        let url = Url::parse(text).ok();
        url.filter(|url| url.scheme() == "https" && url.has_host())
            .ok_or_else(|| unexpected(&format!("{text:?} is not an https URL")))
    };
    let manager = https(&environment.resource_manager)?;
    let audience = audience(&environment);
    let authority_host = https(&environment.authentication.login_endpoint)?;
    let registry_domain = environment.suffixes.acr_login_server;
    Ok(Cloud {
        registry_domain: registry_domain.and_then(|suffix| domain(&suffix)),
        ..Cloud::custom(authority_host, manager, audience)
    })
}

/// Returns a domain of at least two names, without a leading dot.
fn domain(suffix: &str) -> Option<String> {
    let domain = suffix.trim_start_matches('.').to_ascii_lowercase();
    let is_name = |name: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !name.is_empty() && name.bytes().all(is_plain)
    };
    (domain.contains('.') && domain.split('.').all(is_name)).then_some(domain)
}

/// The Resource Manager audience: its own endpoint if the audiences contain it, and otherwise the first
/// audience.
fn audience(environment: &Environment) -> String {
    let manager = environment.resource_manager.trim_end_matches('/');
    let audiences = &environment.authentication.audiences;
    let itself = |audience: &&String| audience.trim_end_matches('/') == manager;
    if audiences.is_empty() || audiences.iter().any(|audience| itself(&audience)) {
        return manager.to_owned();
    }
    audiences[0].clone()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json as value};

    use super::*;
    use crate::azure::testing::minute;
    use crate::http::scripted_transport::{ScriptedTransport, json, reply};

    fn other() -> Value {
        value!({
            "name": "AzureOther",
            "authentication": {
                "loginEndpoint": "https://login.other.example/adfs",
                "audiences": ["https://management.other.example/0000"],
            },
            "resourceManager": "https://management.local.example/",
            "suffixes": {},
        })
    }

    async fn cloud_of(transport: &ScriptedTransport, name: &str) -> Result<Cloud, Error> {
        let pipeline = Pipeline::new(Arc::new(transport.clone()));
        let host = MetadataHost::parse("management.local.example:30005").unwrap();
        host.cloud(&minute(), &pipeline, name).await
    }

    #[tokio::test]
    async fn reads_a_clouds_endpoints() {
        let transport =
            ScriptedTransport::default().on(Method::GET, "2022-09-01", json(200, &other()));
        let cloud = cloud_of(&transport, "").await.unwrap();
        insta::assert_snapshot!(transport.story()[0], @"GET https://management.local.example:30005/metadata/endpoints?api-version=2022-09-01");
        assert_eq!(
            cloud.authority_host.as_str(),
            "https://login.other.example/adfs"
        );
        assert_eq!(
            cloud.resource_manager.as_str(),
            "https://management.local.example/"
        );
        assert_eq!(
            cloud.resource_manager_audience,
            "https://management.other.example/0000"
        );
    }

    #[tokio::test]
    async fn reads_the_domain_of_registries() {
        for (suffix, domain) in [
            (
                value!("azurecr.local.example"),
                Some("azurecr.local.example"),
            ),
            (
                value!(".azurecr.local.example"),
                Some("azurecr.local.example"),
            ),
            (value!("example"), None),
            (value!("a.example/b"), None),
            (value!(""), None),
            (Value::Null, None),
        ] {
            let mut environment = other();
            environment["suffixes"] = value!({"acrLoginServer": suffix});
            let transport =
                ScriptedTransport::default().on(Method::GET, "2022-09-01", json(200, &environment));
            let cloud = cloud_of(&transport, "").await.unwrap();
            assert_eq!(cloud.registry_domain.as_deref(), domain);
        }
    }

    #[tokio::test]
    async fn selects_one_of_several_environments_by_name() {
        let public = value!({
            "name": "AzureCloud",
            "authentication": {
                "loginEndpoint": "https://login.microsoftonline.com/",
                "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            },
            "resourceManager": "https://management.azure.com/",
        });
        let both = value!([other(), public]).to_string();
        let both = reply(200).with_body(format!("\u{feff}{both}"));
        let transport = ScriptedTransport::default()
            .on(Method::GET, "2022-09-01", reply(400))
            .on(Method::GET, "2019-05-01", both);
        let cloud = cloud_of(&transport, "azurecloud").await.unwrap();
        assert_eq!(
            cloud.resource_manager_scope(),
            "https://management.azure.com/.default"
        );
    }

    #[tokio::test]
    async fn reports_the_error_for_the_newest_version() {
        let transport = ScriptedTransport::default()
            .on(Method::GET, "2022-09-01", reply(404))
            .on(Method::GET, "2019-05-01", reply(200).with_body("<html>"));
        insta::assert_snapshot!(cloud_of(&transport, "").await.unwrap_err(), @"reading cloud metadata from management.local.example:30005: 404 Not Found");
        let odd = value!({"authentication": {"loginEndpoint": "http://x"}, "resourceManager": "http://x"});
        let transport = ScriptedTransport::default()
            .on(Method::GET, "2022-09-01", json(200, &odd))
            .on(Method::GET, "2019-05-01", json(200, &odd));
        insta::assert_snapshot!(cloud_of(&transport, "").await.unwrap_err(), @r#"reading cloud metadata from management.local.example:30005: unexpected answer: "http://x" is not an https URL"#);
    }

    #[test]
    fn a_metadata_host_is_a_name_with_an_optional_port() {
        let shown = |text: &str| MetadataHost::parse(text).map(|host| host.to_string());
        assert_eq!(shown("https://a.example/").as_deref(), Some("a.example"));
        assert_eq!(shown("a.example:443").as_deref(), Some("a.example"));
        for odd in [
            "",
            "http://a.example",
            "a.example/b",
            "user@a.example",
            "a b",
        ] {
            assert_eq!(shown(odd), None, "{odd}");
        }
    }
}
