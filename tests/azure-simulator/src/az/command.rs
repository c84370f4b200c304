//! The Azure CLI's responses to command lines.

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::az::AzState;
use crate::entra::{ACR_AUDIENCE, unknown_resource};
use crate::options::{CLIENT_ID, SUBSCRIPTION, TENANT};
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

/// Answers a command line. The status sets the exit code of `az`.
///
/// 200 is success with the body on stdout, 400 is a usage error, and any other status is a failure.
pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    let text = String::from_utf8_lossy(&call.body).into_owned();
    let state = call.header("x-state").and_then(AzState::from_name);
    let (Some(state), Some(arguments)) = (state, Arguments::parse(&text)) else {
        let (Ok(reply) | Err(reply)) = misused("argument expected");
        return reply;
    };
    let command: Vec<&str> = arguments.words.iter().map(String::as_str).collect();
    let answer = match command.as_slice() {
        ["version"] => Ok(version(state)),
        ["account", "show"] => logged_in(state).map(|()| account(world)),
        ["account", "get-access-token"] => get_access_token(world, call, state, &arguments),
        _ => misused(&format!(
            "'{text}' is misspelled or not recognized by the system."
        )),
    };
    let (Ok(reply) | Err(reply)) = answer;
    reply
}

/// A parsed command line: words, and options with values.
struct Arguments {
    words: Vec<String>,
    options: Vec<(String, String)>,
}

impl Arguments {
    fn parse(text: &str) -> Option<Self> {
        let (mut words, mut options) = (Vec::new(), Vec::new());
        let mut rest = text.lines();
        while let Some(word) = rest.next() {
            match word.split_once('=') {
                Some((name, value)) if name.starts_with('-') => {
                    options.push((name.to_owned(), value.to_owned()));
                }
                _ if word.starts_with('-') => {
                    options.push((word.to_owned(), rest.next()?.to_owned()))
                }
                _ => words.push(word.to_owned()),
            }
        }
        Some(Self { words, options })
    }

    fn option(&self, names: &[&str]) -> Option<&str> {
        let mut options = self.options.iter();
        let found = options.find(|(name, _)| names.contains(&name.as_str()));
        found.map(|(_, value)| value.as_str())
    }
}

fn version(state: AzState) -> Reply {
    printed(&json!({
        "azure-cli": state.version(),
        "azure-cli-core": state.version(),
        "azure-cli-telemetry": "1.1.0",
        "extensions": {},
    }))
}

fn account(world: &World) -> Reply {
    printed(&json!({
        "environmentName": world.cloud.name(),
        "homeTenantId": TENANT,
        "id": SUBSCRIPTION,
        "isDefault": true,
        "managedByTenants": [],
        "name": "Simulator",
        "state": "Enabled",
        "tenantId": TENANT,
        "user": {"name": CLIENT_ID, "type": "servicePrincipal"},
    }))
}

fn get_access_token(
    world: &mut World,
    call: &Call,
    state: AzState,
    arguments: &Arguments,
) -> Answer {
    let (scope, resource) = (
        arguments.option(&["--scope"]),
        arguments.option(&["--resource"]),
    );
    if let (AzState::TooOld, Some(scope)) = (state, scope) {
        return misused(&format!("unrecognized arguments: --scope {scope}"));
    }
    let tenant = arguments.option(&["--tenant", "-t"]);
    let subscription = arguments.option(&["--subscription", "-s"]);
    if tenant.is_some() && subscription.is_some() {
        return failed("Please specify only one of subscription and tenant, not both");
    }
    logged_in(state)?;
    if state == AzState::CloudShell && tenant.is_some() {
        return failed("Tenant shouldn't be specified for Cloud Shell account");
    }
    if let Some(unknown) = subscription.filter(|id| !has_subscription(world, id)) {
        return failed(&format!(
            "Subscription '{unknown}' not found. Check the spelling and casing and try again."
        ));
    }
    let asked = tenant.unwrap_or(TENANT);
    let Some(tenant_id) = world.tenant(asked) else {
        return failed(&format!("AADSTS90002: Tenant '{asked}' not found."));
    };
    let principal = world.applications[0]
        .principal_in(&tenant_id)
        .unwrap_or_default();
    let resource = match (scope, resource) {
        (Some(scope), _) => scope.strip_suffix("/.default").unwrap_or(scope),
        (None, Some(resource)) => resource,
        (None, None) => world.cloud.arm_audiences()[0],
    }
    .to_owned();
    if state == AzState::CloudShell && resource == ACR_AUDIENCE {
        return failed(&format!(
            "Audience {resource} is not a supported MSI token audience.\nInteractive authentication is needed. \
             Please run:\naz login --scope {resource}/.default"
        ));
    }
    let Some(issued) = world.issue_entra(&tenant_id, &principal, &resource) else {
        let refusal = unknown_resource(&resource);
        return failed(&format!("AADSTS{}: {}", refusal.code, refusal.why));
    };
    let mut body = json!({
        "accessToken": issued.token,
        "expiresOn": local(issued.expires, call.header("x-offset").unwrap_or_default()),
        "tenant": tenant_id,
        "tokenType": "Bearer",
    });
    if !matches!(state, AzState::WithoutExpiresOn | AzState::TooOld) {
        body["expires_on"] = issued.expires.into();
    }
    if tenant.is_none() {
        body["subscription"] = subscription.unwrap_or(SUBSCRIPTION).into();
    }
    Ok(printed(&body))
}

fn logged_in(state: AzState) -> Result<(), Reply> {
    match state {
        AzState::LoggedIn
        | AzState::CloudShell
        | AzState::WithoutExpiresOn
        | AzState::TooOld => Ok(()),
        AzState::LoggedOut => failed("Please run 'az login' to setup account.").map(drop),
        AzState::SessionExpired => failed(
            "AADSTS700082: The refresh token has expired due to inactivity. The token was issued on \
             2025-01-01T08:00:00.0000000Z and was inactive for 90.00:00:00. Trace ID: \
             8a0f4f0e-3d5c-4b63-8d8e-2e4a1c0b9d00 Correlation ID: 0f8fad5b-d9cb-469f-a165-70867728950e Timestamp: 2025-11-23 \
             08:00:00Z\nInteractive authentication is needed. Please run:\naz login",
        )
        .map(drop),
    }
}

fn has_subscription(world: &World, id: &str) -> bool {
    let registries = world.registries.values();
    let mut known = registries.map(|registry| registry.spec.subscription.as_str());
    id.eq_ignore_ascii_case(SUBSCRIPTION) || known.any(|known| known.eq_ignore_ascii_case(id))
}

/// Formats a time in local time without its zone, as the CLI prints it; `offset` such as `+0100`.
fn local(seconds: i64, offset: &str) -> String {
    let time = Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_secs(seconds));
    let number: i32 = offset.parse().unwrap_or(0);
    let seconds = (number / 100 * 60 + number % 100) * 60;
    let zone = TimeZone::fixed(Offset::from_seconds(seconds).unwrap_or(Offset::UTC));
    let time = time.unwrap_or(Timestamp::MAX).to_zoned(zone);
    time.strftime("%Y-%m-%d %H:%M:%S.000000").to_string()
}

fn printed(body: &Value) -> Reply {
    let text = serde_json::to_string_pretty(body).unwrap_or_default();
    Reply::empty(200).body(text)
}

fn failed(why: &str) -> Answer {
    Err(Reply::empty(500).body(format!("ERROR: {why}")))
}

fn misused(why: &str) -> Answer {
    Err(Reply::empty(400).body(format!("ERROR: {why}")))
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn local_time_uses_the_callers_offset() {
        assert_eq!(local(0, "+0000"), "1970-01-01 00:00:00.000000");
        assert_eq!(local(0, "+0530"), "1970-01-01 05:30:00.000000");
        assert_eq!(local(7200, "-0100"), "1970-01-01 01:00:00.000000");
    }
}
