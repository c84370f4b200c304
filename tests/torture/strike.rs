//! One operation with a fault.

use std::time::{Duration, Instant};

use azure_simulator::{Entry, Release};
use host_cli::{Finished, Running};

use crate::fault::{Case, Kind, Operation};
use crate::processes;
use crate::stage::{Stage, Wanted};

/// The outcome of an operation with a fault.
#[derive(Debug)]
pub(crate) struct Struck {
    /// Whether the fault happened. An operation that ends earlier doesn't reach the request.
    pub(crate) happened: bool,
    /// Whether the operation must succeed in spite of the fault.
    pub(crate) is_retried: bool,
    pub(crate) succeeded: bool,
    /// The host's output.
    pub(crate) text: String,
    /// The requests with their statuses, in the order of their responses.
    pub(crate) requests: Vec<String>,
    /// The programs that outlived the host by more than a second.
    pub(crate) outlived: Vec<String>,
    /// The names of the files that an orderly end left in `TMPDIR`.
    pub(crate) temporary: Vec<String>,
}

/// Runs the operation of the case from where the stage is now, with its fault.
pub(crate) async fn strike(stage: &Stage, case: Case) -> Struck {
    let is_hasty = case.kind == Kind::Hang;
    stage.configure(Wanted {
        is_hasty,
        ..Wanted::from(case.operation)
    });
    stage.azure.clear_faults();
    stage.azure.mark();
    stage.azure.fault(case.fault());
    let mut running = start(stage, case.operation);
    let mut happened = false;
    if case.kind.is_signal() {
        happened = held(stage, &mut running).await;
        if happened {
            signal(stage, case.kind, &running).await;
        }
    }
    let finished = running.ended().await;
    let outlived = outlived(stage).await;
    stage.azure.release(Release::Cut);
    // Azure may still carry out what it has received.
    while stage.azure.held() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stage.azure.clear_faults();
    let requests = stage.azure.requests();
    happened |= requests.iter().any(|request| request.faulted);
    // Entra ID has no resources, so it returns no 404 for a moment.
    let to_entra = |request: &Entry| request.faulted && request.host.starts_with("login.");
    let is_absence = case.kind == Kind::NotFound && requests.iter().any(to_entra);
    let is_retried = case.kind.is_retried(case.when) && !is_absence;
    let (succeeded, text) = match finished {
        Ok(finished) => (finished.code == Some(0), finished.text()),
        Err(error) => (false, error.to_string()),
    };
    let temporary = match case.kind.ends_orderly() {
        true => files(stage),
        false => Vec::new(),
    };
    empty(stage);
    Struck {
        happened,
        is_retried,
        succeeded,
        text,
        requests: requests.iter().map(line).collect(),
        outlived,
        temporary,
    }
}

/// Runs an operation without a fault, and returns the number of its requests.
pub(crate) async fn undisturbed(stage: &Stage, operation: Operation) -> u64 {
    stage.start(operation);
    stage.configure(Wanted::from(operation));
    stage.azure.mark();
    let finished: Finished = start(stage, operation).wait().await.unwrap();
    finished.ended_with(0).unwrap();
    stage.azure.requests().len() as u64
}

fn line(request: &Entry) -> String {
    let Entry {
        seq,
        method,
        host,
        path,
        status,
        ..
    } = request;
    format!("{seq} {method} {host}{path} {status}")
}

fn start(stage: &Stage, operation: Operation) -> Running {
    match operation {
        Operation::Delete => stage.workspace.start_destroy(),
        Operation::Create | Operation::Update | Operation::Repair => stage.workspace.start_apply(),
    }
    .unwrap()
}

/// Waits until the simulator holds a request. Returns `false` if the host ends before.
async fn held(stage: &Stage, running: &mut Running) -> bool {
    loop {
        if stage.azure.held() > 0 {
            return true;
        }
        if !running.is_running() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn signal(stage: &Stage, kind: Kind, running: &Running) {
    // Long enough for the host, or the end of its connection, to reach the provider.
    let moment = Duration::from_millis(100);
    match kind {
        Kind::KillProvider => {
            let running = processes::with_tmpdir(stage.temporary.path());
            let providers = running.iter().filter(|it| it.is_provider());
            providers.for_each(processes::Process::kill);
            stage.azure.release(Release::Cut);
            return;
        }
        Kind::KillHost => {
            running.kill_host();
            tokio::time::sleep(moment).await;
        }
        Kind::CtrlC => {
            running.ctrl_c();
            tokio::time::sleep(moment).await;
        }
        Kind::CtrlCTwice => {
            running.ctrl_c();
            tokio::time::sleep(moment).await;
            running.ctrl_c();
        }
        Kind::Terminate => {
            running.terminate();
            tokio::time::sleep(moment).await;
        }
        _ => {}
    }
    stage.azure.release(Release::Answer);
}

/// Waits until every process of the stage has ended. Returns those that took more than a second, and kills
/// those that do not end at all.
async fn outlived(stage: &Stage) -> Vec<String> {
    let since = Instant::now();
    let mut outlived = Vec::new();
    loop {
        let running = processes::with_tmpdir(stage.temporary.path());
        if running.is_empty() {
            return outlived;
        }
        if since.elapsed() > Duration::from_secs(1) {
            outlived = running.iter().map(|it| it.program.clone()).collect();
        }
        if since.elapsed() > Duration::from_secs(60) {
            running.iter().for_each(processes::Process::kill);
            return outlived;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn files(stage: &Stage) -> Vec<String> {
    let entries = std::fs::read_dir(stage.temporary.path()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

fn empty(stage: &Stage) {
    for name in files(stage) {
        let path = stage.temporary.path().join(name);
        match path.is_dir() {
            true => std::fs::remove_dir_all(path).unwrap(),
            false => std::fs::remove_file(path).unwrap(),
        }
    }
}
