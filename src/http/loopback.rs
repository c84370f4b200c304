//! Loopback servers for tests of the production client: a TLS server and two kinds of proxies.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use url::Url;

/// The received request heads, in lower case.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Reads and records a request head.
    async fn hear(&self, stream: &mut (impl AsyncRead + Unpin)) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        let head = String::from_utf8_lossy(&head).to_lowercase();
        self.0.lock().unwrap().push(head.clone());
        head
    }
}

/// A server that answers each connection with the same bytes.
pub(crate) struct TlsServer {
    pub(crate) url: Url,
    pub(crate) port: u16,
    /// Its certificate, as PEM.
    pub(crate) pem: String,
    pub(crate) heard: Heard,
}

impl TlsServer {
    /// Starts a server with the name `localhost`.
    pub(crate) async fn start(answer: impl Into<Vec<u8>>) -> Self {
        Self::called("localhost", "127.0.0.1", answer)
            .await
            .unwrap()
    }

    /// Starts a server with a name and an address. Fails if this machine doesn't have the address.
    pub(crate) async fn called(
        name: &str,
        address: &str,
        answer: impl Into<Vec<u8>>,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind((address, 0)).await?;
        let port = listener.local_addr()?.port();
        let (acceptor, pem) = acceptor(name.trim_matches(['[', ']']));
        let heard = Heard::default();
        let (answer, ears) = (answer.into(), heard.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                ears.hear(&mut stream).await;
                // Bytes that aren't HTTP go out unencrypted and break the TLS connection.
                if !answer.starts_with(b"HTTP/") {
                    let _ = stream.get_mut().0.write_all(&answer).await;
                }
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        });
        Ok(Self {
            url: Url::parse(&format!("https://{name}:{port}/v2/?sig=planted")).unwrap(),
            port,
            pem,
            heard,
        })
    }
}

/// Servers that keep each connection open and answer every request.
pub(crate) struct PatientServers {
    /// One URL for each server.
    pub(crate) urls: Vec<Url>,
    /// Their certificate, as PEM.
    pub(crate) pem: String,
    /// The number of open connections.
    pub(crate) open: watch::Sender<usize>,
    accepted: Arc<AtomicUsize>,
}

impl PatientServers {
    pub(crate) async fn start(count: usize) -> Self {
        let (acceptor, pem) = acceptor("localhost");
        let mut servers = Self {
            urls: Vec::new(),
            pem,
            open: watch::Sender::new(0),
            accepted: Arc::default(),
        };
        for _ in 0..count {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let url = Url::parse(&format!("https://localhost:{port}/"));
            servers.urls.push(url.unwrap());
            let (acceptor, open) = (acceptor.clone(), servers.open.clone());
            let accepted = Arc::clone(&servers.accepted);
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        continue;
                    };
                    accepted.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(answer_until_closed(stream, open.clone()));
                }
            });
        }
        servers
    }

    /// The number of connections so far.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

async fn answer_until_closed(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    open: watch::Sender<usize>,
) {
    open.send_modify(|open| *open += 1);
    let heard = Heard::default();
    while !heard.hear(&mut stream).await.is_empty() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        let _ = stream.write_all(answer).await;
    }
    open.send_modify(|open| *open -= 1);
}

/// Accepts TLS with a new certificate for `name`, which is returned as PEM.
fn acceptor(name: &str) -> (TlsAcceptor, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), cert.pem())
}

/// A proxy that supports CONNECT.
pub(crate) struct ConnectProxy {
    /// The address as `HTTPS_PROXY` contains it, without a password.
    pub(crate) address: String,
    pub(crate) heard: Heard,
}

impl ConnectProxy {
    /// Starts a proxy that accepts a request only if its head, in lower case, contains `words`.
    pub(crate) async fn requiring(words: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard = Heard::default();
        let ears = heard.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let head = ears.hear(&mut stream).await;
                if !head.contains(words) {
                    let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
                    let _ = stream.write_all(refusal).await;
                    continue;
                }
                let target = head.split(' ').nth(1).unwrap_or_default();
                let mut there = TcpStream::connect(target).await.unwrap();
                let _ = stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await;
                tokio::spawn(async move {
                    let _ = copy_bidirectional(&mut stream, &mut there).await;
                });
            }
        });
        Self { address, heard }
    }
}

/// A SOCKS5 proxy without authentication.
pub(crate) struct SocksProxy {
    pub(crate) address: String,
    /// The ports that clients have asked for.
    pub(crate) ports: Arc<Mutex<Vec<u16>>>,
}

impl SocksProxy {
    /// Starts a proxy that connects each client with this machine.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let ports = Arc::<Mutex<Vec<u16>>>::default();
        let asked = Arc::clone(&ports);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let port = socks_handshake(&mut stream).await.unwrap();
                asked.lock().unwrap().push(port);
                let mut there = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::spawn(async move {
                    let _ = copy_bidirectional(&mut stream, &mut there).await;
                });
            }
        });
        Self { address, ports }
    }
}

/// Accepts a client by RFC 1928, and returns the port that it asks for.
async fn socks_handshake(stream: &mut TcpStream) -> std::io::Result<u16> {
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting).await?;
    let mut methods = vec![0; usize::from(greeting[1])];
    stream.read_exact(&mut methods).await?;
    stream.write_all(&[5, 0]).await?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let length = match head[3] {
        1 => 4,
        3 => usize::from(stream.read_u8().await?),
        _ => 16,
    };
    let mut host = vec![0; length];
    stream.read_exact(&mut host).await?;
    let port = stream.read_u16().await?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Ok(port)
}
