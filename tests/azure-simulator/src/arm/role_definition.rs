//! Role definitions: the built-in roles, read-only.

use http::Method;
use serde_json::{Value, json};

use crate::arm::error::{error, no_such_method, no_such_role};
use crate::arm::page;
use crate::roles::{ROLES, Role};
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

pub(crate) fn list(world: &World, call: &Call, scope: &str) -> Answer {
    only_reads(call)?;
    let wanted = filter(&call.param("$filter").unwrap_or_default())?;
    let roles = ROLES.iter().filter(|role| {
        let wanted = wanted.as_deref();
        wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(role.name))
    });
    page(world, call, roles.map(|role| shown(role, scope)).collect())
}

pub(crate) fn answer(call: &Call, scope: &str, id: &str) -> Answer {
    only_reads(call)?;
    let mut roles = ROLES.iter();
    let found = roles.find(|role| role.id.eq_ignore_ascii_case(id));
    let found = found.ok_or_else(|| no_such_role(id))?;
    Ok(Reply::json(200, &shown(found, scope)))
}

fn only_reads(call: &Call) -> Result<(), Reply> {
    if call.method == Method::GET {
        Ok(())
    } else {
        Err(no_such_method("roleDefinitions"))
    }
}

/// Returns the role name of `roleName eq '<name>'`, or `None` without a filter.
fn filter(text: &str) -> Result<Option<String>, Reply> {
    if text.is_empty() {
        return Ok(None);
    }
    let name = text
        .strip_prefix("roleName eq '")
        .and_then(|rest| rest.strip_suffix('\''));
    name.map(|name| Some(name.to_owned())).ok_or_else(|| {
        let message = format!("The filter '{text}' is not supported.");
        error(400, "UnsupportedQuery", &message)
    })
}

/// Returns the role's JSON. ARM shows the IDs of built-in roles below the subscription of the request.
fn shown(role: &Role, scope: &str) -> Value {
    let subscription = scope.split('/').nth(2).unwrap_or_default();
    json!({
        "properties": {
            "roleName": role.name,
            "type": "BuiltInRole",
            "description": "",
            "assignableScopes": ["/"],
            "permissions": [{
                "actions": role.actions,
                "notActions": role.not_actions,
                "dataActions": [],
                "notDataActions": [],
            }],
        },
        "id": format!(
            "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}",
            role.id
        ),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": role.id,
    })
}
