//! Measures the provider's release binary on a local Azure simulator.
//!
//! `make bench` runs it, prints one table, and writes BENCHMARKS.md. It measures only on Linux, which shows the
//! memory and the CPU time of another process.
//!
//! # Layout
//! - `figure`, `samples`: a row of the table, and the spread of what was measured
//! - `provider_process`: the provider as a process, its memory and its CPU time
//! - `startup`: start, memory and size, next to other providers
//! - `latency`: the time of each operation at several latencies
//! - `fleet`: many workflows, also while Azure throttles
//! - `computation`: the provider's own computations
//!
//! Everything here panics if a step fails, so that a table never hides a failure.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the run")]

mod computation;
mod figure;
mod fleet;
mod latency;
mod provider_process;
mod samples;
mod startup;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::figure::{Figure, page};
use crate::startup::Peer;

/// What a run measures.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    /// The names of the parts, or none for all.
    parts: Vec<String>,
    /// The provider's binary.
    provider: PathBuf,
    /// The file to write.
    output: Option<PathBuf>,
    /// Other providers' binaries. A missing binary is [`None`].
    peers: Vec<Peer>,
    /// The numbers of workflows in a fleet.
    sizes: Vec<usize>,
}

/// The parts, in the order of the table.
const PARTS: [&str; 4] = ["startup", "latency", "fleet", "computation"];

impl Request {
    /// Reads the arguments: names of parts, and `--provider`, `--output`, `--peer NAME=BINARY`
    /// and `--sizes 1,10`.
    fn read(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut arguments = arguments.into_iter();
        let mut request = Self {
            parts: vec![],
            provider: PathBuf::from("target/release/terraform-provider-acr"),
            output: None,
            peers: vec![],
            sizes: vec![1, 10, 100, 1000],
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let missing = || format!("{argument} needs a value");
                arguments.next().ok_or_else(missing)
            };
            match argument.as_str() {
                "--provider" => request.provider = value()?.into(),
                "--output" => request.output = Some(value()?.into()),
                "--sizes" => request.sizes = sizes(&value()?)?,
                "--peer" => request.peers.push(Peer::read(&value()?)?),
                part if PARTS.contains(&part) => request.parts.push(argument),
                other => return Err(format!("{other} is not one of {}", PARTS.join(", "))),
            }
        }
        Ok(request)
    }

    fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|it| it == part)
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let request = Request::read(std::env::args().skip(1)).map_err(io::Error::other)?;
    let sockets = tempfile::tempdir()?;
    provider_process::SOCKETS.get_or_init(|| sockets.path().to_owned());
    let figures = measure(&request).await;
    let text = page(&figures, &versions(&request.provider));
    io::stdout().write_all(text.as_bytes())?;
    match &request.output {
        Some(output) => fs::write(output, text),
        None => Ok(()),
    }
}

fn sizes(list: &str) -> Result<Vec<usize>, String> {
    let size = |text: &str| text.parse().map_err(|_| format!("{text} is not a size"));
    list.split(',').map(size).collect()
}

async fn measure(request: &Request) -> Vec<Figure> {
    let provider = &request.provider;
    let mut figures = Vec::new();
    for part in PARTS.into_iter().filter(|part| request.wants(part)) {
        let measured = match part {
            "startup" => startup::figures(provider, &request.peers).await,
            "latency" => latency::figures(provider).await,
            "fleet" => fleet::figures(provider, &request.sizes).await,
            _ => computation::figures().await,
        };
        figures.extend(measured);
    }
    figures
}

/// The versions and the machine, one fact a line.
fn versions(provider: &Path) -> Vec<String> {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    vec![
        format!(
            "Provider {} at commit {}, `{}`",
            env!("CARGO_PKG_VERSION"),
            said_by("git", &["describe", "--always", "--dirty"]),
            below_target(provider).display()
        ),
        said_by("rustc", &["--version"]),
        format!("Linux {}", kernel.trim()),
        format!(
            "{threads} threads of {}",
            model.unwrap_or("an unknown processor")
        ),
        format!(
            "Load of the machine before the end of the run: {}",
            load.split(' ').next().unwrap_or("unknown")
        ),
    ]
}

/// The last three parts of a binary's path: its platform or `target`, its profile and its name. The folders above
/// differ between machines.
fn below_target(binary: &Path) -> PathBuf {
    let parts: Vec<_> = binary.components().collect();
    parts[parts.len().saturating_sub(3)..].iter().collect()
}

/// The output of a command, if it is installed.
fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| format!("{program} is not installed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Request, String> {
        Request::read(arguments.iter().map(|it| (*it).to_owned()))
    }

    #[test]
    fn without_arguments_a_run_measures_everything() {
        let request = read(&[]).unwrap();
        assert!(PARTS.iter().all(|part| request.wants(part)));
    }

    #[test]
    fn parts_the_binary_and_the_output_are_arguments() {
        let request = read(&["fleet", "--provider", "p", "--output", "o"]).unwrap();
        assert!(request.wants("fleet") && !request.wants("startup"));
        assert_eq!(read(&["--sizes", "1,20"]).unwrap().sizes, [1, 20]);
        assert_eq!(request.provider, Path::new("p"));
        assert_eq!(request.output.as_deref(), Some(Path::new("o")));
    }

    #[test]
    fn the_page_names_no_folder_of_this_machine() {
        for (binary, shown) in [
            (
                "/home/me/target/x86_64-unknown-linux-musl/release/p",
                "x86_64-unknown-linux-musl/release/p",
            ),
            ("target/release/p", "target/release/p"),
            ("p", "p"),
        ] {
            assert_eq!(below_target(Path::new(binary)), Path::new(shown));
        }
    }

    #[test]
    fn an_unknown_argument_is_an_error() {
        assert_eq!(
            read(&["speed"]).unwrap_err(),
            "speed is not one of startup, latency, fleet, computation"
        );
        assert_eq!(read(&["--sizes", "1,x"]).unwrap_err(), "x is not a size");
        assert_eq!(read(&["--output"]).unwrap_err(), "--output needs a value");
    }
}
