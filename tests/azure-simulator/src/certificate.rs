//! Certificates with which an application signs in: made once by OpenSSL (`keys/make.sh`), and only for tests.
//!
//! That they are files has two reasons: RSA keys take seconds to make in a debug build, and a client's reading of PKCS#12
//! is tried on files that others wrote.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::jwt::{PublicKey, SigningKey};

/// The password of the PKCS#12 files that have one.
pub const PFX_PASSWORD: &str = "simulator-pfx-password";

/// A certificate with its private key, in each of the forms in which people have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppCertificate {
    /// RSA, 2048 bits.
    Rsa,
    /// Elliptic, NIST P-256.
    P256,
    /// Elliptic, NIST P-384.
    P384,
}

/// How a PKCS#12 file is protected. Each holds the key, the certificate and that of its authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pfx {
    /// AES-256 and SHA-256, with [`PFX_PASSWORD`].
    Modern,
    /// RC2, triple DES and SHA-1, with [`PFX_PASSWORD`], as Windows and OpenSSL 1 write it.
    Legacy,
    /// As the modern one, with an empty password.
    NoPassword,
}

impl AppCertificate {
    /// The certificate alone.
    #[must_use]
    pub fn certificate_pem(self) -> &'static str {
        match self {
            Self::Rsa => include_str!("../keys/rsa.crt.pem"),
            Self::P256 => include_str!("../keys/p256.crt.pem"),
            Self::P384 => include_str!("../keys/p384.crt.pem"),
        }
    }

    /// The private key alone, PKCS#8.
    #[must_use]
    pub fn key_pem(self) -> &'static str {
        match self {
            Self::Rsa => include_str!("../keys/rsa.key.pem"),
            Self::P256 => include_str!("../keys/p256.key.pem"),
            Self::P384 => include_str!("../keys/p384.key.pem"),
        }
    }

    /// Both, the key first.
    #[must_use]
    pub fn pem(self) -> String {
        format!("{}{}", self.key_pem(), self.certificate_pem())
    }

    /// A PKCS#12 file's bytes.
    #[must_use]
    pub fn pfx(self, protection: Pfx) -> &'static [u8] {
        match (self, protection) {
            (Self::Rsa, Pfx::Modern) => include_bytes!("../keys/rsa.pfx"),
            (Self::Rsa, Pfx::Legacy) => include_bytes!("../keys/rsa.legacy.pfx"),
            (Self::Rsa, Pfx::NoPassword) => include_bytes!("../keys/rsa.open.pfx"),
            (Self::P256, Pfx::Modern) => include_bytes!("../keys/p256.pfx"),
            (Self::P256, Pfx::Legacy) => include_bytes!("../keys/p256.legacy.pfx"),
            (Self::P256, Pfx::NoPassword) => include_bytes!("../keys/p256.open.pfx"),
            (Self::P384, Pfx::Modern) => include_bytes!("../keys/p384.pfx"),
            (Self::P384, Pfx::Legacy) => include_bytes!("../keys/p384.legacy.pfx"),
            (Self::P384, Pfx::NoPassword) => include_bytes!("../keys/p384.open.pfx"),
        }
    }

    /// Signs a client assertion by this key; none if the key can't be used with the header's `alg`. Nothing is added to
    /// header or claims, so that wrong ones can be made too.
    #[must_use]
    pub fn sign(self, header: &serde_json::Value, claims: &serde_json::Value) -> Option<String> {
        SigningKey::from_pem(self.key_pem())?.sign(header, claims)
    }

    /// The certificate's SHA-256, as `x5t#S256` has it.
    #[must_use]
    pub fn thumbprint(self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &self.der()))
    }

    /// The certificate's SHA-1, as `x5t` has it.
    #[must_use]
    pub fn legacy_thumbprint(self) -> String {
        let sha1 = &digest::SHA1_FOR_LEGACY_USE_ONLY;
        BASE64_URL_SAFE_NO_PAD.encode(digest::digest(sha1, &self.der()))
    }

    pub(crate) fn public_key(self) -> Option<PublicKey> {
        Some(SigningKey::from_pem(self.key_pem())?.public())
    }

    /// The lines of the private key of which none may be seen anywhere.
    pub(crate) fn key_lines(self) -> impl Iterator<Item = &'static str> {
        let lines = self.key_pem().lines();
        lines.filter(|line| line.len() == 64 && !line.starts_with('-'))
    }

    fn der(self) -> Vec<u8> {
        CertificateDer::from_pem_slice(self.certificate_pem().as_bytes())
            .map(|der| der.to_vec())
            .unwrap_or_default()
    }
}
