//! The production transport: one shared reqwest client with timeouts, proxy and trusted certificates.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use url::Url;

use crate::http::error_source::chain;
use crate::http::host_pool::HostPool;
use crate::http::proxy::{self, ProxyError};
use crate::http::tls_roots::{self, TrustError};
use crate::http::{
    Request, Response, Transport, TransportError, TransportErrorKind, host, open_files,
};

/// The timeout for opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How many unused connections to one host stay open. Only a host without HTTP/2 needs more than one.
const IDLE_PER_HOST: usize = 16;
/// How long an unused connection stays open. Azure's load balancers drop a connection after four idle minutes,
/// without a notice.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// The options of a client. The caller reads the environment, this module doesn't.
#[derive(Clone, Default)]
pub struct ClientOptions {
    /// The `User-Agent` of each request.
    pub user_agent: String,
    /// The proxy for https, in the format of `HTTPS_PROXY`. It may contain a password.
    pub https_proxy: Option<String>,
    /// The hosts that bypass the proxy, in the format of `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// CA certificates as PEM. The client trusts them in addition to the system's.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// Whether to allow plain http. Only the managed identity endpoints need it: they are on the machine
    /// itself and don't offer https.
    pub plain_http: bool,
    /// How the client notices that an HTTP/2 connection no longer answers.
    pub keep_alive: KeepAlive,
}

/// The pings on an HTTP/2 connection, also while it is idle. All requests to a host share one connection. If
/// a firewall or load balancer drops it without a notice, only a missing answer to a ping shows that.
#[derive(Clone, Copy, Debug)]
pub struct KeepAlive {
    /// The time between two pings.
    pub interval: Duration,
    /// How long the client waits for the answer to a ping before it closes the connection.
    pub timeout: Duration,
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
        }
    }
}

/// Why a client could not be created.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The CA certificates are not usable.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The proxy can't be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// reqwest rejects the options.
    #[error("the HTTP client could not be created")]
    Build(#[source] reqwest::Error),
}

/// The transport that sends requests over the network. The caller limits how long an attempt may take.
#[derive(Debug)]
pub struct Client {
    pool: HostPool<reqwest::Client>,
    options: ClientOptions,
    tls: rustls::ClientConfig,
}

impl Client {
    /// Creates a client without connections.
    ///
    /// # Errors
    /// If the certificates or the proxy can't be used.
    pub fn new(options: ClientOptions) -> Result<Self, ClientError> {
        let tls = tls_roots::client_config(options.extra_ca_pem.as_deref())?;
        Ok(Self {
            pool: HostPool::new(build(&options, &tls)?),
            options,
            tls,
        })
    }

    /// The client for a request to `host`.
    fn for_host(&self, host: &str) -> reqwest::Client {
        self.pool
            .client_for(host, || build(&self.options, &self.tls).ok())
    }
}

/// Builds a client with its own connections. All share the sessions of TLS, so a new connection to a known host
/// is cheap.
fn build(
    options: &ClientOptions,
    tls: &rustls::ClientConfig,
) -> Result<reqwest::Client, ClientError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .https_only(!options.plain_http)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .http2_keep_alive_interval(options.keep_alive.interval)
        .http2_keep_alive_timeout(options.keep_alive.timeout)
        .http2_keep_alive_while_idle(true)
        .gzip(true)
        .user_agent(&options.user_agent)
        .no_proxy();
    if let Some(address) = &options.https_proxy {
        builder = builder.proxy(proxy::proxy(address, options.no_proxy.as_deref())?);
    }
    builder.build().map_err(ClientError::Build)
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
        let (url, limit) = (request.url.clone(), request.limit);
        let answer = self
            .for_host(&host(&url))
            .request(request.method, request.url)
            .headers(request.headers)
            .body(request.body)
            .send()
            .await
            .map_err(|error| failure(&url, error))?;
        Ok(Response {
            status: answer.status(),
            headers: answer.headers().clone(),
            body: read(&url, answer, limit).await?,
            outcome_unknown: false,
        })
    }
}

/// Reads a body while decompressing it, and stops at the limit. A small compressed body can't exhaust
/// memory.
async fn read(
    url: &Url,
    mut answer: reqwest::Response,
    limit: usize,
) -> Result<Bytes, TransportError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failure(url, error))? {
        if body.len() + chunk.len() > limit {
            return Err(TransportError {
                kind: TransportErrorKind::TooLarge,
                host: host(url),
                outcome_unknown: false,
                source: None,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn failure(url: &Url, error: reqwest::Error) -> TransportError {
    // Links to blobs carry a signature in their query, so the URL stays out of every message.
    let error = error.without_url();
    TransportError {
        kind: kind(&error),
        host: host(url),
        outcome_unknown: false,
        source: Some(Arc::new(error)),
    }
}

fn kind(error: &reqwest::Error) -> TransportErrorKind {
    if error.is_connect() && chain(error).any(open_files::is_shortage) {
        TransportErrorKind::OpenFiles
    } else if error.is_connect() {
        // Only before the request is sent. Later, a TLS failure is an interrupted connection like any
        // other.
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

/// The error with which rustls rejected the connection.
fn refused_by_tls(error: &reqwest::Error) -> Option<&rustls::Error> {
    chain(error).find_map(|error| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::Method;
    use tokio::net::TcpListener;

    use super::*;
    use crate::http::host_pool::HOSTS;
    use crate::http::loopback::{PatientServers, TlsServer};

    /// A time limit for what takes a moment, so that a defect can't make a test hang.
    const LONG_ENOUGH: Duration = Duration::from_secs(60);

    /// An unencrypted answer, which breaks the TLS connection.
    const NO_TLS: &[u8] = b"this is no record of TLS";

    fn client(extra_ca_pem: Option<String>) -> Client {
        Client::new(ClientOptions {
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

    /// Sends a request with a client that trusts the server's certificate.
    async fn ask(server: &TlsServer, limit: usize) -> Result<Response, TransportError> {
        let request = Request::new(Method::GET, server.url.clone()).limit(limit);
        client(Some(server.pem.clone())).send(request).await
    }

    async fn asked(server: &TlsServer) -> Result<Response, TransportError> {
        ask(server, 1000).await
    }

    #[tokio::test]
    async fn trusts_an_extra_ca_and_does_not_follow_redirects() {
        let answer = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: https://elsewhere/\r\ncontent-length: 2\r\n\r\nhi";
        let response = asked(&TlsServer::start(answer).await).await.unwrap();
        assert_eq!(response.status, 307);
        assert_eq!(response.header("location"), Some("https://elsewhere/"));
        assert_eq!(&response.body[..], b"hi");
    }

    #[tokio::test]
    async fn connects_to_an_ipv6_address() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
        // Not every machine has IPv6.
        let Ok(server) = TlsServer::called("[::1]", "::1", answer).await else {
            return;
        };
        assert_eq!(host(&server.url), format!("[::1]:{}", server.port));
        assert_eq!(asked(&server).await.unwrap().status, 200);
        let head = server.heard.all().concat();
        assert!(head.contains(&format!("host: [::1]:{}\r\n", server.port)));
    }

    fn gzipped(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    /// An answer with this compressed body.
    fn compressed(body: &[u8]) -> Vec<u8> {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n"
        );
        [head.as_bytes(), body].concat()
    }

    #[tokio::test]
    async fn asks_for_gzip_and_decompresses_the_answer() {
        let server = TlsServer::start(compressed(&gzipped(br#"{"value": []}"#))).await;
        let response = asked(&server).await.unwrap();
        assert_eq!(&response.body[..], br#"{"value": []}"#);
        assert!(server.heard.all()[0].contains("accept-encoding: gzip\r\n"));
    }

    #[tokio::test]
    async fn a_truncated_gzip_body_is_an_interrupted_connection() {
        // The content length is correct. Only the compression shows that the body is incomplete.
        let half = &gzipped(br#"{"value": []}"#)[..20];
        let error = asked(&TlsServer::start(compressed(half)).await).await;
        assert_eq!(error.unwrap_err().kind, TransportErrorKind::Interrupted);
    }

    #[tokio::test]
    async fn rejects_an_answer_over_the_limit_even_if_compressed() {
        let long = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789";
        let long = TlsServer::start(long).await;
        assert!(ask(&long, 10).await.is_ok());
        let error = ask(&long, 9).await.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::TooLarge);

        let bomb = compressed(&gzipped(&vec![0; 8 << 20]));
        assert!(bomb.len() < 100_000);
        let error = ask(&TlsServer::start(bomb).await, 100_000)
            .await
            .unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::TooLarge);
    }

    #[tokio::test]
    async fn an_untrusted_certificate_has_its_own_error_kind() {
        let server = TlsServer::start("").await;
        let other = TlsServer::start("").await;
        let error = fails(&client(Some(other.pem)), server.url).await;
        assert_eq!(error.kind, TransportErrorKind::Certificate);
        assert!(!format!("{error:?}").contains("planted"));
        let cause = error.cause().unwrap();
        assert!(cause.starts_with("invalid peer certificate: "), "{cause}");
    }

    #[tokio::test]
    async fn an_interrupted_connection_has_its_own_error_kind() {
        let server = TlsServer::start(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await;
        let error = asked(&server).await.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Interrupted);
        assert!(!format!("{error:?}").contains("planted"));
    }

    #[tokio::test]
    async fn a_tls_failure_after_the_request_is_an_interrupted_connection() {
        let error = asked(&TlsServer::start(NO_TLS).await).await.unwrap_err();
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
        let url = Url::parse(&format!("https://127.0.0.1:{port}/")).unwrap();
        let error = fails(&client(None), url).await;
        assert_eq!(error.kind, TransportErrorKind::Connect);
        assert_eq!(error.cause().as_deref(), Some("connection refused"));
        assert_eq!(
            error.to_string(),
            format!("127.0.0.1:{port} is unreachable")
        );
    }

    #[tokio::test]
    async fn idle_connections_to_many_hosts_are_closed() {
        let servers = PatientServers::start(HOSTS + 20).await;
        let client = client(Some(servers.pem.clone()));
        for url in &servers.urls {
            let request = Request::new(Method::GET, url.clone());
            assert_eq!(client.send(request).await.unwrap().status, 200);
        }

        let mut open = servers.open.subscribe();
        let enough = open.wait_for(|open| *open <= HOSTS);
        tokio::time::timeout(LONG_ENOUGH, enough)
            .await
            .unwrap()
            .unwrap();

        let last = servers.urls.last().unwrap().clone();
        client.send(Request::new(Method::GET, last)).await.unwrap();
        assert_eq!(
            servers.accepted(),
            HOSTS + 20,
            "the last host's connection stays open"
        );
    }
}
