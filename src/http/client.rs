//! The real transport: one shared reqwest client, with its limits, its proxy and its trust.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use url::Url;

use crate::http::trust::{self, TrustError};
use crate::http::{Request, Response, Transport, TransportError, TransportErrorKind, host};

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one attempt may take, from the connection to the last byte of the answer.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest answer that we read. A policy may have 10 MiB, and nothing else comes near.
const LONGEST_BODY: usize = 32 << 20;

/// What a client needs to know. Whoever makes it reads the environment, not we.
#[derive(Clone, Default)]
pub struct ClientOptions {
    /// The `User-Agent` of each request.
    pub user_agent: String,
    /// The proxy for https, as `HTTPS_PROXY` gives it. It may hold a password.
    pub https_proxy: Option<String>,
    /// The hosts that are reached without it, as `NO_PROXY` gives them.
    pub no_proxy: Option<String>,
    /// CA certificates, as PEM, that are trusted beside the system's.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// Whether plain http will do. Only for the endpoints of managed identity, which are on the machine
    /// itself and speak nothing else.
    pub plain_http: bool,
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The certificates are not usable.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The proxy's address makes no sense.
    #[error("the address of the https proxy is not valid")]
    Proxy(#[source] reqwest::Error),
    /// The HTTP stack refuses the options.
    #[error("the HTTP client could not be made")]
    Build(#[source] reqwest::Error),
}

/// The transport that really sends.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
}

impl Client {
    /// Makes a client. Its connections are pooled; clones share them.
    ///
    /// # Errors
    ///
    /// When the certificates or the proxy can't be used.
    pub fn new(options: &ClientOptions) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(trust::client_config(options.extra_ca_pem.as_deref())?)
            .https_only(!options.plain_http)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ATTEMPT_TIMEOUT)
            .gzip(true)
            .user_agent(&options.user_agent)
            .no_proxy();
        if let Some(proxy) = &options.https_proxy {
            let exceptions = options
                .no_proxy
                .as_deref()
                .and_then(reqwest::NoProxy::from_string);
            let proxy = reqwest::Proxy::https(proxy.as_str())
                .map_err(|error| ClientError::Proxy(error.without_url()))?;
            builder = builder.proxy(proxy.no_proxy(exceptions));
        }
        let inner = builder.build().map_err(ClientError::Build)?;
        Ok(Self { inner })
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("user_agent", &self.user_agent)
            .field("proxied", &self.https_proxy.is_some())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for Client {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let url = request.url.clone();
        let answer = self
            .inner
            .request(request.method, request.url)
            .headers(request.headers)
            .body(request.body)
            .send()
            .await
            .map_err(|error| failure(&url, error))?;
        Ok(Response {
            status: answer.status(),
            headers: answer.headers().clone(),
            body: read(&url, answer).await?,
            doubtful: false,
        })
    }
}

async fn read(url: &Url, mut answer: reqwest::Response) -> Result<Bytes, TransportError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failure(url, error))? {
        if body.len() + chunk.len() > LONGEST_BODY {
            return Err(TransportError {
                kind: TransportErrorKind::TooLarge,
                host: host(url),
                doubtful: false,
                source: None,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn failure(url: &Url, error: reqwest::Error) -> TransportError {
    // Links to blobs are signed in their query: the address stays out of every message.
    let error = error.without_url();
    TransportError {
        kind: kind(&error),
        host: host(url),
        doubtful: false,
        source: Some(Arc::new(error)),
    }
}

fn kind(error: &reqwest::Error) -> TransportErrorKind {
    if error.is_connect() {
        // Only before the request is sent: later, a failure of TLS is a cut connection like any other.
        match refused_by_tls(error) {
            Some(rustls::Error::InvalidCertificate(_)) => TransportErrorKind::Certificate,
            Some(_) => TransportErrorKind::Tls,
            None => TransportErrorKind::Connect,
        }
    } else if error.is_timeout() {
        TransportErrorKind::Timeout
    } else if error.is_builder() {
        TransportErrorKind::Request
    } else {
        TransportErrorKind::Interrupted
    }
}

/// What rustls has against the connection. An `io::Error` doesn't give what it wraps as its source, so
/// that the chain has to be walked with a look inside.
fn refused_by_tls(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(refusal) = error.downcast_ref() {
            return Some(refusal);
        }
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .map(|inner| inner as &(dyn StdError + 'static));
        next = wrapped.or_else(|| error.source());
    }
    None
}

#[cfg(test)]
mod tests {
    use http::Method;
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// An answer outside of the encryption.
    const NO_TLS: &[u8] = b"this is no record of TLS";

    /// A TLS server that answers each connection with the given bytes; and its certificate.
    async fn server(answer: &'static [u8]) -> (Url, String) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                if answer == NO_TLS {
                    let _ = stream.get_mut().0.write_all(answer).await;
                }
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            }
        });
        let url = Url::parse(&format!("https://localhost:{port}/v2/?sig=planted")).unwrap();
        (url, cert.pem())
    }

    fn client(extra_ca_pem: Option<String>) -> Client {
        Client::new(&ClientOptions {
            user_agent: "test".to_owned(),
            extra_ca_pem: extra_ca_pem.map(String::into_bytes),
            ..ClientOptions::default()
        })
        .unwrap()
    }

    async fn fails(client: &Client, url: Url) -> TransportError {
        client
            .send(Request::new(Method::GET, url))
            .await
            .unwrap_err()
    }

    #[tokio::test]
    async fn an_extra_authority_makes_a_server_trusted_and_redirects_are_left_alone() {
        let answer = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: https://elsewhere/\r\ncontent-length: 2\r\n\r\nhi";
        let (url, pem) = server(answer).await;
        let request = Request::new(Method::GET, url);
        let response = client(Some(pem)).send(request).await.unwrap();
        assert_eq!(response.status, 307);
        assert_eq!(response.header("location"), Some("https://elsewhere/"));
        assert_eq!(&response.body[..], b"hi");
    }

    #[tokio::test]
    async fn an_untrusted_certificate_is_named_as_such() {
        let (url, _) = server(b"").await;
        let (_, other) = server(b"").await;
        let error = fails(&client(Some(other)), url).await;
        assert_eq!(error.kind, TransportErrorKind::Certificate);
        assert!(!format!("{error:?}").contains("planted"));
    }

    #[tokio::test]
    async fn a_cut_connection_is_named_as_such() {
        let (url, pem) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await;
        let error = fails(&client(Some(pem)), url).await;
        assert_eq!(error.kind, TransportErrorKind::Interrupted);
        assert!(!format!("{error:?}").contains("planted"));
    }

    #[tokio::test]
    async fn tls_that_breaks_after_the_request_is_a_cut_connection() {
        let (url, pem) = server(NO_TLS).await;
        let error = fails(&client(Some(pem)), url).await;
        assert!(
            error.source.is_some() && error.kind == TransportErrorKind::Interrupted,
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let url = Url::parse(&format!("https://localhost:{port}/")).unwrap();
        let (_, pem) = server(b"").await;
        let error = fails(&client(Some(pem)), url).await;
        assert_eq!(error.kind, TransportErrorKind::Connect);
        assert_eq!(
            error.to_string(),
            format!("localhost:{port} is unreachable")
        );
    }

    #[test]
    fn a_proxy_without_sense_is_refused() {
        let options = ClientOptions {
            https_proxy: Some("http://[".to_owned()),
            ..ClientOptions::default()
        };
        assert!(matches!(Client::new(&options), Err(ClientError::Proxy(_))));
    }
}
