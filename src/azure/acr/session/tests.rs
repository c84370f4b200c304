use serde_json::json as value;

use super::*;
use crate::azure::Look;
use crate::azure::acr::testing::{LOGIN_SERVER, challenge, client, signed_in};
use crate::azure::testing::{azure, minute, registry_client};
use crate::digest::sha256;
use crate::http::scripted_transport::{ScriptedTransport, json, recorded, reply};

const SCOPE: &str = "repository:a/b:pull,push";

#[tokio::test]
async fn signs_in_with_an_exchange_and_a_token() {
    let transport = signed_in();
    let client = client(&transport);
    let ask = || async { client.token(&minute(), SCOPE).await.unwrap() };
    let (one, two) = tokio::join!(ask(), ask());
    assert_eq!((one.expose(), two.expose()), ("a-1", "a-1"));
    let bodies: Vec<_> = transport
        .requests()
        .iter()
        .map(|request| {
            format!(
                "{} {}",
                request.url.path(),
                String::from_utf8_lossy(&request.body)
            )
        })
        .collect();
    insta::assert_snapshot!(bodies.join("\n"), @"
    /oauth2/exchange grant_type=access_token&service=contoso.azurecr.io&access_token=token-for-https%3A%2F%2Fcontainerregistry.azure.net%2F.default
    /oauth2/token grant_type=refresh_token&service=contoso.azurecr.io&scope=repository%3Aa%2Fb%3Apull%2Cpush&refresh_token=r-1
    ");
}

#[tokio::test]
async fn scopes_and_clients_share_the_refresh_token() {
    let second = recorded(include_str!(
        "../../../../tests/golden/recorded/acr-token.json"
    ));
    let transport = signed_in().on(Method::POST, "/oauth2/token", second);
    let first = client(&transport);
    first.token(&minute(), SCOPE).await.unwrap();
    let other = first.azure.acr(&LOGIN_SERVER.to_uppercase());
    other.token(&minute(), SCOPE).await.unwrap();
    let token = other.token(&minute(), "another").await.unwrap();
    assert_eq!(token.expose(), "<jwt>");
    assert_eq!(transport.requests().len(), 3);
}

/// Returns an answer with a token.
fn token(name: &str) -> Response {
    json(200, &value!({ name: "t" }))
}

#[tokio::test]
async fn a_registry_outside_of_the_clouds_domain_says_where_to_sign_in() {
    let named = r#"Bearer realm="https://auth.example.com/oauth2/token",service="contoso""#;
    let transport = ScriptedTransport::default()
        .on(
            Method::GET,
            "https://registry.example.com/v2/",
            reply(401).with("www-authenticate", named),
        )
        .on(
            Method::POST,
            "https://auth.example.com/oauth2/exchange",
            token("refresh_token"),
        )
        .on(
            Method::POST,
            "https://auth.example.com/oauth2/token",
            token("access_token"),
        );
    let client = azure(&transport).acr("registry.example.com");
    client.token(&minute(), SCOPE).await.unwrap();
    transport.assert_done();
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_does_not_sign_in_as_usual_says_where_it_does() {
    let named = r#"Bearer realm="https://auth.azurecr.io/oauth2/token",service="contoso""#;
    for status in [400, 401, 404] {
        let transport = ScriptedTransport::default()
            .twice(
                Method::POST,
                "https://contoso.azurecr.io/oauth2/exchange",
                reply(status),
            )
            .on(
                Method::GET,
                "/v2/",
                reply(401).with("www-authenticate", named),
            )
            .on(
                Method::POST,
                "https://auth.azurecr.io/oauth2/exchange",
                token("refresh_token"),
            )
            .on(
                Method::POST,
                "https://auth.azurecr.io/oauth2/token",
                token("access_token"),
            );
        client(&transport).token(&minute(), SCOPE).await.unwrap();
        let asked = transport.requests();
        let tokens = asked.iter().filter(|it| it.url.path() == "/oauth2/token");
        assert_eq!(tokens.count(), 1, "none goes to the usual address");
    }
}

/// Returns the answer for the registry in the recordings with this login server.
fn found(login_server: &str) -> Response {
    let registry = crate::azure::testing::registry();
    json(
        200,
        &value!({
            "id": registry.to_string(), "name": "x", "location": "westeurope", "sku": {"name": "Basic"},
            "properties": {"loginServer": login_server},
        }),
    )
}

#[tokio::test]
async fn a_registry_is_read_while_the_client_signs_in_to_its_usual_login_server() {
    let transport = ScriptedTransport::default()
        .on(Method::GET, "/registries/", found("cli000002.azurecr.io"))
        .on(
            Method::POST,
            "https://cli000002.azurecr.io/oauth2/exchange",
            token("refresh_token"),
        );
    let registry = registry_client(&transport);
    let (found, signed_in) = registry.get_and_sign_in(None).await;
    assert_eq!(found.unwrap().login_server, "cli000002.azurecr.io");
    signed_in.unwrap();
    transport.assert_done();
}

#[tokio::test]
async fn a_mistaken_login_server_gets_at_most_one_exchange_and_no_error() {
    let transport = ScriptedTransport::default()
        .on(
            Method::GET,
            "/registries/",
            found("cli000002-abc.azurecr.io"),
        )
        .on(
            Method::POST,
            "https://cli000002.azurecr.io/oauth2/exchange",
            reply(401),
        );
    let registry = registry_client(&transport);
    let (_, signed_in) = registry.get_and_sign_in(None).await;
    signed_in.unwrap();
    let asked = transport.story();
    assert!(asked.len() <= 2, "{asked:?}");
}

#[tokio::test]
async fn no_token_goes_to_a_host_outside_of_the_clouds_domain_before_it_is_confirmed() {
    let transport =
        ScriptedTransport::default().on(Method::GET, "/registries/", found("cli000002.azurecr.io"));
    let registry = registry_client(&transport);
    let evil = registry.get_and_sign_in(Some("evil.example.com")).await;
    evil.0.unwrap();
    assert_eq!(transport.requests().len(), 1);
}

#[tokio::test]
async fn all_reads_of_a_repository_share_one_token() {
    let tags = value!({"name": "a/b", "tags": ["1"]});
    let transport = signed_in()
        .on(Method::GET, "/tags/list", json(200, &tags))
        .on(Method::GET, "/manifests/1", reply(200).with_body("{}"))
        .on(Method::GET, "/blobs/", reply(200).with_body("{}"));
    let client = client(&transport);
    let budget = minute();
    client.list_tags(&budget, "a/b").await.unwrap();
    let manifest = client.get_manifest(&budget, "a/b", "1", Look::Twice).await;
    let digest = sha256(b"{}");
    assert_eq!(manifest.unwrap().unwrap().digest, digest);
    client.get_blob(&budget, "a/b", &digest).await.unwrap();
    transport.assert_done();
}

#[test]
fn a_renewed_token_covers_the_challenge_and_the_other_reads() {
    let scope = "repository:a/b:pull,metadata_read";
    for (asked, both) in [
        ("repository:a/b:pull", "repository:a/b:pull,metadata_read"),
        (
            "repository:a/b:content/read",
            "repository:a/b:content/read,pull,metadata_read",
        ),
        (
            "repository:a/b:metadata_read,pull",
            "repository:a/b:metadata_read,pull",
        ),
        ("repository:other:pull", "repository:other:pull"),
        ("registry", "registry"),
    ] {
        assert_eq!(covering(scope, asked), both);
    }
}

#[tokio::test]
async fn an_expired_refresh_token_is_replaced() {
    let transport = signed_in()
        .on(Method::POST, "/oauth2/token", reply(401))
        .on(
            Method::POST,
            "/oauth2/exchange",
            json(200, &value!({"refresh_token": "r-2"})),
        )
        .on(
            Method::POST,
            "/oauth2/token",
            json(200, &value!({"access_token": "a-2"})),
        );
    let client = client(&transport);
    let stale = client.token(&minute(), SCOPE).await.unwrap();
    let fresh = client
        .renewed_token(&minute(), SCOPE, &stale, None)
        .await
        .unwrap();
    assert_eq!(fresh.expose(), "a-2");
    transport.assert_done();
}

/// Signs in, and returns the audience of the Entra token in each exchange.
async fn exchanges(client: &AcrClient, transport: &ScriptedTransport) -> Vec<&'static str> {
    let before = transport.requests().len();
    let _ = client.token(&minute(), &before.to_string()).await;
    let asked = transport.requests().split_off(before);
    let exchanges = asked
        .iter()
        .filter(|it| it.url.path() == "/oauth2/exchange");
    let for_whom = exchanges.map(|it| {
        if String::from_utf8_lossy(&it.body).contains("management.azure.com") {
            "resource manager"
        } else {
            "registries"
        }
    });
    for_whom.collect()
}

fn exchange_answers(transport: ScriptedTransport, statuses: &[u16]) -> ScriptedTransport {
    statuses.iter().fold(transport, |transport, status| {
        let answer = match status {
            200 => json(200, &value!({"refresh_token": "r-1"})),
            status => reply(*status),
        };
        transport.on(Method::POST, "/oauth2/exchange", answer)
    })
}

#[tokio::test]
async fn remembers_the_audience_that_the_registry_accepts() {
    let transport = ScriptedTransport::default().on(Method::GET, "/v2/", challenge(""));
    let transport = exchange_answers(transport, &[401, 200])
        .on(Method::POST, "/oauth2/token", reply(401))
        .on(Method::POST, "/oauth2/token", reply(401));
    // The refresh token expires at once. Its replacement already uses the other audience.
    let transport = exchange_answers(transport, &[200, 401, 200])
        .on(Method::POST, "/oauth2/token", reply(401))
        .on(Method::POST, "/oauth2/token", reply(401));
    let client = client(&transport);
    assert_eq!(
        exchanges(&client, &transport).await,
        ["registries", "resource manager", "resource manager"]
    );
    // It switches back if the registry's settings change.
    assert_eq!(
        exchanges(&client, &transport).await,
        ["resource manager", "registries"]
    );
    transport.assert_done();
}

#[tokio::test]
async fn stops_after_a_renewed_token_if_both_audiences_are_rejected() {
    let transport = ScriptedTransport::default().on(Method::GET, "/v2/", challenge(""));
    let transport = exchange_answers(transport, &[401, 401, 401]);
    let client = client(&transport);
    assert_eq!(
        exchanges(&client, &transport).await,
        ["registries", "resource manager", "registries"]
    );
    transport.assert_done();
}

#[tokio::test]
async fn a_challenge_with_another_realm_gets_no_token() {
    let elsewhere = r#"Bearer realm="https://evil.example/oauth2/token",service="x""#;
    let transport = ScriptedTransport::default()
        .on(
            Method::POST,
            "contoso.azurecr.io/oauth2/exchange",
            reply(401),
        )
        .on(
            Method::GET,
            "/v2/",
            reply(401).with("www-authenticate", elsewhere),
        );
    let error = client(&transport)
        .token(&minute(), SCOPE)
        .await
        .unwrap_err();
    insta::assert_snapshot!(
        error,
        @"signing in to registry contoso.azurecr.io: unexpected answer: it has no valid authentication challenge"
    );
    assert_eq!(transport.requests().len(), 2);
}

#[tokio::test]
async fn a_denied_network_is_an_error_with_its_code() {
    let denied = value!({"errors": [{
        "code": "DENIED",
        "message": "client with IP '192.0.2.1' is not allowed access.",
    }]});
    let transport =
        ScriptedTransport::default().on(Method::POST, "/oauth2/exchange", json(403, &denied));
    let error = client(&transport)
        .token(&minute(), SCOPE)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("DENIED"));
}

#[tokio::test]
async fn errors_and_debug_contain_no_tokens() {
    let transport = ScriptedTransport::default().on(
        Method::POST,
        "/oauth2/exchange",
        json(200, &value!({"refresh": "planted"})),
    );
    let client = client(&transport);
    let error = client.token(&minute(), SCOPE).await.unwrap_err();
    assert!(!format!("{error:?} {error} {client:?}").contains("planted"));
    assert!(!format!("{:?}", client.session).contains("r-1"));
}
