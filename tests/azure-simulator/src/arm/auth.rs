//! Authentication of ARM requests: the access token, and auxiliary tokens of other tenants.

use std::collections::BTreeSet;

use crate::arm::error::error;
use crate::arm::stamp;
use crate::options::TENANT;
use crate::state::World;
use crate::tokens::{Grant, Token};
use crate::wire::{Call, Reply};

/// The header with tokens of other tenants.
const AUXILIARY: &str = "x-ms-authorization-auxiliary";
const MOST_AUXILIARY: usize = 3;

/// Returns the number of auxiliary tokens in a request.
pub(crate) fn auxiliary_tokens(call: &Call) -> usize {
    call.header(AUXILIARY)
        .map_or(0, |header| header.split(',').count())
}

/// Returns the principal of the request.
///
/// ARM accepts Entra tokens for its own audience, issued by the tenant of the subscription.
pub(crate) fn authenticate(world: &World, call: &Call) -> Result<String, Reply> {
    if call.header("authorization").is_none() {
        return Err(refuse(
            world,
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing.",
        ));
    }
    let invalid = || {
        refuse(
            world,
            "InvalidAuthenticationToken",
            "The access token is invalid.",
        )
    };
    let found = call.bearer().and_then(|text| world.tokens.find(text));
    let token = found.filter(|token| !token.revoked).ok_or_else(invalid)?;
    check_audience(world, token)?;
    if token.tenant != TENANT {
        let authority = world.cloud.authority();
        let message = format!(
            "The access token is from the wrong issuer 'https://sts.windows.net/{}/'. It must match the tenant \
             'https://sts.windows.net/{TENANT}/' associated with this subscription. Please use the authority (URL) \
             '{authority}' to get the token. Note, if the subscription is transferred to another tenant there is no impact to \
             the services, but information about new tenant could take time to propagate (up to an hour). If you just \
             transferred your subscription and see this error message, please try back later.",
            token.tenant
        );
        return Err(refuse(world, "InvalidAuthenticationTokenTenant", &message));
    }
    let now = world.now();
    if token.expires <= now {
        let message = format!(
            "The access token expiry UTC time '{}' is earlier than current UTC time '{}'.",
            stamp(token.expires),
            stamp(now)
        );
        return Err(refuse(world, "ExpiredAuthenticationToken", &message));
    }
    check_auxiliary(world, call)?;
    Ok(token.principal.clone())
}

fn check_audience(world: &World, token: &Token) -> Result<(), Reply> {
    match &token.grant {
        Grant::Entra { audience } if world.is_arm_audience(audience) => Ok(()),
        Grant::Entra { audience } => {
            let [arm, core] = world.cloud.arm_audiences();
            let message = format!(
                "The access token has been obtained for wrong audience or resource '{audience}'. It should exactly match with \
                 one of the allowed audiences '{core}/','{core}','{arm}/','{arm}'."
            );
            Err(refuse(
                world,
                "InvalidAuthenticationTokenAudience",
                &message,
            ))
        }
        Grant::Refresh { .. } | Grant::Access { .. } => Err(refuse(
            world,
            "InvalidAuthenticationToken",
            "The access token is from the wrong issuer.",
        )),
    }
}

/// Checks `Bearer t1, Bearer t2`: valid tokens of distinct tenants, other than the subscription's tenant.
fn check_auxiliary(world: &World, call: &Call) -> Result<(), Reply> {
    let Some(header) = call.header(AUXILIARY) else {
        return Ok(());
    };
    let now = world.now();
    let tenant = |part: &str| {
        let token = world.tokens.find(part.trim().strip_prefix("Bearer ")?)?;
        let fits =
            matches!(&token.grant, Grant::Entra { audience } if world.is_arm_audience(audience));
        (fits && token.is_good(now) && token.tenant != TENANT).then(|| token.tenant.clone())
    };
    let parts: Vec<&str> = header.split(',').collect();
    let tenants: BTreeSet<String> = parts.iter().filter_map(|part| tenant(part)).collect();
    if tenants.len() == parts.len() && parts.len() <= MOST_AUXILIARY {
        return Ok(());
    }
    let message = format!(
        "The '{AUXILIARY}' header must have up to {MOST_AUXILIARY} bearer tokens, each good and of another tenant than the \
         others and the subscription."
    );
    Err(refuse(world, "InvalidAuxiliaryTokens", &message))
}

fn refuse(world: &World, code: &str, message: &str) -> Reply {
    let authority = world.cloud.authority();
    let challenge = format!(
        "Bearer authorization_uri=\"{authority}\", error=\"invalid_token\", error_description=\"{message}\""
    );
    error(401, code, message).with("www-authenticate", challenge)
}
