//! The Azure features that Distribution 2 lacks: authentication with an Entra token, paged tag lists, and
//! the deletion of a repository. Requests under `/v2/` go to the registry unchanged. Its responses come
//! back unchanged, except tag lists, which are split into pages.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use azure_simulator::SigningKey;
use http::header::{ACCEPT, AUTHORIZATION, HeaderValue, LINK};
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use terraform_provider_acr::http::client::{Client, ClientOptions};
use terraform_provider_acr::http::{Request, Response, Transport, TransportError};
use url::Url;

use crate::real_registry::certificates::Certificates;

/// The token endpoint. The front answers it, so no server listens there.
pub(crate) const REALM: &str = "https://localhost/oauth2/token";
/// The audience of the tokens.
pub(crate) const SERVICE: &str = "registry.example";
/// The issuer of the tokens.
pub(crate) const ISSUER: &str = "tokens.example";

const ENTRA_TOKEN: &str = "an-entra-token";
const REFRESH_TOKEN: &str = "a-refresh-token";

/// A transport to a registry that adds Azure's features.
pub(crate) struct Front {
    client: Client,
    signer: String,
    key: SigningKey,
    /// The number of tokens that are still to be issued expired.
    stale: AtomicUsize,
    /// Whether all tokens are read-only, regardless of the requested scope.
    read_only: bool,
    requests: Mutex<Vec<String>>,
}

impl Front {
    pub(crate) fn new(certificates: &Certificates, stale: usize, read_only: bool) -> Arc<Self> {
        let client = Client::new(ClientOptions {
            user_agent: "real registry".to_owned(),
            extra_ca_pem: Some(certificates.authority().into()),
            ..ClientOptions::default()
        });
        Arc::new(Self {
            client: client.unwrap(),
            signer: certificates.signer(),
            key: certificates.signing_key(),
            stale: stale.into(),
            read_only,
            requests: Mutex::default(),
        })
    }

    /// The number of requests that begin with `asked`, such as `POST /oauth2/token`.
    pub(crate) fn count(&self, asked: &str) -> usize {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|it| it.starts_with(asked)).count()
    }

    /// A token in the format of Distribution: a JWT with the certificate of its key.
    fn token(&self, scope: &str) -> String {
        let (name, actions) = access(scope);
        let actions: Vec<&str> = actions
            .filter(|action| !self.read_only || *action == "pull")
            .collect();
        let countdown = |left: usize| left.checked_sub(1);
        let stale = self
            .stale
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, countdown)
            .is_ok();
        let hour = Duration::from_secs(3600);
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let from = if stale { now - 2 * hour } else { now };
        self.key
            .sign(
                &json!({"typ": "JWT", "alg": "RS256", "x5c": [self.signer]}),
                &json!({
                    "iss": ISSUER, "aud": SERVICE, "sub": "", "jti": "one",
                    "nbf": (from - Duration::from_secs(60)).as_secs(), "iat": from.as_secs(),
                    "exp": (from + hour).as_secs(),
                    "access": [{"type": "repository", "name": name, "actions": actions}],
                }),
            )
            .unwrap()
    }

    fn sign_in(&self, request: &Request) -> Response {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&request.body)
            .into_owned()
            .collect();
        let given = |name: &str, value: &str| form.get(name).is_some_and(|it| it == value);
        match request.url.path() {
            "/oauth2/exchange" if given("access_token", ENTRA_TOKEN) => {
                answer(200, &json!({"refresh_token": REFRESH_TOKEN}))
            }
            "/oauth2/token"
                if given("refresh_token", REFRESH_TOKEN) && given("service", SERVICE) =>
            {
                answer(200, &json!({"access_token": self.token(&form["scope"])}))
            }
            path if path.ends_with("/oauth2/v2.0/token") => answer(
                200,
                &json!({"token_type": "Bearer", "access_token": ENTRA_TOKEN, "expires_in": 3600}),
            ),
            _ => answer(401, &json!({})),
        }
    }

    /// Deletes every tagged manifest of a repository, because Distribution can't delete a repository.
    async fn delete(&self, root: &Url, repository: &str) -> Result<Response, TransportError> {
        let token = self.token(&format!("repository:{repository}:pull,delete"));
        let bearer = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
        let ask = async |method: Method, path: &str| {
            let url = root.join(&format!("/v2/{repository}/{path}")).unwrap();
            let accept = HeaderValue::from_static("application/vnd.oci.image.manifest.v1+json");
            let request = Request::new(method, url)
                .header(AUTHORIZATION, bearer.clone())
                .header(ACCEPT, accept);
            self.client.send(request).await
        };
        let tags = ask(Method::GET, "tags/list").await?;
        if tags.status != StatusCode::OK {
            return Ok(tags);
        }
        let tags: Value = serde_json::from_slice(&tags.body).unwrap();
        for tag in tags["tags"].as_array().into_iter().flatten() {
            let tag = tag.as_str().unwrap();
            let manifest = ask(Method::HEAD, &format!("manifests/{tag}")).await?;
            // The manifest is already deleted if another tag referred to it too.
            if let Some(digest) = manifest.header("docker-content-digest") {
                let deleted = ask(Method::DELETE, &format!("manifests/{digest}")).await?;
                assert_eq!(deleted.status, StatusCode::ACCEPTED);
            }
        }
        Ok(answer(202, &json!({})))
    }
}

#[async_trait]
impl Transport for Front {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let path = request.url.path().to_owned();
        let asked = format!("{} {path}", request.method);
        self.requests.lock().unwrap().push(asked);
        if path.starts_with("/v2/") {
            let url = request.url.clone();
            let answer = self.client.send(request).await?;
            let is_list = path.ends_with("/tags/list") && answer.status == StatusCode::OK;
            return Ok(if is_list { page(&url, answer) } else { answer });
        }
        if let Some(repository) = path.strip_prefix("/acr/v1/") {
            let repository = repository.replace("%2F", "/");
            return self.delete(&request.url, &repository).await;
        }
        Ok(self.sign_in(&request))
    }
}

/// The requested page of a complete tag list, with a link to the next page.
fn page(url: &Url, whole: Response) -> Response {
    #[derive(Deserialize, Serialize)]
    struct Tags {
        name: String,
        tags: Option<Vec<String>>,
    }

    let asked: BTreeMap<_, _> = url.query_pairs().collect();
    let list: Tags = serde_json::from_slice(&whole.body).unwrap();
    let mut tags = list.tags.unwrap_or_default();
    tags.sort();
    tags.retain(|tag| {
        asked
            .get("last")
            .is_none_or(|last| tag.as_str() > last.as_ref())
    });
    let longest: usize = asked["n"].parse().unwrap();
    let is_last = tags.len() <= longest;
    tags.truncate(longest);
    let mut headers = whole.headers;
    if let (false, Some(last)) = (is_last, tags.last()) {
        let link = format!("<{}?last={last}&n={longest}>; rel=\"next\"", url.path());
        headers.insert(LINK, HeaderValue::from_str(&link).unwrap());
    }
    let list = Tags {
        tags: Some(tags),
        ..list
    };
    Response {
        body: serde_json::to_vec(&list).unwrap().into(),
        headers,
        ..whole
    }
}

/// The repository and the actions of a scope, such as `repository:a/b:pull,push`.
fn access(scope: &str) -> (&str, impl Iterator<Item = &str>) {
    let (name, actions) = scope
        .strip_prefix("repository:")
        .and_then(|rest| rest.rsplit_once(':'))
        .unwrap();
    (name, actions.split(','))
}

fn answer(status: u16, body: &Value) -> Response {
    Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: body.to_string().into(),
        outcome_unknown: false,
    }
}
