//! The processes that a host has started. They share an environment variable with a unique value.

use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A running process.
#[derive(Debug)]
pub(crate) struct Process {
    id: Pid,
    /// The file name of its program.
    pub(crate) program: String,
}

impl Process {
    pub(crate) fn kill(&self) {
        // It may have ended already.
        let _ = kill(self.id, Signal::SIGKILL);
    }

    pub(crate) fn is_provider(&self) -> bool {
        self.program.starts_with("terraform-provider-acr")
    }
}

/// Returns the running processes whose `TMPDIR` is this folder.
pub(crate) fn with_tmpdir(folder: &Path) -> Vec<Process> {
    let variable = format!("TMPDIR={}", folder.display());
    let entries = fs::read_dir("/proc").unwrap();
    let process = |entry: fs::DirEntry| {
        let id = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?);
        // A process can end while this reads its files. A process that has ended has no environment.
        let environment = fs::read(entry.path().join("environ")).ok()?;
        environment
            .split(|byte| *byte == 0)
            .any(|it| it == variable.as_bytes())
            .then_some(())?;
        let program = fs::read_link(entry.path().join("exe")).ok()?;
        Some(Process {
            id,
            program: program.file_name()?.to_string_lossy().into_owned(),
        })
    };
    entries.flatten().filter_map(process).collect()
}
