//! Reads a client certificate and its key from a PKCS#12 file.

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

/// A certificate with its private key and the chain of its issuers.
pub struct ClientCertificate {
    key: Key,
    /// The certificates in DER. The client certificate comes first.
    chain: Vec<Vec<u8>>,
}

enum Key {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
}

/// Why a client certificate can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The text is not valid base64.
    #[error("it is not valid base64: {0}")]
    Base64(String),
    /// The file can't be read. Contains its path and the cause.
    #[error("could not read {0}")]
    Unreadable(String),
    /// The file is PEM.
    #[error("it is PEM, but PKCS#12 is required")]
    Pem,
    /// The file is not PKCS#12.
    #[error("it is not PKCS#12: {0}")]
    NotPkcs12(String),
    /// The password is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// The encryption of the file is not supported.
    #[error("its encryption is not supported: {0}")]
    Encryption(String),
    /// The file contains no private key.
    #[error("it contains no private key")]
    NoKey,
    /// The file contains more than one private key.
    #[error("it contains {0} private keys, but must contain exactly one")]
    SeveralKeys(usize),
    /// None of the certificates matches the private key.
    #[error("it contains no certificate that matches its private key")]
    NoCertificate,
    /// The type or the size of the key is not supported.
    #[error(
        "its private key is neither RSA with 2048 to 4096 bits nor on the curve P-256 or P-384 ({0})"
    )]
    UnsupportedKey(String),
    /// The certificate has expired.
    #[error("its certificate expired on {0}")]
    Expired(Timestamp),
}

impl ClientCertificate {
    /// Reads a client certificate from PKCS#12. `now` decides whether it has expired.
    ///
    /// # Errors
    /// If the certificate can't be used.
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
        let expiry =
            Timestamp::from_second(own.validity().not_after.timestamp()).unwrap_or(Timestamp::MAX);
        if expiry < now {
            return Err(CertificateError::Expired(expiry));
        }
        let chain = chain(own, &certificates);
        Ok(Self { key, chain })
    }

    /// Returns the JWT name of the signature algorithm.
    pub(super) fn algorithm(&self) -> &'static str {
        match self.key {
            Key::Rsa(_) => "PS256",
            Key::P256(_) => "ES256",
            Key::P384(_) => "ES384",
        }
    }

    /// Returns the client certificate and its issuers in DER.
    pub(super) fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// Signs a message with the private key.
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
        // Dropping the copy wipes it from memory. ring doesn't expose its own copy.
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

    /// Returns the public key in a certificate's format.
    fn public(&self) -> &[u8] {
        match self {
            Self::Rsa(key) => key.public_key().as_ref(),
            Self::P256(key) | Self::P384(key) => key.public_key().as_ref(),
        }
    }
}

/// Returns a certificate, its issuer, and so on up to the root or the first missing issuer.
fn chain(own: &X509Certificate<'_>, all: &[X509Certificate<'_>]) -> Vec<Vec<u8>> {
    let mut chain = vec![own.as_raw().to_vec()];
    let mut last = own;
    // The length limit ends the loop if certificates issue each other.
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
            // In a file without a MAC, a wrong password fails only at decryption.
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

    /// Untrusted keys that OpenSSL created for these tests. The `README.md` next to the files says how.
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
    fn reads_each_key_type_and_encryption() {
        let shape = |data, password| format!("{:?}", read(data, password).unwrap());
        insta::assert_snapshot!(shape(RSA, "planted"), @r#"ClientCertificate { algorithm: "PS256", chain_length: 2, .. }"#);
        insta::assert_snapshot!(shape(P256, "planted"), @r#"ClientCertificate { algorithm: "ES256", chain_length: 1, .. }"#);
        insta::assert_snapshot!(shape(file!("p384-no-password.p12"), ""), @r#"ClientCertificate { algorithm: "ES384", chain_length: 1, .. }"#);
        insta::assert_snapshot!(shape(file!("rsa-3des.p12"), "planted"), @r#"ClientCertificate { algorithm: "PS256", chain_length: 1, .. }"#);
    }

    #[test]
    fn an_unusable_file_is_an_error_with_the_reason() {
        insta::assert_snapshot!(refused(RSA, "wrong"), @"the password is wrong");
        insta::assert_snapshot!(refused(RSA, ""), @"the password is wrong");
        insta::assert_snapshot!(refused(b"\n-----BEGIN PRIVATE KEY-----", ""), @"it is PEM, but PKCS#12 is required");
        insta::assert_snapshot!(refused(b"nonsense", ""), @"it is not PKCS#12: unexpected ASN.1 DER tag: expected SEQUENCE, got APPLICATION [14] (constructed)");
        insta::assert_snapshot!(refused(file!("p521.p12"), "planted"), @"its private key is neither RSA with 2048 to 4096 bits nor on the curve P-256 or P-384 (another curve)");
        insta::assert_snapshot!(refused(file!("no-key.p12"), "planted"), @"it contains no private key");
        let [ours, theirs] = [key(), key()];
        let two = [
            (&ours, certificate(&ours, 2030)),
            (&theirs, certificate(&theirs, 2030)),
        ];
        insta::assert_snapshot!(refused(&written(&two), "planted"), @"it contains 2 private keys, but must contain exactly one");
        let foreign = [(&ours, certificate(&theirs, 2030))];
        insta::assert_snapshot!(refused(&written(&foreign), "planted"), @"it contains no certificate that matches its private key");
        let old = [(&ours, certificate(&ours, 2026))];
        insta::assert_snapshot!(refused(&written(&old), "planted"), @"its certificate expired on 2026-01-01T00:00:00Z");
    }

    fn key() -> rcgen::KeyPair {
        rcgen::KeyPair::generate().unwrap()
    }

    /// Returns a certificate that expires at the start of a year.
    fn certificate(key: &rcgen::KeyPair, year: i32) -> Vec<u8> {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
        parameters.self_signed(key).unwrap().der().to_vec()
    }

    /// Returns a PKCS#12 file with these keys and their certificates.
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
