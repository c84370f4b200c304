//! Manifests: read by tag or digest, deleted by digest only. A push requires everything it references.

use http::Method;
use serde_json::{Value, json};

use crate::acr::blobs::{check_no_cache, check_repository, unsupported};
use crate::acr::refused;
use crate::echo::key;
use crate::repository::{Repository, digest as digest_of};
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

pub(crate) fn answer(
    world: &mut World,
    call: &Call,
    registry: &str,
    repository: &str,
    reference: &str,
) -> Answer {
    match call.method {
        Method::GET | Method::HEAD => {
            let answer = read(world, call, registry, repository, reference);
            let key = key(registry, &format!("{repository}/{reference}"));
            world.echoes.tags.fade(&key);
            answer
        }
        Method::PUT => put(world, call, registry, repository, reference),
        Method::DELETE => delete(world, registry, repository, reference),
        _ => Err(unsupported()),
    }
}

fn read(world: &World, call: &Call, registry: &str, repository: &str, reference: &str) -> Answer {
    let found = world
        .visible_repository(registry, repository)
        .ok_or_else(|| unknown(repository, reference))?;
    let digest = digest_behind(world, found, registry, repository, reference);
    let manifest = digest.and_then(|digest| found.manifests.get_key_value(&digest));
    let Some((digest, manifest)) = manifest else {
        return Err(unknown(repository, reference));
    };
    let accepted: Vec<&str> = call
        .headers
        .get_all("accept")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let accepts = accepted
        .iter()
        .flat_map(|value| value.split(','))
        .map(|value| value.split(';').next().unwrap_or_default());
    if !accepts
        .map(str::trim)
        .any(|kind| kind == "*/*" || kind == manifest.media_type)
    {
        let message = "OCI manifest found, but accept header does not support OCI manifests";
        return Err(refused(404, "MANIFEST_UNKNOWN", message, &Value::Null));
    }
    let reply = Reply::empty(200)
        .with("content-type", manifest.media_type.clone())
        .with("docker-content-digest", digest.clone())
        .with("etag", format!("\"{digest}\""));
    let length = manifest.bytes.len().to_string();
    Ok(if call.method == Method::HEAD {
        reply.with("content-length", length)
    } else {
        reply.body(manifest.bytes.clone())
    })
}

/// Returns the digest of a reference as a read sees it. A stale tag can still resolve to its old digest.
fn digest_behind(
    world: &World,
    found: &Repository,
    registry: &str,
    repository: &str,
    reference: &str,
) -> Option<String> {
    if reference.starts_with("sha256:") {
        return Some(reference.to_owned());
    }
    let key = key(registry, &format!("{repository}/{reference}"));
    let tag = found.tags.get(reference).cloned();
    world.echoes.tags.see(&key, tag).map(|tag| tag.digest)
}

fn put(
    world: &mut World,
    call: &Call,
    registry: &str,
    repository: &str,
    reference: &str,
) -> Answer {
    check_repository(repository)?;
    check_no_cache(world, registry, repository)?;
    let invalid = |why: &str| {
        refused(
            400,
            "MANIFEST_INVALID",
            "manifest invalid",
            &json!({"Description": why}),
        )
    };
    let body: Value =
        serde_json::from_slice(&call.body).map_err(|error| invalid(&error.to_string()))?;
    if body["schemaVersion"] != 2 {
        return Err(invalid("schemaVersion must be 2"));
    }
    let media_type = call.header("content-type").unwrap_or_default().to_owned();
    if media_type.is_empty()
        || body["mediaType"]
            .as_str()
            .is_some_and(|named| named != media_type)
    {
        return Err(invalid(
            "if present, mediaType in manifest should match Content-Type",
        ));
    }
    let digest = digest_of(&call.body);
    let by_digest = reference.starts_with("sha256:");
    if by_digest && reference != digest {
        return Err(refused(
            400,
            "DIGEST_INVALID",
            "provided digest did not match uploaded content",
            &Value::Null,
        ));
    }
    if !by_digest && !is_tag(reference) {
        return Err(refused(
            400,
            "TAG_INVALID",
            "manifest tag did not match URI",
            &json!({"tag": reference}),
        ));
    }
    let now = world.now();
    let found = world
        .registry(registry)
        .ok_or_else(|| unknown(repository, reference))?;
    let none = Repository::default();
    let missing = found
        .repositories
        .get(repository)
        .unwrap_or(&none)
        .missing(&body);
    if let Some(first) = missing.first() {
        return Err(refused(
            400,
            "MANIFEST_BLOB_UNKNOWN",
            "blob unknown to registry",
            &json!({"digest": first}),
        ));
    }
    if !by_digest {
        world.echo_tag(registry, repository, reference);
    }
    let found = world
        .registry_mut(registry)
        .ok_or_else(|| unknown(repository, reference))?;
    let stored = found.repositories.entry(repository.to_owned()).or_default();
    stored.put_manifest(
        call.body.clone(),
        &media_type,
        (!by_digest).then_some(reference),
        now,
    );
    let location = format!("/v2/{repository}/manifests/{digest}");
    Ok(Reply::empty(201)
        .with("location", location)
        .with("docker-content-digest", digest))
}

fn delete(world: &mut World, registry: &str, repository: &str, reference: &str) -> Answer {
    if !reference.starts_with("sha256:") {
        return Err(unsupported());
    }
    let found = world
        .registry_mut(registry)
        .ok_or_else(|| unknown(repository, reference))?;
    let Some(stored) = found
        .repositories
        .get_mut(repository)
        .filter(|stored| stored.manifests.contains_key(reference))
    else {
        return Err(unknown(repository, reference));
    };
    if stored.manifests.len() == 1 {
        world.remove_repository(registry, repository);
    } else {
        stored.remove_manifest(reference);
    }
    Ok(Reply::empty(202))
}

pub(crate) fn unknown(repository: &str, reference: &str) -> Reply {
    let message = format!("manifest tagged by \"{reference}\" is not found");
    refused(
        404,
        "MANIFEST_UNKNOWN",
        &message,
        &json!({"Name": repository, "Tag": reference}),
    )
}

fn is_tag(text: &str) -> bool {
    let inner = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.' | '-');
    (1..=128).contains(&text.len()) && text.chars().all(inner) && !text.starts_with(['.', '-'])
}
