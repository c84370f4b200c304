//! Token exchange: an Entra token for a refresh token, and that for an access token with scopes.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use serde_json::{Value, json};

use crate::acr::{Scopes, refused, unauthorized};
use crate::entra::ACR_AUDIENCE;
use crate::options::TENANT;
use crate::registry::Registry;
use crate::state::World;
use crate::tokens::Grant;
use crate::wire::{Answer, Call, Reply};

/// The basic authentication user name that takes a refresh token as its password.
const TOKEN_USER: &str = "00000000-0000-0000-0000-000000000000";

/// `POST /oauth2/exchange`: exchanges an Entra token for a refresh token.
pub(crate) fn exchange(world: &mut World, call: &Call, registry: &str) -> Answer {
    let found = here(world, registry)?;
    let server = found.login_server();
    let form = call.form();
    if call.method != Method::POST || form.get("grant_type") != Some("access_token") {
        return Err(refused(
            400,
            "BAD_REQUEST",
            "grant_type must be access_token",
            &Value::Null,
        ));
    }
    check_service(form.get("service"), &server)?;
    if form
        .get("tenant")
        .is_some_and(|tenant| !tenant.eq_ignore_ascii_case(TENANT))
    {
        return Err(unauthorized(&Value::Null));
    }
    let token = world
        .tokens
        .find(form.get("access_token").unwrap_or_default());
    let token = token
        .filter(|token| token.is_good(world.now()) && token.tenant == TENANT)
        .ok_or_else(|| unauthorized(&Value::Null))?;
    let fits = match &token.grant {
        Grant::Entra { audience } => {
            (audience == ACR_AUDIENCE && !world.knobs.acr_audience_refused)
                || (found.spec.tokens_of_arm && world.is_arm_audience(audience))
        }
        Grant::Refresh { .. } | Grant::Access { .. } => false,
    };
    if !fits {
        return Err(unauthorized(&Value::Null));
    }
    let (principal, now) = (token.principal.clone(), world.now());
    let life = Duration::from_secs(world.knobs.refresh_token_lifetime_s);
    let validity = world.knobs.validity(life);
    let refresh = world.tokens.issue(
        TENANT,
        &principal,
        Grant::Refresh {
            login_server: server,
        },
        now,
        validity,
    );
    Ok(Reply::json(200, &json!({"refresh_token": refresh}))
        .with("x-ms-ratelimit-remaining-calls-per-second", "166.65"))
}

/// `POST` or `GET /oauth2/token`: exchanges a refresh token for an access token with the granted scopes.
pub(crate) fn token(world: &mut World, call: &Call, registry: &str) -> Answer {
    let found = here(world, registry)?;
    let server = found.login_server();
    let (refresh, service, scopes) = if call.method == Method::POST {
        let form = call.form();
        if form.get("grant_type") != Some("refresh_token") {
            return Err(refused(
                400,
                "BAD_REQUEST",
                "grant_type must be refresh_token",
                &Value::Null,
            ));
        }
        (
            form.get("refresh_token").map(str::to_owned),
            form.get("service").map(str::to_owned),
            form.all("scope"),
        )
    } else {
        (
            basic_password(call),
            call.param("service"),
            call.params("scope"),
        )
    };
    check_service(service.as_deref(), &server)?;
    if scopes.is_empty() {
        return Err(refused(
            400,
            "BAD_REQUEST",
            "scope is required",
            &Value::Null,
        ));
    }
    let token = refresh
        .and_then(|refresh| world.tokens.find(&refresh))
        .filter(|token| token.is_good(world.now()));
    let token = token.filter(
        |token| matches!(&token.grant, Grant::Refresh { login_server } if *login_server == server),
    );
    let principal = token
        .ok_or_else(|| unauthorized(&Value::Null))?
        .principal
        .clone();
    let scopes = granted(world, found, &principal, &scopes)?;
    let now = world.now();
    let life = Duration::from_secs(world.knobs.registry_token_lifetime_s);
    let validity = world.knobs.validity(life);
    let access = world.tokens.issue(
        TENANT,
        &principal,
        Grant::Access {
            login_server: server,
            scopes,
        },
        now,
        validity,
    );
    Ok(Reply::json(200, &json!({"access_token": access}))
        .with("x-ms-ratelimit-remaining-calls-per-second", "166.65"))
}

fn here<'world>(world: &'world World, registry: &str) -> Result<&'world Registry, Reply> {
    world
        .registry(registry)
        .ok_or_else(|| unauthorized(&Value::Null))
}

fn check_service(service: Option<&str>, server: &str) -> Result<(), Reply> {
    if service == Some(server) {
        return Ok(());
    }
    Err(refused(
        400,
        "BAD_REQUEST",
        &format!("service must be {server}"),
        &Value::Null,
    ))
}

/// Returns the requested scopes that the principal has. Silently drops the others, as ACR does.
fn granted(
    world: &World,
    registry: &Registry,
    principal: &str,
    asked: &[String],
) -> Result<Scopes, Reply> {
    let rights = world.data_rights(principal, registry, world.now());
    let mut scopes = Scopes::new();
    for scope in asked.iter().flat_map(|scope| scope.split_whitespace()) {
        let invalid = || {
            refused(
                400,
                "BAD_REQUEST",
                &format!("the scope {scope} is not valid"),
                &Value::Null,
            )
        };
        let (kind, rest) = scope.split_once(':').ok_or_else(invalid)?;
        let (name, actions) = rest.rsplit_once(':').ok_or_else(invalid)?;
        match (kind, name) {
            ("registry", "catalog") if rights.contains("catalog") => {
                scopes.insert("registry:catalog:*".to_owned());
            }
            ("registry", "catalog") => {}
            ("repository", _) => {
                let wanted = |right: &&str| {
                    actions == "*" || actions.split(',').any(|action| action == *right)
                };
                let has = rights
                    .iter()
                    .copied()
                    .filter(|right| *right != "catalog" && wanted(right));
                scopes.extend(has.map(|right| format!("repository:{name}:{right}")));
            }
            _ => return Err(invalid()),
        }
    }
    Ok(scopes)
}

fn basic_password(call: &Call) -> Option<String> {
    let encoded = call.header("authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    (user == TOKEN_USER).then(|| password.to_owned())
}
