//! Runs a provider as a plugin process, as HashiCorp's go-plugin requires.
//!
//! A host starts the binary and reads one line on stdout (`handshake`). It connects to the socket
//! in that line (`listener`, `accept`) over mutual TLS (`tls`). Over gRPC it calls the provider and
//! go-plugin's own services (`go_plugin_services`), until it requests a shutdown. This module works
//! for every provider.

mod accept;
mod address;
mod command_line;
mod connection;
#[doc(hidden)]
pub mod generated;
mod go_plugin_services;
mod handshake;
mod hclog;
mod listener;
#[cfg(unix)]
mod open_files;
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

use jiff::Timestamp;
use tokio::runtime;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tracing_subscriber::layer::SubscriberExt as _;

pub use crate::process::address::Network;
pub use crate::process::handshake::{EnvironmentError, HostEnvironment, SocketDirectory};
pub use crate::process::listener::{SocketAttempt, SocketError};
pub use crate::process::tls::TlsError;

use crate::error_text::with_causes;
use crate::framework::Provider;
use crate::process::accept::connections;
use crate::process::command_line::Command;
use crate::process::generated::grpc_broker_server::GrpcBrokerServer;
use crate::process::generated::grpc_controller_server::GrpcControllerServer;
use crate::process::generated::grpc_stdio_server::GrpcStdioServer;
use crate::process::go_plugin_services::GoPlugin;
use crate::process::handshake::{Handshake, PROTOCOL_VERSION};
use crate::process::hclog::Hclog;
use crate::process::listener::Listener;
use crate::process::shutdown::HostConnections;
use crate::process::tls::Tls;
use crate::protocol::ProviderService;

/// How long operations may take to stop during a shutdown. A host kills the plugin 2 s after its
/// shutdown request.
const GRACE_PERIOD: Duration = Duration::from_millis(1500);

/// How long changes may take to stop during a shutdown that the host did not request. The process
/// waits for requests in flight.
const CHANGES_TIMEOUT: Duration = Duration::from_secs(60);

/// Which host connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The host that started the plugin and reads its stdout.
    Hosted,
    /// Any host that reattaches with the printed variable, for debugging.
    Reattach,
}

/// The provider that a process serves.
#[derive(Clone, Copy, Debug)]
pub struct Binary {
    /// The source address in `required_providers`, `host/namespace/name`.
    pub address: &'static str,
    /// The provider's version, such as `1.2.3`.
    pub version: &'static str,
    /// The provider's own crates, as `module_path!` spells them. Only events of these crates and of
    /// this framework are logged.
    pub crates: &'static [&'static str],
}

/// The parameters of [`serve`].
#[expect(missing_debug_implementations, reason = "a provider can't be printed")]
pub struct Serve {
    /// The provider's source address: `host/namespace/name`.
    pub address: String,
    /// The provider.
    pub provider: Arc<dyn Provider>,
    /// The settings from the host.
    pub environment: HostEnvironment,
    /// Which host connects.
    pub mode: Mode,
    /// The output for the handshake line or the reattach instructions.
    pub stdout: Box<dyn Write + Send>,
}

/// Why a provider could not be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The plugin was started without a host and without `--debug`.
    #[error("no host started the plugin")]
    ByHand,
    /// The host set an invalid environment variable.
    #[error("the host set an invalid environment variable")]
    Environment(#[from] EnvironmentError),
    /// The socket could not be opened.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// TLS could not be set up.
    #[error("could not set up TLS")]
    Tls(#[from] TlsError),
    /// The handshake line or the reattach instructions could not be written.
    #[error("could not write the socket's address to stdout")]
    Announcement(#[source] io::Error),
    /// The operating system refused a resource.
    #[error("the operating system refused a resource that the server needs")]
    System(#[source] io::Error),
    /// The server ended unexpectedly.
    #[error("the server failed")]
    Server(#[from] tonic::transport::Error),
}

/// Runs the process of a provider. `arguments` exclude the binary's name. Errors go to stderr.
///
/// A host passes no arguments. `--debug` serves any host. `--help` and `--version` print a text.
pub fn run(
    binary: Binary,
    provider: Arc<dyn Provider>,
    arguments: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> ExitCode {
    let for_debugging = match Command::read(arguments) {
        Command::Serve => false,
        Command::Debug => true,
        Command::Help => return print(&command_line::help(binary)),
        Command::Version => return print(&command_line::version(binary)),
    };
    match panics::catch(|| try_to_run(binary, provider, for_debugging, variables)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            let text = explanation(binary.address, &error);
            if !for_debugging && error.takes_the_place_of_the_handshake() {
                answer_host(&text);
            }
            say(&text);
            ExitCode::FAILURE
        }
        Err(crash) => {
            say(&panics::report(&crash));
            ExitCode::from(2)
        }
    }
}

/// Serves until the host requests a shutdown, no host is connected any more, or `stop` resolves.
///
/// Then it cancels the running operations. They get a short grace period to return partial state.
///
/// # Errors
/// The provider could not be served.
pub async fn serve(mut serve: Serve, stop: impl Future<Output = ()>) -> Result<(), Error> {
    let tls = match (serve.mode, &serve.environment.client_certificate) {
        (Mode::Hosted, Some(certificate)) => Some(Tls::with_host(certificate)?),
        (Mode::Hosted, None) | (Mode::Reattach, _) => None,
    };
    let provider = ProviderService::new(Arc::clone(&serve.provider));
    let operations = provider.operations();
    let listener = Listener::bind(&serve.environment, tls.as_ref()).await?;
    announce(&mut serve, &listener, tls.as_ref()).map_err(Error::Announcement)?;

    let ended = CancellationToken::new();
    let host = HostConnections::new();
    let no_host_is_connected = host.clone().no_host_is_connected(serve.mode);
    let incoming = connections(listener.incoming, tls.map(|tls| tls.acceptor), host);
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
            () = no_host_is_connected => false,
            () = ended.cancelled() => true,
        };
        ended.cancel();
        operations.stop_for_good();
        if !asked_by_host {
            // No host will kill the plugin soon. A host that still runs waits for partial state.
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
        () = time_is_up => tracing::warn!("shutting down during an operation"),
    }
    Ok(())
}

impl Error {
    /// Whether a host still waits for the handshake line when this error ends the plugin.
    fn takes_the_place_of_the_handshake(&self) -> bool {
        match self {
            Self::Environment(_) | Self::Socket(_) | Self::Tls(_) | Self::System(_) => true,
            Self::ByHand | Self::Announcement(_) | Self::Server(_) => false,
        }
    }
}

impl Mode {
    /// Chooses the mode from the flag `--debug` and the environment.
    ///
    /// # Errors
    /// Neither the flag nor a host is present: [`Error::ByHand`].
    fn choose(for_debugging: bool, environment: &HostEnvironment) -> Result<Self, Error> {
        if for_debugging {
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
    for_debugging: bool,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(), Error> {
    let environment = HostEnvironment::read(binary.address, variables)?;
    let mode = Mode::choose(for_debugging, &environment)?;
    let level = environment.log_level;
    let log = Hclog::new(binary.crates, level, Timestamp::now, io::stderr());
    // A process has only one global subscriber. In a test, another test may have set it.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(log));
    panics::log_them();
    #[cfg(unix)]
    open_files::raise_the_limit();

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

/// Prints the socket's address. The socket already accepts connections.
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

/// The message to the user about `error`.
fn explanation(address: &str, error: &Error) -> String {
    if matches!(error, Error::ByHand) {
        return command_line::introduction(address);
    }
    let next = match error {
        Error::Socket(_) => " Set TMPDIR to a writable directory with a short path.",
        _ => "",
    };
    let error = with_causes(error);
    format!("The provider {address} could not be started: {error}.{next}\n")
}

/// Prints `text` in place of the handshake line. A host shows that line to the user as the cause of the
/// failure, but shows stderr only in its log.
fn answer_host(text: &str) {
    let line = text.trim().replace(['\n', '|'], " ");
    // If stdout is closed, no host waits for the line.
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints what the user asked for.
fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn say(text: &str) {
    // If stderr is closed, there is nowhere to report that.
    let _ = io::stderr().write_all(text.as_bytes());
}
