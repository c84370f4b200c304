//! How the demo is told: numbered steps, the command of each, and what matters of its output.

use std::error::Error;
use std::io::Write;

use azure_simulator::{Entry, Simulator};
use host_cli::Host;
use host_cli::run::Finished;

/// Tells the story to somebody.
#[derive(Debug)]
pub(crate) struct Narrator<W> {
    audience: W,
    step: usize,
}

/// What there is of workflows in an Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    tasks: u64,
    role_assignments: u64,
    policy_repositories: u64,
    active_runs: u64,
}

impl Counts {
    /// Counts what there is.
    pub(crate) fn of(azure: &Simulator) -> Self {
        let left = azure.leftovers();
        // What can't be counted must not pass for nothing.
        let count = |what: &str| left[what].as_u64().unwrap_or(u64::MAX);
        Self {
            tasks: count("tasks"),
            role_assignments: count("role_assignments"),
            policy_repositories: count("policy_repositories"),
            active_runs: count("active_runs"),
        }
    }

    /// Whether there is nothing at all.
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
    /// A narrator before the first step.
    pub(crate) fn new(audience: W) -> Self {
        Self { audience, step: 0 }
    }

    /// Begins with a host; the steps are counted anew.
    pub(crate) fn chapter(&mut self, host: &Host) {
        self.step = 0;
        let title = format!("The provider under {host}");
        self.say(&format!("\n{title}\n{}", "=".repeat(title.len())));
    }

    /// Begins a step.
    pub(crate) fn step(&mut self, title: &str) {
        self.step += 1;
        self.say(&format!("\n{}. {title}", self.step));
    }

    /// Says something that belongs to the step.
    pub(crate) fn note(&mut self, text: &str) {
        for line in text.lines() {
            self.say(&format!("   {line}"));
        }
    }

    /// Shows a command and the lines of its output that matter.
    pub(crate) fn command(&mut self, finished: &Finished, matters: fn(&str) -> bool) {
        self.say(&format!("   $ {}", finished.command));
        for line in finished
            .stdout
            .lines()
            .filter(|line| matters(line.trim_start()))
        {
            self.say(&format!("     {line}"));
        }
    }

    /// Shows which calls changed something in Azure.
    pub(crate) fn writes(&mut self, calls: &[Entry]) {
        if calls.is_empty() {
            return self.note("Write calls: none");
        }
        self.note(&format!("Write calls: {}", calls.len()));
        for call in calls {
            self.say(&format!("     {:<6} {}", call.method, about(call)));
        }
    }

    /// Ends with what is left.
    pub(crate) fn table(&mut self, left: &[(Host, Counts)]) {
        self.say("\nWhat is left in Azure\n=====================\n");
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
            "Nothing is left."
        } else {
            "Something is left: this is a bug of the provider."
        };
        self.say(&format!("\n{verdict}"));
    }

    /// Says why it can't go on.
    pub(crate) fn failure(&mut self, error: &dyn Error) {
        self.say(&format!("\nThe demo stops here: {error}"));
        let mut cause = error.source();
        while let Some(reason) = cause {
            self.note(&format!("because {reason}"));
            cause = reason.source();
        }
    }

    fn say(&mut self, text: &str) {
        // Nobody listening is no reason to leave anything behind.
        let _ = writeln!(self.audience, "{text}");
    }
}

/// What a call is about: the end of its path that a person recognises.
fn about(call: &Entry) -> String {
    let path = call.path.trim_matches('/');
    match path.rsplit_once("/providers/") {
        Some((_, resource)) => resource.to_owned(),
        // The name of an upload says nothing to anybody.
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
    fn whatever_is_left_shows_in_the_table_and_in_the_verdict() {
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
        let mut told = Vec::new();
        Narrator::new(&mut told).table(&[(host, counts)]);
        let told = String::from_utf8(told).unwrap();
        assert!(!counts.are_zero());
        let row = "OpenTofu 1.12.6                          0                   1                   0                   0";
        assert!(told.contains(row), "{told}");
        assert!(told.contains("Something is left"), "{told}");
    }
}
