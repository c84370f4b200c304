//! Extracts results from the log of a scan or patch run: the image, its vulnerabilities, the queued run,
//! the reason for skipping, and the errors. `log_end` reads the end of a failed trigger run's log.
//!
//! A log contains whatever the task's steps print. It may be truncated anywhere, contain colours and
//! invalid UTF-8, and be very long. So the caller passes only its beginning and end, and anything
//! unrecognisable is ignored.

mod log_end;
mod text;

use std::collections::HashSet;

use text::{Line, has_word, lines, plain};

pub(crate) use log_end::{LogEnd, lacks_rights};
pub(crate) use text::{printable, shown};

/// The maximum number of error lines. The last ones are kept, because they show how the run ended.
pub(crate) const MOST_ERRORS: usize = 20;

/// The maximum length of a run ID. Azure's IDs are much shorter.
const LONGEST_ID: usize = 64;

/// The text before the run ID that `az acr task run --no-wait` prints for each queued run.
pub(crate) const QUEUED: &str = "Queued a run with ID: ";
const SKIPPED: &str = "PATCHING will be skipped as ";
const SCHEDULED: &str = "PATCHING task scheduled for image ";
const VULNERABILITIES: &str = "Total OS vulnerabilities found -> ";
/// The Azure CLI's tasks print this for every image, but [`VULNERABILITIES`] only if the number is not 0.
const VULNERABILITIES_OF_IMAGE: &str = "Vulnerabilities found for image ";

/// The results in a log. A result that the log doesn't contain is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markers {
    /// The scanned image.
    pub(crate) image: Option<ScannedImage>,
    /// The number of vulnerabilities that the scan found.
    pub(crate) vulnerabilities: Option<u32>,
    /// The ID of the patch run that the scan queued. If the queue step was retried, the ID of the last
    /// one.
    pub(crate) queued_run: Option<String>,
    /// The tag of the patched image.
    pub(crate) patch_tag: Option<String>,
    /// Why the image is not patched.
    pub(crate) skip_reason: Option<String>,
    /// The distinct lines with the word "error", in order, at most [`MOST_ERRORS`].
    pub(crate) errors: Vec<String>,
}

/// The image of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScannedImage {
    /// The repository.
    pub(crate) repository: String,
    /// The tag to patch.
    pub(crate) original: String,
    /// The scanned tag: the newest patch of the original tag, or the original tag itself.
    pub(crate) scanned: String,
}

impl Markers {
    /// Reads a whole log, or its beginning and its end with a gap between them.
    ///
    /// Only complete lines yield results other than errors, because an incomplete line could contain an
    /// incomplete name.
    #[must_use]
    pub fn read(beginning: &[u8], end: Option<&[u8]>) -> Self {
        let mut markers = Self::default();
        let mut errors = Vec::new();
        let mut known = HashSet::new();
        for Line { bytes, is_whole } in lines(beginning, end) {
            let text = plain(&String::from_utf8_lossy(bytes));
            if is_whole {
                markers.note(&text);
            }
            if has_word(&text, "error") {
                let line = printable(&text);
                if known.insert(line.clone()) {
                    errors.push(line);
                }
            }
        }
        markers.errors = errors.split_off(errors.len().saturating_sub(MOST_ERRORS));
        markers
    }

    fn note(&mut self, line: &str) {
        if self.image.is_none() {
            self.image = ScannedImage::of(line);
        }
        if let Some(count) = vulnerabilities(line) {
            self.vulnerabilities = Some(count);
        }
        if let Some(id) = after(line, QUEUED).and_then(word).filter(|id| is_id(id)) {
            self.queued_run = Some(id.to_owned());
        }
        if let Some(reason) = after(line, SKIPPED).map(printable)
            && !reason.is_empty()
        {
            self.skip_reason = Some(reason);
        }
        let scheduled = after(line, SCHEDULED);
        let tag = scheduled.and_then(|rest| after(rest, ", new patch tag will be "));
        if let Some(tag) = tag.and_then(word) {
            self.patch_tag = Some(tag.to_owned());
        }
    }
}

impl ScannedImage {
    /// Returns the image in a line, in the format of current or older tasks.
    fn of(line: &str) -> Option<Self> {
        let (repository, scanned, original) = today(line).or_else(|| earlier(line))?;
        let is_name = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace);
        (is_name(repository) && is_name(scanned)).then(|| Self {
            repository: repository.to_owned(),
            original: original.to_owned(),
            scanned: scanned.to_owned(),
        })
    }

    /// Returns `<repository>:<tag>` with the tag to patch.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.repository, self.original)
    }
}

/// Parses `Scanning repo: R, Tag:T, OriginalTag:O` into R, T and O.
fn today(line: &str) -> Option<(&str, &str, &str)> {
    let (repository, rest) = after(line, "Scanning repo: ")?.split_once(", Tag:")?;
    let (scanned, rest) = rest.split_once(", OriginalTag:")?;
    Some((repository, scanned, word(rest)?))
}

/// Parses `Scanning image for vulnerability R:T for tag O`, optionally with `and patch`, into R, T and O.
fn earlier(line: &str) -> Option<(&str, &str, &str)> {
    let rest = after(line, "Scanning image for vulnerability ")?;
    let rest = rest.strip_prefix("and patch ").unwrap_or(rest);
    let (image, rest) = rest.split_once(" for tag ")?;
    let (repository, scanned) = image.rsplit_once(':')?;
    Some((repository, scanned, word(rest)?))
}

/// Parses the number of vulnerabilities, as the provider's tasks or the Azure CLI's tasks print it.
fn vulnerabilities(line: &str) -> Option<u32> {
    let of_image = || after(after(line, VULNERABILITIES_OF_IMAGE)?, " -> ");
    let count = word(after(line, VULNERABILITIES).or_else(of_image)?)?;
    let is_number = count.bytes().all(|byte| byte.is_ascii_digit());
    count.parse().ok().filter(|_| is_number)
}

/// Returns the text after the first `marker` in a line.
fn after<'a>(line: &'a str, marker: &str) -> Option<&'a str> {
    Some(line.split_once(marker)?.1)
}

/// Returns the first word of a text that begins with a word.
fn word(text: &str) -> Option<&str> {
    text.split(char::is_whitespace)
        .next()
        .filter(|word| !word.is_empty())
}

/// Whether a text can be a run ID. The ID becomes part of a URL.
fn is_id(text: &str) -> bool {
    text.len() <= LONGEST_ID && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(log: &str) -> Markers {
        Markers::read(log.as_bytes(), None)
    }

    fn image(repository: &str, original: &str, scanned: &str) -> Option<ScannedImage> {
        Some(ScannedImage {
            repository: repository.to_owned(),
            original: original.to_owned(),
            scanned: scanned.to_owned(),
        })
    }

    const QUEUES: &str = "\
2026/06/01 02:31:00 Launching container with name: announce
Scanning image for vulnerability team/api:2-1 for tag 2
Scanning repo: team/api, Tag:2-1, OriginalTag:2
Total OS vulnerabilities found -> 3
WARNING: Queued a run with ID: cf7
PATCHING task scheduled for image team/api:2-1, new patch tag will be 2-2
";

    #[test]
    fn reads_image_run_and_tag_of_a_scan_that_queues_a_patch() {
        assert_eq!(
            read(QUEUES),
            Markers {
                image: image("team/api", "2", "2-1"),
                vulnerabilities: Some(3),
                queued_run: Some("cf7".to_owned()),
                patch_tag: Some("2-2".to_owned()),
                ..Markers::default()
            }
        );
    }

    #[test]
    fn reads_the_skip_reason() {
        let log = "Scanning repo: a, Tag:1, OriginalTag:1\nPATCHING will be skipped as no vulnerability found in the image a:1 \n";
        assert_eq!(
            read(log).skip_reason.unwrap(),
            "no vulnerability found in the image a:1"
        );
        assert_eq!(read("PATCHING will be skipped as  \n").skip_reason, None);
    }

    #[test]
    fn reads_the_number_of_vulnerabilities() {
        for (log, expected) in [
            ("Total OS vulnerabilities found -> 0\n", Some(0)),
            ("x Total OS vulnerabilities found -> 12 \n", Some(12)),
            // The Azure CLI's tasks.
            ("Vulnerabilities found for image a/b:1 -> 7\n", Some(7)),
            (
                "Vulnerabilities found for image a/b:1 -> 7\nTotal OS vulnerabilities found -> 8\n",
                Some(8),
            ),
            // A number that is missing, cut off, or none.
            ("Total OS vulnerabilities found -> \n", None),
            ("Total OS vulnerabilities found -> 12", None),
            ("Total OS vulnerabilities found -> -1\n", None),
            ("Total OS vulnerabilities found -> +1\n", None),
            ("Total OS vulnerabilities found -> 1.5\n", None),
            ("Total OS vulnerabilities found -> 99999999999\n", None),
            ("Vulnerabilities found for image a/b:1 -> null\n", None),
            ("Scanning repo: a, Tag:1, OriginalTag:1\n", None),
        ] {
            assert_eq!(read(log).vulnerabilities, expected, "{log}");
        }
    }

    #[test]
    fn reads_the_logs_of_older_tasks() {
        for log in [
            "Scanning image for vulnerability a/b:1-2 for tag 1\n",
            "Scanning image for vulnerability and patch a/b:1-2 for tag 1\n",
        ] {
            assert_eq!(read(log).image, image("a/b", "1", "1-2"), "{log}");
        }
    }

    #[test]
    fn an_incomplete_image_is_none() {
        for log in [
            "Scanning repo: , Tag:1, OriginalTag:1\n",
            "Scanning repo: a, Tag:, OriginalTag:1\n",
            "Scanning repo: a, Tag:1, OriginalTag:\n",
            "Scanning repo: a, Tag:1 2, OriginalTag:1\n",
            "Scanning repo: a b, Tag:1, OriginalTag:1\n",
            "Scanning repo: a, OriginalTag:1, Tag:1\n",
            "Scanning image for vulnerability a for tag 1\n",
            "Scanning image for vulnerability a:1 for tag \n",
            "Scanning the horizon\n",
        ] {
            assert_eq!(read(log).image, None, "{log}");
        }
    }

    #[test]
    fn keeps_the_last_queued_run_and_the_first_image() {
        let log = format!(
            "{QUEUES}{}",
            QUEUES.replace("cf7", "cf8").replace("api", "x")
        );
        let markers = read(&log);
        assert_eq!(markers.queued_run.as_deref(), Some("cf8"));
        assert_eq!(markers.image, image("team/api", "2", "2-1"));
    }

    #[test]
    fn an_invalid_run_id_is_none() {
        for id in ["../../x", "a?b", "", "ä", &"a".repeat(65)] {
            let log = format!("WARNING: Queued a run with ID: {id}\n");
            assert_eq!(read(&log).queued_run, None, "{id}");
        }
    }

    #[test]
    fn an_incomplete_line_yields_only_errors() {
        for cut in [
            "Scanning repo: team/api, Tag:2-1, OriginalTag:2",
            "WARNING: Queued a run with ID: cf",
            "PATCHING will be skipped as no vul",
            "PATCHING task scheduled for image a:1, new patch tag will be 1-",
        ] {
            assert_eq!(read(cut), Markers::default(), "{cut}");
        }
        assert_eq!(read("ERROR: no spa").errors, ["ERROR: no spa"]);
    }

    #[test]
    fn ignores_windows_line_ends_and_colours() {
        let coloured = QUEUES
            .replace('\n', "\x1b[0m\r\n")
            .replace("WARNING", "\x1b[1;33mWARNING\x1b[0m")
            .replace("Scanning", "\x1b]8;;https://x\x07\x1b[36mScanning")
            .replace("cf7", "\x1b(B\x1bM\x1b]0;x\x1b\\cf7");
        assert_eq!(read(&coloured), read(QUEUES));
    }

    #[test]
    fn invalid_utf8_does_not_affect_other_lines() {
        let mut log = b"\xff\xfe\x00error \xc3\x28\n".to_vec();
        log.extend_from_slice(QUEUES.as_bytes());
        let markers = Markers::read(&log, None);
        assert_eq!(markers.queued_run.as_deref(), Some("cf7"));
        assert_eq!(markers.errors, ["\u{fffd}\u{fffd}error \u{fffd}("]);
    }

    #[test]
    fn ignores_incomplete_lines_at_the_gap() {
        let beginning = b"Scanning repo: a, Tag:1, OriginalTag:1\nWARNING: Queued a run with ID: c";
        let end = b"f9 error\nWARNING: Queued a run with ID: cf7\n";
        let markers = Markers::read(beginning, Some(end));
        assert_eq!(markers.image, image("a", "1", "1"));
        assert_eq!(markers.queued_run.as_deref(), Some("cf7"));
        assert_eq!(markers.errors, [""; 0]);
        let cut_queue = b"x\nWARNING: Queued a run with ID: cf7";
        assert_eq!(Markers::read(beginning, Some(cut_queue)).queued_run, None);
    }

    #[test]
    fn errors_are_distinct_lines_with_the_word_error() {
        let log = "\
ERROR: b failed
an error, too
no terrors, errors or error_codes
ERROR: b failed
{\"level\":\"error\"}
";
        assert_eq!(
            read(log).errors,
            ["ERROR: b failed", "an error, too", "{\"level\":\"error\"}"]
        );
        let many: String = (0..30).map(|n| format!("error {n}\n")).collect();
        let errors = read(&many).errors;
        assert_eq!((errors.len(), errors[0].as_str()), (20, "error 10"));
    }

    #[test]
    fn errors_contain_no_credentials() {
        let log = "error: Get \"https://logs.blob.example/a/b?sv=1&sig=planted\": timeout\n\
                   error: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJwbGFudGVkIn0.c2ln is no good\n";
        assert_eq!(
            read(log).errors,
            [
                "error: Get \"https://logs.blob.example/a/b?…\": timeout",
                "error: Bearer … is no good"
            ]
        );
        let long = printable(&format!("error {}", "ä".repeat(5000)));
        assert_eq!(long.chars().count(), 1001);
    }

    proptest! {
        #[test]
        fn reads_any_bytes_without_a_panic(beginning: Vec<u8>, end: Option<Vec<u8>>) {
            let _ = Markers::read(&beginning, end.as_deref());
        }

        #[test]
        fn arbitrary_logs_are_read(beginning in corpus::changed("run-logs"), end in corpus::changed("run-logs")) {
            let _ = Markers::read(&beginning, Some(&end));
            let _ = LogEnd::read(&beginning, Some(&end));
        }

        #[test]
        fn a_truncated_log_yields_the_same_or_less(at in 0..=QUEUES.len()) {
            let (whole, cut) = (read(QUEUES), read(&QUEUES[..at]));
            prop_assert!(cut.image.is_none() || cut.image == whole.image);
            prop_assert!(cut.queued_run.is_none() || cut.queued_run == whole.queued_run);
            prop_assert!(cut.patch_tag.is_none() || cut.patch_tag == whole.patch_tag);
        }

        #[test]
        fn a_gap_yields_the_same_or_less(from in 0..QUEUES.len(), gap in 1..80_usize) {
            let to = (from + gap).min(QUEUES.len());
            let log = QUEUES.as_bytes();
            let (whole, cut) = (read(QUEUES), Markers::read(&log[..from], Some(&log[to..])));
            prop_assert!(cut.image.is_none() || cut.image == whole.image);
            prop_assert!(cut.queued_run.is_none() || cut.queued_run == whole.queued_run);
            prop_assert!(cut.patch_tag.is_none() || cut.patch_tag == whole.patch_tag);
        }
    }
}
