//! The simulator as a program: prints its addresses on stdout and serves until SIGINT or SIGTERM.
#![allow(
    clippy::print_stdout,
    reason = "one line on stdout is this program's interface"
)]

use std::fs;
use std::io;
use std::path::PathBuf;

use azure_simulator::{Cloud, Fault, Knobs, Options, RegistrySpec, Simulator};
use clap::Parser;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// A local Azure: Entra ID, ARM and the data plane of Azure Container Registry on loopback.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The HTTPS port; 0 selects a free port.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The proxy port; 0 selects a free port.
    #[arg(long, default_value_t = 0)]
    proxy_port: u16,
    /// The plain HTTP port of the managed identity endpoints; 0 selects a free port.
    #[arg(long, default_value_t = 0)]
    plain_port: u16,
    /// The cloud to simulate.
    #[arg(long, value_enum, default_value_t = Cloud::Public)]
    cloud: Cloud,
    /// A host that serves the cloud's metadata endpoints, in addition to ARM.
    #[arg(long)]
    metadata_host: Option<String>,
    /// The file to write the certificate authority to (PEM).
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// The file to write the request log to (JSON lines).
    #[arg(long)]
    log_file: Option<PathBuf>,
    /// The file to write shell `export` lines to, for a provider's environment.
    #[arg(long)]
    env_file: Option<PathBuf>,
    /// A registry: NAME[,rg=…][,subscription=…][,location=…][,sku=…][,dnl=…][,state=…][,abac][,restricted][,bypass]
    /// [,allow-client][,no-arm-tokens]; can be repeated.
    #[arg(long = "registry")]
    registries: Vec<RegistrySpec>,
    /// A fault: `at=7,status=500`, `on=PUT /tasks/,nth=2,cut`, …; can be repeated.
    #[arg(long = "fault")]
    faults: Vec<Fault>,
    #[command(flatten)]
    knobs: Knobs,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let Arguments {
        port,
        proxy_port,
        plain_port,
        cloud,
        metadata_host,
        ca_file,
        log_file,
        env_file,
        registries,
        faults,
        knobs,
    } = Arguments::parse();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let simulator = Simulator::start(Options {
        port,
        proxy_port,
        plain_port,
        cloud,
        metadata_host,
        ca_file,
        log_file,
        registries,
        faults,
        knobs,
    })?;
    if let Some(path) = env_file {
        fs::write(path, environment(&simulator))?;
    }
    let ready = json!({
        "endpoint": simulator.endpoint(),
        "proxy": simulator.proxy_url(),
        "plain": simulator.plain_url(),
        "ca_file": simulator.ca_file(),
        "pid": std::process::id(),
    });
    println!("{ready}");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    simulator.stop();
    Ok(())
}

/// Returns shell lines for a provider's environment; other authentication methods are in comments.
fn environment(simulator: &Simulator) -> String {
    let mut variables = simulator.env();
    // With these, `curl "$SIMULATOR/leftovers"` works in the same shell.
    variables.extend([
        ("CURL_CA_BUNDLE", simulator.ca_file().display().to_string()),
        ("NO_PROXY", "127.0.0.1,localhost".to_owned()),
        ("SIMULATOR", format!("{}/_simulator", simulator.endpoint())),
    ]);
    let lines = variables
        .into_iter()
        .map(|(name, value)| format!("export {name}='{value}'\n"));
    let identity = simulator.managed_identity();
    let oidc = simulator.oidc();
    let comments = [
        ("ARM_MSI_ENDPOINT", identity.endpoint()),
        ("IDENTITY_ENDPOINT", identity.app_service_endpoint()),
        ("IDENTITY_HEADER", identity.app_service_header()),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", oidc.github_request_url()),
        (
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            oidc.github_request_token(),
        ),
        ("SYSTEM_OIDCREQUESTURI", oidc.azure_devops_request_url()),
        ("SYSTEM_ACCESSTOKEN", oidc.azure_devops_request_token()),
        (
            "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID",
            oidc.service_connection_id().to_owned(),
        ),
    ];
    let comments = comments.map(|(name, value)| format!("# {name}='{value}'\n"));
    lines.chain(comments).collect()
}
