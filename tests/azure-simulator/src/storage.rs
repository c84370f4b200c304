//! The blob storage behind a registry: run logs through SAS links, and blobs through data plane redirects.

use std::collections::HashMap;

use http::Method;
use uuid::Uuid;

use crate::state::World;
use crate::wire::{Answer, Call, Reply};

/// The host of the only storage account.
pub(crate) const HOST: &str = "simulatorlogs.blob.core.windows.net";

/// The target of a link.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// The log of a run.
    Log { registry: String, run: String },
    /// A blob, by digest.
    Blob {
        registry: String,
        repository: String,
        digest: String,
    },
}

/// The issued links, by signature.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogLinks(HashMap<String, Target>);

impl LogLinks {
    /// Returns the signatures of all links.
    pub(crate) fn signatures(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// Returns a signed link to a target.
    pub(crate) fn sign(&mut self, target: Target) -> String {
        let signature = Uuid::new_v4().simple().to_string();
        let path = match &target {
            Target::Log { run, .. } => format!("logs/{run}/rawtext.log"),
            Target::Blob { digest, .. } => format!("blobs/{digest}"),
        };
        self.0.insert(signature.clone(), target);
        format!(
            "https://{HOST}/{path}?sv=2021-08-06&sr=b&sp=r&se=2099-01-01T00%3A00%3A00Z&sig={signature}"
        )
    }
}

pub(crate) fn answer(world: &World, call: &Call) -> Reply {
    let (Ok(reply) | Err(reply)) = read(world, call);
    reply
}

fn read(world: &World, call: &Call) -> Answer {
    if call.header("authorization").is_some() {
        // The link is the only credential. Storage refuses a second one, and clients must not leak a token
        // here.
        return Err(refused(
            400,
            "InvalidAuthenticationInfo",
            "Authentication information is not given in the correct format.",
        ));
    }
    if call.method != Method::GET && call.method != Method::HEAD {
        return Err(refused(
            405,
            "UnsupportedHttpVerb",
            "The resource doesn't support specified Http Verb.",
        ));
    }
    let target = call
        .param("sig")
        .and_then(|signature| world.links.0.get(&signature));
    let target = target.ok_or_else(|| {
        refused(
            403,
            "AuthenticationFailed",
            "Server failed to authenticate the request.",
        )
    })?;
    let bytes = content(world, target).ok_or_else(missing)?;
    let reply = Reply::empty(200)
        .with("content-type", "application/octet-stream")
        .with("accept-ranges", "bytes");
    let asked = call.header("range").or_else(|| call.header("x-ms-range"));
    match asked.and_then(|range| part(range, bytes.len())) {
        None => Ok(reply.body(bytes)),
        Some(Some((first, last))) => {
            let range = format!("bytes {first}-{last}/{}", bytes.len());
            let slice = bytes[first..=last].to_vec();
            Ok(Reply {
                status: 206,
                ..reply
            }
            .with("content-range", range)
            .body(slice))
        }
        Some(None) => Err(refused(
            416,
            "InvalidRange",
            "The range specified is invalid for the current size of the resource.",
        )
        .with("content-range", format!("bytes */{}", bytes.len()))),
    }
}

fn content(world: &World, target: &Target) -> Option<Vec<u8>> {
    match target {
        Target::Log { registry, run } => {
            let registry = world.registry(registry)?;
            let run = registry.runs.iter().find(|known| known.id == *run)?;
            match registry.stored_logs.get(&run.id) {
                Some(stored) => stored.clone(),
                None => Some(run.log.clone().into_bytes()),
            }
        }
        Target::Blob {
            registry,
            repository,
            digest,
        } => {
            let repository = world.registry(registry)?.repositories.get(repository)?;
            repository.blobs.get(digest).map(|bytes| bytes.to_vec())
        }
    }
}

/// Returns the 404 of a missing blob.
pub(crate) fn missing() -> Reply {
    refused(404, "BlobNotFound", "The specified blob does not exist.")
}

/// Parses a range into its first and last byte.
///
/// Storage documents only `bytes=a-b` and `bytes=a-`. The inner `None` is a range beyond the length. The
/// outer `None` is any other range, such as `bytes=-9`, which storage ignores.
fn part(range: &str, length: usize) -> Option<Option<(usize, usize)>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    let last: usize = if last.is_empty() {
        usize::MAX
    } else {
        last.parse().ok()?
    };
    let last = length.checked_sub(1).map(|end| last.min(end));
    Some(last.filter(|last| first <= *last).map(|last| (first, last)))
}

/// Returns the error response of an injected fault.
pub(crate) fn fault(status: u16, code: Option<&str>) -> Reply {
    let code = code.unwrap_or(match status {
        403 => "AuthenticationFailed",
        429 | 503 => "ServerBusy",
        _ => "InternalError",
    });
    refused(status, code, &format!("Injected fault: {status} {code}."))
}

fn refused(status: u16, code: &str, message: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    Reply::empty(status)
        .with("content-type", "application/xml")
        .with("x-ms-error-code", code)
        .body(body)
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn ranges_are_clamped_and_undocumented_ranges_are_ignored() {
        assert_eq!(part("bytes=2-100", 10), Some(Some((2, 9))));
        assert_eq!(part("bytes=2-4", 10), Some(Some((2, 4))));
        assert_eq!(part("bytes=2-", 10), Some(Some((2, 9))));
        assert_eq!(part("bytes=10-", 10), Some(None));
        assert_eq!(part("bytes=0-", 0), Some(None));
        assert_eq!(part("bytes=-3", 10), None);
    }
}
