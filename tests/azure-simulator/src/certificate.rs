//! Client certificates of applications, made once with OpenSSL (`keys/make.sh`) and only for tests.
//!
//! They are files for two reasons. Generating RSA keys takes seconds in a debug build. And clients should be
//! tested with PKCS#12 files that another program wrote.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::jwt::{PublicKey, SigningKey};

/// The password of the PKCS#12 files that have one.
pub const PFX_PASSWORD: &str = "simulator-pfx-password";

/// A certificate with its private key, available as PEM and as PKCS#12. Entra accepts only RSA keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppCertificate {
    /// RSA with 2048 bits.
    Rsa,
    /// RSA with 4096 bits.
    Rsa4096,
}

/// The protection of a PKCS#12 file. Each file holds the key, the certificate and the issuer's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pfx {
    /// AES-256 and SHA-256, with [`PFX_PASSWORD`].
    Modern,
    /// RC2, triple DES and SHA-1, with [`PFX_PASSWORD`], as written by Windows and OpenSSL 1.
    Legacy,
    /// AES-256 and SHA-256, with an empty password.
    NoPassword,
}

impl AppCertificate {
    /// Returns the certificate as PEM.
    #[must_use]
    pub fn certificate_pem(self) -> &'static str {
        match self {
            Self::Rsa => include_str!("../keys/rsa.crt.pem"),
            Self::Rsa4096 => include_str!("../keys/rsa4096.crt.pem"),
        }
    }

    /// Returns the private key as PKCS#8 PEM.
    #[must_use]
    pub fn key_pem(self) -> &'static str {
        match self {
            Self::Rsa => include_str!("../keys/rsa.key.pem"),
            Self::Rsa4096 => include_str!("../keys/rsa4096.key.pem"),
        }
    }

    /// Returns the private key and the certificate as PEM, in this order.
    #[must_use]
    pub fn pem(self) -> String {
        format!("{}{}", self.key_pem(), self.certificate_pem())
    }

    /// Returns the bytes of the PKCS#12 file.
    #[must_use]
    pub fn pfx(self, protection: Pfx) -> &'static [u8] {
        match (self, protection) {
            (Self::Rsa, Pfx::Modern) => include_bytes!("../keys/rsa.pfx"),
            (Self::Rsa, Pfx::Legacy) => include_bytes!("../keys/rsa.legacy.pfx"),
            (Self::Rsa, Pfx::NoPassword) => include_bytes!("../keys/rsa.open.pfx"),
            (Self::Rsa4096, Pfx::Modern) => include_bytes!("../keys/rsa4096.pfx"),
            (Self::Rsa4096, Pfx::Legacy) => include_bytes!("../keys/rsa4096.legacy.pfx"),
            (Self::Rsa4096, Pfx::NoPassword) => include_bytes!("../keys/rsa4096.open.pfx"),
        }
    }

    /// Signs a client assertion; `None` if the key does not support the header's `alg`.
    ///
    /// It adds nothing to the header or the claims, so tests can create invalid assertions.
    #[must_use]
    pub fn sign(self, header: &serde_json::Value, claims: &serde_json::Value) -> Option<String> {
        SigningKey::from_pem(self.key_pem())?.sign(header, claims)
    }

    /// Returns the certificate's SHA-256 thumbprint, in the encoding of `x5t#S256`.
    #[must_use]
    pub fn thumbprint(self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &self.der()))
    }

    /// Returns the certificate's SHA-1 thumbprint, in the encoding of `x5t`.
    #[must_use]
    pub fn legacy_thumbprint(self) -> String {
        let sha1 = &digest::SHA1_FOR_LEGACY_USE_ONLY;
        BASE64_URL_SAFE_NO_PAD.encode(digest::digest(sha1, &self.der()))
    }

    pub(crate) fn public_key(self) -> Option<PublicKey> {
        Some(SigningKey::from_pem(self.key_pem())?.public())
    }

    /// Returns the lines of the private key. None of them may appear in any output.
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
