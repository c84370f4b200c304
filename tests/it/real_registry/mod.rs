//! The data plane against CNCF Distribution, a third-party registry, over TLS. The registry validates the
//! tokens. [`front`] adds Azure's features.

mod certificates;
mod front;
mod process;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{join_all, try_join_all};
use terraform_provider_acr::azure::acr::{
    AcrClient, Content, Platform, PolicyArtifact, PolicyManifest, StoredPolicy,
};
use terraform_provider_acr::azure::{Azure, AzureOptions, Cloud, Credential, Error, Look, Secret};
use terraform_provider_acr::digest::sha256;
use terraform_provider_acr::http::{Budget, Pipeline};
use terraform_provider_acr::patching::policy::POLICY_REPOSITORY;
use tokio_util::sync::CancellationToken;

use crate::real_registry::certificates::Certificates;
use crate::real_registry::front::Front;
use crate::real_registry::process::Registry;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A registry, the transport to it, and an authenticated client.
struct Stage {
    acr: AcrClient,
    front: Arc<Front>,
    registry: Registry,
}

impl Stage {
    fn new() -> Self {
        Self::with(0, false)
    }

    /// Starts a registry whose first `stale` tokens are expired, or whose tokens are read-only.
    fn with(stale: usize, read_only: bool) -> Self {
        let certificates = Certificates::new();
        let registry = Registry::start(&certificates);
        let front = Front::new(&certificates, stale, read_only);
        let pipeline = Pipeline::new(Arc::clone(&front) as Arc<_>);
        let cloud = Cloud::public();
        let id = "00000000-0000-0000-0000-000000000000";
        let secret = Secret::new("a secret");
        let credential = Credential::client_secret(&cloud, id, id, &secret, pipeline.clone());
        let azure = Azure::new(AzureOptions {
            credential: credential.unwrap(),
            cloud,
            pipeline,
            correlation_id: None,
        });
        Self {
            acr: azure.acr(registry.login_server()),
            front,
            registry,
        }
    }

    async fn push(&self, policy: &'static str) -> String {
        self.acr
            .push_policy(&budget(), POLICY_REPOSITORY, policy)
            .await
            .unwrap()
    }

    async fn stored(&self) -> Option<PolicyManifest> {
        match self
            .acr
            .policy_manifest(&budget(), POLICY_REPOSITORY, Look::Once)
            .await
            .unwrap()
        {
            StoredPolicy::Nothing => None,
            StoredPolicy::Manifest(manifest) => Some(manifest),
            StoredPolicy::Unreadable { reason, .. } => panic!("{reason}"),
        }
    }

    async fn bytes(&self, manifest: &PolicyManifest) -> Option<Bytes> {
        let bytes = self
            .acr
            .policy_bytes(&budget(), POLICY_REPOSITORY, manifest)
            .await;
        bytes.unwrap()
    }
}

fn budget() -> Budget {
    Budget::new(Duration::from_secs(60), CancellationToken::new())
}

fn refusal(error: &Error) -> (u16, &str) {
    let Error::Response(refusal) = error else {
        panic!("{error:?}");
    };
    (refusal.status.as_u16(), &refusal.code)
}

#[tokio::test]
async fn a_policy_is_stored_byte_for_byte_and_a_second_push_is_idempotent() {
    let stage = Stage::new();
    let policy = r#"{"version":"v1","tag-convention":"incremental","repositories":[]}"#;
    assert_eq!(stage.stored().await, None);
    let digest = stage.push(policy).await;
    let stored = stage.stored().await.unwrap();
    assert_eq!(stored.manifest_digest, digest);
    assert_eq!(stored.layer_digest, sha256(policy.as_bytes()));
    assert_eq!(stored.layer_size, policy.len() as u64);
    assert_eq!(stage.bytes(&stored).await.unwrap(), policy);
    assert_eq!(stage.push(policy).await, digest);
    assert_eq!(stage.stored().await, Some(stored));
    assert_eq!(stage.front.count("POST /oauth2/exchange"), 1);
}

#[tokio::test]
async fn a_second_policy_moves_the_tag_and_keeps_the_first_manifest() {
    let stage = Stage::new();
    let first = stage.push(r#"{"version":"v1"}"#).await;
    let old = stage.stored().await.unwrap();
    let second = stage.push(r#"{"version":"v2"}"#).await;
    assert_ne!(first, second);
    assert_eq!(stage.stored().await.unwrap().manifest_digest, second);
    assert_eq!(stage.bytes(&old).await.unwrap(), r#"{"version":"v1"}"#);
    let repository = POLICY_REPOSITORY;
    let budget = budget();
    let manifest = stage
        .acr
        .get_manifest(&budget, repository, &first, Look::Once);
    let by_digest = manifest.await;
    assert_eq!(by_digest.unwrap().unwrap().digest, first);
    let tags = stage.acr.list_tags(&budget, repository).await.unwrap();
    assert_eq!(tags.unwrap(), [PolicyArtifact::TAG]);
}

#[tokio::test]
async fn a_large_policy_is_stored_unchanged() {
    let stage = Stage::new();
    let large: Bytes = "abcdefgh".repeat(1 << 20).into();
    stage
        .acr
        .push_policy(&budget(), POLICY_REPOSITORY, large.clone())
        .await
        .unwrap();
    let stored = stage.stored().await.unwrap();
    assert_eq!(stage.bytes(&stored).await.unwrap(), large);
}

#[tokio::test]
async fn missing_repositories_tags_and_blobs_are_no_error() {
    let stage = Stage::new();
    let budget = budget();
    let acr = &stage.acr;
    assert_eq!(acr.list_tags(&budget, "absent").await.unwrap(), None);
    let manifest = acr.get_manifest(&budget, "absent", "v1", Look::Once);
    assert_eq!(manifest.await.unwrap(), None);
    assert!(!acr.delete_repository(&budget, "absent").await.unwrap());
    stage.push("{}").await;
    let stored = stage.stored().await.unwrap();
    let lost = PolicyManifest {
        layer_digest: sha256(b"lost"),
        ..stored
    };
    assert_eq!(stage.bytes(&lost).await, None);
    let repository = POLICY_REPOSITORY;
    let manifest = acr.get_manifest(&budget, repository, "v2", Look::Once);
    assert_eq!(manifest.await.unwrap(), None);
}

#[tokio::test]
async fn a_manifest_without_its_blobs_has_the_registrys_error_code() {
    let stage = Stage::new();
    let manifest = PolicyArtifact::manifest(&sha256(b"lost"), 4);
    let error = stage
        .acr
        .put_manifest(&budget(), "some/images", "v1", MANIFEST, manifest)
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (400, "MANIFEST_BLOB_UNKNOWN"));
}

#[tokio::test]
async fn every_tag_of_a_large_repository_is_listed() {
    const TAGS: usize = 1_203;
    let stage = Stage::new();
    let (acr, budget) = (&stage.acr, budget());
    let config = acr.put_blob(&budget, "some/images", "{}").await.unwrap();
    assert_eq!(config, sha256(b"{}"));
    let manifest: Bytes = PolicyArtifact::manifest(&config, 2).into();
    let tags: Vec<String> = (1..=TAGS).map(|it| format!("1.{it:04}")).collect();
    let pushes = tags
        .iter()
        .map(|tag| acr.put_manifest(&budget, "some/images", tag, MANIFEST, manifest.clone()));
    try_join_all(pushes).await.unwrap();
    let listed = acr.list_tags(&budget, "some/images").await.unwrap();
    assert_eq!(listed.unwrap(), tags);
    assert_eq!(stage.front.count("GET /v2/some/images/tags/list"), 2);
}

#[tokio::test]
async fn a_deleted_policy_is_gone_and_can_be_pushed_again() {
    let stage = Stage::new();
    let digest = stage.push("{}").await;
    assert!(
        stage
            .acr
            .delete_repository(&budget(), POLICY_REPOSITORY)
            .await
            .unwrap()
    );
    assert_eq!(stage.stored().await, None);
    assert_eq!(stage.push("{}").await, digest);
    let stored = stage.stored().await.unwrap();
    assert_eq!(stage.bytes(&stored).await.unwrap(), "{}");
}

#[tokio::test]
async fn concurrent_pushes_authenticate_once_and_one_push_wins() {
    let stage = Stage::new();
    let (repository, tag) = (POLICY_REPOSITORY, PolicyArtifact::TAG);
    // All manifests refer to this blob. Distribution rewrites a blob's link with each upload, and a
    // concurrent request can find the link empty.
    stage.push("{}").await;
    let budget = budget();
    let pushes = (0..16).map(async |number| {
        let policy = format!(r#"{{"version":"v{number}"}}"#);
        let size = policy.len();
        let layer = stage.acr.put_blob(&budget, repository, policy.clone());
        let manifest = PolicyArtifact::manifest(&layer.await?, size);
        let pushed = stage
            .acr
            .put_manifest(&budget, repository, tag, MANIFEST, manifest);
        Ok::<_, Error>((pushed.await?, policy))
    });
    let pushed: BTreeMap<String, String> =
        try_join_all(pushes).await.unwrap().into_iter().collect();
    assert_eq!(pushed.len(), 16);
    let stored = stage.stored().await.unwrap();
    let policy = stage.bytes(&stored).await.unwrap();
    assert_eq!(policy, pushed[&stored.manifest_digest]);
    assert_eq!(stage.front.count("POST /oauth2/exchange"), 1);
    // One token for pushes and one for reads.
    assert_eq!(stage.front.count("POST /oauth2/token"), 2);
}

#[tokio::test]
async fn an_expired_token_is_renewed_once() {
    let stage = Stage::with(1, false);
    let digest = stage.push("{}").await;
    assert_eq!(stage.stored().await.unwrap().manifest_digest, digest);
    // An expired and a valid token for pushes, and one for reads.
    assert_eq!(stage.front.count("POST /oauth2/token"), 3);
}

#[tokio::test]
async fn a_missing_permission_is_an_error_after_few_token_requests() {
    let stage = Stage::with(0, true);
    assert_eq!(stage.stored().await, None);
    let error = stage
        .acr
        .push_policy(&budget(), POLICY_REPOSITORY, "{}")
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (401, "UNAUTHORIZED"));
    assert_eq!(stage.stored().await, None);
    let asked = stage.front.count("POST /oauth2/token");
    assert!(asked <= 5, "{asked} tokens");
}

#[tokio::test]
async fn the_content_of_a_tag_is_read() {
    let stage = Stage::new();
    let (acr, budget) = (&stage.acr, budget());
    let repository = "some/images";
    let config = r#"{"architecture":"amd64","os":"windows","rootfs":{"type":"layers"}}"#;
    let digest = acr.put_blob(&budget, repository, config).await.unwrap();
    let empty = acr.put_blob(&budget, repository, "{}").await.unwrap();
    let image = format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{digest}","size":{}}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{empty}","size":2}}]}}"#,
        config.len()
    );
    let size = image.len();
    let pushed = acr.put_manifest(&budget, repository, "1", MANIFEST, image);
    let image = pushed.await.unwrap();
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"mediaType":"{MANIFEST}","digest":"{image}","size":{size},"platform":{{"os":"linux","architecture":"amd64"}}}}]}}"#
    );
    let pushed = acr.put_manifest(&budget, repository, "2", INDEX, index);
    pushed.await.unwrap();
    let contents = join_all(["1", "2", "3"].map(|tag| acr.content(&budget, repository, tag)));
    let contents: Vec<Content> = contents.await.into_iter().map(Result::unwrap).collect();
    let linux = Platform {
        os: "linux".to_owned(),
        architecture: "amd64".to_owned(),
        variant: None,
    };
    let windows = Content::Image {
        os: "windows".to_owned(),
    };
    assert_eq!(
        contents,
        [windows, Content::Index([linux].into()), Content::Unknown]
    );
}

#[tokio::test]
async fn an_unreachable_registry_is_named_in_the_error() {
    let Stage { acr, registry, .. } = Stage::new();
    let server = registry.login_server().to_owned();
    drop(registry);
    let error = acr.list_tags(&budget(), "some/images").await.unwrap_err();
    assert!(format!("{error:?}").contains(&server), "{error:?}");
}
