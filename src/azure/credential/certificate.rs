//! Authentication as a service principal with a certificate, whose key signs an assertion.
//!
//! azure_identity's implementation needs OpenSSL and uses a SHA-1 thumbprint.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::azure::credential::entra::Application;
use crate::azure::credential::sign_in_failure::Problem;
use crate::azure::credential::{ClientCertificate, Token, TokenSource};
use crate::azure::{Cloud, Credential, Error, Secret};
use crate::http::{Budget, Pipeline};

/// The lifetime of an assertion in seconds. The provider sends an assertion immediately.
const LIFETIME: i64 = 10 * 60;

struct Certificate {
    application: Application,
    certificate: ClientCertificate,
}

impl Credential {
    /// Creates a credential for a service principal with a certificate. Sends no request yet.
    ///
    /// # Errors
    /// If the tenant ID or the client ID is not valid.
    pub fn client_certificate(
        cloud: &Cloud,
        tenant_id: &str,
        client_id: &str,
        certificate: ClientCertificate,
        pipeline: Pipeline,
    ) -> Result<Self, Error> {
        const METHOD: &str = "a client certificate";
        let source = Certificate {
            application: Application::new(METHOD, cloud, tenant_id, client_id, pipeline)?,
            certificate,
        };
        Ok(Self::new(METHOD, Arc::new(source)))
    }
}

#[async_trait]
impl TokenSource for Certificate {
    async fn fetch(
        &self,
        budget: &Budget,
        tenant: Option<&str>,
        scope: &str,
    ) -> Result<Token, Error> {
        let application = &self.application;
        let claims = Claims {
            audience: &application.token_endpoint(tenant),
            client_id: &application.client_id,
            id: Uuid::new_v4(),
            now: Timestamp::now(),
        };
        let assertion = assertion(&self.certificate, &claims).map_err(|_| {
            let who = application.who(tenant);
            who.fails(
                Problem::Certificate,
                "the certificate's key could not sign an assertion",
            )
        })?;
        application
            .by_assertion(budget, tenant, scope, assertion)
            .await
    }
}

/// The claims of an assertion.
struct Claims<'a> {
    audience: &'a str,
    client_id: &'a str,
    id: Uuid,
    now: Timestamp,
}

/// Returns a signed JSON web token in the format that Entra documents for certificates. It contains the whole
/// chain, so that an application can trust the certificate's subject name and issuer instead of the
/// certificate.
fn assertion(
    certificate: &ClientCertificate,
    claims: &Claims<'_>,
) -> Result<Secret, ring::error::Unspecified> {
    let chain = certificate.chain();
    let header = json!({
        "alg": "PS256",
        "typ": "JWT",
        "x5t#S256": URL_SAFE_NO_PAD.encode(Sha256::digest(&chain[0])),
        "x5c": chain.iter().map(|der| STANDARD.encode(der)).collect::<Vec<_>>(),
    });
    let now = claims.now.as_second();
    let body = json!({
        "aud": claims.audience,
        "iss": claims.client_id,
        "sub": claims.client_id,
        "jti": claims.id.to_string(),
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
    });
    let part = |part: &serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let text = format!("{}.{}", part(&header), part(&body));
    let signature = certificate.sign(text.as_bytes())?;
    Ok(Secret::new(format!(
        "{text}.{}",
        URL_SAFE_NO_PAD.encode(signature)
    )))
}

#[cfg(test)]
mod tests {
    use http::Method;
    use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    use x509_parser::certificate::X509Certificate;
    use x509_parser::prelude::FromDer;

    use super::*;
    use crate::azure::credential::pkcs12::tests::{RSA, read};
    use crate::azure::testing::minute;
    use crate::http::scripted_transport::{ScriptedTransport, json};

    const SCOPE: &str = "https://management.azure.com/.default";

    /// Verifies the signature of an assertion, and returns its header and body.
    fn verified(assertion: &str, certificate: &ClientCertificate) -> [serde_json::Value; 2] {
        let (_, leaf) = X509Certificate::from_der(&certificate.chain()[0]).unwrap();
        let key = &leaf.public_key().subject_public_key.data;
        let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key);
        let (text, signature) = assertion.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        key.verify(text.as_bytes(), &signature).unwrap();
        let (header, body) = text.split_once('.').unwrap();
        [header, body]
            .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
    }

    fn claims() -> Claims<'static> {
        Claims {
            audience: "https://login.example/tenant/oauth2/v2.0/token",
            client_id: "client",
            id: Uuid::nil(),
            now: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn an_assertion_is_signed_and_has_entras_claims() {
        let certificate = read(RSA, "planted").unwrap();
        let signed = assertion(&certificate, &claims()).unwrap();
        let [header, body] = verified(signed.expose(), &certificate);
        assert_eq!(header["alg"], "PS256");
        let thumbprint = Sha256::digest(&certificate.chain()[0]);
        assert_eq!(header["x5t#S256"], URL_SAFE_NO_PAD.encode(thumbprint));
        assert_eq!(header["x5c"].as_array().unwrap().len(), 2);
        insta::assert_json_snapshot!(body, @r#"
        {
          "aud": "https://login.example/tenant/oauth2/v2.0/token",
          "exp": {
            "$serde_json::private::Number": "600"
          },
          "iat": {
            "$serde_json::private::Number": "0"
          },
          "iss": "client",
          "jti": "00000000-0000-0000-0000-000000000000",
          "nbf": {
            "$serde_json::private::Number": "0"
          },
          "sub": "client"
        }
        "#);
        assert!(!format!("{signed:?} {certificate:?}").contains(signed.expose()));
    }

    #[tokio::test]
    async fn each_tenant_gets_its_own_assertion() {
        let answer = json!({"token_type": "Bearer", "expires_in": 3600, "access_token": "t-1"});
        let transport = ScriptedTransport::default()
            .on(Method::POST, "/home.example/", json(200, &answer))
            .on(Method::POST, "/other.example/", json(200, &answer));
        let credential = Credential::client_certificate(
            &Cloud::public(),
            "home.example",
            "client",
            read(RSA, "planted").unwrap(),
            Pipeline::new(Arc::new(transport.clone())),
        );
        let credential = credential
            .unwrap()
            .with_auxiliary_tenants(&["other.example".to_owned()]);
        credential.token(&minute(), SCOPE).await.unwrap();
        credential.auxiliary_tokens(&minute(), SCOPE).await.unwrap();
        let mut ids = Vec::new();
        for (request, tenant) in transport.requests().iter().zip(["home", "other"]) {
            let form: Vec<_> = url::form_urlencoded::parse(&request.body)
                .into_owned()
                .collect();
            let field = |name: &str| form.iter().find(|(key, _)| key == name).unwrap().1.clone();
            assert_eq!(
                field("client_assertion_type"),
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            );
            assert_eq!(field("client_id"), "client");
            let certificate = read(RSA, "planted").unwrap();
            let assertion = field("client_assertion");
            let [_, body] = verified(&assertion, &certificate);
            let audience =
                format!("https://login.microsoftonline.com/{tenant}.example/oauth2/v2.0/token");
            assert_eq!(body["aud"], audience);
            ids.push(body["jti"].clone());
        }
        assert_ne!(ids[0], ids[1]);
    }
}
