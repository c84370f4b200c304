//! Reads what a tag holds: an image, an index of images, or another artifact.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use http::Method;
use serde::Deserialize;

use crate::azure::acr::{AcrClient, Right, segment};
use crate::azure::{Error, Look, OperationKind};
use crate::http::{Budget, Request};

/// The config of a Helm chart.
const CHART: &str = "application/vnd.cncf.helm.config.v1+json";
/// The config of a BuildKit cache. In an index, one of the entries.
const BUILD_CACHE: &str = "application/vnd.buildkit.cacheconfig.v0";

/// The configs of images.
const IMAGES: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];
/// The manifests of single images.
const SINGLE: [&str; 2] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];
/// The most manifests that one request describes.
const DESCRIBED: u32 = 500;

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

/// A registry's own description of a manifest.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    media_type: Option<String>,
    config_media_type: Option<String>,
    os: Option<String>,
    tags: Option<Vec<String>>,
}

impl AcrClient {
    /// Returns what the tags of the newest manifests hold, by tag, as far as the registry describes it. Its
    /// description of an index is not enough, and a description can be missing. So the caller reads the other
    /// tags by [`Self::content`], which also reports errors.
    pub async fn described_contents(
        &self,
        budget: &Budget,
        repository: &str,
    ) -> BTreeMap<String, Content> {
        #[derive(Deserialize)]
        struct Page {
            manifests: Option<Vec<Described>>,
        }

        let page = async {
            let operation = self.operation(OperationKind::ReadManifest, repository);
            let name = segment(repository);
            let path = format!("/acr/v1/{name}/_manifests?orderby=timedesc&n={DESCRIBED}");
            let request = Request::new(Method::GET, self.url(&operation, &path)?);
            let scope = self.scope(Right::ListTags, repository);
            self.call_once(budget, &operation, &scope, &request).await
        };
        let page = page.await.ok().filter(|answer| answer.status.is_success());
        let page = page.and_then(|answer| serde_json::from_slice::<Page>(&answer.body).ok());
        let all = page.and_then(|page| page.manifests).unwrap_or_default();
        all.into_iter()
            .filter_map(|it| Some((described(&it)?, it.tags?)))
            .flat_map(|(content, tags)| tags.into_iter().map(move |tag| (tag, content.clone())))
            .collect()
    }

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

/// Returns what a manifest holds, if its description is conclusive.
fn described(manifest: &Described) -> Option<Content> {
    let is_single = SINGLE.contains(&manifest.media_type.as_deref()?);
    match (
        manifest.config_media_type.as_deref(),
        manifest.os.as_deref(),
    ) {
        _ if !is_single => None,
        (Some(CHART), _) => Some(Content::Chart),
        (Some(BUILD_CACHE), _) => Some(Content::BuildCache),
        (_, None | Some("" | "unknown")) => None,
        (Some(config), _) if !IMAGES.contains(&config) => None,
        (_, Some(os)) => Some(Content::Image {
            os: os.to_lowercase(),
        }),
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
    async fn the_registry_describes_single_images_and_other_artifacts() {
        // The first image is as recorded: without the media type of its config.
        let page = r#"{"imageName":"library/hello-world","manifests":[
            {"architecture":"amd64","os":"linux","mediaType":"application/vnd.docker.distribution.manifest.v2+json","tags":["latest"]},
            {"os":"Windows","mediaType":"application/vnd.oci.image.manifest.v1+json","configMediaType":"application/vnd.oci.image.config.v1+json","tags":["1","2"]},
            {"mediaType":"application/vnd.oci.image.manifest.v1+json","configMediaType":"application/vnd.cncf.helm.config.v1+json","tags":["chart"]},
            {"mediaType":"application/vnd.oci.image.index.v1+json","os":"linux","tags":["index"]},
            {"mediaType":"application/vnd.oci.image.manifest.v1+json","configMediaType":"application/vnd.oci.image.config.v1+json","os":"","tags":["signature"]},
            {"mediaType":"application/vnd.oci.image.manifest.v1+json","configMediaType":"application/vnd.example","os":"linux","tags":["other"]},
            {"mediaType":"application/vnd.oci.image.manifest.v1+json","os":"linux"},
            {}]}"#;
        let transport = signed_in().on(Method::GET, "/_manifests", reply(200).with_body(page));
        let (client, budget) = (client(&transport), minute());
        let contents = client
            .described_contents(&budget, "library/hello-world")
            .await;
        insta::assert_debug_snapshot!(contents, @r#"
        {
            "1": Image {
                os: "windows",
            },
            "2": Image {
                os: "windows",
            },
            "chart": Chart,
            "latest": Image {
                os: "linux",
            },
        }
        "#);
        assert_eq!(
            story(&transport),
            [
                "GET https://contoso.azurecr.io/acr/v1/library%2Fhello-world/_manifests?orderby=timedesc&n=500"
            ]
        );
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
