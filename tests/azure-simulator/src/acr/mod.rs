//! A registry's data plane: routing, authorization, and the 401 challenge.

mod auth;
mod blobs;
mod catalog;
mod manifests;
mod route;
mod throttle;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use crate::acr::blobs::Uploads;
use crate::acr::route::{Need, Route};
pub(crate) use crate::acr::throttle::class;
use crate::dispatch::Label;
use crate::echo::key;
use crate::registry::Registry;
use crate::state::World;
use crate::tokens::Grant;
use crate::wire::{Answer, Call, Reply};

/// Returns the request's name in the log.
pub(crate) fn label(call: &Call) -> Label {
    Route::parse(call).map_or_else(
        || Label::look("acr/unknown"),
        |route| Label {
            operation: route.operation(&call.method),
            write: route.changes(&call.method),
        },
    )
}

pub(crate) fn answer(world: &mut World, call: &Call, registry: &str) -> Reply {
    let (Ok(reply) | Err(reply)) = serve(world, call, registry);
    dress(call, reply)
}

/// Returns the 404 for a path whose resource does not exist.
pub(crate) fn missing(call: &Call) -> Reply {
    let reply = match Route::parse(call) {
        Some(Route::Manifest {
            repository,
            reference,
        }) => manifests::unknown(&repository, &reference),
        Some(Route::Blob { digest, .. }) => blobs::unknown(&digest),
        Some(Route::Tag { repository, tag }) => catalog::unknown_tag(&repository, &tag),
        route => match route.as_ref().and_then(Route::repository) {
            Some(repository) => catalog::unknown_name(repository),
            None => no_page(),
        },
    };
    dress(call, reply)
}

fn no_page() -> Reply {
    refused(404, "NOT_FOUND", "page not found", &Value::Null)
}

fn serve(world: &mut World, call: &Call, name: &str) -> Answer {
    let route = Route::parse(call).ok_or_else(no_page)?;
    throttle::count(world, call, name)?;
    let found = world.registry(name).ok_or_else(no_page)?;
    if found.spec.restricted && !found.spec.client_allowed {
        let message = "client with IP '127.0.0.1' is not allowed access, refer https://aka.ms/acr/firewall to grant access";
        return Err(refused(403, "DENIED", message, &Value::Null));
    }
    match &route {
        Route::Exchange => return auth::exchange(world, call, name),
        Route::Token => return auth::token(world, call, name),
        _ => authorize(world, found, call, &route.need(&call.method))?,
    }
    let answer = answer_to(world, call, name, &route);
    if !route.changes(&call.method) {
        looked(world, name, &route);
    }
    answer
}

fn answer_to(world: &mut World, call: &Call, name: &str, route: &Route) -> Answer {
    match route {
        Route::Base | Route::Exchange | Route::Token => Ok(Reply::json(200, &json!({}))),
        Route::UploadStart { repository } => blobs::start(world, call, name, repository),
        Route::Upload { repository, id } => blobs::upload(world, call, name, repository, id),
        Route::Blob { repository, digest } => blobs::read(world, call, name, repository, digest),
        Route::Manifest {
            repository,
            reference,
        } => manifests::answer(world, call, name, repository, reference),
        Route::TagNames { repository } => catalog::tag_names(world, call, name, repository),
        Route::Tags { repository } => catalog::tags(world, call, name, repository),
        Route::Tag { repository, tag } => catalog::tag(world, call, name, repository, tag),
        Route::Manifests { repository } => catalog::manifests(world, call, name, repository),
        Route::Catalog => catalog::repositories(world, call, name),
        Route::Repository { repository } => catalog::repository(world, call, name, repository),
    }
}

/// Counts a read of the deleted repositories that reads still return.
fn looked(world: &mut World, registry: &str, route: &Route) {
    let names = match route {
        Route::Catalog => world.lingering_repositories(registry),
        _ => route.repository().map(str::to_owned).into_iter().collect(),
    };
    for name in names {
        world.echoes.repositories.fade(&key(registry, &name));
    }
}

/// Checks that the token belongs to this registry, is valid, and has the required scope.
fn authorize(world: &World, registry: &Registry, call: &Call, need: &Need) -> Result<(), Reply> {
    let server = registry.login_server();
    let Some(token) = call.bearer() else {
        return Err(challenge(&server, need, None));
    };
    let issued = world
        .tokens
        .find(token)
        .filter(|token| token.is_good(world.now()));
    let Some(Grant::Access {
        login_server,
        scopes,
    }) = issued.map(|token| &token.grant)
    else {
        return Err(challenge(&server, need, Some("invalid_token")));
    };
    if *login_server != server {
        return Err(challenge(&server, need, Some("invalid_token")));
    }
    if need.is_met(scopes) {
        Ok(())
    } else {
        Err(challenge(&server, need, Some("insufficient_scope")))
    }
}

/// Returns the 401 with the token endpoint and the required scope.
fn challenge(server: &str, need: &Need, problem: Option<&str>) -> Reply {
    let mut header = format!("Bearer realm=\"https://{server}/oauth2/token\",service=\"{server}\"");
    if let Some(scope) = need.scope() {
        header.push_str(&format!(",scope=\"{scope}\""));
    }
    if let Some(problem) = problem {
        header.push_str(&format!(",error=\"{problem}\""));
    }
    unauthorized(&need.detail()).with("www-authenticate", header)
}

fn unauthorized(detail: &Value) -> Reply {
    let message =
        "authentication required, visit https://aka.ms/acr/authorization for more information.";
    refused(401, "UNAUTHORIZED", message, detail)
}

/// Returns an error in ACR's format.
fn refused(status: u16, code: &str, message: &str, detail: &Value) -> Reply {
    let mut error = json!({"code": code, "message": message});
    if !detail.is_null() {
        error["detail"] = detail.clone();
    }
    Reply::json(status, &json!({"errors": [error]}))
}

/// Adds the headers that ACR sends with every response.
fn dress(call: &Call, reply: Reply) -> Reply {
    let correlation = call
        .header("x-ms-correlation-request-id")
        .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
    reply
        .with("access-control-expose-headers", "Docker-Content-Digest")
        .with("access-control-expose-headers", "WWW-Authenticate")
        .with("access-control-expose-headers", "Link")
        .with(
            "access-control-expose-headers",
            "X-Ms-Correlation-Request-Id",
        )
        .with("docker-distribution-api-version", "registry/2.0")
        .with("server", "AzureContainerRegistry")
        .with("x-ms-correlation-request-id", correlation)
}

/// The scope items, such as `repository:python:pull`, that a token holds.
type Scopes = BTreeSet<String>;
