//! Mutual TLS as go-plugin does it: two self-signed certificates, each side pinning the other's.
//!
//! The host passes its certificate in an environment variable and gets the plugin's certificate in the
//! handshake line. Stock verifiers reject the host's certificate, because it is a CA certificate. The
//! verifier here accepts exactly that certificate and checks that the peer has its private key.

use std::sync::Arc;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::TLS13;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName as RootHint, PeerIncompatible,
    ServerConfig, SignatureScheme, SupportedProtocolVersion,
};
use tokio_rustls::TlsAcceptor;

use crate::process::p521;

/// The versions of TLS. Every host supports 1.3. With 1.2, only a part of the handshake would work with
/// the P-521 key of a host.
const VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13];

/// The protocol that gRPC needs. Hosts with grpc-go 1.67 or later require that it is negotiated.
const ALPN: &[u8] = b"h2";

/// The server side of the connection to one host.
pub(super) struct Tls {
    /// The server certificate for the handshake line.
    pub(super) certificate: CertificateDer<'static>,
    /// Turns accepted sockets into TLS streams.
    pub(super) acceptor: TlsAcceptor,
}

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The host's certificate can't be read.
    #[error("PLUGIN_CLIENT_CERT contains no PEM certificate")]
    ClientCertificate(#[source] pem::Error),
    /// The server certificate could not be created.
    #[error("could not create a server certificate")]
    ServerCertificate(#[source] rcgen::Error),
    /// The TLS configuration is invalid.
    #[error("could not create a TLS configuration")]
    Configuration(#[source] rustls::Error),
}

impl Tls {
    /// Creates a server certificate for a host that presents `client_certificate` (PEM).
    ///
    /// # Errors
    /// The host's certificate can't be read, or TLS can't be configured.
    pub(super) fn with_host(client_certificate: &str) -> Result<Self, TlsError> {
        let host = CertificateDer::from_pem_slice(client_certificate.as_bytes())
            .map_err(TlsError::ClientCertificate)?;
        let (certificate, key) = server_certificate().map_err(TlsError::ServerCertificate)?;
        let crypto = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&crypto))
            .with_protocol_versions(VERSIONS)
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

/// Creates a self-signed certificate for `localhost`, the server name that every host uses.
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

/// Accepts only a peer that presents the pinned certificate and proves that it has the key.
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

    /// Refuses every signature, because the socket doesn't support TLS 1.2.
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(PeerIncompatible::Tls12NotOfferedOrEnabled.into())
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

    /// NO-OP: because the host has only one certificate. Hints could only prevent it from sending
    /// that certificate.
    fn root_hint_subjects(&self) -> &[RootHint] {
        &[]
    }
}
