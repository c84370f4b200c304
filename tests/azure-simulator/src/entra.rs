//! Entra ID: the token endpoint with a client secret, and the two discovery documents.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::dispatch::Label;
use crate::options::TENANT;
use crate::state::World;
use crate::tokens::Grant;
use crate::wire::{Answer, Call, Form, Reply};

/// The host of the public cloud.
pub(crate) const HOST: &str = "login.microsoftonline.com";
/// The audience of ACR's data plane.
pub(crate) const ACR_AUDIENCE: &str = "https://containerregistry.azure.net";
/// The names of ARM's audience, without trailing slashes.
const ARM_AUDIENCES: [&str; 2] = [
    "https://management.azure.com",
    "https://management.core.windows.net",
];

impl World {
    /// Whether a token for that audience is one for ARM.
    pub(crate) fn is_arm_audience(&self, audience: &str) -> bool {
        ARM_AUDIENCES.contains(&audience)
            || audience == self.endpoint
            || audience == self.endpoint.replace("127.0.0.1", "localhost")
    }
}

pub(crate) fn label(call: &Call) -> Label {
    Label::look(match Page::of(call) {
        Some(Page::Token(_)) => "entra/token",
        Some(Page::Configuration(_)) => "entra/configuration",
        Some(Page::Discovery) => "entra/discovery",
        None => "entra/unknown",
    })
}

pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    let answer = match Page::of(call) {
        Some(Page::Token(tenant)) => token(world, &tenant, &call.form()),
        Some(Page::Configuration(tenant)) => {
            known_tenant(world, &tenant).map(|()| configuration(call, &tenant))
        }
        Some(Page::Discovery) => Ok(discovery(call)),
        None => Err(Reply::empty(404)),
    };
    let (Ok(reply) | Err(reply)) = answer;
    reply
}

/// What Entra has, for a tenant or for everybody.
enum Page {
    Token(String),
    Configuration(String),
    Discovery,
}

impl Page {
    fn of(call: &Call) -> Option<Self> {
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (&call.method, segments.as_slice()) {
            (&Method::POST, [tenant, "oauth2", "v2.0", "token"]) => {
                Some(Self::Token((*tenant).to_owned()))
            }
            (&Method::GET, [tenant, "v2.0", ".well-known", "openid-configuration"]) => {
                Some(Self::Configuration((*tenant).to_owned()))
            }
            (&Method::GET, ["common", "discovery", "instance"]) => Some(Self::Discovery),
            _ => None,
        }
    }
}

fn token(world: &mut World, tenant: &str, form: &Form) -> Answer {
    known_tenant(world, tenant)?;
    if form.get("grant_type") != Some("client_credentials") {
        let why = "The app has used an unsupported grant_type value for the OAuth endpoint.";
        return Err(refused(world, 400, "unsupported_grant_type", 70003, why));
    }
    let client_id = form.get("client_id").unwrap_or_default();
    let Some(application) = world
        .applications
        .iter()
        .find(|known| known.client_id.eq_ignore_ascii_case(client_id))
        .cloned()
    else {
        let why = format!(
            "Application with identifier '{client_id}' was not found in the directory 'Simulator'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in the tenant. \
             You may have sent your authentication request to the wrong tenant."
        );
        return Err(refused(world, 400, "unauthorized_client", 700_016, &why));
    };
    let Some(secret) = form.get("client_secret") else {
        let why = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        return Err(refused(world, 401, "invalid_client", 7_000_218, why));
    };
    if secret != application.secret {
        let why = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the \
             client secret ID, for a secret added to app '{client_id}'."
        );
        return Err(refused(world, 401, "invalid_client", 7_000_215, &why));
    }
    let scope = form.get("scope").unwrap_or_default();
    let Some(audience) = scope
        .strip_suffix("/.default")
        .map(|resource| resource.trim_end_matches('/').to_owned())
    else {
        let why = format!(
            "The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
        );
        return Err(refused(world, 400, "invalid_scope", 70011, &why));
    };
    if audience != ACR_AUDIENCE && !world.is_arm_audience(&audience) {
        let why = format!(
            "The resource principal named {audience} was not found in the tenant named Simulator."
        );
        return Err(refused(world, 400, "invalid_resource", 500_011, &why));
    }
    let life = Duration::from_secs(world.knobs.token_lifetime_s);
    let now = world.now();
    let token = world.tokens.issue(
        TENANT,
        &application.principal,
        Grant::Entra { audience },
        now,
        life,
    );
    let body = json!({
        "token_type": "Bearer",
        "expires_in": life.as_secs(),
        "ext_expires_in": life.as_secs(),
        "access_token": token,
    });
    Ok(Reply::json(200, &body).with("cache-control", "no-store, no-cache"))
}

fn known_tenant(world: &World, tenant: &str) -> Result<(), Reply> {
    if tenant.eq_ignore_ascii_case(TENANT) {
        return Ok(());
    }
    let why = format!(
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. \
         Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
    );
    Err(refused(world, 400, "invalid_request", 90002, &why))
}

/// Entra's error body. Its description is one text with line breaks in it, as the real one has.
fn refused(world: &World, status: u16, error: &str, code: u32, why: &str) -> Reply {
    let (trace, correlation) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    let time = Timestamp::strftime(&world.now(), "%Y-%m-%d %H:%M:%SZ").to_string();
    let description = format!(
        "AADSTS{code}: {why}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {time}"
    );
    let body = json!({
        "error": error,
        "error_description": description,
        "error_codes": [code],
        "timestamp": time,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": format!("https://{HOST}/error?code={code}"),
    });
    Reply::json(status, &body)
}

fn configuration(call: &Call, tenant: &str) -> Reply {
    let base = format!("https://{}/{tenant}", call.authority);
    let body = json!({
        "issuer": format!("{base}/v2.0"),
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
    });
    Reply::json(200, &body)
}

fn discovery(call: &Call) -> Reply {
    let endpoint = format!(
        "https://{}/{TENANT}/v2.0/.well-known/openid-configuration",
        call.authority
    );
    let aliases = json!({"preferred_network": HOST, "preferred_cache": "login.windows.net", "aliases": [HOST]});
    Reply::json(
        200,
        &json!({"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": [aliases]}),
    )
}
