//! A provider as a process: what HashiCorp's go-plugin asks of a plugin.
//!
//! A host starts the binary, reads one line on stdout (`handshake`), connects to the socket it
//! names (`listener`, `accept`) over mutual TLS (`tls`), and talks gRPC. It calls the provider and
//! a few services of go-plugin's own (`go_plugin_services`), until it asks the process to end.
//! Which provider it is doesn't matter here.

mod accept;
mod address;
mod connection;
#[doc(hidden)]
pub mod generated;
mod go_plugin_services;
mod handshake;
mod hclog;
mod listener;
mod p521;
mod panics;
mod reattach;
mod shutdown;
mod tls;

use std::ffi::OsString;
use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::runtime;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tracing_subscriber::layer::SubscriberExt as _;

pub use crate::process::address::Network;
pub use crate::process::handshake::{EnvironmentError, HostEnvironment};
pub use crate::process::listener::SocketError;
pub use crate::process::tls::TlsError;

use crate::error_text::with_causes;
use crate::framework::Provider;
use crate::process::accept::connections;
use crate::process::generated::grpc_broker_server::GrpcBrokerServer;
use crate::process::generated::grpc_controller_server::GrpcControllerServer;
use crate::process::generated::grpc_stdio_server::GrpcStdioServer;
use crate::process::go_plugin_services::GoPlugin;
use crate::process::handshake::{Handshake, PROTOCOL_VERSION};
use crate::process::hclog::Hclog;
use crate::process::listener::Listener;
use crate::process::tls::Tls;
use crate::protocol::ProviderService;

/// How long operations may take to stop once the process is to end. A host that has asked for it
/// kills us after 2 s.
const GRACE_PERIOD: Duration = Duration::from_millis(1500);

/// How long changes may take to stop once we are to end without the host having asked for it: a
/// request that is in flight is waited for.
const CHANGES_TIMEOUT: Duration = Duration::from_secs(60);

/// Who is to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The host that started us and reads our stdout.
    Hosted,
    /// Any host whose user takes over what we print: for debuggers.
    Reattach,
}

/// Which provider a process is.
#[derive(Clone, Copy, Debug)]
pub struct Binary {
    /// The source address, `host/namespace/name`, by which configurations require the provider.
    pub address: &'static str,
    /// The crates whose events are logged, as `module_path!` names them: the provider's own. Events of
    /// all other crates but this framework are dropped.
    pub crates: &'static [&'static str],
}

/// What to serve, to whom.
#[expect(missing_debug_implementations, reason = "a provider can't be printed")]
pub struct Serve {
    /// The provider's source address: `host/namespace/name`.
    pub address: String,
    /// The provider.
    pub provider: Arc<dyn Provider>,
    /// What the host has said.
    pub environment: HostEnvironment,
    /// Who is to connect.
    pub mode: Mode,
    /// Where the one line goes.
    pub stdout: Box<dyn Write + Send>,
}

/// Why a provider couldn't be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No host has started us, and nobody wants to debug us.
    #[error("started by hand")]
    ByHand,
    /// The host says what makes no sense.
    #[error("the host's environment can't be understood")]
    Environment(#[from] EnvironmentError),
    /// There is no socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// There is no TLS.
    #[error("the connection can't be encrypted")]
    Tls(#[from] TlsError),
    /// Nobody can be told where we are.
    #[error("the address could not be printed")]
    Announcement(#[source] io::Error),
    /// The system doesn't let us run.
    #[error("the system refuses what a server needs")]
    System(#[source] io::Error),
    /// The server ended by itself.
    #[error("the server failed")]
    Server(#[from] tonic::transport::Error),
}

/// Is the process of a provider until its end: `arguments` come without the binary's name. Whatever
/// goes wrong is on stderr.
pub fn run(
    binary: Binary,
    provider: Arc<dyn Provider>,
    arguments: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> ExitCode {
    match panics::catch(|| try_to_run(binary, provider, arguments, variables)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            say(&explanation(binary.address, &error));
            ExitCode::FAILURE
        }
        Err(crash) => {
            say(&panics::report(&crash));
            ExitCode::from(2)
        }
    }
}

/// Serves until the host asks us to end, does not even connect, or `stop` resolves; then running
/// operations are cancelled, and get a short grace to answer with what exists by then.
///
/// # Errors
/// Nothing could be served.
pub async fn serve(mut serve: Serve, stop: impl Future<Output = ()>) -> Result<(), Error> {
    let tls = match (serve.mode, &serve.environment.client_certificate) {
        (Mode::Hosted, Some(certificate)) => Some(Tls::with_host(certificate)?),
        (Mode::Hosted, None) | (Mode::Reattach, _) => None,
    };
    let provider = ProviderService::new(Arc::clone(&serve.provider));
    let operations = provider.operations();
    let listener = Listener::bind(&serve.environment).await?;
    announce(&mut serve, &listener, tls.as_ref()).map_err(Error::Announcement)?;

    let (connected, ended) = (CancellationToken::new(), CancellationToken::new());
    let no_host_connects = shutdown::no_host_connects(serve.mode, connected.clone());
    let incoming = connections(listener.incoming, tls.map(|tls| tls.acceptor))
        .inspect(move |_| connected.cancel());
    let services = GoPlugin::new(ended.clone());
    let address = serve.address;
    let server = Server::builder()
        .trace_fn(move |_| {
            tracing::error_span!(
                "provider",
                tf_provider_addr = address,
                tf_proto_version = PROTOCOL_VERSION
            )
        })
        .add_service(provider.into_server())
        .add_service(GrpcControllerServer::new(services.clone()))
        .add_service(GrpcStdioServer::new(services.clone()))
        .add_service(GrpcBrokerServer::new(services))
        .serve_with_incoming_shutdown(incoming, ended.clone().cancelled_owned());
    let time_is_up = async {
        let asked_by_host = tokio::select! {
            () = stop => false,
            () = no_host_connects => false,
            () = ended.cancelled() => true,
        };
        ended.cancel();
        operations.stop_for_good();
        if !asked_by_host {
            // Nobody kills us soon, and a host that is still there waits for what has been changed.
            let _ = timeout(CHANGES_TIMEOUT, operations.changes_ended()).await;
        }
        sleep(GRACE_PERIOD).await;
    };
    let all_done = async {
        server.await?;
        operations.changes_ended().await;
        Ok::<_, Error>(())
    };
    tokio::select! {
        result = all_done => result?,
        () = time_is_up => tracing::warn!("ended in the middle of an operation"),
    }
    Ok(())
}

impl Mode {
    /// What the user or the host wants.
    ///
    /// # Errors
    /// It is neither: [`Error::ByHand`].
    pub(crate) fn choose(
        arguments: impl IntoIterator<Item = OsString>,
        environment: &HostEnvironment,
    ) -> Result<Self, Error> {
        // Providers in Go take it with one dash.
        let debug = |argument: OsString| argument == "--debug" || argument == "-debug";
        if arguments.into_iter().any(debug) {
            Ok(Self::Reattach)
        } else if environment.started_by_host {
            Ok(Self::Hosted)
        } else {
            Err(Error::ByHand)
        }
    }
}

fn try_to_run(
    binary: Binary,
    provider: Arc<dyn Provider>,
    arguments: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(), Error> {
    let environment = HostEnvironment::read(binary.address, variables)?;
    let mode = Mode::choose(arguments, &environment)?;
    let level = environment.log_level;
    let log = Hclog::new(binary.crates, level, Timestamp::now, io::stderr());
    // Only the first of a process counts, which in a test may be another's.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(log));
    panics::log_them();

    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::System)?;
    let result = runtime.block_on(async {
        let stop = shutdown::signals(mode).map_err(Error::System)?;
        let what = Serve {
            address: binary.address.to_owned(),
            provider,
            environment,
            mode,
            stdout: Box::new(io::stdout()),
        };
        serve(what, stop).await
    });
    runtime.shutdown_background();
    result
}

/// Prints where we are. The socket takes connections already.
fn announce(serve: &mut Serve, listener: &Listener, tls: Option<&Tls>) -> io::Result<()> {
    let text = match serve.mode {
        Mode::Hosted => Handshake {
            address: &listener.address,
            certificate: tls.map(|tls| &tls.certificate),
        }
        .to_string(),
        Mode::Reattach => {
            reattach::instructions(&serve.address, std::process::id(), &listener.address)?
        }
    };
    writeln!(serve.stdout, "{text}")?;
    serve.stdout.flush()
}

/// What the user reads about `error`.
fn explanation(address: &str, error: &Error) -> String {
    if matches!(error, Error::ByHand) {
        return format!(
            "This is the provider {address}, which Terraform and OpenTofu start by themselves.\n\
             To use it, name it under required_providers in a configuration and run `terraform \
             init`.\nTo debug it, start it with --debug and follow what it says.\n"
        );
    }
    let error = with_causes(error);
    format!("The provider {address} could not be started: {error}.\n")
}

fn say(text: &str) {
    // Where nobody listens there is nobody to tell that.
    let _ = io::stderr().write_all(text.as_bytes());
}
