//! A host's output with `-json`, which has one message per line. Only diagnostics are parsed.

use serde::Deserialize;

/// An error or a warning of a host.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Diagnostic {
    /// `error` or `warning`.
    pub severity: String,
    /// The summary.
    pub summary: String,
    /// The detail.
    #[serde(default)]
    pub detail: String,
    /// The address of the object, such as `acr_continuous_patching_workflow.example`.
    #[serde(default)]
    pub address: Option<String>,
    /// The position in the configuration.
    #[serde(default)]
    pub range: Option<Range>,
}

/// A range in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Range {
    /// The file, relative to the host's working directory.
    pub filename: String,
    /// The first character.
    pub start: Position,
}

/// The position of a character in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Position {
    /// The line number, from 1.
    pub line: usize,
}

#[derive(Deserialize)]
struct Line {
    diagnostic: Option<Diagnostic>,
}

/// Returns the diagnostics in the output of a command with `-json`.
pub(crate) fn diagnostics(stdout: &str) -> Vec<Diagnostic> {
    stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<Line>(line).ok()?.diagnostic)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_are_found_among_other_messages() {
        let stdout = concat!(
            r#"{"@level":"info","@message":"OpenTofu 1.12.6","type":"version"}"#,
            "\n",
            r#"{"@level":"error","type":"diagnostic","diagnostic":{"severity":"error","summary":"Invalid schedule","#,
            r#""detail":"It has 0 days.","range":{"filename":"main.tf","start":{"line":3,"column":5,"byte":9}}}}"#,
        );
        let expected = Diagnostic {
            severity: "error".into(),
            summary: "Invalid schedule".into(),
            detail: "It has 0 days.".into(),
            address: None,
            range: Some(Range {
                filename: "main.tf".into(),
                start: Position { line: 3 },
            }),
        };
        assert_eq!(diagnostics(stdout), [expected]);
    }
}
