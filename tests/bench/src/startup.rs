//! Start, memory and size of the binary, next to other providers.

use std::fs;
use std::path::{Path, PathBuf};

use azure_simulator::{Options, RegistrySpec, Simulator};
use terraform_plugin_testing::tls_identity::HOST;

use crate::figure::Figure;
use crate::provider_process::{ProviderProcess, config, configured, handshake, push_images};
use crate::samples::{Samples, milliseconds};

const PART: &str = "startup";

/// How often each binary starts. The binaries take turns, so that a busy moment of the machine affects all.
const STARTS: usize = 40;

/// The targets: start in ms, size in MB, and memory in MiB.
const TARGETS: (f64, f64, f64) = (3.0, 9.0, 10.0);

/// Another provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    name: String,
    /// Its binary, if this machine has one.
    binary: Option<PathBuf>,
}

impl Peer {
    /// Reads `NAME=BINARY`. The binary may be empty.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let (name, binary) = text
            .split_once('=')
            .ok_or_else(|| format!("{text} is not NAME=BINARY"))?;
        Ok(Self {
            name: name.to_owned(),
            binary: (!binary.is_empty()).then(|| binary.into()),
        })
    }
}

pub(crate) async fn figures(provider: &Path, peers: &[Peer]) -> Vec<Figure> {
    let (start_target, size_target, memory_target) = TARGETS;
    let bytes = fs::metadata(provider).unwrap().len();
    #[expect(clippy::cast_precision_loss, reason = "some millions")]
    let size = Samples::one(bytes as f64 / 1e6);
    let present = peers.iter().filter_map(|it| it.binary.as_deref());
    let binaries: Vec<&Path> = [provider].into_iter().chain(present).collect();
    let mut measured = side_by_side(&binaries).await.into_iter();
    let (start, memory) = measured.next().unwrap();
    let ours = (start.median(), memory.median());
    let mut figures = vec![
        Figure::new(PART, "Size of the binary", "MB", size).against(size_target, "the target"),
        Figure::new(PART, "Start to handshake", "ms", start).against(start_target, "the target"),
        Figure::new(PART, "Memory after the schema", "MiB", memory),
    ];
    for peer in peers {
        let start = format!("Start to handshake of {}", peer.name);
        let memory = format!("Memory after the schema of {}", peer.name);
        if peer.binary.is_some() {
            let (starts, memories) = measured.next().unwrap();
            figures.extend([
                Figure::new(PART, start, "ms", starts).against(ours.0, "this provider"),
                Figure::new(PART, memory, "MiB", memories).against(ours.1, "this provider"),
            ]);
        } else {
            let why = "its binary is not on this machine";
            figures.extend([
                Figure::skipped(PART, start, "ms", why),
                Figure::skipped(PART, memory, "MiB", why),
            ]);
        }
    }
    let plan = memory_after_a_plan(provider).await;
    figures.push(
        Figure::new(PART, "Memory after a plan of one workflow", "MiB", plan)
            .against(memory_target, "the target"),
    );
    figures
}

/// The time to the handshake line with mutual TLS in ms, and the memory after the schema in MiB, of each binary.
async fn side_by_side(binaries: &[&Path]) -> Vec<(Samples, Samples)> {
    let mut values = vec![(vec![], vec![]); binaries.len()];
    for _ in 0..STARTS {
        for (binary, (starts, memories)) in binaries.iter().zip(&mut values) {
            let (_child, line, time) = handshake(binary, [], Some(HOST)).await;
            assert!(line.is_encrypted());
            starts.push(milliseconds(time));
            let process = ProviderProcess::start_in_plain_text(binary).await;
            process.schema().await;
            memories.push(process.memory().0);
        }
    }
    let samples = |(starts, memories)| (Samples::new(starts), Samples::new(memories));
    values.into_iter().map(samples).collect()
}

async fn memory_after_a_plan(provider: &Path) -> Samples {
    let options = Options::default().registry(RegistrySpec::new("contoso"));
    let azure = Simulator::start(options).unwrap();
    push_images(&azure.registry("contoso"), 2);
    let config = config(&azure.registry("contoso").id(), "7d", 2);
    let mut values = Vec::new();
    for _ in 0..5 {
        let (process, core) = configured(provider, &azure).await;
        core.plan(&config).await.unwrap();
        values.push(process.memory().0);
    }
    Samples::new(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_without_a_binary_is_read_too() {
        let binary = |text: &str| Peer::read(text).unwrap().binary;
        assert_eq!(binary("azapi="), None);
        assert_eq!(binary("azapi=/opt/azapi"), Some("/opt/azapi".into()));
        assert!(Peer::read("azapi").is_err());
    }
}
