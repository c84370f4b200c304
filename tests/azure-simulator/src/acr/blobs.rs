//! Blobs: uploads in sessions whose location changes with every chunk, and reads, direct or by redirect.

use std::collections::HashMap;

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::acr::refused;
use crate::repository::digest as digest_of;
use crate::state::World;
use crate::storage::Target;
use crate::wire::{Answer, Call, Reply};

/// The uploads in progress.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uploads(HashMap<String, Upload>);

#[derive(Debug, Clone)]
struct Upload {
    registry: String,
    repository: String,
    /// Part of the location. A client that builds the location itself does not have it.
    state: String,
    bytes: Vec<u8>,
}

impl Upload {
    fn location(&self, id: &str) -> String {
        format!(
            "/v2/{}/blobs/uploads/{id}?_nouploadcache=false&_state={}",
            self.repository, self.state
        )
    }
}

/// `POST /v2/N/blobs/uploads/`: starts an upload, or mounts a blob from another repository.
pub(crate) fn start(world: &mut World, call: &Call, registry: &str, repository: &str) -> Answer {
    if call.method != Method::POST {
        return Err(unsupported());
    }
    check_repository(repository)?;
    check_no_cache(world, registry, repository)?;
    if let (Some(digest), Some(from)) = (call.param("mount"), call.param("from"))
        && let Some(bytes) = blob(world, registry, &from, &digest)
        && let Some(found) = world.registry_mut(registry)
    {
        found
            .repositories
            .entry(repository.to_owned())
            .or_default()
            .put_blob(bytes.into());
        return Ok(created(repository, &digest));
    }
    let id = Uuid::new_v4().to_string();
    let upload = Upload {
        registry: registry.to_owned(),
        repository: repository.to_owned(),
        state: Uuid::new_v4().simple().to_string(),
        bytes: Vec::new(),
    };
    let location = upload.location(&id);
    world.uploads.0.insert(id.clone(), upload);
    Ok(Reply::empty(202)
        .with("location", location)
        .with("docker-upload-uuid", id)
        .with("range", "0-0"))
}

/// A step of an upload: a chunk (`PATCH`), the end (`PUT`), or a cancellation (`DELETE`).
pub(crate) fn upload(
    world: &mut World,
    call: &Call,
    registry: &str,
    repository: &str,
    id: &str,
) -> Answer {
    let unknown = || {
        refused(
            404,
            "BLOB_UPLOAD_UNKNOWN",
            "blob upload unknown to registry",
            &Value::Null,
        )
    };
    let upload = world.uploads.0.get_mut(id).ok_or_else(unknown)?;
    if upload.registry != registry || upload.repository != repository {
        return Err(unknown());
    }
    if call.param("_state").as_deref() != Some(upload.state.as_str()) {
        return Err(refused(
            404,
            "BLOB_UPLOAD_INVALID",
            "blob upload invalid",
            &Value::Null,
        ));
    }
    match call.method {
        Method::PATCH => {
            upload.bytes.extend_from_slice(&call.body);
            upload.state = Uuid::new_v4().simple().to_string();
            let range = format!("0-{}", upload.bytes.len().saturating_sub(1));
            Ok(Reply::empty(202)
                .with("location", upload.location(id))
                .with("docker-upload-uuid", id)
                .with("range", range))
        }
        Method::PUT => {
            let wanted = call.param("digest").unwrap_or_default();
            let bytes = [upload.bytes.as_slice(), &call.body].concat();
            let actual = digest_of(&bytes);
            if actual != wanted {
                let detail = json!({"digest": wanted, "actual": actual});
                return Err(refused(
                    400,
                    "DIGEST_INVALID",
                    "provided digest did not match uploaded content",
                    &detail,
                ));
            }
            world.uploads.0.remove(id);
            if let Some(found) = world.registry_mut(registry) {
                found
                    .repositories
                    .entry(repository.to_owned())
                    .or_default()
                    .put_blob(bytes.into());
            }
            Ok(created(repository, &actual))
        }
        Method::DELETE => {
            world.uploads.0.remove(id);
            Ok(Reply::empty(204))
        }
        _ => Err(unsupported()),
    }
}

/// `GET` or `HEAD` of a blob.
pub(crate) fn unknown(digest: &str) -> Reply {
    refused(
        404,
        "BLOB_UNKNOWN",
        "blob unknown to registry",
        &json!({"digest": digest}),
    )
}

pub(crate) fn read(
    world: &mut World,
    call: &Call,
    registry: &str,
    repository: &str,
    digest: &str,
) -> Answer {
    if call.method != Method::GET && call.method != Method::HEAD {
        return Err(unsupported());
    }
    let bytes = blob(world, registry, repository, digest).ok_or_else(|| unknown(digest))?;
    if world.knobs.blob_redirects {
        let target = Target::Blob {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            digest: digest.to_owned(),
        };
        let link = world.links.sign(target);
        return Ok(Reply::empty(307)
            .with("location", link)
            .with("docker-content-digest", digest));
    }
    let reply = Reply::empty(200)
        .with("content-type", "application/octet-stream")
        .with("docker-content-digest", digest);
    Ok(if call.method == Method::HEAD {
        reply.with("content-length", bytes.len().to_string())
    } else {
        reply.body(bytes)
    })
}

/// Refuses repository names that do not follow the grammar.
pub(crate) fn check_repository(name: &str) -> Result<(), Reply> {
    let component = |part: &str| {
        let inner = |char: char| {
            char.is_ascii_lowercase() || char.is_ascii_digit() || matches!(char, '.' | '_' | '-')
        };
        let edge = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit();
        !part.is_empty()
            && part.chars().all(inner)
            && part.starts_with(edge)
            && part.ends_with(edge)
    };
    if name.split('/').all(component) {
        return Ok(());
    }
    Err(refused(
        400,
        "NAME_INVALID",
        "invalid repository name",
        &json!({"name": name}),
    ))
}

/// Refuses pushes to a repository that is the target of a cache rule.
pub(crate) fn check_no_cache(world: &World, registry: &str, repository: &str) -> Result<(), Reply> {
    if world
        .registry(registry)
        .is_none_or(|found| !found.is_cache(repository))
    {
        return Ok(());
    }
    let message = "pushing to a repository that a cache rule feeds is not allowed";
    let detail = json!({"name": repository});
    Err(refused(403, "DENIED", message, &detail))
}

pub(crate) fn unsupported() -> Reply {
    refused(
        405,
        "UNSUPPORTED",
        "The operation is unsupported.",
        &Value::Null,
    )
}

fn blob(world: &World, registry: &str, repository: &str, digest: &str) -> Option<Vec<u8>> {
    let repository = world.visible_repository(registry, repository)?;
    repository.blobs.get(digest).map(|bytes| bytes.to_vec())
}

fn created(repository: &str, digest: &str) -> Reply {
    Reply::empty(201)
        .with("location", format!("/v2/{repository}/blobs/{digest}"))
        .with("docker-content-digest", digest)
}
