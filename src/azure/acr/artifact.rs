//! The Continuous Patching policy as an OCI artifact.
//!
//! The artifact has the shape that the Azure CLI pushes. Its config is an empty JSON object, and its only
//! layer is the policy's JSON. The service reads the last layer and ignores its media type. The CLI
//! requires the layer's title.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error as ErrorMessage;

use crate::azure::acr::{AcrClient, Manifest};
use crate::azure::{Error, Look, arm};
use crate::digest::is_sha256;
use crate::http::Budget;

pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.unknown.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// The config's two bytes and their digest.
pub(super) const EMPTY: &[u8] = b"{}";
pub(super) const EMPTY_DIGEST: &str =
    "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
/// The longest policy that the client reads. The Azure CLI pushes no longer one.
const LONGEST_POLICY: u64 = 10 << 20;

/// The fixed properties of the policy artifact.
#[derive(Clone, Copy, Debug)]
pub struct PolicyArtifact;

impl PolicyArtifact {
    /// The artifact's tag.
    pub const TAG: &'static str = "v1";
    /// The file name in the layer's title.
    pub const TITLE: &'static str = "continuouspatching.json";

    /// Returns the manifest for a policy with this digest and length.
    #[must_use]
    pub fn manifest(layer_digest: &str, layer_size: usize) -> Vec<u8> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Manifest<'a> {
            schema_version: u8,
            media_type: &'a str,
            config: Descriptor<'a>,
            layers: [Descriptor<'a>; 1],
            annotations: Nothing,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Descriptor<'a> {
            media_type: &'a str,
            size: usize,
            digest: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            annotations: Option<Title>,
        }
        #[derive(Serialize)]
        struct Title {
            #[serde(rename = "org.opencontainers.image.title")]
            title: &'static str,
        }
        #[derive(Serialize)]
        struct Nothing {}

        let manifest = Manifest {
            schema_version: 2,
            media_type: MANIFEST,
            config: Descriptor {
                media_type: CONFIG,
                size: EMPTY.len(),
                digest: EMPTY_DIGEST,
                annotations: None,
            },
            layers: [Descriptor {
                media_type: LAYER,
                size: layer_size,
                digest: layer_digest,
                annotations: Some(Title { title: Self::TITLE }),
            }],
            annotations: Nothing {},
        };
        serde_json::to_vec(&manifest).expect("a manifest is plain data with text keys")
    }
}

/// The stored content at the policy's repository and tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredPolicy {
    /// Nothing is stored.
    Nothing,
    /// A policy manifest.
    Manifest(PolicyManifest),
    /// Something that is not a policy.
    Unreadable {
        /// The manifest's digest.
        manifest_digest: String,
        /// Why it can't be read.
        reason: NotReadable,
    },
}

/// Why a stored artifact can't be read as a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ErrorMessage)]
pub enum NotReadable {
    /// It has no layer.
    #[error("its manifest has no layers")]
    NoLayer,
    /// The layer's digest has an algorithm that the client can't verify.
    #[error("its layer digest is not sha256")]
    Digest,
    /// The layer exceeds 10 MiB.
    #[error("its layer exceeds 10 MiB")]
    TooLong,
}

impl NotReadable {
    /// Whether the service may read the artifact, and only this client does not.
    #[must_use]
    pub const fn is_own_limit(self) -> bool {
        matches!(self, Self::Digest | Self::TooLong)
    }
}

/// The policy's manifest in a registry. Its digests alone show whether the policy differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyManifest {
    /// The manifest's digest.
    pub manifest_digest: String,
    /// The digest of the policy's JSON.
    pub layer_digest: String,
    /// The length of the policy's JSON in bytes.
    pub layer_size: u64,
}

impl AcrClient {
    /// Returns the manifest at the policy's repository and tag. `look` says how often a 404 is checked.
    ///
    /// # Errors
    /// Any request error. Content that is not a policy is [`StoredPolicy::Unreadable`], not an error.
    pub async fn policy_manifest(
        &self,
        budget: &Budget,
        repository: &str,
        look: Look,
    ) -> Result<StoredPolicy, Error> {
        let manifest = self
            .get_manifest(budget, repository, PolicyArtifact::TAG, look)
            .await?;
        Ok(manifest.map_or(StoredPolicy::Nothing, read))
    }

    /// Returns the policy's JSON, or `None` if the registry has lost the blob and only the manifest
    /// exists.
    pub async fn policy_bytes(
        &self,
        budget: &Budget,
        repository: &str,
        manifest: &PolicyManifest,
    ) -> Result<Option<Bytes>, Error> {
        let digest = &manifest.layer_digest;
        let blob = self.get_blob(budget, repository, digest);
        arm::found(blob.await)
    }
}

fn read(manifest: Manifest) -> StoredPolicy {
    match layer(&manifest.body) {
        Ok(layer) => StoredPolicy::Manifest(PolicyManifest {
            manifest_digest: manifest.digest,
            layer_digest: layer.digest,
            layer_size: layer.size,
        }),
        Err(reason) => StoredPolicy::Unreadable {
            manifest_digest: manifest.digest,
            reason,
        },
    }
}

#[derive(Deserialize)]
struct Layer {
    digest: String,
    size: u64,
}

/// Returns the layer that the service reads as the policy.
fn layer(manifest: &[u8]) -> Result<Layer, NotReadable> {
    #[derive(Deserialize)]
    struct Body {
        layers: Vec<Layer>,
    }

    let body: Option<Body> = serde_json::from_slice(manifest).ok();
    let layer = body
        .and_then(|body| body.layers.into_iter().next_back())
        .ok_or(NotReadable::NoLayer)?;
    if !is_sha256(&layer.digest) {
        return Err(NotReadable::Digest);
    }
    if layer.size > LONGEST_POLICY {
        return Err(NotReadable::TooLong);
    }
    Ok(layer)
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::Value;

    use super::*;
    use crate::azure::acr::testing::{client, signed_in};
    use crate::azure::testing::minute;
    use crate::digest::sha256;
    use crate::http::Response;
    use crate::http::scripted_transport::{absent, reply};

    const REPOSITORY: &str = "csscpolicies/patchpolicy";
    const POLICY: &str = r#"{"version":"v1"}"#;

    #[test]
    fn the_manifest_equals_the_recorded_one_except_the_title() {
        let recording = include_str!("../../../tests/golden/recorded/acr-manifest-put.json");
        let recording: Value = serde_json::from_str(recording).unwrap();
        let mut expected = recording["request"]["body"].clone();
        expected["layers"][0]["annotations"]["org.opencontainers.image.title"] =
            PolicyArtifact::TITLE.into();
        let digest = expected["layers"][0]["digest"].as_str().unwrap();
        let ours: Value = serde_json::from_slice(&PolicyArtifact::manifest(digest, 194)).unwrap();
        assert_eq!(ours, expected);
        assert_eq!(sha256(EMPTY), EMPTY_DIGEST);
    }

    #[tokio::test]
    async fn a_pulled_policy_equals_the_pushed_one() {
        let digest = sha256(POLICY.as_bytes());
        let manifest = PolicyArtifact::manifest(&digest, POLICY.len());
        let transport = signed_in()
            .on(
                Method::GET,
                "/manifests/v1",
                reply(200).with_body(manifest.clone()),
            )
            .on(Method::GET, "/blobs/sha256:", reply(200).with_body(POLICY));
        let client = client(&transport);
        let stored = client
            .policy_manifest(&minute(), REPOSITORY, Look::Twice)
            .await
            .unwrap();
        let StoredPolicy::Manifest(stored) = stored else {
            panic!("a policy expected, got {stored:?}");
        };
        assert_eq!(stored.manifest_digest, sha256(&manifest));
        let bytes = client
            .policy_bytes(&minute(), REPOSITORY, &stored)
            .await
            .unwrap();
        assert_eq!(bytes.as_deref(), Some(POLICY.as_bytes()));
    }

    async fn stored(answer: Response) -> Result<StoredPolicy, Error> {
        let transport = signed_in().on(Method::GET, "/manifests/v1", answer);
        client(&transport)
            .policy_manifest(&minute(), REPOSITORY, Look::Twice)
            .await
    }

    #[tokio::test(start_paused = true)]
    async fn other_content_is_unreadable_and_not_an_error() {
        let unknown = absent("MANIFEST_UNKNOWN");
        let transport = signed_in().twice(Method::GET, "/manifests/v1", unknown);
        let stored_policy = client(&transport)
            .policy_manifest(&minute(), REPOSITORY, Look::Twice)
            .await;
        assert_eq!(stored_policy.unwrap(), StoredPolicy::Nothing);
        let reason = |manifest: &str| {
            let answer = reply(200).with_body(manifest.to_owned());
            let manifest_digest = sha256(manifest.as_bytes());
            async move {
                match stored(answer).await.unwrap() {
                    StoredPolicy::Unreadable {
                        manifest_digest: digest,
                        reason,
                    } if digest == manifest_digest => reason.to_string(),
                    other => panic!("something unreadable expected, got {other:?}"),
                }
            }
        };
        let long = PolicyArtifact::manifest(EMPTY_DIGEST, 11 << 20);
        let sha512 = PolicyArtifact::manifest(&format!("sha512:{}", "0".repeat(128)), 2);
        let reasons = [
            reason("no JSON").await,
            reason(r#"{"manifests":[]}"#).await,
            reason(r#"{"layers":[]}"#).await,
            reason(&String::from_utf8(sha512).unwrap()).await,
            reason(&String::from_utf8(long).unwrap()).await,
        ];
        insta::assert_snapshot!(reasons.join("\n"), @"
        its manifest has no layers
        its manifest has no layers
        its manifest has no layers
        its layer digest is not sha256
        its layer exceeds 10 MiB
        ");
    }

    #[tokio::test]
    async fn a_manifest_with_a_wrong_digest_is_an_error() {
        let changed = reply(200)
            .with("docker-content-digest", EMPTY_DIGEST)
            .with_body("[]");
        let error = stored(changed).await.unwrap_err();
        assert!(matches!(error, Error::Decode { .. }), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_policy_without_its_blob_has_no_bytes() {
        let transport = signed_in().twice(Method::GET, "/blobs/", absent("BLOB_UNKNOWN"));
        let manifest = PolicyManifest {
            manifest_digest: EMPTY_DIGEST.to_owned(),
            layer_digest: EMPTY_DIGEST.to_owned(),
            layer_size: 2,
        };
        let client = client(&transport);
        let bytes = client.policy_bytes(&minute(), REPOSITORY, &manifest).await;
        assert_eq!(bytes.unwrap(), None);
    }
}
