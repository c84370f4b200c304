//! A registry's data plane: scoped tokens, uploads, paging, deletes and network rules.

use azure_simulator::{Fate, Options, RegistrySpec};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Azure, Got, MANIFEST};

const SERVER: &str = "contoso.azurecr.io";
const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

fn manifest(digest: &str) -> String {
    let config =
        json!({"mediaType": "application/vnd.unknown.config.v1+json", "size": 2, "digest": digest});
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}).to_string()
}

async fn upload(azure: &Azure, token: &str, bytes: &'static str, digest: &str) -> Got {
    let started = azure
        .acr(Method::POST, "/v2/app/blobs/uploads/", token, "")
        .await;
    let location = started.header("location").to_owned();
    azure
        .acr(
            Method::PUT,
            &format!("{location}&digest={digest}"),
            token,
            bytes,
        )
        .await
}

#[tokio::test]
async fn a_token_for_another_registry_or_scope_is_refused() {
    let azure = Azure::with(
        Options::default()
            .registry(RegistrySpec::new("contoso"))
            .registry(RegistrySpec::new("other")),
    );
    let pull = azure.access(SERVER, "repository:app:pull").await;
    let refused = azure
        .acr(Method::POST, "/v2/app/blobs/uploads/", &pull, "")
        .await;
    assert_eq!(refused.refusal(), (401, "UNAUTHORIZED".to_owned()));
    assert!(
        refused
            .header("www-authenticate")
            .ends_with(r#"scope="repository:app:push,pull",error="insufficient_scope""#)
    );
    let foreign = azure
        .access("other.azurecr.io", "repository:app:pull")
        .await;
    let refused = azure
        .acr(Method::GET, "/v2/app/tags/list", &foreign, "")
        .await;
    assert!(
        refused
            .header("www-authenticate")
            .ends_with(r#"error="invalid_token""#)
    );
}

#[tokio::test]
async fn arm_tokens_are_exchanged_only_if_the_registry_allows_them() {
    let azure = Azure::new();
    let exchange = async || {
        let token = azure.simulator.token("https://management.azure.com");
        let form = [
            ("grant_type", "access_token"),
            ("service", SERVER),
            ("access_token", &token),
        ];
        azure
            .form(&format!("https://{SERVER}/oauth2/exchange"), &form)
            .await
            .status
    };
    assert_eq!(exchange().await, 200);
    azure
        .simulator
        .registry("contoso")
        .reconfigure(RegistrySpec::without_arm_tokens);
    assert_eq!(exchange().await, 401);
}

#[tokio::test]
async fn a_manifest_needs_its_blobs_and_a_blob_needs_its_digest() {
    let azure = Azure::new();
    let token = azure
        .access(SERVER, "repository:app:pull,push,delete")
        .await;
    let early = azure
        .acr(Method::PUT, "/v2/app/manifests/v1", &token, manifest(EMPTY))
        .await;
    assert_eq!(early.refusal(), (400, "MANIFEST_BLOB_UNKNOWN".to_owned()));
    let wrong = upload(&azure, &token, "other", EMPTY).await;
    assert_eq!(wrong.refusal(), (400, "DIGEST_INVALID".to_owned()));
    assert_eq!(upload(&azure, &token, "{}", EMPTY).await.status, 201);
    let put = azure
        .acr(Method::PUT, "/v2/app/manifests/v1", &token, manifest(EMPTY))
        .await;
    assert_eq!(put.status, 201);

    let got = azure
        .acr(Method::GET, "/v2/app/manifests/v1", &token, "")
        .await;
    assert_eq!(
        (got.status, got.text.as_str()),
        (200, manifest(EMPTY).as_str())
    );
    assert_eq!(
        got.header("docker-content-digest"),
        put.header("docker-content-digest")
    );
    let by_tag = azure
        .acr(Method::DELETE, "/v2/app/manifests/v1", &token, "")
        .await;
    assert_eq!(by_tag.refusal(), (405, "UNSUPPORTED".to_owned()));
    let by_digest = format!("/v2/app/manifests/{}", put.header("docker-content-digest"));
    assert_eq!(
        azure
            .acr(Method::DELETE, &by_digest, &token, "")
            .await
            .status,
        202
    );
    assert_eq!(
        azure
            .acr(Method::GET, "/v2/app/manifests/v1", &token, "")
            .await
            .refusal()
            .0,
        404
    );
}

#[tokio::test]
async fn an_upload_continues_only_at_the_latest_location() {
    let azure = Azure::new();
    let token = azure.access(SERVER, "repository:app:pull,push").await;
    let first = azure
        .acr(Method::POST, "/v2/app/blobs/uploads/", &token, "")
        .await
        .header("location")
        .to_owned();
    let chunk = azure.acr(Method::PATCH, &first, &token, "{").await;
    assert_eq!((chunk.status, chunk.header("range")), (202, "0-0"));
    let stale = azure
        .acr(Method::PUT, &format!("{first}&digest={EMPTY}"), &token, "}")
        .await;
    assert_eq!(stale.refusal(), (404, "BLOB_UPLOAD_INVALID".to_owned()));
    let next = chunk.header("location").to_owned();
    assert_eq!(
        azure
            .acr(Method::PUT, &format!("{next}&digest={EMPTY}"), &token, "}")
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn redirected_blobs_are_read_without_a_token() {
    let azure = Azure::new();
    let token = azure.access(SERVER, "repository:app:pull,push").await;
    upload(&azure, &token, "{}", EMPTY).await;
    azure.simulator.turn(|knobs| knobs.blob_redirects = true);
    let redirect = azure
        .acr(Method::GET, &format!("/v2/app/blobs/{EMPTY}"), &token, "")
        .await;
    assert_eq!(redirect.status, 307);
    let link = redirect.header("location");
    assert!(link.starts_with("https://simulatorlogs.blob.core.windows.net/"));
    let with = Got::from(
        azure
            .http
            .get(link)
            .bearer_auth(&token)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(with.status, 400);
    let without = Got::from(azure.http.get(link).send().await.unwrap()).await;
    assert_eq!((without.status, without.text.as_str()), (200, "{}"));
}

#[tokio::test]
async fn tags_and_manifests_are_paged_by_link_header() {
    let azure = Azure::new();
    let registry = azure.simulator.registry("contoso");
    for tag in ["a", "b", "c"] {
        registry.push_image("app", tag, Fate::Clean);
    }
    let token = azure
        .access(SERVER, "repository:app:pull,metadata_read")
        .await;
    for (path, rows) in [
        ("/v2/app/tags/list", "/tags"),
        ("/acr/v1/app/_tags", "/tags"),
        ("/acr/v1/app/_manifests", "/manifests"),
    ] {
        let first = azure
            .acr(Method::GET, &format!("{path}?n=2"), &token, "")
            .await;
        assert_eq!(
            first
                .json()
                .pointer(rows)
                .unwrap()
                .as_array()
                .unwrap()
                .len(),
            2
        );
        let next = first
            .header("link")
            .strip_prefix('<')
            .unwrap()
            .split('>')
            .next()
            .unwrap()
            .to_owned();
        let second = azure.acr(Method::GET, &next, &token, "").await;
        assert_eq!(
            second
                .json()
                .pointer(rows)
                .unwrap()
                .as_array()
                .unwrap()
                .len(),
            1
        );
        assert_eq!(second.header("link"), "");
    }
}

#[tokio::test]
async fn a_repository_can_be_deleted_only_once() {
    let azure = Azure::new();
    azure.simulator.registry("contoso").push_policy("{}");
    let token = azure
        .access(
            SERVER,
            "repository:csscpolicies/patchpolicy:delete registry:catalog:*",
        )
        .await;
    let path = "/acr/v1/csscpolicies%2Fpatchpolicy";
    let deleted = azure.acr(Method::DELETE, path, &token, "").await;
    assert_eq!(
        (deleted.status, &deleted.json()["tagsDeleted"]),
        (202, &json!(["v1"]))
    );
    assert_eq!(
        azure.acr(Method::DELETE, path, &token, "").await.refusal(),
        (404, "NAME_UNKNOWN".to_owned())
    );
    let catalog = azure.acr(Method::GET, "/acr/v1/_catalog", &token, "").await;
    assert_eq!(catalog.json(), json!({"repositories": []}));
}

#[tokio::test]
async fn a_restricted_registry_denies_clients_outside_its_network() {
    let azure = Azure::with(Options::default().registry(RegistrySpec::new("contoso").restricted()));
    let denied = azure.acr(Method::GET, "/v2/", "", "").await;
    assert_eq!(denied.refusal(), (403, "DENIED".to_owned()));
    azure
        .simulator
        .registry("contoso")
        .reconfigure(RegistrySpec::client_allowed);
    assert_eq!(azure.acr(Method::GET, "/v2/", "", "").await.status, 401);
}

#[tokio::test]
async fn a_manifest_is_not_found_if_its_media_type_is_not_accepted() {
    let azure = Azure::new();
    azure
        .simulator
        .registry("contoso")
        .push_image("app", "v1", Fate::Clean);
    let token = azure.access(SERVER, "repository:app:pull").await;
    let url = format!("https://{SERVER}/v2/app/manifests/v1");
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    let got = Got::from(
        azure
            .http
            .get(url)
            .bearer_auth(token)
            .header("accept", docker)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(got.refusal(), (404, "MANIFEST_UNKNOWN".to_owned()));
    assert_ne!(got.json(), Value::Null);
}
