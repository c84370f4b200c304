//! A client certificate and its key, out of a PKCS#12 file.

use std::fmt;

use jiff::Timestamp;
use p12_keystore::{Pkcs12Archive, error::Error as Pkcs12Error};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    RSA_PSS_SHA256, RsaKeyPair,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use zeroize::Zeroizing;

use crate::azure::credential::Secret;

/// A certificate with its private key and the certificates that it was issued by.
pub struct ClientCertificate {
    key: Key,
    /// DER, the certificate itself first.
    chain: Vec<Vec<u8>>,
}

enum Key {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
}

/// Why a file gives no certificate to sign in with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The text isn't base64.
    #[error("it is not base64: {0}")]
    Base64(String),
    /// The file can't be read.
    #[error("reading {0}")]
    Unreadable(String),
    /// It is PEM.
    #[error("it is PEM, and PKCS#12 is needed")]
    Pem,
    /// It is something else.
    #[error("it is no PKCS#12: {0}")]
    NotPkcs12(String),
    /// The password doesn't open it.
    #[error("the password does not open it")]
    WrongPassword,
    /// It is made in a way that we don't read.
    #[error("it is encrypted in an unsupported way: {0}")]
    Encryption(String),
    /// There is no private key in it.
    #[error("it holds no private key")]
    NoKey,
    /// There is more than one private key in it.
    #[error("it holds {0} private keys, and only one can be meant")]
    SeveralKeys(usize),
    /// None of its certificates is the key's.
    #[error("it holds no certificate that belongs to its private key")]
    NoCertificate,
    /// The key is of a kind that we can't sign with.
    #[error(
        "its private key is neither RSA of 2048 to 4096 bits nor on the curves P-256 or P-384 ({0})"
    )]
    UnsupportedKey(String),
    /// The certificate has ended.
    #[error("its certificate expired on {0}")]
    Expired(Timestamp),
}

impl ClientCertificate {
    /// Reads PKCS#12, as it is at a moment.
    ///
    /// # Errors
    /// Why it can't be used.
    pub fn from_pkcs12(
        data: &[u8],
        password: &Secret,
        now: Timestamp,
    ) -> Result<Self, CertificateError> {
        if data.trim_ascii_start().starts_with(b"-----BEGIN") {
            return Err(CertificateError::Pem);
        }
        let archive = Pkcs12Archive::from_pkcs12(data, password.expose())?;
        let key = match archive.keys.as_slice() {
            [] => return Err(CertificateError::NoKey),
            [bag] => Key::read(bag.key.as_der(), &bag.key.oid().to_string())?,
            several => return Err(CertificateError::SeveralKeys(several.len())),
        };
        let certificates: Vec<&[u8]> = archive.certs.iter().map(|bag| bag.cert.as_der()).collect();
        let certificates: Vec<X509Certificate<'_>> = certificates
            .iter()
            .filter_map(|der| X509Certificate::from_der(der).ok())
            .map(|(_, certificate)| certificate)
            .collect();
        let own = certificates
            .iter()
            .find(|certificate| &*certificate.public_key().subject_public_key.data == key.public())
            .ok_or(CertificateError::NoCertificate)?;
        let end =
            Timestamp::from_second(own.validity().not_after.timestamp()).unwrap_or(Timestamp::MAX);
        if end < now {
            return Err(CertificateError::Expired(end));
        }
        let chain = chain(own, &certificates);
        Ok(Self { key, chain })
    }

    /// The algorithm of its signatures, as JSON web tokens name it.
    pub(super) fn algorithm(&self) -> &'static str {
        match self.key {
            Key::Rsa(_) => "PS256",
            Key::P256(_) => "ES256",
            Key::P384(_) => "ES384",
        }
    }

    /// The certificate itself and those that it was issued by, as DER.
    pub(super) fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// Signs.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PSS_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
            Key::P256(key) | Key::P384(key) => Ok(key.sign(&random, message)?.as_ref().to_vec()),
        }
    }
}

impl Key {
    fn read(pkcs8: &[u8], kind: &str) -> Result<Self, CertificateError> {
        const RSA: &str = "1.2.840.113549.1.1.1";
        const ELLIPTIC: &str = "1.2.840.10045.2.1";
        // Kept in our memory until here; what ring holds of it, it doesn't give away.
        let pkcs8 = Zeroizing::new(pkcs8.to_vec());
        let unsupported =
            |what: &dyn fmt::Display| CertificateError::UnsupportedKey(what.to_string());
        match kind {
            RSA => RsaKeyPair::from_pkcs8(&pkcs8)
                .map(Self::Rsa)
                .map_err(|error| unsupported(&error)),
            ELLIPTIC => {
                let random = SystemRandom::new();
                let on = |curve| EcdsaKeyPair::from_pkcs8(curve, &pkcs8, &random);
                on(&ECDSA_P256_SHA256_FIXED_SIGNING)
                    .map(Self::P256)
                    .or_else(|_| on(&ECDSA_P384_SHA384_FIXED_SIGNING).map(Self::P384))
                    .map_err(|_| unsupported(&"another curve"))
            }
            other => Err(unsupported(&format_args!("its algorithm is {other}"))),
        }
    }

    /// The public half, as a certificate holds it.
    fn public(&self) -> &[u8] {
        match self {
            Self::Rsa(key) => key.public_key().as_ref(),
            Self::P256(key) | Self::P384(key) => key.public_key().as_ref(),
        }
    }
}

/// A certificate, its issuer, and so on as far as they are there.
fn chain(own: &X509Certificate<'_>, all: &[X509Certificate<'_>]) -> Vec<Vec<u8>> {
    let mut chain = vec![own.as_raw().to_vec()];
    let mut last = own;
    // Never longer than what there is, even where certificates issue each other.
    while chain.len() < all.len() && last.issuer() != last.subject() {
        let issuer = all.iter().find(|it| it.subject() == last.issuer());
        let Some(issuer) = issuer else { break };
        chain.push(issuer.as_raw().to_vec());
        last = issuer;
    }
    chain
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("algorithm", &self.algorithm())
            .field("chain_length", &self.chain.len())
            .finish_non_exhaustive()
    }
}

impl From<Pkcs12Error> for CertificateError {
    fn from(error: Pkcs12Error) -> Self {
        match error {
            // A file without a checksum fails when it is decrypted.
            Pkcs12Error::MacError(_) | Pkcs12Error::UnpadError | Pkcs12Error::Pkcs5Error(_) => {
                Self::WrongPassword
            }
            Pkcs12Error::UnsupportedEncryptionScheme
            | Pkcs12Error::UnsupportedMacAlgorithm
            | Pkcs12Error::InvalidParameters => Self::Encryption(error.to_string()),
            other => Self::NotPkcs12(other.to_string()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};

    use super::*;

    /// Keys that nothing trusts, made with OpenSSL for these tests. `README.md` beside them says how they were made.
    macro_rules! file {
        ($name:literal) => {
            include_bytes!(concat!("../../../tests/golden/certificates/", $name)).as_slice()
        };
    }

    pub(in crate::azure::credential) const RSA: &[u8] = file!("rsa.p12");
    pub(in crate::azure::credential) const P256: &[u8] = file!("p256.p12");

    fn now() -> Timestamp {
        "2026-11-23T08:00:00Z".parse().unwrap()
    }

    pub(in crate::azure::credential) fn read(
        data: &[u8],
        password: &str,
    ) -> Result<ClientCertificate, CertificateError> {
        ClientCertificate::from_pkcs12(data, &Secret::new(password), now())
    }

    fn refused(data: &[u8], password: &str) -> String {
        read(data, password).unwrap_err().to_string()
    }

    #[test]
    fn keys_of_each_kind_are_read_whatever_encrypts_them() {
        let shape = |data, password| format!("{:?}", read(data, password).unwrap());
        insta::assert_snapshot!(shape(RSA, "planted"), @r#"ClientCertificate { algorithm: "PS256", chain_length: 2, .. }"#);
        insta::assert_snapshot!(shape(P256, "planted"), @r#"ClientCertificate { algorithm: "ES256", chain_length: 1, .. }"#);
        insta::assert_snapshot!(shape(file!("p384-no-password.p12"), ""), @r#"ClientCertificate { algorithm: "ES384", chain_length: 1, .. }"#);
        insta::assert_snapshot!(shape(file!("rsa-3des.p12"), "planted"), @r#"ClientCertificate { algorithm: "PS256", chain_length: 1, .. }"#);
    }

    #[test]
    fn what_can_not_be_used_says_why() {
        insta::assert_snapshot!(refused(RSA, "wrong"), @"the password does not open it");
        insta::assert_snapshot!(refused(RSA, ""), @"the password does not open it");
        insta::assert_snapshot!(refused(b"\n-----BEGIN PRIVATE KEY-----", ""), @"it is PEM, and PKCS#12 is needed");
        insta::assert_snapshot!(refused(b"nonsense", ""), @"it is no PKCS#12: unexpected ASN.1 DER tag: expected SEQUENCE, got APPLICATION [14] (constructed)");
        insta::assert_snapshot!(refused(file!("p521.p12"), "planted"), @"its private key is neither RSA of 2048 to 4096 bits nor on the curves P-256 or P-384 (another curve)");
        insta::assert_snapshot!(refused(file!("no-key.p12"), "planted"), @"it holds no private key");
        let [ours, theirs] = [key(), key()];
        let two = [
            (&ours, certificate(&ours, 2030)),
            (&theirs, certificate(&theirs, 2030)),
        ];
        insta::assert_snapshot!(refused(&written(&two), "planted"), @"it holds 2 private keys, and only one can be meant");
        let foreign = [(&ours, certificate(&theirs, 2030))];
        insta::assert_snapshot!(refused(&written(&foreign), "planted"), @"it holds no certificate that belongs to its private key");
        let old = [(&ours, certificate(&ours, 2026))];
        insta::assert_snapshot!(refused(&written(&old), "planted"), @"its certificate expired on 2026-01-01T00:00:00Z");
    }

    fn key() -> rcgen::KeyPair {
        rcgen::KeyPair::generate().unwrap()
    }

    /// A certificate that ends when a year begins.
    fn certificate(key: &rcgen::KeyPair, year: i32) -> Vec<u8> {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
        parameters.self_signed(key).unwrap().der().to_vec()
    }

    /// A file with these keys, each with a certificate.
    fn written(entries: &[(&rcgen::KeyPair, Vec<u8>)]) -> Vec<u8> {
        let mut store = KeyStore::new();
        for (number, (key, certificate)) in entries.iter().enumerate() {
            let id = number.to_string();
            let key = PrivateKey::from_der(&key.serialize_der()).unwrap();
            let certificates = [Certificate::from_der(certificate).unwrap()];
            let entry = PrivateKeyChain::new(id.as_str(), key, certificates);
            store.add_entry(&id, KeyStoreEntry::PrivateKeyChain(entry));
        }
        store.writer("planted").write().unwrap()
    }
}
