//! Reads a client certificate and its key from a PKCS#12 file.

use std::fmt;

use jiff::Timestamp;
use p12_keystore::{Pkcs12Archive, error::Error as Pkcs12Error};
use ring::rand::SystemRandom;
use ring::signature::{KeyPair, RSA_PSS_SHA256, RsaKeyPair};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use zeroize::Zeroizing;

use crate::azure::credential::Secret;

/// A certificate with its private key and the chain of its issuers.
pub struct ClientCertificate {
    key: RsaKeyPair,
    /// The certificates in DER. The client certificate comes first.
    chain: Vec<Vec<u8>>,
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
    /// The password has a character that the passwords of PKCS#12 files can't contain, such as an emoji.
    #[error("its password contains an emoji or another character that PKCS#12 does not support")]
    PasswordCharacter,
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
    /// The key is not an RSA key, such as a key on an elliptic curve.
    #[error("its private key is not an RSA key, and Microsoft Entra ID accepts only RSA keys")]
    NotRsa,
    /// The RSA key has an unsupported size, or is damaged.
    #[error("its RSA key does not have 2048 to 4096 bits ({0})")]
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
        let archive = Pkcs12Archive::from_pkcs12(data, password.expose())
            .map_err(|error| unreadable(error, data, password))?;
        let key = match archive.keys.as_slice() {
            [] => return Err(CertificateError::NoKey),
            [bag] => rsa(bag.key.as_der(), &bag.key.oid().to_string())?,
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
            .find(|certificate| {
                &*certificate.public_key().subject_public_key.data == key.public_key().as_ref()
            })
            .ok_or(CertificateError::NoCertificate)?;
        let expiry =
            Timestamp::from_second(own.validity().not_after.timestamp()).unwrap_or(Timestamp::MAX);
        if expiry < now {
            return Err(CertificateError::Expired(expiry));
        }
        let chain = chain(own, &certificates);
        Ok(Self { key, chain })
    }

    /// Returns the client certificate and its issuers in DER.
    pub(super) fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// Signs a message with the private key, as the JWT algorithm PS256.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
        let random = SystemRandom::new();
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &random, message, &mut signature)?;
        Ok(signature)
    }
}

/// Reads a private key with the algorithm `kind`. Entra rejects assertions that another kind of key signed.
fn rsa(pkcs8: &[u8], kind: &str) -> Result<RsaKeyPair, CertificateError> {
    const RSA: &str = "1.2.840.113549.1.1.1";
    if kind != RSA {
        return Err(CertificateError::NotRsa);
    }
    // Dropping the copy wipes it from memory. ring doesn't expose its own copy.
    let pkcs8 = Zeroizing::new(pkcs8.to_vec());
    RsaKeyPair::from_pkcs8(&pkcs8)
        .map_err(|error| CertificateError::UnsupportedKey(error.to_string()))
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
            .field("chain_length", &self.chain.len())
            .finish_non_exhaustive()
    }
}

/// Returns why a file can't be read. For some causes, `p12-keystore` only reports that a part of the file is
/// not valid.
fn unreadable(error: Pkcs12Error, data: &[u8], password: &Secret) -> CertificateError {
    if let Pkcs12Error::MacError(_) = error {
        return CertificateError::WrongPassword;
    }
    if let Some(encryption) = unsupported_encryption(data) {
        return CertificateError::Encryption(encryption.to_owned());
    }
    if password.expose().chars().any(|it| it > '\u{FFFF}') {
        return CertificateError::PasswordCharacter;
    }
    match error {
        // In a file without a MAC, a wrong password fails only at decryption.
        Pkcs12Error::UnpadError | Pkcs12Error::Pkcs5Error(_) => CertificateError::WrongPassword,
        Pkcs12Error::UnsupportedEncryptionScheme
        | Pkcs12Error::UnsupportedMacAlgorithm
        | Pkcs12Error::InvalidParameters => CertificateError::Encryption(error.to_string()),
        other => CertificateError::NotPkcs12(other.to_string()),
    }
}

/// Finds an old encryption of RFC 7292 that `p12-keystore` can't decrypt. The file names it outside its
/// encrypted parts, as an object identifier that ends with a number.
fn unsupported_encryption(data: &[u8]) -> Option<&'static str> {
    /// The start of the identifiers `1.2.840.113549.1.12.1.*` in DER.
    const OLD: [u8; 11] = [
        0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01,
    ];
    data.windows(OLD.len() + 1)
        .find_map(|part| match part.split_last()? {
            (1, start) if start == OLD => Some("RC4 with a 128-bit key"),
            (2, start) if start == OLD => Some("RC4 with a 40-bit key"),
            (4, start) if start == OLD => Some("triple DES with two keys"),
            (5, start) if start == OLD => Some("RC2 with a 128-bit key"),
            _ => None,
        })
}

#[cfg(test)]
pub(super) mod tests {
    use azure_simulator::AppCertificate;
    use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};

    use super::*;

    /// Untrusted keys that OpenSSL created for these tests. The `README.md` next to the files says how.
    macro_rules! file {
        ($name:literal) => {
            include_bytes!(concat!("../../../tests/golden/certificates/", $name)).as_slice()
        };
    }

    pub(in crate::azure::credential) const RSA: &[u8] = file!("rsa.p12");

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
    fn reads_each_supported_encryption() {
        let shape = |data, password| format!("{:?}", read(data, password).unwrap());
        insta::assert_snapshot!(shape(RSA, "planted"), @"ClientCertificate { chain_length: 2, .. }");
        insta::assert_snapshot!(shape(file!("rsa-3des.p12"), "planted"), @"ClientCertificate { chain_length: 1, .. }");
    }

    #[test]
    fn a_key_that_is_not_rsa_is_an_error_with_entras_rule() {
        for (data, password) in [
            (file!("p256.p12"), "planted"),
            (file!("p384-no-password.p12"), ""),
            (file!("p521.p12"), "planted"),
        ] {
            assert_eq!(
                refused(data, password),
                "its private key is not an RSA key, and Microsoft Entra ID accepts only RSA keys"
            );
        }
    }

    #[test]
    fn an_encryption_or_a_password_that_is_not_supported_is_named() {
        let rc2 = file!("rsa-rc2-128.p12");
        insta::assert_snapshot!(refused(rc2, "planted"), @"its encryption is not supported: RC2 with a 128-bit key");
        insta::assert_snapshot!(refused(rc2, "wrong"), @"the password is wrong");
        let emoji = file!("rsa-emoji-password.p12");
        insta::assert_snapshot!(refused(emoji, "planted\u{1F600}"), @"its password contains an emoji or another character that PKCS#12 does not support");
        insta::assert_snapshot!(refused(emoji, "planted"), @"the password is wrong");
    }

    #[test]
    fn an_unusable_file_is_an_error_with_the_reason() {
        insta::assert_snapshot!(refused(RSA, "wrong"), @"the password is wrong");
        insta::assert_snapshot!(refused(RSA, ""), @"the password is wrong");
        insta::assert_snapshot!(refused(b"\n-----BEGIN PRIVATE KEY-----", ""), @"it is PEM, but PKCS#12 is required");
        insta::assert_snapshot!(refused(b"nonsense", ""), @"it is not PKCS#12: unexpected ASN.1 DER tag: expected SEQUENCE, got APPLICATION [14] (constructed)");
        insta::assert_snapshot!(refused(file!("no-key.p12"), "planted"), @"it contains no private key");
        let [ours, theirs] = [AppCertificate::Rsa, AppCertificate::Rsa4096].map(key);
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

    fn key(of: AppCertificate) -> rcgen::KeyPair {
        rcgen::KeyPair::from_pem(of.key_pem()).unwrap()
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
