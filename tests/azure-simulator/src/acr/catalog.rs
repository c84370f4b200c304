//! The contents of a registry: paged lists of repositories, tags and manifests, and ACR's delete operations.

use std::collections::BTreeSet;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::acr::blobs::unsupported;
use crate::acr::refused;
use crate::registry::Registry;
use crate::repository::Repository;
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

/// The default number of rows in a page.
const PAGE: usize = 100;

/// `GET /v2/N/tags/list`
pub(crate) fn tag_names(world: &World, call: &Call, registry: &str, name: &str) -> Answer {
    let repository = find(world, registry, name)?;
    let (names, link) = page(call, repository.tags.keys().cloned().collect());
    Ok(linked(
        Reply::json(200, &json!({"name": name, "tags": names})),
        link,
    ))
}

/// `GET /acr/v1/N/_tags`
pub(crate) fn tags(world: &World, call: &Call, registry: &str, name: &str) -> Answer {
    let repository = find(world, registry, name)?;
    let (names, link) = page(call, repository.tags.keys().cloned().collect());
    let rows: Vec<Value> = names.iter().map(|tag| shown_tag(repository, tag)).collect();
    let body = json!({"registry": server(world, registry), "imageName": name, "tags": rows});
    Ok(linked(Reply::json(200, &body), link))
}

/// `GET` or `DELETE /acr/v1/N/_tags/T`
pub(crate) fn tag(world: &mut World, call: &Call, registry: &str, name: &str, tag: &str) -> Answer {
    let repository = find(world, registry, name)?;
    let gone = call.method == Method::DELETE && is_gone(world, registry, name);
    if gone || !repository.tags.contains_key(tag) {
        return Err(unknown_tag(name, tag));
    }
    match call.method {
        Method::GET => {
            let row = shown_tag(repository, tag);
            Ok(Reply::json(
                200,
                &json!({"registry": server(world, registry), "imageName": name, "tag": row}),
            ))
        }
        Method::DELETE => {
            let stored = world
                .registry_mut(registry)
                .and_then(|found| found.repositories.get_mut(name));
            if let Some(stored) = stored {
                stored.tags.remove(tag);
            }
            Ok(Reply::empty(202))
        }
        _ => Err(unsupported()),
    }
}

/// `GET /acr/v1/N/_manifests`
pub(crate) fn manifests(world: &World, call: &Call, registry: &str, name: &str) -> Answer {
    let repository = find(world, registry, name)?;
    let (digests, link) = page(call, repository.manifests.keys().cloned().collect());
    let rows: Vec<Value> = digests
        .iter()
        .map(|digest| shown_manifest(repository, digest))
        .collect();
    let body = json!({"registry": server(world, registry), "imageName": name, "manifests": rows});
    Ok(linked(Reply::json(200, &body), link))
}

/// `GET /acr/v1/_catalog` and `/v2/_catalog`
pub(crate) fn repositories(world: &World, call: &Call, registry: &str) -> Answer {
    let stored = world
        .registry(registry)
        .into_iter()
        .flat_map(|found| &found.repositories);
    let visible: BTreeSet<String> = stored
        .filter(|(_, stored)| !stored.manifests.is_empty())
        .map(|(name, _)| name.clone())
        .chain(world.lingering_repositories(registry))
        .collect();
    let (names, link) = page(call, visible.into_iter().collect());
    Ok(linked(
        Reply::json(200, &json!({"repositories": names})),
        link,
    ))
}

/// `GET` or `DELETE /acr/v1/N`
pub(crate) fn repository(world: &mut World, call: &Call, registry: &str, name: &str) -> Answer {
    let repository = find(world, registry, name)?;
    match call.method {
        Method::GET => {
            let times = repository
                .manifests
                .values()
                .map(|manifest| manifest.pushed);
            let body = json!({
                "registry": server(world, registry),
                "imageName": name,
                "createdTime": times.clone().min().map(stamp),
                "lastUpdateTime": times.max().map(stamp),
                "manifestCount": repository.manifests.len(),
                "tagCount": repository.tags.len(),
                "changeableAttributes": changeable(),
            });
            Ok(Reply::json(200, &body))
        }
        Method::DELETE if is_gone(world, registry, name) => Err(unknown_name(name)),
        Method::DELETE => {
            let deleted = json!({
                "manifestsDeleted": repository.manifests.keys().collect::<Vec<_>>(),
                "tagsDeleted": repository.tags.keys().collect::<Vec<_>>(),
            });
            world.remove_repository(registry, name);
            Ok(Reply::json(202, &deleted))
        }
        _ => Err(unsupported()),
    }
}

/// Finds a repository. It exists only once it has a manifest; blobs alone do not count.
fn find<'world>(
    world: &'world World,
    registry: &str,
    name: &str,
) -> Result<&'world Repository, Reply> {
    world
        .visible_repository(registry, name)
        .filter(|repository| !repository.manifests.is_empty())
        .ok_or_else(|| unknown_name(name))
}

/// Returns whether a repository is deleted, even if reads still return it.
fn is_gone(world: &World, registry: &str, name: &str) -> bool {
    world.registry(registry).is_none_or(|found| {
        found
            .repositories
            .get(name)
            .is_none_or(|stored| stored.manifests.is_empty())
    })
}

pub(crate) fn unknown_tag(name: &str, tag: &str) -> Reply {
    let message = format!("the specified tag does not exist: {tag}");
    refused(
        404,
        "TAG_UNKNOWN",
        &message,
        &json!({"name": name, "tag": tag}),
    )
}

pub(crate) fn unknown_name(name: &str) -> Reply {
    refused(
        404,
        "NAME_UNKNOWN",
        "repository name not known to registry",
        &json!({"name": name}),
    )
}

fn server(world: &World, registry: &str) -> String {
    world
        .registry(registry)
        .map(Registry::login_server)
        .unwrap_or_default()
}

/// Returns at most `n` rows after `last`, and the link to the next page.
fn page(call: &Call, rows: Vec<String>) -> (Vec<String>, Option<String>) {
    let size = call
        .param("n")
        .and_then(|n| n.parse().ok())
        .unwrap_or(PAGE)
        .clamp(1, 1000);
    let last = call.param("last");
    let mut rest = rows
        .into_iter()
        .filter(|row| last.as_ref().is_none_or(|last| row > last));
    let rows: Vec<String> = rest.by_ref().take(size).collect();
    let more = rest.next().is_some();
    let link = rows.last().filter(|_| more).map(|last| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("last", last)
            .append_pair("n", &size.to_string())
            .append_pair("orderby", "")
            .finish();
        format!("<{}?{query}>; rel=\"next\"", call.path)
    });
    (rows, link)
}

fn linked(reply: Reply, link: Option<String>) -> Reply {
    match link {
        Some(link) => reply.with("link", link),
        None => reply,
    }
}

fn shown_tag(repository: &Repository, name: &str) -> Value {
    repository.tags.get(name).map_or(Value::Null, |tag| {
        json!({
            "name": name,
            "digest": tag.digest,
            "createdTime": stamp(tag.created),
            "lastUpdateTime": stamp(tag.updated),
            "signed": false,
            "changeableAttributes": changeable(),
        })
    })
}

fn shown_manifest(repository: &Repository, digest: &str) -> Value {
    let Some(manifest) = repository.manifests.get(digest) else {
        return Value::Null;
    };
    let body: Value = serde_json::from_slice(&manifest.bytes).unwrap_or_default();
    let config = body["config"]["digest"]
        .as_str()
        .and_then(|digest| repository.blobs.get(digest));
    let config: Value = config
        .and_then(|bytes| serde_json::from_slice(bytes).ok())
        .unwrap_or_default();
    let tags: Vec<&String> = repository
        .tags
        .iter()
        .filter(|(_, tag)| tag.digest == digest)
        .map(|(name, _)| name)
        .collect();
    let mut shown = json!({
        "digest": digest,
        "imageSize": manifest.bytes.len(),
        "createdTime": stamp(manifest.pushed),
        "lastUpdateTime": stamp(manifest.pushed),
        "mediaType": manifest.media_type,
        "changeableAttributes": changeable(),
    });
    for key in ["architecture", "os"] {
        if let Some(value) = config[key].as_str() {
            shown[key] = value.into();
        }
    }
    if let Some(kind) = body["config"]["mediaType"].as_str() {
        shown["configMediaType"] = kind.into();
    }
    if !tags.is_empty() {
        shown["tags"] = json!(tags);
    }
    shown
}

fn changeable() -> Value {
    json!({"deleteEnabled": true, "writeEnabled": true, "readEnabled": true, "listEnabled": true})
}

fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string()
}
