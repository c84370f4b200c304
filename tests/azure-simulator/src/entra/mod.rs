//! Entra ID: the token endpoint and the two discovery documents.
//!
//! Clients sign in with a secret, a certificate, or the token of a trusted issuer.

mod application;
mod assertion;
mod refusal;

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::dispatch::Label;
pub(crate) use crate::entra::application::Application;
pub use crate::entra::application::ApplicationHandle;
use crate::entra::refusal::Refusal;
use crate::options::TENANT;
use crate::state::World;
use crate::tokens::Grant;
use crate::wire::{Answer, Call, Form, Reply};

/// The audience of ACR's data plane.
pub(crate) const ACR_AUDIENCE: &str = "https://containerregistry.azure.net";
/// The only supported type of client assertion.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl World {
    /// Returns whether the audience belongs to ARM.
    pub(crate) fn is_arm_audience(&self, audience: &str) -> bool {
        self.cloud.arm_audiences().contains(&audience)
            || audience == self.endpoint
            || audience == self.endpoint.replace("127.0.0.1", "localhost")
    }

    /// Issues a token to a principal; `None` if Entra does not know the resource.
    ///
    /// `resource` can end in a slash.
    pub(crate) fn issue_entra(
        &mut self,
        tenant: &str,
        principal: &str,
        resource: &str,
    ) -> Option<Issued> {
        let audience = resource.trim_end_matches('/').to_owned();
        let acr = audience == ACR_AUDIENCE && !self.knobs.acr_audience_unknown;
        if !acr && !self.is_arm_audience(&audience) {
            return None;
        }
        let (now, life) = (self.now(), self.knobs.token_lifetime());
        let grant = Grant::Entra { audience };
        let token = self
            .tokens
            .issue(tenant, principal, grant, now, self.knobs.validity(life));
        let expires = now.as_second().saturating_add_unsigned(life.as_secs());
        Some(Issued {
            token,
            life,
            expires,
        })
    }

    /// Returns a known tenant in its stored letter case.
    pub(crate) fn tenant(&self, asked: &str) -> Option<String> {
        let further = self
            .applications
            .iter()
            .flat_map(|known| &known.further_tenants);
        [TENANT.to_owned()]
            .into_iter()
            .chain(further.cloned())
            .find(|known| known.eq_ignore_ascii_case(asked))
    }
}

/// An issued token.
pub(crate) struct Issued {
    pub(crate) token: String,
    pub(crate) life: Duration,
    /// Expiry in seconds since the Unix epoch.
    pub(crate) expires: i64,
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
        Some(Page::Token(tenant)) => token(world, call, &tenant),
        Some(Page::Configuration(tenant)) => known_tenant(world, &tenant)
            .map(|tenant| configuration(call, &tenant))
            .map_err(|refusal| refusal.reply(world)),
        Some(Page::Discovery) => Ok(discovery(world, call)),
        None => Err(Reply::empty(404)),
    };
    let (Ok(reply) | Err(reply)) = answer;
    reply
}

/// A page of Entra, for one tenant or for all.
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

fn token(world: &mut World, call: &Call, tenant: &str) -> Answer {
    let form = call.form();
    if let Some(assertion) = form.get("client_assertion") {
        world.seen.insert(assertion.to_owned());
    }
    let granted = principal(world, call, tenant, &form)
        .and_then(|(tenant, principal)| Ok((tenant, principal, resource(&form)?)))
        .map_err(|refusal| refusal.reply(world));
    let (tenant, principal, resource) = granted?;
    let issued = world
        .issue_entra(&tenant, &principal, &resource)
        .ok_or_else(|| unknown_resource(&resource).reply(world))?;
    let body = json!({
        "token_type": "Bearer",
        "expires_in": issued.life.as_secs(),
        "ext_expires_in": issued.life.as_secs(),
        "access_token": issued.token,
    });
    Ok(Reply::json(200, &body).with("cache-control", "no-store, no-cache"))
}

/// Authenticates the client and returns its tenant and principal.
fn principal(
    world: &World,
    call: &Call,
    tenant: &str,
    form: &Form,
) -> Result<(String, String), Refusal> {
    let tenant = known_tenant(world, tenant)?;
    if form.get("grant_type") != Some("client_credentials") {
        let why = "The app has used an unsupported grant_type value for the OAuth endpoint.";
        return Err(Refusal::new(400, "unsupported_grant_type", 70003, why));
    }
    let client_id = form.get("client_id").unwrap_or_default();
    let known = world.applications.iter();
    let found = known
        .into_iter()
        .find(|known| known.client_id.eq_ignore_ascii_case(client_id))
        .and_then(|found| Some((found, found.principal_in(&tenant)?)));
    let Some((application, principal)) = found else {
        let why = format!(
            "Application with identifier '{client_id}' was not found in the directory 'Simulator'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in the tenant. \
             You may have sent your authentication request to the wrong tenant."
        );
        return Err(Refusal::new(400, "unauthorized_client", 700_016, why));
    };
    match (form.get("client_assertion"), form.get("client_secret")) {
        (Some(assertion), _) if form.get("client_assertion_type") == Some(JWT_BEARER) => {
            let base = format!("https://{}/{tenant}/oauth2", call.authority);
            let endpoints = [format!("{base}/v2.0/token"), format!("{base}/token")];
            assertion::check(world, application, &endpoints, assertion)?;
        }
        (None, Some(secret)) => check_secret(application, secret)?,
        _ => {
            let why = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
            return Err(Refusal::client(7_000_218, why));
        }
    }
    Ok((tenant, principal))
}

fn check_secret(application: &Application, secret: &str) -> Result<(), Refusal> {
    let client_id = &application.client_id;
    let found = application
        .secrets
        .iter()
        .find(|known| known.value == secret);
    match found.map(|found| found.expired) {
        Some(false) => Ok(()),
        Some(true) => Err(Refusal::client(
            7_000_222,
            format!(
                "The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new keys \
                 for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: \
                 https://aka.ms/certCreds."
            ),
        )),
        None => Err(Refusal::client(
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not \
                 the client secret ID, for a secret added to app '{client_id}'."
            ),
        )),
    }
}

/// Returns the resource in the scope.
fn resource(form: &Form) -> Result<String, Refusal> {
    let scope = form.get("scope").unwrap_or_default();
    let resource = scope.strip_suffix("/.default").map(str::to_owned);
    resource.ok_or_else(|| {
        let why = format!(
            "The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
        );
        Refusal::new(400, "invalid_scope", 70011, why)
    })
}

/// Returns the error for a resource that does not exist in the tenant.
pub(crate) fn unknown_resource(resource: &str) -> Refusal {
    let why = format!(
        "The resource principal named {} was not found in the tenant named Simulator. This can happen if the application has \
         not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent \
         your authentication request to the wrong tenant.",
        resource.trim_end_matches('/')
    );
    Refusal::new(400, "invalid_resource", 500_011, why)
}

fn known_tenant(world: &World, tenant: &str) -> Result<String, Refusal> {
    world.tenant(tenant).ok_or_else(|| {
        let why = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct \
             cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the \
             tenant."
        );
        Refusal::request(90002, why)
    })
}

/// Returns the error response of an injected fault.
pub(crate) fn fault(world: &World, status: u16, code: Option<&str>) -> Reply {
    let why = code.unwrap_or("A transient error has occurred. Please try again.");
    Refusal::new(status, "temporarily_unavailable", 90033, why).reply(world)
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

fn discovery(world: &World, call: &Call) -> Reply {
    let host = world.cloud.login_host();
    let endpoint = format!(
        "https://{}/{TENANT}/v2.0/.well-known/openid-configuration",
        call.authority
    );
    let aliases = json!({"preferred_network": host, "preferred_cache": host, "aliases": [host]});
    Reply::json(
        200,
        &json!({"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": [aliases]}),
    )
}
