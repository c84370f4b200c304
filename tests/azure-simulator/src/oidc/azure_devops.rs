//! Azure DevOps: a pipeline requests the ID token of a service connection.

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::oidc::{AUDIENCE, FederatedCredential};
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

/// The host of the token endpoint.
pub(crate) const HOST: &str = "dev.azure.com";
pub(crate) const ISSUER: &str =
    "https://vstoken.dev.azure.com/3a7c7f0e-6f53-4d1e-9b86-0f4a4f1f2c33";
pub(crate) const SUBJECT: &str = "sc://contoso/infra/azure";
/// The service connection whose tokens have this subject.
pub(crate) const SERVICE_CONNECTION: &str = "b8a0c3de-27d4-4d29-a6f3-6f8e0f5b1c77";
const PATH: &str = "/contoso/4c1f5a2b-1c55-4a32-9a63-8f0a5d7b7e02/_apis/distributedtask/hubs/build/plans/\
    0d6f7d0a-0b5c-4b39-8a29-55f5b6d1a1c4/jobs/12f1170f-54f2-53f3-20dd-22fc7dff55f9/oidctoken";

pub(crate) fn request_url() -> String {
    format!("https://{HOST}{PATH}")
}

pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    let (Ok(reply) | Err(reply)) = token(world, call);
    reply
}

fn token(world: &mut World, call: &Call) -> Answer {
    if call.path != PATH {
        return Err(refused(404, "The requested resource does not exist."));
    }
    if call.bearer() != Some(world.issuer.azure_devops_request_token.as_str()) {
        return Err(not_signed_in(call));
    }
    if call.method != Method::POST {
        let message = format!(
            "The requested resource does not support http method '{}'.",
            call.method
        );
        let body = json!({"count": 1, "value": {"Message": message}});
        return Err(Reply::json(405, &body));
    }
    if call
        .param("api-version")
        .is_none_or(|version| version.is_empty())
    {
        let message = "No api-version was supplied for the POST request. The version must be supplied either as part of the \
                       Accept header (e.g. \"application/json; api-version=1.0\") or as a query parameter.";
        return Err(refused(400, message));
    }
    let who = match call.param("serviceConnectionId") {
        Some(id) if id.eq_ignore_ascii_case(SERVICE_CONNECTION) => {
            FederatedCredential::azure_devops()
        }
        Some(id) => {
            let message = format!(
                "Endpoint with id '{id}' does not exist or is not authorized for use in this pipeline."
            );
            return Err(refused(404, &message));
        }
        // Without a service connection, the token's subject is the pipeline.
        None => FederatedCredential::new(ISSUER, "p://contoso/infra/deploy"),
    };
    let audience = call
        .param("audience")
        .unwrap_or_else(|| AUDIENCE.to_owned());
    let life = Duration::from_secs(world.knobs.oidc_token_lifetime_s);
    let token = world.identity_token(&who.audience(&audience), life);
    Ok(Reply::json(200, &json!({"oidcToken": token})))
}

/// Redirects to the sign-in page, unless the client suppresses the redirect with a header.
fn not_signed_in(call: &Call) -> Reply {
    let suppressed = call.header("x-tfs-fedauthredirect");
    if suppressed.is_some_and(|suppressed| suppressed.eq_ignore_ascii_case("Suppress")) {
        return Reply::empty(401).with("www-authenticate", "Bearer");
    }
    let page = "https://spsprodweu1.vssps.visualstudio.com/_signin?realm=dev.azure.com";
    Reply::empty(302).with("location", page)
}

fn refused(status: u16, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"$id": "1", "message": message, "errorCode": 0}),
    )
}
