//! A go-plugin host: serves a plugin in the test's process and connects to its socket.

use std::future::{Future, pending};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use terraform_plugin::framework::Provider;
use terraform_plugin::process::{self, HostEnvironment, Mode, Network, Serve, SocketDirectory};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

use crate::schemas;
use crate::scripted_provider::{Behavior, ScriptedProvider, ScriptedResource};
use crate::tls_identity::Identity;

/// The source address of the provider.
pub const ADDRESS: &str = "registry.terraform.io/acme/cloud";

/// The timeout for every wait, so that a broken plugin can't make a test hang. A busy machine needs much less.
pub const LONG_ENOUGH: Duration = Duration::from_secs(5 * 60);

/// The magic cookie, a variable that every Terraform host sets.
pub const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// A plugin that runs inside the test.
pub struct Plugin {
    /// The plugin's output.
    pub stdout: Stdout,
    /// The running plugin.
    pub running: JoinHandle<Result<(), process::Error>>,
}

/// The output of a plugin.
pub struct Stdout(UnboundedReceiver<Vec<u8>>);

struct Pipe(UnboundedSender<Vec<u8>>);

/// The parsed handshake line of a hosted plugin.
#[derive(Debug)]
pub struct Line {
    /// The whole line.
    pub text: String,
    /// The address of the socket.
    pub address: String,
    network: String,
    certificate: String,
}

/// A connected socket of any kind.
pub trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

impl Plugin {
    /// Serves a correct provider to a host that presents `client`.
    pub fn start(client: Option<Identity>) -> Self {
        Self::start_in(Mode::Hosted, environment(client))
    }

    /// Serves a correct provider.
    pub fn start_in(mode: Mode, environment: HostEnvironment) -> Self {
        Self::serve(mode, environment, well_behaved())
    }

    /// Serves a provider.
    pub fn serve(mode: Mode, environment: HostEnvironment, provider: Arc<dyn Provider>) -> Self {
        Self::serve_until(mode, environment, provider, pending())
    }

    /// Serves a provider until `signal` resolves, as after a signal to the process.
    pub fn serve_until(
        mode: Mode,
        environment: HostEnvironment,
        provider: Arc<dyn Provider>,
        signal: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let (sender, receiver) = unbounded_channel();
        let serve = Serve {
            address: ADDRESS.to_owned(),
            provider,
            environment,
            mode,
            stdout: Box::new(Pipe(sender)),
        };
        Self {
            stdout: Stdout(receiver),
            running: tokio::spawn(process::serve(serve, signal)),
        }
    }

    /// Reads the handshake line.
    pub async fn line(&mut self) -> Line {
        Line::parse(&self.stdout.until("\n").await)
    }

    /// Waits for the end of the plugin.
    pub async fn end(&mut self) -> Result<(), process::Error> {
        in_time(&mut self.running).await.unwrap()
    }
}

/// NO-OP for plugins that have ended.
impl Drop for Plugin {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Stdout {
    /// Reads the output up to and including `end`.
    pub async fn until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let bytes = in_time(self.0.recv()).await;
            let bytes = bytes.expect("stdout was closed too early");
            text.push_str(&String::from_utf8(bytes).unwrap());
        }
        text
    }

    /// Reads the remaining output until the plugin has ended.
    pub async fn rest(&mut self) -> String {
        let mut text = String::new();
        while let Some(bytes) = in_time(self.0.recv()).await {
            text.push_str(&String::from_utf8(bytes).unwrap());
        }
        text
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Line {
    /// Parses a line as go-plugin 1.4.3 does, which supports only six fields.
    pub fn parse(text: &str) -> Self {
        let line = text.strip_suffix('\n').unwrap();
        let fields: Vec<&str> = line.splitn(6, '|').collect();
        let [core, protocol, network, address, kind, certificate] = fields[..] else {
            panic!("{} fields in {line}", fields.len());
        };
        assert_eq!((core, protocol, kind), ("1", "6", "grpc"));
        Self {
            text: text.to_owned(),
            network: network.to_owned(),
            address: address.to_owned(),
            certificate: certificate.to_owned(),
        }
    }

    /// Decodes the plugin's certificate as Go does. Padding is an error.
    pub fn certificate(&self) -> CertificateDer<'static> {
        STANDARD_NO_PAD.decode(&self.certificate).unwrap().into()
    }

    /// Whether the line has a certificate.
    pub fn is_encrypted(&self) -> bool {
        !self.certificate.is_empty()
    }

    /// Connects with TLS if the line has a certificate, otherwise in plain text.
    pub async fn connect(&self, client: Option<Identity>) -> Channel {
        if self.is_encrypted() {
            grpc(self.encrypt(client, rustls::ALL_VERSIONS).await.unwrap()).await
        } else {
            self.connect_in_plain_text().await
        }
    }

    /// Connects without encryption.
    pub async fn connect_in_plain_text(&self) -> Channel {
        grpc(self.socket().await.unwrap()).await
    }

    async fn socket(&self) -> io::Result<Box<dyn Socket>> {
        Ok(match self.network.as_str() {
            "unix" => Box::new(UnixStream::connect(&self.address).await?),
            "tcp" => Box::new(TcpStream::connect(&self.address).await?),
            other => panic!("unknown network {other}"),
        })
    }

    /// Opens a TLS connection that trusts only the plugin's certificate.
    pub async fn encrypt(
        &self,
        client: Option<Identity>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> io::Result<TlsStream<Box<dyn Socket>>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match client {
            Some(identity) => config.with_client_cert_resolver(identity.resolver()),
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let socket = self.socket().await?;
        let handshake = TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from("localhost").unwrap(), socket);
        let mut stream = in_time(handshake).await?;
        stream.flush().await?;
        Ok(stream)
    }
}

/// Opens a gRPC channel on a connection.
async fn grpc(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Channel {
    let mut stream = Some(TokioIo::new(stream));
    let once = tower::service_fn(move |_| {
        let stream = stream
            .take()
            .ok_or_else(|| io::Error::other("connected twice"));
        std::future::ready(stream)
    });
    let endpoint = Endpoint::from_static("http://localhost").timeout(LONG_ENOUGH);
    in_time(endpoint.connect_with_connector(once))
        .await
        .unwrap()
}

/// Waits for `future` with a timeout.
///
/// # Panics
/// The timeout expires.
pub async fn in_time<T>(future: impl Future<Output = T>) -> T {
    let result = timeout(LONG_ENOUGH, future).await;
    result.expect("the wait timed out")
}

/// The environment of a host that presents `client` and leaves the place of the socket to the plugin.
pub fn environment(client: Option<Identity>) -> HostEnvironment {
    HostEnvironment {
        started_by_host: true,
        client_certificate: client.map(|identity| identity.certificate.to_owned()),
        network: Network::Unix,
        ports: 0..=0,
        socket_directory: SocketDirectory::FirstUsable(vec![std::env::temp_dir()]),
        socket_group: None,
        log_level: tracing::level_filters::LevelFilter::OFF,
    }
}

/// A correct provider.
fn well_behaved() -> Arc<dyn Provider> {
    let resource = ScriptedResource::new(schemas::thing(), Behavior::Behaves);
    Arc::new(ScriptedProvider::of(&resource))
}

/// Whether the socket file exists.
pub fn exists(address: &str) -> bool {
    Path::new(address).exists()
}

/// Whether `address` is a loopback address.
pub fn is_loopback(address: &str) -> bool {
    address.parse::<SocketAddr>().unwrap().ip().is_loopback()
}
