//! Reads what a tag holds: an image, an index of images, or another artifact.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;

use crate::azure::acr::AcrClient;
use crate::azure::{Error, Look};
use crate::http::Budget;

/// The config of a Helm chart.
const CHART: &str = "application/vnd.cncf.helm.config.v1+json";
/// The config of a BuildKit cache. In an index, one of the entries.
const BUILD_CACHE: &str = "application/vnd.buildkit.cacheconfig.v0";

/// What a tag holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing, or content of an unknown kind.
    Unknown,
    /// An image for one operating system, in lower case.
    Image {
        /// The operating system.
        os: String,
    },
    /// An index, with the platforms of its images. It is empty if the index names none.
    Index(BTreeSet<Platform>),
    /// A Helm chart.
    Chart,
    /// A BuildKit cache.
    BuildCache,
}

/// The platform of an image in an index, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform {
    /// The operating system, such as `linux`.
    pub os: String,
    /// The architecture, such as `amd64`.
    pub architecture: String,
    /// The variant of the architecture, such as `v7`.
    pub variant: Option<String>,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

/// A manifest, an index, or an image config with `os` at the top level.
#[derive(Deserialize)]
struct Document {
    manifests: Option<Vec<Entry>>,
    config: Option<Config>,
    os: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    media_type: String,
    platform: Option<Wire>,
}

#[derive(Deserialize)]
struct Wire {
    os: String,
    #[serde(default)]
    architecture: String,
    variant: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[serde(default)]
    media_type: String,
    digest: String,
}

impl AcrClient {
    /// Reads what a tag holds. Only the config of a single image names its operating system, which takes
    /// one more request.
    pub async fn content(
        &self,
        budget: &Budget,
        repository: &str,
        tag: &str,
    ) -> Result<Content, Error> {
        let Some(manifest) = self
            .get_manifest(budget, repository, tag, Look::Twice)
            .await?
        else {
            return Ok(Content::Unknown);
        };
        let config = match read(&manifest.body) {
            Some(Document {
                manifests: Some(entries),
                ..
            }) => return Ok(index(entries)),
            Some(Document {
                config: Some(config),
                ..
            }) => config,
            _ => return Ok(Content::Unknown),
        };
        match config.media_type.as_str() {
            CHART => return Ok(Content::Chart),
            BUILD_CACHE => return Ok(Content::BuildCache),
            _ => {}
        }
        let config = self.get_blob(budget, repository, &config.digest).await?;
        let os = read(&config).and_then(|config| config.os);
        Ok(os.map_or(Content::Unknown, |os| Content::Image {
            os: os.to_lowercase(),
        }))
    }
}

fn index(entries: Vec<Entry>) -> Content {
    if entries.iter().any(|entry| entry.media_type == BUILD_CACHE) {
        return Content::BuildCache;
    }
    let platforms = entries.into_iter().filter_map(|entry| entry.platform);
    let platforms = platforms.map(Platform::from);
    // An index lists attestations as images with the operating system "unknown".
    let platforms = platforms.filter(|platform| platform.os != "unknown");
    Content::Index(platforms.collect())
}

impl From<Wire> for Platform {
    fn from(wire: Wire) -> Self {
        Self {
            os: wire.os.to_lowercase(),
            architecture: wire.architecture.to_lowercase(),
            variant: wire.variant.map(|variant| variant.to_lowercase()),
        }
    }
}

fn read(bytes: &[u8]) -> Option<Document> {
    serde_json::from_slice(bytes).ok()
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::azure::acr::testing::{client, signed_in, story};
    use crate::azure::testing::minute;
    use crate::http::scripted_transport::reply;

    /// Returns the content of a tag with this manifest, which takes a single request.
    async fn of(manifest: &'static str) -> Content {
        let transport = signed_in().on(Method::GET, "/manifests/1", reply(200).with_body(manifest));
        let content = client(&transport).content(&minute(), "a", "1").await;
        assert_eq!(story(&transport).len(), 1, "{:?}", story(&transport));
        content.unwrap()
    }

    #[tokio::test]
    async fn an_index_names_its_platforms() {
        let manifest = r#"{"manifests":[
            {"digest":"sha256:1","platform":{"os":"Linux","architecture":"amd64"}},
            {"digest":"sha256:2","platform":{"os":"linux","architecture":"arm","variant":"v7"}},
            {"digest":"sha256:3","platform":{"os":"unknown","architecture":"unknown"}},
            {"digest":"sha256:4"}]}"#;
        let Content::Index(platforms) = of(manifest).await else {
            panic!("an index expected");
        };
        let platforms: Vec<String> = platforms.iter().map(Platform::to_string).collect();
        assert_eq!(platforms, ["linux/amd64", "linux/arm/v7"]);
    }

    #[tokio::test]
    async fn a_chart_and_a_build_cache_are_known_by_their_media_types() {
        let chart = r#"{"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:1"},"layers":[]}"#;
        assert_eq!(of(chart).await, Content::Chart);
        let index = r#"{"manifests":[
            {"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:1"},
            {"mediaType":"application/vnd.buildkit.cacheconfig.v0","digest":"sha256:2"}]}"#;
        assert_eq!(of(index).await, Content::BuildCache);
        let manifest = r#"{"config":{"mediaType":"application/vnd.buildkit.cacheconfig.v0","digest":"sha256:1"},"layers":[]}"#;
        assert_eq!(of(manifest).await, Content::BuildCache);
    }

    #[tokio::test]
    async fn other_content_is_unknown() {
        for other in ["no JSON", "{}", r#"{"layers":[]}"#] {
            assert_eq!(of(other).await, Content::Unknown);
        }
        assert_eq!(
            of(r#"{"manifests":[]}"#).await,
            Content::Index(BTreeSet::new())
        );
    }
}
