//! JSON web tokens: parsed, signed and verified with the algorithms that Entra accepts from clients.
//!
//! It uses only `ring`, which TLS needs anyway. Crates for complete JWTs do not let the caller choose the
//! order of the checks, which must be Entra's order.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{self, KeyPair, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

/// A parsed token, not yet verified.
#[derive(Debug, Clone)]
pub(crate) struct Jwt {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    /// The signed text.
    signed: String,
    signature: Vec<u8>,
}

/// A private RSA key.
#[derive(Debug)]
pub struct SigningKey(RsaKeyPair);

/// A public RSA key in PKCS#1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey(Vec<u8>);

/// Why a signature is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistrust {
    /// The algorithm of the header is not for RSA keys.
    Unfit,
    /// The key did not create this signature.
    Wrong,
}

impl Jwt {
    /// Parses a token; `None` if it is malformed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let object = |part: &str| {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
            let value: Value = serde_json::from_slice(&bytes).ok()?;
            value.is_object().then_some(value)
        };
        Some(Self {
            header: object(header)?,
            claims: object(claims)?,
            signed: signed.to_owned(),
            signature: BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Returns a string field of the header.
    pub(crate) fn named(&self, name: &str) -> Option<&str> {
        self.header[name].as_str()
    }

    /// Returns a string claim.
    pub(crate) fn claim(&self, name: &str) -> Option<&str> {
        self.claims[name].as_str()
    }

    /// Returns a time claim in seconds since the Unix epoch.
    pub(crate) fn time(&self, name: &str) -> Option<i64> {
        self.claims[name].as_i64()
    }

    /// Checks that the key created the signature.
    pub(crate) fn verify(&self, key: &PublicKey) -> Result<(), Mistrust> {
        let algorithm = match self.named("alg").unwrap_or_default() {
            "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
            "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
            _ => return Err(Mistrust::Unfit),
        };
        UnparsedPublicKey::new(algorithm, &key.0)
            .verify(self.signed.as_bytes(), &self.signature)
            .map_err(|_| Mistrust::Wrong)
    }
}

impl SigningKey {
    /// Reads a PKCS#8 key; `None` if the format or the key type is not supported.
    #[must_use]
    pub fn from_pem(pem: &str) -> Option<Self> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()?;
        RsaKeyPair::from_pkcs8(der.secret_der()).ok().map(Self)
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key().as_ref().to_vec())
    }

    /// Signs claims with the header's `alg`; `None` if the key does not support it.
    #[must_use]
    pub fn sign(&self, header: &Value, claims: &Value) -> Option<String> {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let padding: &dyn signature::RsaEncoding = match header["alg"].as_str()? {
            "RS256" => &signature::RSA_PKCS1_SHA256,
            "PS256" => &signature::RSA_PSS_SHA256,
            _ => return None,
        };
        let mut signature = vec![0; self.0.public().modulus_len()];
        let random = SystemRandom::new();
        self.0
            .sign(padding, &random, signed.as_bytes(), &mut signature)
            .ok()?;
        Some(format!(
            "{signed}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(signature)
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::certificate::AppCertificate;

    #[test]
    fn each_algorithm_verifies_only_its_own_signatures() {
        for certificate in [AppCertificate::Rsa, AppCertificate::Rsa4096] {
            let key = SigningKey::from_pem(certificate.key_pem()).unwrap();
            for algorithm in ["RS256", "PS256"] {
                let text = key
                    .sign(&json!({"alg": algorithm}), &json!({"sub": "x"}))
                    .unwrap();
                let jwt = Jwt::parse(&text).unwrap();
                assert_eq!(jwt.verify(&key.public()), Ok(()));
                let forged = Jwt {
                    signed: jwt.signed.replace('.', ".e"),
                    ..jwt
                };
                assert_eq!(forged.verify(&key.public()), Err(Mistrust::Wrong));
            }
            assert_eq!(key.sign(&json!({"alg": "ES256"}), &json!({})), None);
        }
    }

    #[test]
    fn malformed_tokens_do_not_parse() {
        for text in ["", "a.b", "a.b.c", "e30.e30", "bnVsbA.e30.e30"] {
            assert!(Jwt::parse(text).is_none(), "{text}");
        }
    }
}
