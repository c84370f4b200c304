//! Cache rules: read-only for clients. Only a test can add them.

use http::Method;
use serde_json::{Value, json};

use crate::arm::error::{no_such_method, not_found};
use crate::arm::registry::find;
use crate::arm::route::Place;
use crate::arm::{cased, page, stamp};
use crate::registry::{CacheRule, Registry};
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

pub(crate) fn list(world: &World, call: &Call, place: &Place) -> Answer {
    only_reads(call)?;
    let registry = find(world, place)?;
    let rules = registry.cache_rules.iter();
    let rows = rules.map(|rule| shown(world, registry, rule)).collect();
    page(world, call, rows)
}

pub(crate) fn answer(world: &World, call: &Call, place: &Place, name: &str) -> Answer {
    only_reads(call)?;
    let registry = find(world, place)?;
    let mut rules = registry.cache_rules.iter();
    let found = rules.find(|rule| rule.name.eq_ignore_ascii_case(name));
    match found {
        Some(rule) => Ok(Reply::json(200, &shown(world, registry, rule))),
        None => Err(not_found(place, &format!("/cacheRules/{name}"))),
    }
}

fn only_reads(call: &Call) -> Result<(), Reply> {
    if call.method == Method::GET {
        Ok(())
    } else {
        Err(no_such_method("registries/cacheRules"))
    }
}

fn shown(world: &World, registry: &Registry, rule: &CacheRule) -> Value {
    json!({
        "type": "Microsoft.ContainerRegistry/registries/cacheRules",
        "properties": {
            "credentialSetResourceId": null,
            "sourceRepository": rule.source,
            "targetRepository": rule.target,
            "creationDate": stamp(rule.created),
            "provisioningState": "Succeeded",
        },
        "id": cased(world, &format!("{}/cacheRules/{}", registry.id(), rule.name)),
        "name": rule.name,
    })
}
