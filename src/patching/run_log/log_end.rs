//! The end of the log of a failed trigger run: its last lines, whether it has queued scans, and whether it
//! lacked rights.

use crate::patching::run_log::text::{lines, shown};
use crate::patching::run_log::{QUEUED, after, is_id, word};

/// The number of kept lines. A run ends at its first failed step, so the reason is among them.
const LAST_LINES: usize = 20;

/// The longest kept line, in characters.
const LONGEST_LINE: usize = 400;

/// The end of the task's line for each image that it can't queue. There can be a hundred such lines after
/// the reason, so they are not kept.
const REASON_ABOVE: &str = "The reason is above.";

/// The end of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogEnd {
    /// The last lines, at most [`LAST_LINES`].
    pub(crate) last: Vec<String>,
    /// Whether the run has queued another run.
    pub(crate) has_queued: bool,
}

impl LogEnd {
    /// Reads a whole log, or its beginning and its end with a gap between them.
    pub(crate) fn read(beginning: &[u8], end: Option<&[u8]>) -> Self {
        let mut all: Vec<String> = lines(beginning, end)
            .iter()
            .map(|line| shown(&String::from_utf8_lossy(line.bytes), LONGEST_LINE))
            .filter(|line| !line.is_empty() && !line.ends_with(REASON_ABOVE))
            .collect();
        let has_queued = all.iter().any(|line| says_queued(line));
        Self {
            last: all.split_off(all.len().saturating_sub(LAST_LINES)),
            has_queued,
        }
    }

    /// Whether its last lines say that the run lacked rights.
    pub(crate) fn lacks_rights(&self) -> bool {
        self.last.iter().any(|line| lacks_rights(line))
    }
}

/// Whether a line says that the run has queued another one: the Azure CLI's line for each, or the task's
/// own sum, `Queued 2 of 3 scans.`
fn says_queued(line: &str) -> bool {
    let by_id = after(line, QUEUED).and_then(word).is_some_and(is_id);
    let sum = after(line, "Queued ").and_then(|rest| rest.split_once(" of "));
    by_id || sum.is_some_and(|(count, _)| count.parse().is_ok_and(|count: u32| count > 0))
}

/// Whether a line from a run says that the run lacks rights. New role assignments take minutes to
/// propagate, so this can pass.
///
/// A word counts only by itself. In `team/denied:403` it is part of an image's name.
pub(crate) fn lacks_rights(line: &str) -> bool {
    const WORDS: [&str; 4] = ["unauthorized", "authorizationfailed", "denied", "403"];
    const PHRASES: [&str; 3] = [
        "authentication required",
        "does not have authorization",
        // The Azure CLI finds a registry in a list, and the list lacks what the identity may not read.
        "containerregistry/registries' could not be found",
    ];
    let line = line.to_lowercase();
    let separates = |letter: char| letter.is_whitespace() || "()[]{}<>\"'=|;".contains(letter);
    let words = line.split(separates);
    let mut words = words.map(|word| word.trim_matches(|it: char| ":,.!".contains(it)));
    words.any(|word| WORDS.contains(&word)) || PHRASES.iter().any(|phrase| line.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIGGER: &str = include_str!("../task_definitions/trigger.yaml");

    fn read(log: &str) -> LogEnd {
        LogEnd::read(log.as_bytes(), None)
    }

    #[test]
    fn missing_rights_are_found_in_the_words_of_each_tool() {
        for line in [
            "ERROR: contoso.azurecr.io/csscpolicies/patchpolicy: unauthorized: the identity may not pull",
            "Error: GET \"https://contoso.azurecr.io/v2/\": response status code 401: Unauthorized",
            r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required, visit https://aka.ms/acr"}]}"#,
            "ERROR: (AuthorizationFailed) The client 'x' does not have authorization to perform action 'y'",
            "denied: requested access to the resource is denied",
            "unexpected status from HEAD request: 403 Forbidden",
            "status=403",
            "ERROR: The resource with name 'contoso' and type 'Microsoft.ContainerRegistry/registries' could not be found in subscription 'N/A'.",
        ] {
            assert!(lacks_rights(line), "{line}");
        }
    }

    #[test]
    fn the_name_of_an_image_or_a_digest_says_nothing_about_rights() {
        for line in [
            "",
            "team/denied,403.1,N/A",
            "Queueing a scan of team/unauthorized:403-1 (patches team/unauthorized:403 as 403-1)",
            "sha256:0403403denied403",
            "ERROR: 101 images match the policy, and a run takes 100 at most. Nothing is patched.",
            "failed to run step ID: limit: exit status 1",
        ] {
            assert!(!lacks_rights(line), "{line}");
        }
    }

    #[test]
    fn only_the_last_lines_say_why_a_run_failed() {
        let later: String = (0..LAST_LINES).map(|n| format!("line {n}\n\n")).collect();
        let end = read(&format!("unauthorized\n{later}"));
        assert_eq!(
            (end.last.len(), end.last[0].as_str()),
            (LAST_LINES, "line 0")
        );
        assert!(!end.lacks_rights());
        assert!(read("line\n\u{1b}[31munauthorized\u{1b}[0m").lacks_rights());
        assert_eq!(read(""), LogEnd::default());
    }

    #[test]
    fn the_reason_is_found_above_a_line_for_each_image() {
        let image = "ERROR: the scan of a:1 could not be queued. The reason is above.\n";
        let images = image.repeat(100);
        let end = read(&format!(
            "ERROR: (AuthorizationFailed) x\n{images}Queued 0 of 100 scans.\n"
        ));
        assert!(end.lacks_rights() && !end.has_queued);
        assert_eq!(
            end.last,
            ["ERROR: (AuthorizationFailed) x", "Queued 0 of 100 scans."]
        );
        let written = TRIGGER.lines().any(|line| line.contains(REASON_ABOVE));
        assert!(written, "the task writes this line");
    }

    #[test]
    fn a_queued_run_is_found_by_its_line_or_by_the_sum() {
        for log in [
            "WARNING: Queued a run with ID: cf7\nERROR: denied\n",
            "\u{1b}[33mWARNING: Queued a run with ID: cf7\u{1b}[0m\nx\n",
            "Queued 1 of 3 scans.\n",
        ] {
            assert!(read(log).has_queued, "{log}");
        }
        for log in [
            "Queued 0 of 3 scans.\n",
            "Queueing a scan of a:1 (patches a:1 as a:1-1)\nERROR: denied\n",
            "Queued a run with ID: ../x\n",
            "Matches found: 3\n",
        ] {
            assert!(!read(log).has_queued, "{log}");
        }
        let later = "line\n".repeat(LAST_LINES);
        let whole = format!("WARNING: Queued a run with ID: cf7\n{later}");
        assert!(read(&whole).has_queued);
        assert!(LogEnd::read(whole.as_bytes(), Some(b"cut\ndenied\n")).has_queued);
    }

    #[test]
    fn a_kept_line_has_no_credentials() {
        let end = read("GET https://logs.example/x?sig=planted failed\n");
        assert_eq!(end.last, ["GET https://logs.example/x?… failed"]);
    }
}
