//! The blob storage behind a registry: run logs behind SAS links, and layers that the data plane redirects to.

use std::collections::HashMap;

use http::Method;
use uuid::Uuid;

use crate::state::World;
use crate::wire::{Answer, Call, Reply};

/// The one storage account.
pub(crate) const HOST: &str = "simulatorlogs.blob.core.windows.net";

/// What a link leads to.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// The log of a run.
    Log { registry: String, run: String },
    /// A blob or manifest, by digest.
    Blob {
        registry: String,
        repository: String,
        digest: String,
    },
}

/// The links that were given out, by signature.
#[derive(Debug, Default)]
pub(crate) struct LogLinks(HashMap<String, Target>);

impl LogLinks {
    /// What makes the links good.
    pub(crate) fn signatures(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// A signed link to a target.
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
        // A link is the whole credential; storage refuses a second one, and a client must not carry a token here.
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
    let bytes = content(world, target)
        .ok_or_else(|| refused(404, "BlobNotFound", "The specified blob does not exist."))?;
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

/// The first and last byte of a `bytes=a-b` or `bytes=a-` range, the two that storage documents; inside, none where it
/// isn't within the length. Any other range, such as `bytes=-9`, counts as not asked for.
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
    fn a_range_stays_within_the_blob_and_one_that_is_not_documented_is_none() {
        assert_eq!(part("bytes=2-100", 10), Some(Some((2, 9))));
        assert_eq!(part("bytes=2-4", 10), Some(Some((2, 4))));
        assert_eq!(part("bytes=2-", 10), Some(Some((2, 9))));
        assert_eq!(part("bytes=10-", 10), Some(None));
        assert_eq!(part("bytes=0-", 0), Some(None));
        assert_eq!(part("bytes=-3", 10), None);
    }
}
