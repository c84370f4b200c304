//! The limit of open files. Only Linux shows and sets the limit of another process.

use std::fs;

use azure_simulator::{Options, RegistrySpec, Simulator};
use nix::sys::resource::{Resource, getrlimit};
use rustix::process::{Pid, Rlimit, prlimit};
use terraform_plugin::framework::Provider as _;
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::protocol::generated::provider_client::ProviderClient;
use terraform_plugin::value::Value;
use terraform_plugin_testing::core::wire;
use terraform_plugin_testing::tls_identity::HOST;
use terraform_provider_acr::provider::{AcrProvider, Environment};
use tokio::process::Command;

use crate::process::binary::{BINARY, Process};

#[tokio::test]
async fn a_low_limit_of_open_files_is_raised_at_start() {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"ulimit -Sn 64; exec "$0""#, BINARY]);
    let process = Process::start(&mut shell).await;

    let limits = fs::read_to_string(format!("/proc/{}/limits", id(&process))).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = line.unwrap().split_whitespace().nth(3).unwrap();
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    assert_eq!(soft, hard.min(10_240).to_string());
    process.shutdown().await;
}

#[tokio::test]
async fn a_shortage_of_open_files_is_an_error_that_names_the_limit() {
    let options = Options::default().registry(RegistrySpec::new("contoso"));
    let azure = Simulator::start(options).unwrap();
    let acr = AcrProvider::new(Environment::default());
    let process = Process::start(Command::new(BINARY).envs(azure.env())).await;
    let mut provider = ProviderClient::new(process.line.connect(Some(HOST)).await);
    let configure = pb::configure_provider::Request {
        config: wire(&acr.schema().block, &Value::object::<String>([])),
        ..Default::default()
    };
    provider.configure_provider(configure).await.unwrap();
    allow_no_further_file(&process);

    let resource = &acr.resources()[0];
    let id = azure.registry("contoso").id();
    let state = Value::object([("registry_id", Value::from(id.as_str()))]);
    let read = pb::read_resource::Request {
        type_name: resource.type_name().to_owned(),
        current_state: wire(&resource.schema().block, &state),
        ..Default::default()
    };
    let answer = provider.read_resource(read).await.unwrap().into_inner();

    let detail = &answer.diagnostics[0].detail;
    assert!(detail.contains("too many open files"), "{detail}");
    assert!(
        detail.contains("Increase the limit of open files"),
        "{detail}"
    );
}

fn id(process: &Process) -> u32 {
    process.child.id().unwrap()
}

/// Sets the limit of the process, so that it can't use any further number for a file.
fn allow_no_further_file(process: &Process) {
    let open = fs::read_dir(format!("/proc/{}/fd", id(process))).unwrap();
    let numbers: Vec<u64> = open
        .map(|file| file.unwrap().file_name().to_str().unwrap().parse().unwrap())
        .collect();
    let free = (0..).find(|number| !numbers.contains(number));
    let limit = Rlimit {
        current: free,
        maximum: free,
    };
    let pid = Pid::from_raw(id(process).try_into().unwrap());
    prlimit(pid, rustix::process::Resource::Nofile, limit).unwrap();
}
