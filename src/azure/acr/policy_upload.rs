//! Stores a Continuous Patching policy: its config, its layer, and then the manifest.
//!
//! An upload that has only begun changes nothing. So a caller can begin it while it still reads whether the
//! policy differs.

use bytes::Bytes;

use crate::azure::Error;
use crate::azure::acr::AcrClient;
use crate::azure::acr::artifact::{EMPTY, EMPTY_DIGEST, MANIFEST, PolicyArtifact};
use crate::azure::acr::blob::Upload;
use crate::http::Budget;

/// A policy that has begun to be stored. To abandon it changes nothing.
#[derive(Clone, Debug)]
pub struct PolicyUpload {
    config: Config,
    layer: Upload,
    /// The length of the policy's JSON in bytes.
    size: usize,
}

/// The config of a policy that has begun to be stored.
#[derive(Clone, Debug)]
enum Config {
    Stored,
    Begun(Upload),
    Missing,
}

/// Whether a registry probably contains a policy's config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Probably, because it contains a policy.
    Stored,
    /// Probably not.
    Missing,
}

impl AcrClient {
    /// Stores a policy and returns the manifest's digest.
    ///
    /// # Errors
    /// As [`Self::finish_policy`].
    pub async fn push_policy(
        &self,
        budget: &Budget,
        repository: &str,
        bytes: impl Into<Bytes>,
    ) -> Result<String, Error> {
        let config = Expected::Stored;
        let upload = self.begin_policy(budget, repository, bytes, config).await?;
        self.finish_policy(budget, repository, upload).await
    }

    /// Begins to store a policy. The registry doesn't contain anything of it yet. If its config is expected to
    /// be missing, its upload begins at once. Otherwise that costs round trips if it is missing.
    ///
    /// # Errors
    /// Any request error.
    pub async fn begin_policy(
        &self,
        budget: &Budget,
        repository: &str,
        bytes: impl Into<Bytes>,
        config: Expected,
    ) -> Result<PolicyUpload, Error> {
        let bytes = bytes.into();
        let size = bytes.len();
        let config = async {
            match config {
                Expected::Stored => Ok(None),
                Expected::Missing => self.begin_upload(budget, repository, EMPTY).await.map(Some),
            }
        };
        let (stored, config, layer) = tokio::join!(
            self.has_blob(budget, repository, EMPTY_DIGEST),
            config,
            self.begin_upload(budget, repository, bytes),
        );
        Ok(PolicyUpload {
            config: match (stored?, config?) {
                (true, _) => Config::Stored,
                (false, Some(upload)) => Config::Begun(upload),
                (false, None) => Config::Missing,
            },
            layer: layer?,
            size,
        })
    }

    /// Stores a policy that has begun to be stored, and returns the manifest's digest.
    ///
    /// # Errors
    /// Any request error. The last request moves the tag, so until then the old policy applies.
    pub async fn finish_policy(
        &self,
        budget: &Budget,
        repository: &str,
        upload: PolicyUpload,
    ) -> Result<String, Error> {
        let config = async {
            match upload.config {
                Config::Stored => Ok(()),
                Config::Begun(begun) => {
                    let stored = self.finish_upload(budget, repository, begun).await;
                    stored.map(drop)
                }
                Config::Missing => self.put_blob(budget, repository, EMPTY).await.map(drop),
            }
        };
        let layer = self.finish_upload(budget, repository, upload.layer);
        let (config, layer) = tokio::join!(config, layer);
        config?;
        let manifest = PolicyArtifact::manifest(&layer?, upload.size);
        self.put_manifest(budget, repository, PolicyArtifact::TAG, MANIFEST, manifest)
            .await
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::azure::acr::testing::{client, signed_in};
    use crate::azure::testing::minute;
    use crate::digest::sha256;
    use crate::http::scripted_transport::{recorded, reply};

    const REPOSITORY: &str = "csscpolicies/patchpolicy";
    const POLICY: &str = r#"{"version":"v1"}"#;

    #[tokio::test]
    async fn pushes_the_blobs_before_the_manifest() {
        let begun = |id| reply(202).with("location", &format!("/v2/x/blobs/uploads/{id}"));
        let stored = recorded(include_str!(
            "../../../tests/golden/recorded/acr-manifest-put.json"
        ));
        let transport = signed_in()
            .on(Method::HEAD, "/blobs/sha256:44136fa3", reply(404))
            .on(Method::POST, "/blobs/uploads/", begun(1))
            .on(Method::POST, "/blobs/uploads/", begun(2))
            .on(Method::PUT, "/uploads/1", reply(201))
            .on(Method::PUT, "/uploads/2", reply(201))
            .on(
                Method::PUT,
                "/csscpolicies/patchpolicy/manifests/v1",
                stored,
            );
        let digest = client(&transport)
            .push_policy(&minute(), REPOSITORY, POLICY)
            .await
            .unwrap();
        assert_eq!(
            digest,
            "sha256:e08a6fa0f19da7c0f3dee3306c47e9798727a840f25ceae7a449635b68728e52"
        );
        let requests = transport.requests();
        let last = requests.last().unwrap();
        assert_eq!(last.headers["content-type"], MANIFEST);
        assert_eq!(
            &last.body[..],
            PolicyArtifact::manifest(&sha256(POLICY.as_bytes()), POLICY.len())
        );
        transport.assert_done();
    }

    #[tokio::test]
    async fn an_empty_config_that_exists_is_not_uploaded_again() {
        let begun = reply(202).with("location", "/v2/x/blobs/uploads/1");
        let stored = reply(201).with("docker-content-digest", EMPTY_DIGEST);
        let transport = signed_in()
            .on(Method::HEAD, "/blobs/sha256:44136fa3", reply(200))
            .on(Method::POST, "/blobs/uploads/", begun)
            .on(Method::PUT, "/uploads/1", reply(201))
            .on(Method::PUT, "/manifests/v1", stored);
        let (client, budget) = (client(&transport), minute());
        let pushed = client.push_policy(&budget, REPOSITORY, POLICY).await;
        pushed.unwrap();
        transport.assert_done();
    }

    #[tokio::test]
    async fn a_config_that_is_expected_to_be_missing_needs_no_round_trip_more() {
        let begun = |id| reply(202).with("location", &format!("/v2/x/blobs/uploads/{id}"));
        let transport = signed_in()
            .on(Method::HEAD, "/blobs/sha256:44136fa3", reply(404))
            .on(Method::POST, "/blobs/uploads/", begun(1))
            .on(Method::POST, "/blobs/uploads/", begun(2));
        let (client, budget) = (client(&transport), minute());
        let begun = client.begin_policy(&budget, REPOSITORY, POLICY, Expected::Missing);
        let begun = begun.await.unwrap();
        assert!(matches!(begun.config, Config::Begun(_)), "{begun:?}");
        transport.assert_done();
    }
}
