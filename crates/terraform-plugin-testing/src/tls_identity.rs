//! A host's client certificate: a self-signed CA certificate on P-521 with SHA-512.
//!
//! The certificates under `certificates/` were generated with OpenSSL, with the fields that go-plugin
//! sets.

use std::sync::Arc;

use p521::SecretKey;
use p521::ecdsa::signature::Signer as _;
use p521::ecdsa::{Signature, SigningKey};
use p521::pkcs8::DecodePrivateKey as _;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, Signer, SigningKey as TlsSigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};

/// A certificate and a private key. The key doesn't have to match the certificate.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The certificate in `PLUGIN_CLIENT_CERT`.
    pub certificate: &'static str,
    key: &'static str,
}

/// The host that starts the plugin.
pub const HOST: Identity = Identity {
    certificate: include_str!("../certificates/host.cert.pem"),
    key: include_str!("../certificates/host.key.pem"),
};

/// Another process on the same machine, with a certificate of the same kind.
pub const STRANGER: Identity = Identity {
    certificate: include_str!("../certificates/stranger.cert.pem"),
    key: include_str!("../certificates/stranger.key.pem"),
};

/// A process that has the host's certificate but not its key.
pub const IMPOSTOR: Identity = Identity {
    certificate: HOST.certificate,
    key: STRANGER.key,
};

impl Identity {
    /// Presents the certificate to every server, regardless of its hints.
    pub fn resolver(self) -> Arc<dyn ResolvesClientCert> {
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap();
        let key = PrivatePkcs8KeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        let secret = SecretKey::from_pkcs8_der(key.secret_pkcs8_der()).unwrap();
        let key = Key(SigningKey::from_slice(&secret.to_bytes()).unwrap());
        Arc::new(Always(Arc::new(CertifiedKey::new(
            vec![certificate],
            Arc::new(key),
        ))))
    }
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesClientCert for Always {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        // Like Go, send no certificate to a server that doesn't offer the scheme.
        schemes
            .contains(&SignatureScheme::ECDSA_NISTP521_SHA512)
            .then(|| Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A P-521 signing key. The ring provider of rustls doesn't support them.
#[derive(Clone)]
struct Key(SigningKey);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl TlsSigningKey for Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered
            .contains(&self.scheme())
            .then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signature: Signature = self.0.sign(message);
        Ok(signature.to_der().as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP521_SHA512
    }
}
