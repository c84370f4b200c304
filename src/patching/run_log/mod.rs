//! What the log of a scan or of a patch run says: which image it was about, which run it queued,
//! why it queued none, and what went wrong.
//!
//! A log is whatever the steps of a task have printed: it may be cut off anywhere, have colours and
//! bytes that are no text, and be longer than anybody wants to read. So what is asked for is its
//! beginning and its end, and whatever can't be made out is simply not known.

mod text;

use std::collections::HashSet;

use text::{Line, has_word, lines, plain};

pub(crate) use text::{printable, shown};

/// The most error lines that are kept: the last ones, which say what a run ended with.
pub(crate) const MOST_ERRORS: usize = 20;

/// The most characters of a run's id. Azure's have a handful.
const LONGEST_ID: usize = 64;

/// What `az acr task run --no-wait` prints for each run that it queues, before the run's id.
pub(crate) const QUEUED: &str = "Queued a run with ID: ";
const SKIPPED: &str = "PATCHING will be skipped as ";
const SCHEDULED: &str = "PATCHING task scheduled for image ";

/// What a log says. What it doesn't say is none or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Markers {
    /// The image that was scanned.
    pub(crate) image: Option<ScannedImage>,
    /// The id of the patch run that the scan queued. The step that queues is repeated when it
    /// fails, so the last one counts.
    pub(crate) queued_run: Option<String>,
    /// The tag that the patched image gets.
    pub(crate) patch_tag: Option<String>,
    /// Why nothing is patched.
    pub(crate) skip_reason: Option<String>,
    /// The distinct lines with the word "error", in their order; [`MOST_ERRORS`] at most.
    pub(crate) errors: Vec<String>,
}

/// The image of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScannedImage {
    /// The repository.
    pub(crate) repository: String,
    /// The tag that would be patched.
    pub(crate) original: String,
    /// The tag that was scanned: the newest patch of the original, else the original itself.
    pub(crate) scanned: String,
}

impl Markers {
    /// Reads a log: all of it, or its beginning and its end where something between them is left
    /// out.
    ///
    /// Only a line that is there to its end names anything: what is cut off would name something
    /// else.
    pub(crate) fn read(beginning: &[u8], end: Option<&[u8]>) -> Self {
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
    /// The image that a line announces, in today's words or in those of older tasks.
    fn of(line: &str) -> Option<Self> {
        let (repository, scanned, original) = today(line).or_else(|| earlier(line))?;
        let is_name = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace);
        (is_name(repository) && is_name(scanned)).then(|| Self {
            repository: repository.to_owned(),
            original: original.to_owned(),
            scanned: scanned.to_owned(),
        })
    }

    /// `<repository>:<tag>` of the tag that would be patched.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.repository, self.original)
    }
}

/// `Scanning repo: R, Tag:T, OriginalTag:O` as R, T, O.
fn today(line: &str) -> Option<(&str, &str, &str)> {
    let (repository, rest) = after(line, "Scanning repo: ")?.split_once(", Tag:")?;
    let (scanned, rest) = rest.split_once(", OriginalTag:")?;
    Some((repository, scanned, word(rest)?))
}

/// `Scanning image for vulnerability R:T for tag O`, or with `and patch` in it, as R, T, O.
fn earlier(line: &str) -> Option<(&str, &str, &str)> {
    let rest = after(line, "Scanning image for vulnerability ")?;
    let rest = rest.strip_prefix("and patch ").unwrap_or(rest);
    let (image, rest) = rest.split_once(" for tag ")?;
    let (repository, scanned) = image.rsplit_once(':')?;
    Some((repository, scanned, word(rest)?))
}

/// What follows the first `marker` of a line.
fn after<'a>(line: &'a str, marker: &str) -> Option<&'a str> {
    Some(line.split_once(marker)?.1)
}

/// The first word of a text that begins with one.
fn word(text: &str) -> Option<&str> {
    text.split(char::is_whitespace)
        .next()
        .filter(|word| !word.is_empty())
}

/// Whether it can be a run's id: it becomes part of an address.
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
    fn a_scan_that_queues_a_patch_names_image_run_and_tag() {
        assert_eq!(
            read(QUEUES),
            Markers {
                image: image("team/api", "2", "2-1"),
                queued_run: Some("cf7".to_owned()),
                patch_tag: Some("2-2".to_owned()),
                ..Markers::default()
            }
        );
    }

    #[test]
    fn a_scan_that_skips_says_why() {
        let log = "Scanning repo: a, Tag:1, OriginalTag:1\nPATCHING will be skipped as no vulnerability found in the image a:1 \n";
        assert_eq!(
            read(log).skip_reason.unwrap(),
            "no vulnerability found in the image a:1"
        );
        assert_eq!(read("PATCHING will be skipped as  \n").skip_reason, None);
    }

    #[test]
    fn the_words_of_older_tasks_are_known() {
        for log in [
            "Scanning image for vulnerability a/b:1-2 for tag 1\n",
            "Scanning image for vulnerability and patch a/b:1-2 for tag 1\n",
        ] {
            assert_eq!(read(log).image, image("a/b", "1", "1-2"), "{log}");
        }
    }

    #[test]
    fn what_only_looks_like_an_image_is_none() {
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
    fn of_several_queued_runs_the_last_counts_and_of_several_images_the_first() {
        let log = format!(
            "{QUEUES}{}",
            QUEUES.replace("cf7", "cf8").replace("api", "x")
        );
        let markers = read(&log);
        assert_eq!(markers.queued_run.as_deref(), Some("cf8"));
        assert_eq!(markers.image, image("team/api", "2", "2-1"));
    }

    #[test]
    fn an_id_that_would_lead_elsewhere_is_none() {
        for id in ["../../x", "a?b", "", "ä", &"a".repeat(65)] {
            let log = format!("WARNING: Queued a run with ID: {id}\n");
            assert_eq!(read(&log).queued_run, None, "{id}");
        }
    }

    #[test]
    fn a_line_that_is_cut_off_names_nothing() {
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
    fn line_ends_of_windows_and_colours_are_passed_over() {
        let coloured = QUEUES
            .replace('\n', "\x1b[0m\r\n")
            .replace("WARNING", "\x1b[1;33mWARNING\x1b[0m")
            .replace("Scanning", "\x1b]8;;https://x\x07\x1b[36mScanning")
            .replace("cf7", "\x1b(B\x1bM\x1b]0;x\x1b\\cf7");
        assert_eq!(read(&coloured), read(QUEUES));
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm_to_the_lines_around_them() {
        let mut log = b"\xff\xfe\x00error \xc3\x28\n".to_vec();
        log.extend_from_slice(QUEUES.as_bytes());
        let markers = Markers::read(&log, None);
        assert_eq!(markers.queued_run.as_deref(), Some("cf7"));
        assert_eq!(markers.errors, ["\u{fffd}\u{fffd}error \u{fffd}("]);
    }

    #[test]
    fn of_two_parts_the_fragments_at_the_gap_are_left_out() {
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
    fn errors_are_distinct_lines_with_that_word() {
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
    fn no_error_holds_a_credential() {
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
        fn no_log_is_too_odd(beginning: Vec<u8>, end: Option<Vec<u8>>) {
            Markers::read(&beginning, end.as_deref());
        }

        #[test]
        fn a_log_cut_anywhere_says_what_the_whole_says_or_less(at in 0..=QUEUES.len()) {
            let (whole, cut) = (read(QUEUES), read(&QUEUES[..at]));
            prop_assert!(cut.image.is_none() || cut.image == whole.image);
            prop_assert!(cut.queued_run.is_none() || cut.queued_run == whole.queued_run);
            prop_assert!(cut.patch_tag.is_none() || cut.patch_tag == whole.patch_tag);
        }

        #[test]
        fn a_gap_anywhere_invents_nothing(from in 0..QUEUES.len(), gap in 1..80_usize) {
            let to = (from + gap).min(QUEUES.len());
            let log = QUEUES.as_bytes();
            let (whole, cut) = (read(QUEUES), Markers::read(&log[..from], Some(&log[to..])));
            prop_assert!(cut.image.is_none() || cut.image == whole.image);
            prop_assert!(cut.queued_run.is_none() || cut.queued_run == whole.queued_run);
            prop_assert!(cut.patch_tag.is_none() || cut.patch_tag == whole.patch_tag);
        }
    }
}
