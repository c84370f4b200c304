//! Demonstrates the provider. Every installed host applies, changes, repairs and destroys
//! `examples/demo` on a local Azure simulator.
//!
//! # Layout
//! - `story`: the steps of the demo for one host.
//! - `narrator`: the output of the demo, with colours if it is a terminal.
//! - `blocks`: the blocks in a host's output.
//! - `counts`: the objects that a host left in Azure.
//!
//! `demo --picture FILE` also writes an SVG of the steps that show drift and its repair, for the README.
//!
//! The exit code is 0 only if all steps succeed and Azure is empty afterwards. The demo leaves
//! nothing on the machine, even if it is interrupted. Host processes, folders and the simulator end
//! when their values are dropped.

mod blocks;
mod counts;
mod narrator;
mod story;

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::AutoStream;
use anstyle_svg::Term;

use host_cli::{Host, Provider};
use terraform_provider_acr::SOURCE_ADDRESS;
use tokio::signal::unix::{SignalKind, signal};

use crate::counts::Counts;
use crate::narrator::Narrator;

#[tokio::main]
async fn main() -> ExitCode {
    // Colours only on a terminal, and without NO_COLOR.
    let mut narrator = Narrator::new(AutoStream::auto(io::stdout()));
    let outcome = tokio::select! {
        outcome = demo(&mut narrator) => outcome,
        reason = interrupted() => Err(reason.into()),
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

/// Any error. The demo does not distinguish errors.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs all steps with every host, and returns the objects that each host left in its Azure.
async fn demo(narrator: &mut Narrator<impl io::Write>) -> Result<Vec<(Host, Counts)>, Failure> {
    let picture = picture()?;
    let hosts = Host::all()?;
    let provider = provider()?;
    let mut left = Vec::new();
    for host in hosts {
        narrator.chapter(&host);
        let counts = story::play(&host, &provider, narrator).await?;
        left.push((host, counts));
    }
    narrator.table(&left);
    if let Some(file) = picture {
        std::fs::write(file, Term::new().render_svg(narrator.picture()))?;
    }
    Ok(left)
}

/// The file for the picture, from the arguments.
fn picture() -> Result<Option<PathBuf>, Failure> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    match &arguments[..] {
        [] => Ok(None),
        [option, file] if option == "--picture" => Ok(Some(file.into())),
        _ => Err("The only option is --picture FILE.".into()),
    }
}

/// The provider's binary, which cargo puts next to this one.
fn provider() -> Result<Provider, Failure> {
    let path = env::current_exe()?.with_file_name("terraform-provider-acr");
    if path.exists() {
        Ok(Provider::new(SOURCE_ADDRESS, &path))
    } else {
        Err(format!(
            "{} was not found. Run `make demo` to build it.",
            path.display()
        )
        .into())
    }
}

/// Waits for SIGINT or SIGTERM, and returns the reason for the end.
async fn interrupted() -> String {
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    match (interrupt, terminate) {
        (Ok(mut interrupt), Ok(mut terminate)) => tokio::select! {
            _ = interrupt.recv() => "interrupted".to_owned(),
            _ = terminate.recv() => "terminated".to_owned(),
        },
        (Err(error), _) | (_, Err(error)) => format!("signals are not available: {error}"),
    }
}
