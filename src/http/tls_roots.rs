//! The trusted certificate authorities: the system's, and the user's extra ones.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Why no TLS configuration could be created.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The extra certificates are not valid PEM.
    #[error("the extra CA certificates are not valid PEM: {0}")]
    Pem(String),
    /// No extra certificate is readable, or rustls rejects the whole set.
    #[error("the CA certificates are not usable: {0}")]
    Certificates(String),
    /// The system has no certificates, and the user gave none.
    #[error("this system has no CA certificates, and no extra ones are configured")]
    NoCertificates,
}

/// Returns a TLS client configuration that trusts the system's certificates and `extra_pem`.
pub(crate) fn client_config(extra_pem: Option<&[u8]>) -> Result<ClientConfig, TrustError> {
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let extra = usable(certificates(extra_pem.unwrap_or_default())?)?;
    let verifier = verifier(extra, &crypto)?;
    let mut config = ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .map_err(|error| TrustError::Certificates(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    // reqwest enables HTTP/2 only in configurations that it builds itself, so this one must offer it.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Returns the certificates in the PEM files of a folder. It skips all other files, and reads a file with several
/// links only once.
///
/// # Errors
/// If the folder can't be read.
pub(crate) fn pem_files(folder: &Path) -> io::Result<Vec<u8>> {
    let files: BTreeSet<PathBuf> = folder
        .read_dir()?
        .filter_map(|entry| entry.ok()?.path().canonicalize().ok())
        .collect();
    let is_pem = |bytes: &Vec<u8>| certificates(bytes).is_ok_and(|found| !found.is_empty());
    let found = files
        .into_iter()
        .filter_map(|file| std::fs::read(file).ok());
    let found: Vec<Vec<u8>> = found.filter(is_pem).collect();
    Ok(found.join(&b'\n'))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| TrustError::Pem(error.to_string()))
}

/// Returns the readable certificates. A company's bundle often has one that rustls can't read, so only
/// that one is skipped. If none is readable, nothing that the user wants to trust would be trusted, so
/// that is an error.
fn usable(given: Vec<CertificateDer<'static>>) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let mut usable = Vec::new();
    let mut refused = None;
    for certificate in given {
        match RootCertStore::empty().add(certificate.clone()) {
            Ok(()) => usable.push(certificate),
            Err(error) => {
                tracing::warn!(%error, "skipped an extra CA certificate that can't be read");
                refused = Some(error);
            }
        }
    }
    match refused {
        Some(error) if usable.is_empty() => Err(TrustError::Certificates(error.to_string())),
        _ => Ok(usable),
    }
}

/// If the system keeps its certificates in files, this module reads them itself.
/// `rustls_native_certs::load_native_certs` and `openssl_probe::probe` skip them if `SSL_CERT_FILE` is
/// set. This provider trusts that file in addition to the system's certificates.
#[cfg(not(any(windows, target_vendor = "apple")))]
fn verifier(
    extra: Vec<CertificateDer<'static>>,
    crypto: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TrustError> {
    use rustls::client::WebPkiServerVerifier;

    let mut roots = RootCertStore::empty();
    // A system's bundle may contain a certificate that webpki can't read. The others still apply.
    roots.add_parsable_certificates(system_certificates().into_iter().chain(extra));
    if roots.is_empty() {
        return Err(TrustError::NoCertificates);
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(crypto))
        .build()
        .map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
        .map_err(|error| TrustError::Certificates(error.to_string()))
}

#[cfg(not(any(windows, target_vendor = "apple")))]
fn system_certificates() -> Vec<CertificateDer<'static>> {
    use rustls_native_certs::load_certs_from_paths;

    // Several of the candidate folders are often the same folder.
    let folders = openssl_probe::candidate_cert_dirs();
    let folders: BTreeSet<_> = folders.filter_map(|it| it.canonicalize().ok()).collect();
    // The bundle is usually in one of these folders, and is then read with it.
    let is_elsewhere = |file: &Path| file.parent().is_none_or(|it| !folders.contains(it));
    let bundle = BUNDLES
        .iter()
        .find_map(|file| Path::new(file).canonicalize().ok())
        .filter(|file| is_elsewhere(file))
        .map(|file| load_certs_from_paths(Some(&file), None));
    let folders = folders
        .iter()
        .map(|folder| load_certs_from_paths(None, Some(folder)));
    bundle
        .into_iter()
        .chain(folders)
        .flat_map(|found| found.certs)
        .collect()
}

/// The files in which systems keep all their certificates. Source: Go's `crypto/x509`, whose list azurerm
/// uses.
#[cfg(not(any(windows, target_vendor = "apple")))]
const BUNDLES: [&str; 9] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/etc/certs/ca-certificates.crt",
];

#[cfg(any(windows, target_vendor = "apple"))]
fn verifier(
    extra: Vec<CertificateDer<'static>>,
    crypto: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TrustError> {
    use rustls_platform_verifier::Verifier;

    let crypto = Arc::clone(crypto);
    // Not every Windows can build a verifier with extra roots, so it is built only if it is needed.
    let verifier = match extra.is_empty() {
        true => Verifier::new(crypto),
        false => Verifier::new_with_extra_roots(extra, crypto),
    };
    verifier
        .map(|verifier| Arc::new(verifier) as Arc<dyn ServerCertVerifier>)
        .map_err(|error| TrustError::Certificates(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    fn authority() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
        authority.self_signed(&key).unwrap().pem()
    }

    #[test]
    fn an_extra_ca_is_trusted_in_addition_to_the_system() {
        let config = client_config(Some(authority().as_bytes())).unwrap();
        assert_eq!(config.alpn_protocols, [&b"h2"[..], &b"http/1.1"[..]]);
    }

    #[test]
    fn a_folder_gives_the_certificates_of_its_pem_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            std::fs::write(folder.path().join(name), content).unwrap();
        };
        let (one, other) = (authority(), authority());
        file("one.pem", &one);
        file("other.crt", &other);
        file("README", "no certificate");
        file("cut.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
        let found = certificates(&pem_files(folder.path()).unwrap()).unwrap();
        let both = certificates(format!("{one}{other}").as_bytes()).unwrap();
        assert_eq!(found, both);
        pem_files(&folder.path().join("missing")).unwrap_err();
    }

    #[test]
    fn an_unreadable_certificate_is_skipped() {
        let pem = format!("{ODD}{}{ODD}", authority());
        let given = certificates(pem.as_bytes()).unwrap();
        assert_eq!(usable(given.clone()).unwrap(), given[1..2]);
    }

    #[test]
    fn a_bundle_without_a_readable_certificate_is_an_error() {
        let error = client_config(Some(ODD.as_bytes())).unwrap_err();
        assert!(matches!(error, TrustError::Certificates(_)), "{error}");
        let cut = b"-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert!(matches!(
            client_config(Some(cut)).unwrap_err(),
            TrustError::Pem(_)
        ));
    }
}
