//! Shows the provider at work: every host of this machine applies, changes, repairs and destroys
//! `examples/demo` on a local Azure.
//!
//! # Layout
//! - `story`: what happens, step by step, under one host.
//! - `narrator`: how it is told.
//!
//! The exit code is 0 only if all of it went well and nothing is left in Azure. Nothing stays
//! behind on the machine either, whatever ends it: hosts, folders and the Azure go with the values
//! that hold them.

mod narrator;
mod story;

use std::io;
use std::process::ExitCode;

use host_cli::{Host, Provider};
use terraform_provider_acr::SOURCE_ADDRESS;
use tokio::signal::unix::{SignalKind, signal};

use crate::narrator::{Counts, Narrator};

#[tokio::main]
async fn main() -> ExitCode {
    let mut narrator = Narrator::new(io::stdout());
    let outcome = tokio::select! {
        outcome = demo(&mut narrator) => outcome,
        reason = called_off() => Err(reason.into()),
    };
    match outcome {
        Ok(left) if left.iter().all(|(_, counts)| counts.are_zero()) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            narrator.failure(&*error);
            ExitCode::FAILURE
        }
    }
}

/// Anything that may go wrong; there is nobody to tell it apart.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Plays the story under every host, and gives what each has left in its Azure.
async fn demo(narrator: &mut Narrator<io::Stdout>) -> Result<Vec<(Host, Counts)>, Failure> {
    let hosts = Host::all()?;
    let provider = provider()?;
    let mut left = Vec::new();
    for host in hosts {
        narrator.chapter(&host);
        let counts = story::play(&host, &provider, narrator).await?;
        left.push((host, counts));
    }
    narrator.table(&left);
    Ok(left)
}

/// The provider's binary: cargo puts it beside this one.
fn provider() -> Result<Provider, Failure> {
    let path = std::env::current_exe()?.with_file_name("terraform-provider-acr");
    if path.exists() {
        Ok(Provider::new(SOURCE_ADDRESS, &path))
    } else {
        Err(format!(
            "{} is not there: run `make demo`, which builds it",
            path.display()
        )
        .into())
    }
}

/// Waits until somebody wants this to end.
async fn called_off() -> String {
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    match (interrupt, terminate) {
        (Ok(mut interrupt), Ok(mut terminate)) => tokio::select! {
            _ = interrupt.recv() => "interrupted".to_owned(),
            _ = terminate.recv() => "terminated".to_owned(),
        },
        (Err(error), _) | (_, Err(error)) => format!("can't listen to signals: {error}"),
    }
}
