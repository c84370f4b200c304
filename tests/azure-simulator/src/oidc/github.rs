//! GitHub: a job requests its ID token with the URL and the request token from its environment.

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::oidc::FederatedCredential;
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

/// The host of the token endpoint.
pub(crate) const HOST: &str = "pipelines.actions.githubusercontent.com";
pub(crate) const ISSUER: &str = "https://token.actions.githubusercontent.com";
pub(crate) const SUBJECT: &str = "repo:contoso/infra:ref:refs/heads/main";
/// The default audience.
const OWNER: &str = "https://github.com/contoso";
const PATH: &str = "/fVq3/00000000-0000-0000-0000-000000000000/_apis/distributedtask/hubs/Actions/plans/\
    5b7e2d0e-9f0a-4f4e-8c39-1f5d3f4f8f10/jobs/8f3f0c6e-7c0b-4c67-9c55-9a1e0f0f7b21/idtoken";

pub(crate) fn request_url() -> String {
    format!("https://{HOST}{PATH}?api-version=2.0")
}

pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    let (Ok(reply) | Err(reply)) = token(world, call);
    reply
}

fn token(world: &mut World, call: &Call) -> Answer {
    if call.path != PATH {
        return Err(refused(404, "The requested resource does not exist."));
    }
    if call.method != Method::GET {
        return Err(refused(
            405,
            "The requested resource does not support this http method.",
        ));
    }
    if call.bearer() != Some(world.issuer.github_request_token.as_str()) {
        return Err(refused(
            401,
            "The user is not authorized to access this resource.",
        ));
    }
    let audience = call.param("audience").unwrap_or_else(|| OWNER.to_owned());
    let who = FederatedCredential::github().audience(&audience);
    let life = Duration::from_secs(world.knobs.oidc_token_lifetime_s);
    let token = world.identity_token(&who, life);
    Ok(Reply::json(
        200,
        &json!({"count": token.len(), "value": token}),
    ))
}

fn refused(status: u16, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"$id": "1", "message": message, "errorCode": 0}),
    )
}
