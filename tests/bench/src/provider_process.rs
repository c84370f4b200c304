//! A provider as a process, started and measured as a host sees it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use azure_simulator::{Fate, RegistryHandle, Simulator};
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::protocol::generated::provider_client::ProviderClient;
use terraform_plugin::value::Value;
use terraform_plugin_testing::core::Core;
use terraform_plugin_testing::plugin_process::{COOKIE, Line, in_time};
use terraform_plugin_testing::tls_identity::{HOST, Identity};
use terraform_provider_acr::provider::{AcrProvider, Environment};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tonic::transport::Channel;

/// The type of the resource.
const WORKFLOW: &str = "acr_continuous_patching_workflow";

/// The maximum size of a message that Terraform reads.
const LONGEST_MESSAGE: usize = 64 << 20;

/// The unit of CPU time in `/proc`. It is the same on all processors that Linux runs on today.
const TICKS_PER_SECOND: f64 = 100.0;

/// The folder for the sockets of the providers. A provider that is killed can't delete its own.
pub(crate) static SOCKETS: OnceLock<PathBuf> = OnceLock::new();

/// A running provider. It is killed when the value is dropped.
pub(crate) struct ProviderProcess {
    child: Child,
    client: ProviderClient<Channel>,
}

impl ProviderProcess {
    /// Starts a binary, and connects to it with mutual TLS.
    pub(crate) async fn start(
        binary: &Path,
        variables: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        let (child, line, _) = handshake(binary, variables, Some(HOST)).await;
        Self::connected(child, line.connect(Some(HOST)).await)
    }

    /// Starts a binary, and connects to it in plain text. rustls can't read the certificate of a plugin in Go.
    pub(crate) async fn start_in_plain_text(binary: &Path) -> Self {
        let (child, line, _) = handshake(binary, [], None).await;
        Self::connected(child, line.connect_in_plain_text().await)
    }

    fn connected(child: Child, channel: Channel) -> Self {
        let client = ProviderClient::new(channel).max_decoding_message_size(LONGEST_MESSAGE);
        Self { child, client }
    }

    /// Requests the schema, as every command does first.
    pub(crate) async fn schema(&self) {
        let request = pb::get_provider_schema::Request {};
        let answer = self.client.clone().get_provider_schema(request).await;
        assert_eq!(answer.unwrap().into_inner().diagnostics, []);
    }

    /// The resident memory in MiB, now and at its peak.
    pub(crate) fn memory(&self) -> (f64, f64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let mebibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
            kibibytes.parse::<f64>().unwrap() / 1024.0
        };
        (mebibytes("VmRSS:"), mebibytes("VmHWM:"))
    }

    /// The CPU time so far, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let line = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        // The name of the program is in brackets and may contain spaces.
        let (_, fields) = line.rsplit_once(')').unwrap();
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: f64 = ticks.map(|field| field.parse::<f64>().unwrap()).sum();
        ticks / TICKS_PER_SECOND
    }

    fn id(&self) -> u32 {
        self.child.id().unwrap()
    }
}

/// Starts a binary, and returns its handshake line and the time until then. A host with an identity requests
/// mutual TLS.
pub(crate) async fn handshake(
    binary: &Path,
    variables: impl IntoIterator<Item = (&'static str, String)>,
    host: Option<Identity>,
) -> (Child, Line, Duration) {
    let certificate = host.map(|host| ("PLUGIN_CLIENT_CERT", host.certificate));
    let mut command = Command::new(binary);
    command
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "TMPDIR"))
        .envs(SOCKETS.get().map(|folder| ("TMPDIR", folder)))
        .envs(variables)
        .envs(certificate)
        .env(COOKIE.0, COOKIE.1)
        .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
        .env("PLUGIN_MIN_PORT", "10000")
        .env("PLUGIN_MAX_PORT", "25000")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let begin = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut text = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    in_time(stdout.read_line(&mut text)).await.unwrap();
    (child, Line::parse(&text), begin.elapsed())
}

/// A provider that is configured for a simulator, and a Terraform Core with an empty state.
pub(crate) async fn configured(binary: &Path, azure: &Simulator) -> (ProviderProcess, Core) {
    let process = ProviderProcess::start(binary, azure.env()).await;
    process.schema().await;
    let client = process.client.clone();
    let provider = AcrProvider::new(Environment::default());
    let arguments = Value::object::<String>([]);
    let core = Core::connected(WORKFLOW, arguments, &provider, move || {
        Box::pin(std::future::ready(client.clone()))
    });
    (process, core.await)
}

/// The tags of each repository.
const TAGS: [&str; 2] = ["3.11", "latest"];

/// The name of a repository.
fn repository(n: usize) -> String {
    format!("team/app-{n:04}")
}

/// The configuration of a workflow with this many repositories.
pub(crate) fn config(registry_id: &str, schedule: &str, repositories: usize) -> Value {
    let entry = |n| {
        let tags = TAGS.map(Value::from).into_iter().collect();
        let entry = Value::object([("tags", Value::Set(tags)), ("enabled", Value::Null)]);
        (repository(n), entry)
    };
    Value::object([
        ("registry_id", registry_id.into()),
        ("schedule", schedule.into()),
        ("start_time", "02:30".into()),
        (
            "repositories",
            Value::Map((0..repositories).map(entry).collect()),
        ),
    ])
}

/// The configuration with the preflight off. Its plan for a create sends no requests.
pub(crate) fn without_preflight(config: &Value) -> Value {
    let mut arguments = config.as_map().unwrap().clone();
    arguments.insert("preflight".to_owned(), "off".into());
    Value::Object(arguments)
}

/// Pushes the images that a workflow with this many repositories selects. If they were missing, a plan would
/// look for them twice.
pub(crate) fn push_images(registry: &RegistryHandle<'_>, repositories: usize) {
    for n in 0..repositories {
        for tag in TAGS {
            registry.push_image(&repository(n), tag, Fate::Clean);
        }
    }
}
