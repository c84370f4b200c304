//! The storage of the data plane: repositories with blobs, manifests and tags, and the fate of an image.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The media type of manifests pushed by the simulator.
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of indexes pushed by the simulator.
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The media type of an image's config.
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// The result of scanning and patching an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The scan finds no vulnerabilities.
    Clean,
    /// The scan finds this number of vulnerabilities, and the patch removes them.
    Vulnerable(u32),
    /// The image's operating system is past its end of service life (EOSL), so the scan schedules no patch.
    EndOfLife,
    /// The scan fails.
    ScanFails,
    /// The scan finds one vulnerability, and the patch fails.
    PatchFails,
}

/// A repository of a registry.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Repository {
    #[serde(skip)]
    pub(crate) blobs: BTreeMap<String, Bytes>,
    pub(crate) manifests: BTreeMap<String, Manifest>,
    pub(crate) tags: BTreeMap<String, Tag>,
}

/// A pushed manifest.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Manifest {
    #[serde(serialize_with = "as_text")]
    pub(crate) bytes: Bytes,
    pub(crate) media_type: String,
    pub(crate) pushed: Timestamp,
}

/// A tag.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Tag {
    pub(crate) digest: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

impl Repository {
    /// Stores a blob and returns its digest.
    pub(crate) fn put_blob(&mut self, bytes: Bytes) -> String {
        let digest = digest(&bytes);
        self.blobs.insert(digest.clone(), bytes);
        digest
    }

    /// Stores a manifest, points `tag` at it if given, and returns its digest.
    pub(crate) fn put_manifest(
        &mut self,
        bytes: Bytes,
        media_type: &str,
        tag: Option<&str>,
        now: Timestamp,
    ) -> String {
        let digest = digest(&bytes);
        self.manifests
            .entry(digest.clone())
            .or_insert_with(|| Manifest {
                bytes,
                media_type: media_type.to_owned(),
                pushed: now,
            });
        if let Some(tag) = tag {
            let created = self.tags.get(tag).map_or(now, |tag| tag.created);
            self.tags.insert(
                tag.to_owned(),
                Tag {
                    digest: digest.clone(),
                    created,
                    updated: now,
                },
            );
        }
        digest
    }

    /// Removes a manifest and its tags, and returns whether the manifest existed.
    pub(crate) fn remove_manifest(&mut self, digest: &str) -> bool {
        self.tags.retain(|_, tag| tag.digest != digest);
        self.manifests.remove(digest).is_some()
    }

    /// Returns the digest and the manifest of a tag or digest.
    pub(crate) fn manifest(&self, reference: &str) -> Option<(&str, &Manifest)> {
        let digest = self
            .tags
            .get(reference)
            .map_or(reference, |tag| tag.digest.as_str());
        self.manifests
            .get_key_value(digest)
            .map(|(digest, manifest)| (digest.as_str(), manifest))
    }

    /// Pushes a small, unique image for a platform, and returns its entry for an index.
    pub(crate) fn push_image(
        &mut self,
        tag: Option<&str>,
        (os, architecture): (&str, &str),
        nonce: u64,
        now: Timestamp,
    ) -> Value {
        let config = json!({"architecture": architecture, "os": os, "rootfs": {"type": "layers", "diff_ids": []}, "simulator": nonce});
        let config = Bytes::from(config.to_string());
        let mut entry = self.push_single(tag, OCI_CONFIG, config, nonce, now);
        entry["platform"] = json!({"os": os, "architecture": architecture});
        entry
    }

    /// Pushes a manifest with a config of a media type and one layer, and returns its entry for an index.
    pub(crate) fn push_single(
        &mut self,
        tag: Option<&str>,
        config_type: &str,
        config: Bytes,
        nonce: u64,
        now: Timestamp,
    ) -> Value {
        let layer = Bytes::from(format!("layer {nonce}"));
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": described(config_type, &config),
            "layers": [described("application/vnd.oci.image.layer.v1.tar+gzip", &layer)],
        });
        self.put_blob(config);
        self.put_blob(layer);
        let bytes = Bytes::from(manifest.to_string());
        let entry = described(OCI_MANIFEST, &bytes);
        self.put_manifest(bytes, OCI_MANIFEST, tag, now);
        entry
    }

    /// Pushes an image for several platforms, each an operating system and an architecture.
    pub(crate) fn push_index(
        &mut self,
        tag: &str,
        platforms: &[(&str, &str)],
        nonce: u64,
        now: Timestamp,
    ) {
        let images = platforms
            .iter()
            .map(|platform| self.push_image(None, *platform, nonce, now));
        let images: Vec<Value> = images.collect();
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": images});
        self.put_manifest(Bytes::from(index.to_string()), OCI_INDEX, Some(tag), now);
    }

    /// Pushes one image under `count` tags, starting at `v00001`.
    pub(crate) fn push_tags(&mut self, count: usize, nonce: u64, now: Timestamp) {
        let image = self.push_image(None, ("linux", "amd64"), nonce, now);
        let tag = Tag {
            digest: image["digest"].as_str().unwrap_or_default().to_owned(),
            created: now,
            updated: now,
        };
        let names = (1..=count).map(|number| format!("v{number:05}"));
        self.tags.extend(names.map(|name| (name, tag.clone())));
    }

    /// Pushes a JSON document as the only layer of an artifact, as the Azure CLI stores a policy.
    pub(crate) fn push_artifact(
        &mut self,
        tag: &str,
        title: &str,
        document: &str,
        now: Timestamp,
    ) -> String {
        let config = Bytes::from_static(b"{}");
        let layer = Bytes::from(document.to_owned());
        let mut described_layer = described("application/vnd.oci.image.layer.v1.tar", &layer);
        described_layer["annotations"] = json!({"org.opencontainers.image.title": title});
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": described("application/vnd.unknown.config.v1+json", &config),
            "layers": [described_layer],
            "annotations": {},
        });
        self.put_blob(config);
        self.put_blob(layer);
        self.put_manifest(
            Bytes::from(manifest.to_string()),
            OCI_MANIFEST,
            Some(tag),
            now,
        )
    }

    /// Returns the last layer of a tag's manifest, as the service reads a policy.
    pub(crate) fn last_layer(&self, tag: &str) -> Option<&Bytes> {
        let (_, manifest) = self.manifest(tag)?;
        let manifest: Value = serde_json::from_slice(&manifest.bytes).ok()?;
        let digest = manifest["layers"].as_array()?.last()?["digest"].as_str()?;
        self.blobs.get(digest)
    }

    /// Returns the digests in a manifest or index that the repository lacks, of blobs or manifests.
    pub(crate) fn missing(&self, manifest: &Value) -> BTreeSet<String> {
        let digests = |key: &str| -> Vec<String> {
            let nodes = manifest[key].as_array().cloned().unwrap_or_default();
            nodes
                .iter()
                .filter_map(|node| node["digest"].as_str().map(str::to_owned))
                .collect()
        };
        let config = manifest["config"]["digest"].as_str().map(str::to_owned);
        let blobs = config
            .into_iter()
            .chain(digests("layers"))
            .filter(|digest| !self.blobs.contains_key(digest));
        let manifests = digests("manifests")
            .into_iter()
            .filter(|digest| !self.manifests.contains_key(digest));
        blobs.chain(manifests).collect()
    }
}

/// Returns the `sha256:…` digest of bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn described(media_type: &str, bytes: &Bytes) -> Value {
    json!({"mediaType": media_type, "size": bytes.len(), "digest": digest(bytes)})
}

fn as_text<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(bytes))
}
