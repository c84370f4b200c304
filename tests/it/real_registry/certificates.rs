//! A certificate authority for one test. It certifies the registry's TLS key and the key that signs tokens.

use azure_simulator::{AppCertificate, SigningKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// The key that signs tokens.
const SIGNER: AppCertificate = AppCertificate::Rsa;

/// The authority and the certificates that it issued.
pub(crate) struct Certificates {
    authority: Certificate,
    server: Certificate,
    server_key: KeyPair,
    signer: Certificate,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let mut params = named("a test's authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let certified =
            |params: CertificateParams, key: &KeyPair| params.signed_by(key, &issuer).unwrap();
        let server_key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let signer_key = KeyPair::from_pem(SIGNER.key_pem()).unwrap();
        let signer = named("a test's token server");
        Self {
            server: certified(server, &server_key),
            signer: certified(signer, &signer_key),
            authority,
            server_key,
        }
    }

    /// The authority's certificate, as PEM.
    pub(crate) fn authority(&self) -> String {
        self.authority.pem()
    }

    /// The registry's certificate, as PEM.
    pub(crate) fn server(&self) -> String {
        self.server.pem()
    }

    /// The registry's private key, as PEM.
    pub(crate) fn server_key(&self) -> String {
        self.server_key.serialize_pem()
    }

    /// The certificate of the token signer, in the format of a JWT's `x5c` header.
    pub(crate) fn signer(&self) -> String {
        BASE64_STANDARD.encode(self.signer.der())
    }

    /// The private key of the token signer.
    pub(crate) fn signing_key(&self) -> SigningKey {
        SigningKey::from_pem(SIGNER.key_pem()).unwrap()
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
