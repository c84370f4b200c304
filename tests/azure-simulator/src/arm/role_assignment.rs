//! Role assignments, with Azure's documented and known errors.

use std::collections::BTreeSet;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::access::{RoleAssignment, covers};
use crate::arm::error::{error, invalid_content, no_such_assignment, no_such_method, no_such_role};
use crate::arm::resource_group::check_group;
use crate::arm::route::Route;
use crate::arm::task_body::typed;
use crate::arm::{cased, is_last_page, page, stamp};
use crate::roles;
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Properties {
    role_definition_id: String,
    principal_id: String,
    #[serde(default)]
    principal_type: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    condition: Option<String>,
    #[serde(default)]
    condition_version: Option<String>,
}

/// The parsed `$filter` of a list.
#[derive(Debug, Default, PartialEq, Eq)]
struct Filter {
    at_scope: bool,
    principal: Option<String>,
}

pub(crate) fn answer(
    world: &mut World,
    call: &Call,
    scope: &str,
    name: &str,
    caller: &str,
) -> Answer {
    let scope = existing_scope(world, call, scope)?;
    let here = |assignment: &RoleAssignment| {
        assignment.name.eq_ignore_ascii_case(name) && assignment.scope.eq_ignore_ascii_case(&scope)
    };
    match call.method {
        Method::GET => {
            let truth = world.role_assignments.iter().find(|known| here(known));
            let key = name.to_lowercase();
            let seen = world.echoes.assignments.see(&key, truth.cloned());
            world.echoes.assignments.fade(&key);
            match seen.filter(here) {
                Some(found) => Ok(Reply::json(200, &shown(world, &found))),
                None => Err(no_such_assignment(name)),
            }
        }
        Method::PUT => put(world, call, &scope, name, caller),
        Method::DELETE => match world.role_assignments.iter().position(here) {
            Some(index) => {
                world.echo_assignment(name);
                let removed = world.role_assignments.remove(index);
                let (key, looks) = (name.to_lowercase(), world.knobs.assignment_deletion_looks);
                let echoes = &mut world.echoes.assignments;
                echoes.end(&key);
                echoes.keep(&key, Some(removed.clone()), looks);
                Ok(Reply::json(200, &shown(world, &removed)))
            }
            None => Ok(Reply::empty(204)),
        },
        _ => Err(no_such_method("roleAssignments")),
    }
}

pub(crate) fn list(world: &mut World, call: &Call, scope: &str) -> Answer {
    let scope = existing_scope(world, call, scope)?;
    let filter = Filter::parse(&call.param("$filter").unwrap_or_default())?;
    let wanted = |assignment: &RoleAssignment| {
        let near = covers(&assignment.scope, &scope)
            || (!filter.at_scope && covers(&scope, &assignment.scope));
        near && filter
            .principal
            .as_ref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(&assignment.principal_id))
    };
    // Large subscriptions have thousands of assignments elsewhere. Cloning them all makes lists slow.
    let echoes = &world.echoes;
    let there = world.role_assignments.iter().filter_map(|known| {
        let key = known.name.to_lowercase();
        let echoed = echoes.assignments.has(&key) || echoes.assignment_lists.has(&key);
        (echoed || wanted(known)).then(|| (key, Some(known.clone())))
    });
    let mut rows = Vec::new();
    let mut looked_at = Vec::new();
    for (key, truth) in there.chain(gone(world).map(|key| (key, None))) {
        let seen = world.echoes.assignments.see(&key, truth.clone());
        let seen = world.echoes.assignment_lists.see(&key, seen).filter(wanted);
        if seen.is_some() || truth.as_ref().is_some_and(wanted) {
            looked_at.push(key);
        }
        rows.extend(seen.map(|assignment| shown(world, &assignment)));
    }
    let answer = page(world, call, rows);
    if is_last_page(&answer) {
        for key in looked_at {
            world.echoes.assignments.fade(&key);
            world.echoes.assignment_lists.fade(&key);
        }
    }
    answer
}

/// Returns the names of deleted assignments that reads can still return.
fn gone(world: &World) -> impl Iterator<Item = String> {
    let lingering = world.echoes.assignments.keys("");
    let listed = world.echoes.assignment_lists.keys("");
    let names: BTreeSet<String> = lingering.into_iter().chain(listed).collect();
    let there = |name: &String| {
        let mut known = world.role_assignments.iter();
        known.any(|known| known.name.eq_ignore_ascii_case(name))
    };
    names.into_iter().filter(move |name| !there(name))
}

fn put(world: &mut World, call: &Call, scope: &str, name: &str, caller: &str) -> Answer {
    if Uuid::try_parse(name).is_err() {
        let message = format!(
            "The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID."
        );
        return Err(error(400, "InvalidRoleAssignmentId", &message));
    }
    let body: Value =
        serde_json::from_slice(&call.body).map_err(|error| invalid_content(&error.to_string()))?;
    let Properties {
        role_definition_id,
        principal_id,
        principal_type,
        description,
        condition,
        condition_version,
    } = typed::<Body>(body, "RoleAssignmentCreateParameters")?.properties;
    let role = role_definition_id
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_lowercase();
    if !role_definition_id
        .to_lowercase()
        .contains("/providers/microsoft.authorization/roledefinitions/")
        || !roles::exists(&role)
    {
        return Err(no_such_role(&role));
    }
    if Uuid::try_parse(&principal_id).is_err() {
        let message =
            format!("The Principal ID '{principal_id}' is not valid. Principal ID must be a GUID.");
        return Err(error(400, "InvalidPrincipalId", &message));
    }
    check_principal(world, &principal_id, principal_type.as_deref())?;
    check_condition(condition.as_deref(), condition_version.as_deref())?;
    let now = world.now();
    let same = |known: &RoleAssignment| {
        known.principal_id.eq_ignore_ascii_case(&principal_id)
            && known.role == role
            && known.scope.eq_ignore_ascii_case(scope)
    };
    let mut known = world.role_assignments.iter();
    if let Some(known) = known.find(|known| known.name.eq_ignore_ascii_case(name)) {
        if !same(known) {
            let message =
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.";
            return Err(error(400, "RoleAssignmentUpdateNotPermitted", message));
        }
        let changed = world.edit_assignment(name, |known| {
            known.description = description;
            known.condition = condition;
        });
        let body = changed.map(|changed| shown(world, &changed));
        return Ok(Reply::json(200, &body.unwrap_or_default()));
    }
    if let Some(known) = world.role_assignments.iter().find(|known| same(known)) {
        let id = known.name.replace('-', "");
        let message = format!(
            "The role assignment already exists. The ID of the existing role assignment is {id}."
        );
        return Err(error(409, "RoleAssignmentExists", &message));
    }
    let created = RoleAssignment {
        name: name.to_owned(),
        scope: scope.to_owned(),
        role,
        principal_id,
        principal_type: principal_type.unwrap_or_else(|| "ServicePrincipal".to_owned()),
        description,
        condition,
        created_by: caller.to_owned(),
        created: now,
        updated: now,
    };
    let reply = Reply::json(201, &shown(world, &created));
    world.echo_assignment(name);
    world.echoes.assignments.end(&name.to_lowercase());
    world.role_assignments.push(created);
    Ok(reply)
}

/// Checks the principal and its type.
///
/// Azure looks up the principal only if `principalType` is omitted. The lookup fails until a new identity has
/// propagated.
fn check_principal(world: &World, id: &str, kind: Option<&str>) -> Result<(), Reply> {
    const KINDS: [&str; 5] = [
        "User",
        "Group",
        "ServicePrincipal",
        "ForeignGroup",
        "Device",
    ];
    if let Some(kind) = kind.filter(|kind| !KINDS.contains(kind)) {
        return Err(invalid_content(&format!(
            "Error converting value '{kind}' to type 'PrincipalType'"
        )));
    }
    let known = world
        .principals
        .iter()
        .find(|principal| principal.id.eq_ignore_ascii_case(id));
    if let (Some(kind), Some(known)) = (kind, known)
        && kind != known.kind
    {
        let message = format!(
            "The principal type '{kind}' does not match the type '{}' of principal '{id}'.",
            known.kind
        );
        return Err(error(400, "UnmatchedPrincipalType", &message));
    }
    if kind.is_some() || world.knows_principal(id) {
        return Ok(());
    }
    let message = format!(
        "Principal {} does not exist in the directory {}. Check that you have the correct principal ID. If you are creating this \
         principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the \
         role assignment principalType property to a value, such as ServicePrincipal, User, or Group. See \
         https://aka.ms/docs-principaltype",
        id.replace('-', ""),
        crate::options::TENANT
    );
    Err(error(400, "PrincipalNotFound", &message))
}

/// Checks a condition by its version and its parentheses. Azure gives the same error for both.
fn check_condition(condition: Option<&str>, version: Option<&str>) -> Result<(), Reply> {
    let Some(condition) = condition else {
        return Ok(());
    };
    let mut open = 0_u32;
    let balanced = condition.chars().all(|char| match char {
        '(' => {
            open += 1;
            true
        }
        ')' => open.checked_sub(1).map(|less| open = less).is_some(),
        _ => true,
    });
    if version == Some("2.0") && balanced && open == 0 && !condition.trim().is_empty() {
        return Ok(());
    }
    let message = "The given role assignment condition is invalid.";
    Err(error(400, "BadRequest", message))
}

/// Returns the scope in the spelling with which its registry was created.
///
/// A missing registry or resource group returns ARM's 404.
fn existing_scope(world: &World, call: &Call, scope: &str) -> Result<String, Reply> {
    let path = Call {
        path: scope.to_owned(),
        ..call.clone()
    };
    match Route::parse(&path).map(|route| route.resource) {
        Some(crate::arm::route::Resource::Registry(place)) => {
            crate::arm::registry::find(world, &place).map(|found| found.id())
        }
        Some(crate::arm::route::Resource::Group(group)) => {
            let subscription = scope.split('/').nth(2).unwrap_or_default();
            check_group(world, subscription, &group).map(|()| scope.to_owned())
        }
        _ => Ok(scope.to_owned()),
    }
}

impl Filter {
    fn parse(text: &str) -> Result<Self, Reply> {
        let mut filter = Self::default();
        for term in text
            .split(" and ")
            .map(str::trim)
            .filter(|term| !term.is_empty())
        {
            let term_lower = term.to_lowercase();
            if term_lower == "atscope()" {
                filter.at_scope = true;
                continue;
            }
            let quoted = term_lower
                .strip_prefix("principalid eq '")
                .and_then(|rest| rest.strip_suffix('\''))
                .or_else(|| {
                    term_lower
                        .strip_prefix("assignedto('")
                        .and_then(|rest| rest.strip_suffix("')"))
                });
            let Some(principal) = quoted else {
                let message = format!(
                    "The filter '{term}' is not supported. Supported filters are atScope(), principalId eq '{{value}}' and assignedTo('{{value}}')."
                );
                return Err(error(400, "UnsupportedQuery", &message));
            };
            filter.principal = Some(principal.to_owned());
        }
        Ok(filter)
    }
}

fn shown(world: &World, assignment: &RoleAssignment) -> Value {
    let subscription = assignment.scope.split('/').nth(2).unwrap_or_default();
    let principal = Some(&assignment.principal_id).filter(|principal| !principal.is_empty());
    json!({
        "properties": {
            "roleDefinitionId": format!(
                "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}",
                assignment.role
            ),
            "principalId": principal,
            "principalType": assignment.principal_type,
            "scope": cased(world, &assignment.scope),
            "condition": assignment.condition,
            "conditionVersion": assignment.condition.as_ref().map(|_| "2.0"),
            "createdOn": stamp(assignment.created),
            "updatedOn": stamp(assignment.updated),
            "createdBy": assignment.created_by,
            "updatedBy": assignment.created_by,
            "delegatedManagedIdentityResourceId": null,
            "description": assignment.description,
        },
        "id": cased(world, &assignment.id()),
        "type": "Microsoft.Authorization/roleAssignments",
        "name": assignment.name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_supports_only_scope_and_principal() {
        let both = Filter::parse("atScope() and principalId eq 'ABC'").unwrap();
        assert_eq!(
            both,
            Filter {
                at_scope: true,
                principal: Some("abc".into())
            }
        );
        assert_eq!(Filter::parse("").unwrap(), Filter::default());
        assert!(Filter::parse("roleDefinitionId eq 'x'").is_err());
    }
}
