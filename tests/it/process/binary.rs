//! The provider's binary as a separate process.

use std::process::Stdio;

use azure_simulator::{Options, RegistrySpec, Simulator};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Map, Value as Json};
use terraform_plugin::framework::Provider as _;
use terraform_plugin::process::generated::Empty;
use terraform_plugin::process::generated::grpc_controller_client::GrpcControllerClient;
use terraform_plugin::process::generated::grpc_stdio_client::GrpcStdioClient;
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::protocol::generated::provider_client::ProviderClient;
use terraform_plugin::value::Value;
use terraform_plugin_testing::core::wire;
use terraform_plugin_testing::plugin_process::{COOKIE, Line, exists, in_time};
use terraform_plugin_testing::tls_identity::HOST;
use terraform_provider_acr::SOURCE_ADDRESS;
use terraform_provider_acr::provider::{AcrProvider, Environment};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

pub(super) const BINARY: &str = env!("CARGO_BIN_EXE_terraform-provider-acr");

/// A plugin process that the test starts as a host does.
pub(super) struct Process {
    pub(super) child: Child,
    stdout: BufReader<ChildStdout>,
    pub(super) line: Line,
}

impl Process {
    pub(super) async fn start(command: &mut Command) -> Self {
        let ports = command
            .env("PLUGIN_MIN_PORT", "10000")
            .env("PLUGIN_MAX_PORT", "25000");
        Self::start_with_ports(ports).await
    }

    /// Starts the plugin with the port range of `command`.
    async fn start_with_ports(command: &mut Command) -> Self {
        let mut child = command
            .env(COOKIE.0, COOKIE.1)
            .env("PLUGIN_CLIENT_CERT", HOST.certificate)
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .env("TF_LOG", "TRACE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        in_time(stdout.read_line(&mut line)).await.unwrap();
        Self {
            child,
            stdout,
            line: Line::parse(&line),
        }
    }

    fn send(&self, signal: Signal) {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        kill(Pid::from_raw(id), signal).unwrap();
    }

    pub(super) async fn shutdown(&self) {
        let channel = self.line.connect(Some(HOST)).await;
        GrpcControllerClient::new(channel)
            .shutdown(Empty {})
            .await
            .unwrap();
    }

    /// Waits for the end, and returns the exit code and the rest of stdout and stderr.
    pub(super) async fn end(mut self) -> (Option<i32>, String, String) {
        let status = in_time(self.child.wait()).await.unwrap();
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let read = in_time(self.stdout.read_to_string(&mut stdout));
        read.await.unwrap();
        let mut errors = self.child.stderr.take().unwrap();
        in_time(errors.read_to_string(&mut stderr)).await.unwrap();
        assert!(!exists(&self.line.address));
        (status.code(), stdout, stderr)
    }
}

/// The lines of the log.
fn log(stderr: &str) -> Vec<Map<String, Json>> {
    stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn shutdown_ends_the_process_with_valid_log_lines() {
    let process = Process::start(&mut Command::new(BINARY)).await;
    let channel = process.line.connect(Some(HOST)).await;
    let _stdio = GrpcStdioClient::new(channel)
        .stream_stdio(())
        .await
        .unwrap();

    process.shutdown().await;

    let (code, stdout, stderr) = process.end().await;
    assert_eq!((code, stdout.as_str()), (Some(0), ""));
    let log = log(&stderr);
    assert!(!log.is_empty());
    for line in log {
        for key in ["@level", "@message", "@module", "@timestamp"] {
            assert!(line[key].is_string(), "{key} in {line:?}");
        }
        let time = line["@timestamp"].as_str().unwrap();
        assert_eq!(time.len(), "2006-01-02T15:04:05.000000Z".len(), "{time}");
    }
}

#[tokio::test]
async fn log_lines_name_the_rpc_and_the_resource_type() {
    let process = Process::start(&mut Command::new(BINARY)).await;
    let channel = process.line.connect(Some(HOST)).await;
    let mut provider = ProviderClient::new(channel);
    let schema = pb::get_provider_schema::Request {};
    provider.get_provider_schema(schema).await.unwrap();
    let upgrade = pb::upgrade_resource_state::Request {
        type_name: "acr_nothing".to_owned(),
        ..Default::default()
    };
    provider.upgrade_resource_state(upgrade).await.unwrap();
    macro_rules! call {
        ($($rpc:ident),*) => {
            $(provider.$rpc(pb::$rpc::Request::default()).await.unwrap();)*
        };
    }
    call!(
        get_resource_identity_schemas,
        get_functions,
        call_function,
        move_resource_state,
        open_ephemeral_resource,
        stop_provider
    );
    let mut events = provider
        .list_resource(pb::list_resource::Request::default())
        .await
        .unwrap()
        .into_inner();
    while events.message().await.unwrap().is_some() {}
    process.shutdown().await;

    let log = log(&process.end().await.2);
    let of = |rpc: &str| {
        log.iter()
            .find(|line| line.get("tf_rpc") == Some(&rpc.into()))
    };
    let about_no_type = of("GetProviderSchema").unwrap();
    assert_eq!(about_no_type["@message"], "answered");
    assert!(about_no_type["tf_req_id"].is_u64());
    assert!(about_no_type["tf_req_duration_ms"].is_u64());
    assert_eq!(about_no_type.get("tf_resource_type"), None);
    assert_eq!(about_no_type["tf_provider_addr"], SOURCE_ADDRESS);
    assert_eq!(about_no_type["tf_proto_version"], 6);
    let about_a_type = of("UpgradeResourceState").unwrap();
    assert_eq!(about_a_type["tf_resource_type"], "acr_nothing");
    assert_eq!(
        about_a_type["diagnostic_summaries"],
        "error: Unknown resource type"
    );
    for rpc in [
        "GetResourceIdentitySchemas",
        "GetFunctions",
        "CallFunction",
        "MoveResourceState",
        "OpenEphemeralResource",
        "StopProvider",
        "ListResource",
    ] {
        let ends = log.iter().filter(|line| {
            line.get("tf_rpc") == Some(&rpc.into()) && line["@message"] == "answered"
        });
        assert_eq!(ends.count(), 1, "{rpc}");
    }
}

/// The framework logs events of the crates that `main` names, and drops other events.
#[tokio::test]
async fn events_of_the_provider_crate_are_logged() {
    let options = Options::default().registry(RegistrySpec::new("contoso"));
    let azure = Simulator::start(options).unwrap();
    let acr = AcrProvider::new(Environment::default());
    let resource = &acr.resources()[0];
    let mut command = Command::new(BINARY);
    let process = Process::start(command.envs(azure.env())).await;
    let channel = process.line.connect(Some(HOST)).await;
    let mut provider = ProviderClient::new(channel);
    let nothing = Value::object::<String>([]);
    let configure = pb::configure_provider::Request {
        config: wire(&acr.schema().block, &nothing),
        ..Default::default()
    };
    provider.configure_provider(configure).await.unwrap();
    let id = azure.registry("contoso").id();
    let state = Value::object([("registry_id", Value::from(id.as_str()))]);
    let read = pb::read_resource::Request {
        type_name: resource.type_name().to_owned(),
        current_state: wire(&resource.schema().block, &state),
        ..Default::default()
    };
    provider.read_resource(read).await.unwrap();
    process.shutdown().await;

    let log = log(&process.end().await.2);
    let of_this_crate = |line: &&Map<String, Json>| {
        let module = line["@module"].as_str().unwrap_or_default();
        module.starts_with("provider.provider.")
    };
    let line = log.iter().find(of_this_crate).unwrap();
    assert_eq!(line["registry_id"], id);
}

#[tokio::test]
async fn a_failed_tls_handshake_is_logged_with_its_cause() {
    let process = Process::start(&mut Command::new(BINARY)).await;

    let mut refused = process
        .line
        .encrypt(None, rustls::ALL_VERSIONS)
        .await
        .unwrap();
    let mut answer = Vec::new();
    let read = in_time(refused.read_to_end(&mut answer));
    read.await.unwrap_err();
    process.shutdown().await;

    let (_, _, stderr) = process.end().await;
    let failure = log(&stderr)
        .into_iter()
        .find(|line| line["@level"] == "error")
        .unwrap();
    assert_eq!(failure["@message"], "a connection could not be encrypted");
    assert_eq!(failure["error"], "peer sent no certificates");
}

#[tokio::test]
async fn an_invalid_port_range_is_ignored_with_a_unix_socket() {
    let mut command = Command::new(BINARY);
    let process = Process::start_with_ports(
        command
            .env("PLUGIN_MIN_PORT", "many")
            .env("PLUGIN_MAX_PORT", "1"),
    )
    .await;

    process.shutdown().await;

    assert_eq!(process.end().await.0, Some(0));
}

#[tokio::test]
async fn a_temporary_directory_that_can_not_hold_a_socket_does_not_stop_the_process() {
    let parent = tempfile::tempdir().unwrap();
    let long = parent.path().join("x".repeat(96));
    std::fs::create_dir(&long).unwrap();
    for unusable in [&long, &parent.path().join("missing")] {
        let process = Process::start(Command::new(BINARY).env("TMPDIR", unusable)).await;

        assert!(
            !process
                .line
                .address
                .starts_with(parent.path().to_str().unwrap())
        );
        process.shutdown().await;
        assert_eq!(process.end().await.0, Some(0));
    }
}

#[tokio::test]
async fn sigint_is_ignored_because_the_host_handles_it() {
    let process = Process::start(&mut Command::new(BINARY)).await;

    process.send(Signal::SIGINT);
    process.send(Signal::SIGINT);
    process.shutdown().await;

    assert_eq!(process.end().await.0, Some(0));
}

#[tokio::test]
async fn sighup_is_ignored_because_the_host_decides() {
    let process = Process::start(&mut Command::new(BINARY)).await;

    process.send(Signal::SIGHUP);
    process.shutdown().await;

    assert_eq!(process.end().await.0, Some(0));
}

#[tokio::test]
async fn a_hangup_of_the_host_and_the_plugin_removes_the_socket() {
    let mut shell = Command::new("sh");
    // The shell can't trap SIGHUP if the tests run under `nohup`.
    let script = r#""$0" & trap 'kill -HUP $!; exit' USR1; wait"#;
    shell.args(["-c", script, BINARY]);
    let mut host = Process::start(&mut shell).await;

    host.send(Signal::SIGUSR1);
    in_time(host.child.wait()).await.unwrap();

    let mut rest = String::new();
    in_time(host.stdout.read_to_string(&mut rest))
        .await
        .unwrap();
    assert!(!exists(&host.line.address));
}

#[tokio::test]
async fn sigterm_ends_the_process_with_exit_code_0() {
    let process = Process::start(&mut Command::new(BINARY)).await;

    process.send(Signal::SIGTERM);

    assert_eq!(process.end().await.0, Some(0));
}

#[tokio::test]
async fn the_plugin_ends_after_its_host_ends() {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#""$0" & wait"#, BINARY]);
    let mut host = Process::start(&mut shell).await;

    host.send(Signal::SIGKILL);
    in_time(host.child.wait()).await.unwrap();

    let mut rest = String::new();
    let end = host.stdout.read_to_string(&mut rest);
    in_time(end).await.unwrap();
    assert_eq!(rest, "");
    assert!(!exists(&host.line.address));
}

#[tokio::test]
async fn debug_mode_prints_the_reattach_variable_and_ends_on_ctrl_c_or_with_its_terminal() {
    for signal in [Signal::SIGINT, Signal::SIGHUP] {
        debug_mode_until(signal).await;
    }
}

async fn debug_mode_until(signal: Signal) {
    let mut child = Command::new(BINARY)
        .arg("--debug")
        .env_remove(COOKIE.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let variable = loop {
        let line = in_time(lines.next_line()).await.unwrap().unwrap();
        if let Some(variable) = line.trim().strip_prefix("TF_REATTACH_PROVIDERS=") {
            break variable.trim_matches('\'').to_owned();
        }
    };
    let providers: Json = serde_json::from_str(&variable).unwrap();
    let reattach = &providers[SOURCE_ADDRESS];
    assert_eq!(reattach["Pid"], child.id().unwrap());

    let id = i32::try_from(child.id().unwrap()).unwrap();
    kill(Pid::from_raw(id), signal).unwrap();

    let status = in_time(child.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(!exists(reattach["Addr"]["String"].as_str().unwrap()));
}
