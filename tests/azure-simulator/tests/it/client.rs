//! A client of the simulator that can sign in, and the request bodies of most tests.

use std::sync::Once;

use azure_simulator::{CLIENT_ID, CLIENT_SECRET, Options, RegistrySpec, Simulator, TENANT};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::HeaderMap;
use reqwest::{Certificate, Client, Method, Proxy, Response};
use serde_json::{Value, json};

/// The default api-versions of the tests.
pub(crate) const TASKS: &str = "api-version=2025-03-01-preview";
pub(crate) const OLD_TASKS: &str = "api-version=2019-06-01-preview";
pub(crate) const REGISTRIES: &str = "api-version=2025-11-01";
pub(crate) const ASSIGNMENTS: &str = "api-version=2022-04-01";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A response, read in full.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) async fn from(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self {
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the status and the error code of ARM or ACR.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let body = self.json();
        let code = body["error"]["code"]
            .as_str()
            .or(body["errors"][0]["code"].as_str());
        (self.status, code.unwrap_or_default().to_owned())
    }
}

/// A simulator with the registry `contoso`, and a client that uses its proxy.
pub(crate) struct Azure {
    pub(crate) simulator: Simulator,
    pub(crate) http: Client,
}

impl Azure {
    pub(crate) fn new() -> Self {
        Self::with(Options::default().registry(RegistrySpec::new("contoso")))
    }

    pub(crate) fn with(options: Options) -> Self {
        let simulator = Simulator::start(options).unwrap();
        let http = client(&simulator, true);
        Self { simulator, http }
    }

    pub(crate) fn registry(&self) -> String {
        self.simulator.registry("contoso").id()
    }

    /// Sends a request to ARM as the default application.
    pub(crate) async fn arm(
        &self,
        method: Method,
        path: &str,
        version: &str,
        body: Option<Value>,
    ) -> Got {
        let token = self.simulator.token("https://management.azure.com");
        let join = if path.contains('?') { '&' } else { '?' };
        let url = format!("https://management.azure.com{path}{join}{version}");
        let request = self.http.request(method, url).bearer_auth(token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        Got::from(request.send().await.unwrap()).await
    }

    pub(crate) async fn put_task(&self, name: &str, body: Value) -> Got {
        let path = format!("{}/tasks/{name}", self.registry());
        self.arm(Method::PUT, &path, TASKS, Some(body)).await
    }

    /// Creates a task with an identity and returns its principal ID.
    pub(crate) async fn task_principal(&self, name: &str) -> String {
        let made = self.put_task(name, task()).await.json();
        made["identity"]["principalId"].as_str().unwrap().to_owned()
    }

    /// Gets an access token of a registry for a scope.
    pub(crate) async fn access(&self, server: &str, scope: &str) -> String {
        let entra = self.simulator.token("https://containerregistry.azure.net");
        let form = [
            ("grant_type", "access_token"),
            ("service", server),
            ("access_token", &entra),
        ];
        let refresh = self
            .form(&format!("https://{server}/oauth2/exchange"), &form)
            .await
            .json();
        let refresh = refresh["refresh_token"].as_str().unwrap().to_owned();
        let form = [
            ("grant_type", "refresh_token"),
            ("service", server),
            ("scope", scope),
            ("refresh_token", &refresh),
        ];
        let access = self
            .form(&format!("https://{server}/oauth2/token"), &form)
            .await
            .json();
        access["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn form(&self, url: &str, fields: &[(&str, &str)]) -> Got {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = self
            .http
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        Got::from(request.send().await.unwrap()).await
    }

    /// Sends a request to the data plane of `contoso`.
    pub(crate) async fn acr(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: impl Into<reqwest::Body>,
    ) -> Got {
        let url = format!("https://contoso.azurecr.io{path}");
        let request = self
            .http
            .request(method, url)
            .bearer_auth(token)
            .header("accept", MANIFEST);
        Got::from(
            request
                .header("content-type", MANIFEST)
                .body(body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// Signs in with a client secret.
    pub(crate) async fn sign_in(
        &self,
        tenant: &str,
        client: &str,
        secret: &str,
        scope: &str,
    ) -> Got {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", secret),
            ("scope", scope),
        ];
        self.form(
            &format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"),
            &form,
        )
        .await
    }

    /// Signs in as the default application.
    pub(crate) async fn sign_in_for(&self, scope: &str) -> Got {
        self.sign_in(TENANT, CLIENT_ID, CLIENT_SECRET, scope).await
    }
}

/// Returns a client that trusts only the simulator and does not follow redirects.
pub(crate) fn client(simulator: &Simulator, proxied: bool) -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // This is the only call in the process, so it cannot fail.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let authority = Certificate::from_pem(simulator.ca_pem().as_bytes()).unwrap();
    let builder = Client::builder()
        // Other crates of the workspace can enable reqwest's gzip feature. Tests need the bodies as sent.
        .no_gzip()
        .no_proxy()
        .tls_certs_only([authority])
        .redirect(reqwest::redirect::Policy::none());
    let builder = if proxied {
        builder.proxy(Proxy::https(simulator.proxy_url()).unwrap())
    } else {
        builder
    };
    builder.build().unwrap()
}

/// Returns a valid body of a task.
pub(crate) fn task() -> Value {
    json!({
        "location": "westeurope",
        "identity": {"type": "SystemAssigned"},
        "tags": {"cssc": "true"},
        "properties": {
            "platform": {"os": "linux", "architecture": "amd64"},
            "agentConfiguration": {"cpu": 2},
            "timeout": 3600,
            "status": "Enabled",
            "step": {
                "type": "EncodedTask",
                "encodedTaskContent": BASE64_STANDARD.encode("version: v1.1.0\nsteps:\n  - cmd: bash echo\n"),
                "values": [],
            },
            "isSystemTask": false,
            "credentials": {
                "sourceRegistry": {"loginMode": "None", "identity": "[system]"},
                "customRegistries": {"contoso.azurecr.io": {"identity": "[system]"}},
            },
        },
    })
}

/// Returns a valid body of a task with a timer.
pub(crate) fn timed_task(schedule: &str) -> Value {
    let mut body = task();
    let timer = json!({"name": "azcli_defined_schedule", "schedule": schedule});
    body["properties"]["trigger"] = json!({"timerTriggers": [timer]});
    body
}
