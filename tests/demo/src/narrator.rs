//! The output of the demo: numbered steps with their commands and the relevant output lines.

use std::error::Error;
use std::io::Write;

use azure_simulator::{Entry, Simulator};
use host_cli::Host;
use host_cli::run::Finished;

/// Writes the output of the demo.
#[derive(Debug)]
pub(crate) struct Narrator<W> {
    output: W,
    step: usize,
}

/// The number of workflow objects in an Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    tasks: u64,
    role_assignments: u64,
    policy_repositories: u64,
    active_runs: u64,
}

impl Counts {
    /// Counts the workflow objects in the simulator.
    pub(crate) fn of(azure: &Simulator) -> Self {
        let left = azure.leftovers();
        // A missing count must not look like 0.
        let count = |what: &str| left[what].as_u64().unwrap_or(u64::MAX);
        Self {
            tasks: count("tasks"),
            role_assignments: count("role_assignments"),
            policy_repositories: count("policy_repositories"),
            active_runs: count("active_runs"),
        }
    }

    /// Whether all counts are 0.
    pub(crate) fn are_zero(self) -> bool {
        self.columns().iter().all(|(_, count)| *count == 0)
    }

    fn columns(self) -> [(&'static str, u64); 4] {
        [
            ("tasks", self.tasks),
            ("role assignments", self.role_assignments),
            ("policy repositories", self.policy_repositories),
            ("active runs", self.active_runs),
        ]
    }
}

impl<W: Write> Narrator<W> {
    /// Returns a narrator before the first step.
    pub(crate) fn new(output: W) -> Self {
        Self { output, step: 0 }
    }

    /// Starts the part of a host, and restarts the numbering of steps.
    pub(crate) fn chapter(&mut self, host: &Host) {
        self.step = 0;
        let title = format!("The provider under {host}");
        self.say(&format!("\n{title}\n{}", "=".repeat(title.len())));
    }

    /// Starts a step.
    pub(crate) fn step(&mut self, title: &str) {
        self.step += 1;
        self.say(&format!("\n{}. {title}", self.step));
    }

    /// Writes a note about the current step.
    pub(crate) fn note(&mut self, text: &str) {
        for line in text.lines() {
            self.say(&format!("   {line}"));
        }
    }

    /// Writes a command and the relevant lines of its output.
    pub(crate) fn command(&mut self, finished: &Finished, is_relevant: fn(&str) -> bool) {
        self.say(&format!("   $ {}", finished.command));
        for line in finished
            .stdout
            .lines()
            .filter(|line| is_relevant(line.trim_start()))
        {
            self.say(&format!("     {line}"));
        }
    }

    /// Writes the calls that changed something in Azure.
    pub(crate) fn writes(&mut self, calls: &[Entry]) {
        if calls.is_empty() {
            return self.note("Write calls: none");
        }
        self.note(&format!("Write calls: {}", calls.len()));
        for call in calls {
            self.say(&format!("     {:<6} {}", call.method, short_path(call)));
        }
    }

    /// Writes the table of remaining objects in Azure.
    pub(crate) fn table(&mut self, left: &[(Host, Counts)]) {
        self.say("\nRemaining objects in Azure\n==========================\n");
        for (number, (host, counts)) in left.iter().enumerate() {
            let columns = counts.columns();
            if number == 0 {
                let titles = columns.map(|(title, _)| format!("{title:>20}")).concat();
                self.say(&format!("{:<22}{titles}", "after"));
            }
            let numbers = columns.map(|(_, count)| format!("{count:>20}")).concat();
            self.say(&format!("{:<22}{numbers}", host.to_string()));
        }
        let verdict = if left.iter().all(|(_, counts)| counts.are_zero()) {
            "Azure contains no remaining objects."
        } else {
            "Azure contains remaining objects. This is a bug in the provider."
        };
        self.say(&format!("\n{verdict}"));
    }

    /// Writes the error that ended the demo.
    pub(crate) fn failure(&mut self, error: &dyn Error) {
        self.say(&format!("\nThe demo failed: {error}"));
        let mut cause = error.source();
        while let Some(reason) = cause {
            self.note(&format!("Caused by: {reason}"));
            cause = reason.source();
        }
    }

    fn say(&mut self, text: &str) {
        // The demo must clean up even if its output is closed.
        let _ = writeln!(self.output, "{text}");
    }
}

/// Returns the readable end of a call's path.
fn short_path(call: &Entry) -> String {
    let path = call.path.trim_matches('/');
    match path.rsplit_once("/providers/") {
        Some((_, resource)) => resource.to_owned(),
        // The name of an upload is random.
        None => match path.split_once("/uploads/") {
            Some((upload, _)) => format!("{}/{upload}/uploads/…", call.host),
            None => format!("{}/{path}", call.host),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remaining_objects_appear_in_the_table_and_in_the_verdict() {
        let host = Host {
            kind: host_cli::host::Kind::OpenTofu,
            version: "1.12.6".into(),
            program: "tofu".into(),
        };
        let counts = Counts {
            tasks: 0,
            role_assignments: 1,
            policy_repositories: 0,
            active_runs: 0,
        };
        let mut output = Vec::new();
        Narrator::new(&mut output).table(&[(host, counts)]);
        let output = String::from_utf8(output).unwrap();
        assert!(!counts.are_zero());
        let row = "OpenTofu 1.12.6                          0                   1                   0                   0";
        assert!(output.contains(row), "{output}");
        assert!(output.contains("contains remaining objects"), "{output}");
    }
}
