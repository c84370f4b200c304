//! Credentials that Entra accepts, and its errors for invalid ones.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use azure_simulator::{AppCertificate, CLIENT_ID, FederatedCredential, Pfx, TENANT};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::client::{Azure, Got};

const SCOPE: &str = "https://management.azure.com/.default";
const OTHER: &str = "44444444-4444-4444-4444-444444444444";

#[tokio::test]
async fn each_certificate_type_signs_in() {
    let azure = Azure::new();
    for (certificate, algorithm) in [
        (AppCertificate::Rsa, "RS256"),
        (AppCertificate::Rsa, "PS256"),
        (AppCertificate::Rsa4096, "PS256"),
    ] {
        azure
            .simulator
            .application(CLIENT_ID)
            .add_certificate(certificate);
        let header = json!({"alg": algorithm, "x5t#S256": certificate.thumbprint()});
        let got = assert(&azure, &certificate.sign(&header, &claims()).unwrap()).await;
        assert_eq!(got.status, 200, "{algorithm}: {}", got.text);
    }
    let header = json!({"alg": "RS256", "x5t": AppCertificate::Rsa.legacy_thumbprint()});
    let old = AppCertificate::Rsa.sign(&header, &claims()).unwrap();
    assert_eq!(assert(&azure, &old).await.status, 200);
}

#[tokio::test]
async fn each_invalid_assertion_returns_its_own_error_code() {
    let azure = Azure::new();
    let (rsa, other_key) = (AppCertificate::Rsa, AppCertificate::Rsa4096);
    azure.simulator.application(CLIENT_ID).add_certificate(rsa);
    let header = json!({"alg": "RS256", "x5t#S256": rsa.thumbprint()});
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        rsa.sign(&header, &claims).unwrap()
    };
    let unregistered = json!({"alg": "RS256", "x5t#S256": other_key.thumbprint()});
    let elliptic = json!({"alg": "ES256", "x5t#S256": rsa.thumbprint()});
    let elliptic = with_header(&rsa.sign(&header, &claims()).unwrap(), &elliptic);
    let mut forged = rsa.sign(&header, &claims()).unwrap();
    let at = forged.len() - 10;
    let letter = if &forged[at..=at] == "A" { "B" } else { "A" };
    forged.replace_range(at..=at, letter);
    for (assertion, status, code) in [
        ("nonsense".to_owned(), 400, 50027),
        (with("jti", Value::Null), 400, 50027),
        (with("aud", json!(["a", "b"])), 400, 50027),
        (with("aud", json!("https://example.com")), 401, 700_023),
        (with("exp", json!(now() - 301)), 401, 700_024),
        (with("nbf", json!(now() + 400)), 401, 700_024),
        (with("sub", json!(OTHER)), 400, 50048),
        (
            rsa.sign(&header, &json!({"iss": OTHER, "sub": OTHER, "aud": endpoint(TENANT), "exp": now() + 60, "jti": "1"})).unwrap(),
            401,
            700_021,
        ),
        (other_key.sign(&unregistered, &claims()).unwrap(), 401, 700_027),
        (other_key.sign(&header, &claims()).unwrap(), 401, 700_027),
        (elliptic, 400, 5_002_730),
        (forged, 401, 700_027),
    ] {
        let got = assert(&azure, &assertion).await;
        assert_eq!((got.status, code_of(&got)), (status, code), "{}", got.text);
    }
}

#[tokio::test]
async fn an_assertions_audience_must_be_the_tenants_token_endpoint() {
    let azure = Azure::new();
    let rsa = AppCertificate::Rsa;
    let application = azure.simulator.application(CLIENT_ID);
    application.add_certificate(rsa).join_tenant(OTHER);
    let header = json!({"alg": "RS256", "x5t#S256": rsa.thumbprint()});
    let mut claims = claims();
    let refused = assert_in(&azure, OTHER, &rsa.sign(&header, &claims).unwrap()).await;
    assert_eq!(code_of(&refused), 700_023);
    claims["aud"] = json!(endpoint(OTHER));
    let taken = assert_in(&azure, OTHER, &rsa.sign(&header, &claims).unwrap()).await;
    assert_eq!(taken.status, 200);
    claims["aud"] = json!(endpoint(OTHER).replace("/v2.0", ""));
    let old = assert_in(&azure, OTHER, &rsa.sign(&header, &claims).unwrap()).await;
    assert_eq!(old.status, 200);
}

#[tokio::test]
async fn a_federated_token_must_match_issuer_audience_and_subject() {
    let azure = Azure::new();
    let oidc = azure.simulator.oidc();
    let life = Duration::from_secs(60);
    assert_eq!(assert(&azure, &oidc.token(life)).await.status, 200);

    let github = FederatedCredential::github();
    let issuer = "https://token.actions.githubusercontent.com";
    for (who, code, words) in [
        (
            FederatedCredential::new("https://example.com", &github.subject),
            700_211,
            "No matching federated identity record found for presented assertion issuer 'https://example.com'.",
        ),
        (
            github.clone().audience("api://other"),
            700_212,
            "No matching federated identity record found for presented assertion audience 'api://other'.",
        ),
        (
            FederatedCredential::new(issuer, "repo:contoso/infra:pull_request"),
            700_213,
            "No matching federated identity record found for presented assertion subject 'repo:contoso/infra:pull_request'.",
        ),
    ] {
        let got = assert(&azure, &oidc.token_for(&who, life)).await;
        assert_eq!((got.status, code_of(&got)), (401, code));
        let description = got.json()["error_description"].as_str().unwrap().to_owned();
        assert!(description.contains(words), "{description}");
    }

    let token = oidc.token_for(&github, life);
    azure.simulator.advance(Duration::from_secs(61));
    let late = assert(&azure, &token).await;
    assert_eq!((late.status, code_of(&late)), (401, 700_024));

    let forged = AppCertificate::Rsa
        .sign(
            &json!({"alg": "RS256", "kid": "simulator-oidc-key"}),
            &json!({"iss": issuer, "sub": github.subject, "aud": github.audience, "exp": now() + 9999}),
        )
        .unwrap();
    assert_eq!(code_of(&assert(&azure, &forged).await), 50013);

    azure.simulator.application(CLIENT_ID).distrust_all();
    assert_eq!(code_of(&assert(&azure, &oidc.token(life)).await), 700_211);
}

#[tokio::test]
async fn an_application_can_have_several_secrets_that_expire() {
    let azure = Azure::new();
    let application = azure.simulator.application(CLIENT_ID);
    application.expire_secrets().add_secret("new");
    let old = azure.sign_in_for(SCOPE).await;
    assert_eq!((old.status, code_of(&old)), (401, 7_000_222));
    let new = azure.sign_in(TENANT, CLIENT_ID, "new", SCOPE).await;
    assert_eq!(new.status, 200);
}

#[test]
fn each_certificate_is_available_as_pem_and_pfx() {
    for certificate in [AppCertificate::Rsa, AppCertificate::Rsa4096] {
        let pem = certificate.pem();
        assert!(pem.contains("BEGIN PRIVATE KEY") && pem.contains("BEGIN CERTIFICATE"));
        for protection in [Pfx::Modern, Pfx::Legacy, Pfx::NoPassword] {
            assert!(certificate.pfx(protection).len() > 1000);
        }
    }
}

/// Replaces the header of a token.
fn with_header(token: &str, header: &Value) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!(
        "{}.{rest}",
        BASE64_URL_SAFE_NO_PAD.encode(header.to_string())
    )
}

fn endpoint(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token")
}

fn claims() -> Value {
    json!({
        "aud": endpoint(TENANT),
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "jti": "1",
        "nbf": now(),
        "exp": now() + 600,
    })
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

fn code_of(got: &Got) -> u64 {
    got.json()["error_codes"][0].as_u64().unwrap_or_default()
}

async fn assert(azure: &Azure, assertion: &str) -> Got {
    assert_in(azure, TENANT, assertion).await
}

async fn assert_in(azure: &Azure, tenant: &str, assertion: &str) -> Got {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT_ID),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", assertion),
        ("scope", SCOPE),
    ];
    azure.form(&endpoint(tenant), &form).await
}
