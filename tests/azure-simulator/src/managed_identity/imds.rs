//! The instance metadata service (IMDS) of virtual machines.
//! (<https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>)

use http::Method;
use serde_json::json;

use crate::entra::unknown_resource;
use crate::managed_identity::{Given, give};
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

/// The address of the real service, and the host name in the log and in faults.
pub(crate) const HOST: &str = "169.254.169.254";
pub(crate) const PATH: &str = "/metadata/identity/oauth2/token";
const VERSIONS: [&str; 4] = ["2018-02-01", "2019-08-01", "2021-02-01", "2025-04-07"];

pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    let (Ok(reply) | Err(reply)) = token(world, call);
    reply
}

/// Returns an error response.
pub(crate) fn refused(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(
        status,
        &json!({"error": error, "error_description": description}),
    )
}

fn token(world: &mut World, call: &Call) -> Answer {
    let invalid = |description: &str| refused(400, "invalid_request", description);
    if call.path != PATH {
        return Err(refused(404, "not_found", "IMDS has no such page"));
    }
    if call.method != Method::GET {
        return Err(refused(405, "method_not_allowed", "Method not allowed"));
    }
    // Both checks stop attackers who can make a server send requests, but cannot set headers (SSRF).
    let marked = call.header("metadata");
    if !marked.is_some_and(|marked| marked.eq_ignore_ascii_case("true")) {
        return Err(invalid("Required metadata header not specified"));
    }
    if call.header("x-forwarded-for").is_some() {
        return Err(invalid(
            "Requests with an X-Forwarded-For header are not accepted",
        ));
    }
    let version = call.param("api-version").unwrap_or_default();
    if !VERSIONS.contains(&version.as_str()) {
        let body = json!({
            "error": "Bad request. api-version is invalid or was not specified in the request.",
            "newest-versions": VERSIONS,
        });
        return Err(Reply::json(400, &body));
    }
    if call
        .param("resource")
        .is_none_or(|resource| resource.is_empty())
    {
        return Err(invalid("Required query variable 'resource' is missing"));
    }
    match give(world, call) {
        Given::Token(issued, identity) => {
            let life = issued.life.as_secs();
            let body = json!({
                "access_token": issued.token,
                "client_id": identity.client_id,
                "expires_in": life.to_string(),
                "expires_on": issued.expires.to_string(),
                "ext_expires_in": life.to_string(),
                "not_before": (issued.expires.saturating_sub_unsigned(life)).to_string(),
                "resource": call.param("resource"),
                "token_type": "Bearer",
            });
            Ok(Reply::json(200, &body))
        }
        Given::NoIdentity => Err(invalid("Identity not found")),
        Given::NoResource(resource) => {
            let refusal = unknown_resource(&resource);
            let description = format!("AADSTS{}: {}", refusal.code, refusal.why);
            Err(refused(400, refusal.error, &description))
        }
    }
}
