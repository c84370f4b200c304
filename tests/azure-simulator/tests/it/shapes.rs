//! The simulator's responses match Azure's recorded responses: the same keys with the same types of values.

use std::path::PathBuf;

use azure_simulator::{Options, RegistrySpec};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Azure, OLD_TASKS, task, timed_task};

fn recorded(file: &str) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../golden/recorded");
    serde_json::from_str(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap()
}

/// Collects every path in a value with its type. The items of a list share one path.
fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                paths(
                    value,
                    &if at.is_empty() {
                        key.clone()
                    } else {
                        format!("{at}.{key}")
                    },
                    found,
                );
            }
        }
        Value::Array(items) => {
            found.push(format!("{at}: list"));
            items
                .iter()
                .for_each(|item| paths(item, &format!("{at}[]"), found));
        }
        Value::String(_) => found.push(format!("{at}: text")),
        Value::Number(_) => found.push(format!("{at}: number")),
        Value::Bool(_) => found.push(format!("{at}: truth")),
        Value::Null => found.push(format!("{at}: null")),
    }
}

fn shape(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    paths(value, "", &mut found);
    // The keys of tags are chosen by the user.
    found.retain(|path| !path.contains("tags."));
    found.sort();
    found.dedup();
    found
}

#[track_caller]
fn assert_same_shape(file: &str, actual: &Value) {
    assert_eq!(
        shape(actual),
        shape(&recorded(file)["response"]["body"]),
        "{file}"
    );
}

/// Asserts that all recorded headers are present. The values of fixed headers must be equal.
#[track_caller]
fn assert_same_headers(file: &str, got: &crate::client::Got) {
    let recorded = recorded(file);
    for (name, values) in recorded["response"]["headers"].as_object().unwrap() {
        let actual: Vec<&str> = got
            .headers
            .get_all(name)
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect();
        let fixed = matches!(
            name.as_str(),
            "access-control-expose-headers"
                | "docker-distribution-api-version"
                | "server"
                | "content-type"
                | "range"
                | "x-ms-failure-cause"
        );
        if fixed {
            assert_eq!(json!(actual), *values, "{file}: {name}");
        } else {
            assert_eq!(
                actual.len(),
                values.as_array().unwrap().len(),
                "{file}: {name}"
            );
        }
    }
    assert_eq!(
        u64::from(got.status),
        recorded["response"]["status"],
        "{file}"
    );
}

#[tokio::test]
async fn a_registry_matches_the_recording() {
    let azure = Azure::with(Options::default().registry(RegistrySpec::new("contoso").sku("Basic")));
    let got = azure
        .arm(
            Method::GET,
            &azure.registry(),
            "api-version=2023-01-01-preview",
            None,
        )
        .await;
    assert_same_headers("registry-get.json", &got);
    assert_same_shape("registry-get.json", &got.json());
}

#[tokio::test]
async fn tasks_match_the_recordings() {
    let azure = Azure::new();
    let path = |name: &str| format!("{}/tasks/{name}", azure.registry());
    let missing = azure
        .arm(Method::GET, &path("cssc-patch-image"), OLD_TASKS, None)
        .await;
    assert_same_headers("task-get-404.json", &missing);
    let message = recorded("task-get-404.json")["response"]["body"]["error"]["message"].clone();
    let message = message
        .as_str()
        .unwrap()
        .replace("cli000002", "contoso")
        .replace("cli_test_acrcssc000001", "demo");
    assert_eq!(
        missing.json(),
        json!({"error": {"code": "ResourceNotFound", "message": message}})
    );

    // The recorded tasks have no credentials, and only the trigger task has a status and an identity.
    let mut plain = task();
    plain.as_object_mut().unwrap().remove("identity");
    plain["properties"]
        .as_object_mut()
        .unwrap()
        .remove("status");
    let timed = timed_task("18 18 */1 * *");
    for (name, mut body) in [("cssc-patch-image", plain), ("cssc-trigger-scan", timed)] {
        body["properties"]
            .as_object_mut()
            .unwrap()
            .remove("credentials");
        let made = azure
            .arm(Method::PUT, &path(name), OLD_TASKS, Some(body))
            .await;
        assert_eq!(made.status, 201);
    }
    let got = azure
        .arm(Method::GET, &path("cssc-patch-image"), OLD_TASKS, None)
        .await;
    assert_same_headers("task-get.json", &got);
    assert_same_shape("task-get.json", &got.json());
    let list = azure
        .arm(
            Method::GET,
            &format!("{}/tasks", azure.registry()),
            OLD_TASKS,
            None,
        )
        .await;
    assert_same_headers("tasks-list.json", &list);
    assert_same_shape("tasks-list.json", &list.json());
}

#[tokio::test]
async fn the_data_plane_matches_the_recordings() {
    let azure = Azure::new();
    let uploads = "/v2/csscpolicies/patchpolicy/blobs/uploads/";
    let url = format!("https://contoso.azurecr.io{uploads}");
    let refused = crate::client::Got::from(azure.http.post(url).send().await.unwrap()).await;
    assert_same_headers("acr-unauthorized.json", &refused);
    let mut expected = recorded("acr-unauthorized.json");
    assert_eq!(refused.json(), expected["response"]["body"].take());
    let challenge = expected["response"]["headers"]["www-authenticate"][0]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        refused.header("www-authenticate"),
        challenge.replace("clivrewxyvnmnvd2kexvenki", "contoso")
    );

    let token = azure
        .access(
            "contoso.azurecr.io",
            "repository:csscpolicies/patchpolicy:push,pull",
        )
        .await;
    let started = azure.acr(Method::POST, uploads, &token, "").await;
    assert_same_headers("acr-upload-start.json", &started);
    let location = started.header("location").to_owned();
    let digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let uploaded = azure
        .acr(
            Method::PUT,
            &format!("{location}&digest={digest}"),
            &token,
            "{}",
        )
        .await;
    assert_same_headers("acr-upload-put.json", &uploaded);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": crate::client::MANIFEST,
        "config": {"mediaType": "application/vnd.unknown.config.v1+json", "size": 2, "digest": digest},
        "layers": [],
    });
    let path = "/v2/csscpolicies/patchpolicy/manifests/v1";
    let put = azure
        .acr(Method::PUT, path, &token, manifest.to_string())
        .await;
    assert_same_headers("acr-manifest-put.json", &put);
}

#[tokio::test]
async fn a_registry_token_matches_the_recording() {
    let azure = Azure::new();
    let entra = azure.simulator.token("https://containerregistry.azure.net");
    let form = [
        ("grant_type", "access_token"),
        ("service", "contoso.azurecr.io"),
        ("access_token", &entra),
    ];
    let refresh = azure
        .form("https://contoso.azurecr.io/oauth2/exchange", &form)
        .await
        .json();
    let url = "https://contoso.azurecr.io/oauth2/token?service=contoso.azurecr.io&scope=repository%3Aa%3Apush%2Cpull";
    let request = azure.http.get(url).basic_auth(
        "00000000-0000-0000-0000-000000000000",
        refresh["refresh_token"].as_str(),
    );
    let got = crate::client::Got::from(request.send().await.unwrap()).await;
    assert_same_headers("acr-token.json", &got);
    assert_same_shape("acr-token.json", &got.json());
}
