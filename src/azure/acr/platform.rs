//! Reads an image's operating systems from its manifest or index.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::azure::acr::AcrClient;
use crate::azure::{Error, Look};
use crate::http::Budget;

/// An image manifest, an image index, or an image config with `os` at the top level.
#[derive(Deserialize)]
struct Document {
    manifests: Option<Vec<Entry>>,
    config: Option<Config>,
    os: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    os: String,
}

#[derive(Deserialize)]
struct Config {
    digest: String,
}

impl AcrClient {
    /// Returns the operating systems of an image in lower case. The set is empty if the image doesn't
    /// exist or doesn't name any. A single-platform image has it in its config, which takes one more
    /// request.
    pub async fn operating_systems(
        &self,
        budget: &Budget,
        repository: &str,
        tag: &str,
    ) -> Result<BTreeSet<String>, Error> {
        let Some(manifest) = self
            .get_manifest(budget, repository, tag, Look::Twice)
            .await?
        else {
            return Ok(BTreeSet::new());
        };
        let Some(document) = read(&manifest.body) else {
            return Ok(BTreeSet::new());
        };
        if let Some(entries) = document.manifests {
            // An index lists attestations as images with the operating system "unknown".
            let platforms = entries.into_iter().filter_map(|entry| entry.platform);
            let systems = platforms.map(|platform| platform.os.to_lowercase());
            return Ok(systems.filter(|os| os != "unknown").collect());
        }
        let Some(config) = document.config else {
            return Ok(BTreeSet::new());
        };
        let config = self.get_blob(budget, repository, &config.digest).await?;
        let os = read(&config).and_then(|config| config.os);
        Ok(os.map(|os| os.to_lowercase()).into_iter().collect())
    }
}

fn read(bytes: &[u8]) -> Option<Document> {
    serde_json::from_slice(bytes).ok()
}
