//! The identity endpoint of App Service (`IDENTITY_ENDPOINT` and `IDENTITY_HEADER`).
//! (<https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference>)

use http::Method;
use serde_json::json;

use crate::managed_identity::{Given, give};
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

/// The host name in the log and in faults. The real endpoint has no fixed name.
pub(crate) const HOST: &str = "app-service";
pub(crate) const PATH: &str = "/msi/token";

pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    let (Ok(reply) | Err(reply)) = token(world, call);
    reply
}

fn token(world: &mut World, call: &Call) -> Answer {
    if call.method != Method::GET {
        return Err(refused(405, "Method not allowed."));
    }
    if call.header("x-identity-header") != Some(world.identities.header.as_str()) {
        return Err(refused(
            401,
            "The X-IDENTITY-HEADER header is missing or wrong.",
        ));
    }
    if call.param("api-version").as_deref() != Some("2019-08-01") {
        return Err(refused(400, "The api-version is missing or not supported."));
    }
    if call
        .param("resource")
        .is_none_or(|resource| resource.is_empty())
    {
        return Err(refused(400, "The resource parameter is required."));
    }
    match give(world, call) {
        Given::Token(issued, identity) => {
            let body = json!({
                "access_token": issued.token,
                "client_id": identity.client_id,
                "expires_on": issued.expires.to_string(),
                "resource": call.param("resource"),
                "token_type": "Bearer",
            });
            Ok(Reply::json(200, &body))
        }
        Given::NoIdentity => Err(refused(
            400,
            "No Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
        )),
        Given::NoResource(resource) => Err(refused(
            400,
            &format!("The resource '{resource}' was not found."),
        )),
    }
}

fn refused(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"statusCode": status, "message": message}))
}
