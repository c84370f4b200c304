//! Which operating system an image is for, as its manifest or its index says.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::azure::Error;
use crate::azure::acr::AcrClient;
use crate::http::Budget;

/// A manifest of either kind; a config of an image where `os` stands at the top.
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
    /// The operating systems that an image is for, in lower case; none where it doesn't say, or
    /// isn't there. An image of one platform says it in its config, one more request.
    pub async fn operating_systems(
        &self,
        budget: &Budget,
        repository: &str,
        tag: &str,
    ) -> Result<BTreeSet<String>, Error> {
        let Some(manifest) = self.get_manifest(budget, repository, tag).await? else {
            return Ok(BTreeSet::new());
        };
        let Some(document) = read(&manifest.body) else {
            return Ok(BTreeSet::new());
        };
        if let Some(entries) = document.manifests {
            // Attestations stand in an index as images for "unknown".
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
