//! The output of the demo: numbered steps with their commands and the relevant blocks of their output.

use std::error::Error;
use std::io::Write;

use anstyle::{AnsiColor, Style};
use azure_simulator::Entry;
use host_cli::Host;
use host_cli::run::Finished;

use crate::blocks::{Block, blocks};
use crate::counts::Counts;

const TITLE: Style = Style::new().bold();
const COMMAND: Style = AnsiColor::Cyan.on_default();
const CALL: Style = Style::new().dimmed();

/// Writes the output of the demo, with colours.
#[derive(Debug)]
pub(crate) struct Narrator<W> {
    output: W,
    step: usize,
    /// The text of the steps that a picture shows.
    picture: String,
    is_pictured: bool,
}

impl<W: Write> Narrator<W> {
    /// Returns a narrator before the first step.
    pub(crate) fn new(output: W) -> Self {
        Self {
            output,
            step: 0,
            picture: String::new(),
            is_pictured: false,
        }
    }

    /// Starts the part of a host, and restarts the numbering of steps.
    pub(crate) fn chapter(&mut self, host: &Host) {
        self.step = 0;
        self.picture.clear();
        self.is_pictured = false;
        self.title(&format!("The provider under {host}"));
    }

    /// Starts a step.
    pub(crate) fn step(&mut self, title: &str) {
        self.is_pictured = false;
        self.begin(title);
    }

    /// Starts a step that a picture shows.
    pub(crate) fn pictured_step(&mut self, title: &str) {
        self.is_pictured = true;
        self.begin(title);
    }

    /// The text of the pictured steps of the last host, with colours.
    pub(crate) fn picture(&self) -> &str {
        &self.picture
    }

    /// Writes a note about the current step.
    pub(crate) fn note(&mut self, text: &str) {
        for line in text.lines() {
            self.say(&format!("   {line}"));
        }
    }

    /// Writes a command that a user would type.
    pub(crate) fn typed(&mut self, command: &str) {
        self.note(&format!("{COMMAND}$ {command}{COMMAND:#}"));
    }

    /// Writes a command and the relevant blocks of its output.
    pub(crate) fn command(&mut self, finished: &Finished, relevant: &[Block]) {
        self.typed(&finished.command);
        for (block, lines) in blocks(&finished.stdout) {
            if relevant.contains(&block) {
                for line in lines {
                    self.say(&format!("   {line}"));
                }
            }
        }
    }

    /// Writes the calls that changed something in Azure.
    pub(crate) fn writes(&mut self, calls: &[Entry]) {
        if calls.is_empty() {
            return self.note(&format!("{CALL}Requests that changed Azure: none{CALL:#}"));
        }
        let count = calls.len();
        self.note(&format!(
            "{CALL}Requests that changed Azure: {count}{CALL:#}"
        ));
        for call in calls {
            let path = short_path(call);
            self.say(&format!("     {CALL}{:<6} {path}{CALL:#}", call.method));
        }
    }

    /// Writes the table of remaining objects in Azure.
    pub(crate) fn table(&mut self, left: &[(Host, Counts)]) {
        self.title("Remaining objects in Azure");
        self.say("");
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

    fn title(&mut self, title: &str) {
        self.say(&format!(
            "\n{TITLE}{title}\n{}{TITLE:#}",
            "=".repeat(title.len())
        ));
    }

    fn begin(&mut self, title: &str) {
        self.step += 1;
        self.say(&format!("\n{TITLE}{}. {title}{TITLE:#}", self.step));
    }

    fn say(&mut self, text: &str) {
        // The demo must clean up even if its output is closed.
        let _ = writeln!(self.output, "{text}");
        if self.is_pictured {
            self.picture.push_str(text);
            self.picture.push('\n');
        }
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
            role_assignments: 1,
            ..Counts::default()
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
