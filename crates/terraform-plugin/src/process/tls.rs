//! Mutual TLS as go-plugin does it: two self-signed certificates, each side pinning the other's.
//!
//! The host hands us its certificate through the environment, and gets ours in the handshake line.
//! Stock verifiers refuse the host's, because it is that of a CA; here it has to be the very one
//! that was handed over, and the peer has to prove that it holds its key.

use std::sync::Arc;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName as RootHint, ServerConfig,
    SignatureScheme,
};
use tokio_rustls::TlsAcceptor;

use crate::process::p521;

/// The protocol that gRPC needs. Hosts with grpc-go 1.67 or later insist that it is negotiated.
const ALPN: &[u8] = b"h2";

/// Our side of the connection to one host.
pub(super) struct Tls {
    /// Our certificate, for the handshake line.
    pub(super) certificate: CertificateDer<'static>,
    /// What turns accepted sockets into TLS streams.
    pub(super) acceptor: TlsAcceptor,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The host's certificate can't be read.
    #[error("PLUGIN_CLIENT_CERT holds no PEM certificate")]
    ClientCertificate(#[source] pem::Error),
    /// Our certificate couldn't be made.
    #[error("no server certificate could be made")]
    ServerCertificate(#[source] rcgen::Error),
    /// The configuration was refused.
    #[error("no TLS configuration could be made")]
    Configuration(#[source] rustls::Error),
}

impl Tls {
    /// Makes a new certificate of ours, for a host that presents `client_certificate` (PEM).
    ///
    /// # Errors
    /// The host's certificate is none, or ours can't be made.
    pub(super) fn with_host(client_certificate: &str) -> Result<Self, TlsError> {
        let host = CertificateDer::from_pem_slice(client_certificate.as_bytes())
            .map_err(TlsError::ClientCertificate)?;
        let (certificate, key) = server_certificate().map_err(TlsError::ServerCertificate)?;
        let crypto = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&crypto))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Configuration)?
            .with_client_cert_verifier(Arc::new(PinnedHost::new(host, &crypto)))
            .with_single_cert(vec![certificate.clone()], key.into())
            .map_err(TlsError::Configuration)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self {
            certificate,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }
}

/// A self-signed certificate for `localhost`, the name that every host asks for.
fn server_certificate()
-> Result<(CertificateDer<'static>, PrivatePkcs8KeyDer<'static>), rcgen::Error> {
    let mut params = CertificateParams::new(["localhost".to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((
        certificate.der().clone(),
        PrivatePkcs8KeyDer::from(key.serialize_der()),
    ))
}

/// Lets in whoever presents the one certificate and proves to hold its key.
#[derive(Debug)]
struct PinnedHost {
    certificate: CertificateDer<'static>,
    stock: WebPkiSupportedAlgorithms,
}

impl PinnedHost {
    fn new(certificate: CertificateDer<'static>, crypto: &CryptoProvider) -> Self {
        Self {
            certificate,
            stock: crypto.signature_verification_algorithms,
        }
    }

    fn algorithms(&self, scheme: SignatureScheme) -> &WebPkiSupportedAlgorithms {
        if scheme == p521::SCHEME {
            &p521::ALGORITHMS
        } else {
            &self.stock
        }
    }
}

impl ClientCertVerifier for PinnedHost {
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if *end_entity == self.certificate {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = self.algorithms(signature.scheme);
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = self.algorithms(signature.scheme);
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = vec![p521::SCHEME];
        schemes.extend(self.stock.supported_schemes());
        schemes
    }

    /// NO-OP: because the host has just the one certificate, hints could only keep it from
    /// sending it.
    fn root_hint_subjects(&self) -> &[RootHint] {
        &[]
    }
}
