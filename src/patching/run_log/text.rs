//! Splits a log into lines, and removes what must not be shown.

use std::iter::Peekable;
use std::str::Chars;
use std::sync::LazyLock;

use regex_lite::Regex;

/// The maximum number of characters of a kept line.
const LONGEST_LINE: usize = 1000;

const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';

/// Returns text from a run for storage: one line, without colours, of limited length, and without
/// anything that may be a credential.
pub(crate) fn printable(text: &str) -> String {
    shown(text, LONGEST_LINE).trim_start().to_owned()
}

/// Returns text from a run for a terminal: one line of at most `longest` characters.
///
/// It has no sequences that move the cursor or change colours, and nothing that may be a credential. A
/// SAS URL is a credential, and tools print it if they can't open it.
pub(crate) fn shown(text: &str, longest: usize) -> String {
    static QUERY: LazyLock<Regex> = LazyLock::new(|| regex(r#"(://[^\s"'<>?]*)\?[^\s"'<>]*"#));
    static SIGNATURE: LazyLock<Regex> = LazyLock::new(|| regex(r#"(?i)\b(sig=)[^&\s"'<>]+"#));
    static USER: LazyLock<Regex> = LazyLock::new(|| regex(r#"(://)[^/\s@"'<>]+@"#));
    static TOKEN: LazyLock<Regex> = LazyLock::new(|| regex(r"eyJ[A-Za-z0-9_-]{8,}[A-Za-z0-9_.-]*"));
    let mut text = plain(text);
    text.truncate(text.trim_end().len());
    // Few lines have any of these, and a search for a text is much faster than for a pattern.
    if text.contains("://") {
        text = QUERY.replace_all(&text, "$1?…").into_owned();
    }
    if text.to_ascii_lowercase().contains("sig=") {
        text = SIGNATURE.replace_all(&text, "$1…").into_owned();
    }
    if text.contains("://") {
        text = USER.replace_all(&text, "$1…@").into_owned();
    }
    if text.contains("eyJ") {
        text = TOKEN.replace_all(&text, "…").into_owned();
    }
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant")
}

/// A line of a log without its line end.
pub(super) struct Line<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether the line has its line end, so that it is complete.
    pub(super) is_whole: bool,
}

/// Splits a log, or its beginning and its end, into lines.
pub(super) fn lines<'a>(beginning: &'a [u8], end: Option<&'a [u8]>) -> Vec<Line<'a>> {
    let mut lines = split(beginning);
    if let Some(end) = end {
        // The lines on both sides of the gap are incomplete.
        lines.pop_if(|line| !line.is_whole);
        lines.extend(split(end).into_iter().skip(1));
    }
    lines
}

/// Splits at a line feed, at a carriage return (which progress bars use), or at both.
fn split(bytes: &[u8]) -> Vec<Line<'_>> {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    bytes
        .split_inclusive(is_end)
        .map(|line| match line.split_last() {
            Some((last, bytes)) if is_end(last) => Line {
                bytes,
                is_whole: true,
            },
            _ => Line {
                bytes: line,
                is_whole: false,
            },
        })
        .collect()
}

/// Removes terminal sequences, other control characters, and characters that change the text direction.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ESCAPE => skip_sequence(&mut letters),
            // A single character with the same meaning as ESC [.
            '\u{9b}' => skip_parameters(&mut letters),
            '\t' | '\n' | '\r' => plain.push(' '),
            _ if letter.is_control() || turns_text_around(letter) => {}
            _ => plain.push(letter),
        }
    }
    plain
}

/// Skips the rest of an escape sequence.
fn skip_sequence(letters: &mut Peekable<Chars<'_>>) {
    match letters.next() {
        Some('[') => skip_parameters(letters),
        // A string for the terminal, up to BEL or ESC \.
        Some(']' | 'P' | '_' | '^' | 'X') => {
            while let Some(letter) = letters.next() {
                if letter == BELL {
                    return;
                }
                if letter == ESCAPE {
                    letters.next_if_eq(&'\\');
                    return;
                }
            }
        }
        // These sequences have one more character.
        Some(' '..='/') => {
            letters.next();
        }
        _ => {}
    }
}

/// Skips the parameters and the final letter of a sequence.
fn skip_parameters(letters: &mut Peekable<Chars<'_>>) {
    while letters
        .next_if(|letter| (' '..='?').contains(letter))
        .is_some()
    {}
    letters.next_if(|letter| ('@'..='~').contains(letter));
}

/// Whether a character changes the direction of the text after it.
fn turns_text_around(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a text contains a word, in any case, and not as part of another word.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .any(|part| part.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn truncates_a_long_text() {
        let long = printable(&format!("error {}", "ä".repeat(5000)));
        assert_eq!(long.chars().count(), LONGEST_LINE + 1);
    }

    #[test]
    fn removes_the_query_of_a_link() {
        assert_eq!(
            printable("see <http://a.example/b?sig=planted> or https://c.example/?x"),
            "see <http://a.example/b?…> or https://c.example/?…"
        );
        assert_eq!(printable(" why? "), "why?");
    }

    #[test]
    fn removes_sequences_that_move_the_cursor_or_change_colours() {
        for (raw, expected) in [
            (
                "\u{1b}[1;31mred\u{1b}[0m and \u{9b}4mnot\u{1b}[K",
                "red and not",
            ),
            (
                "\u{1b}]0;a title\u{7}after\u{1b}]8;;https://x\u{1b}\\link",
                "afterlink",
            ),
            ("\u{1b}(Bset\u{1b}c", "set"),
            ("a\tb\u{0}\u{8}c\u{85}", "a bc"),
            ("safe\u{202e}txt", "safetxt"),
            ("cut off \u{1b}[3", "cut off "),
            ("Grüße 👋", "Grüße 👋"),
            ("", ""),
        ] {
            assert_eq!(plain(raw), expected, "{raw:?}");
        }
    }

    #[test]
    fn removes_every_control_character_of_any_sequence() {
        for first in '\0'..='\u{ff}' {
            for second in ['[', ']', '(', ESCAPE, '7', '\r', first] {
                let plain = plain(&format!("a{ESCAPE}{first}{second}z"));
                assert!(!plain.contains(char::is_control), "{first:?} {second:?}");
            }
        }
    }

    #[test]
    fn removes_signatures_and_passwords() {
        assert_eq!(
            printable(r#""GET /logs/cf1?sv=2021&sig=planted%2B&se=1 HTTP/1.1" 403"#),
            r#""GET /logs/cf1?sv=2021&sig=…&se=1 HTTP/1.1" 403"#
        );
        assert_eq!(
            printable("fatal: https://user:planted@host/x failed"),
            "fatal: https://…@host/x failed"
        );
    }

    #[test]
    fn removes_tokens() {
        assert_eq!(
            shown("  Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln ", 100),
            "  Bearer …"
        );
    }

    proptest! {
        #[test]
        fn printable_text_is_one_line_and_stays_unchanged(text: String) {
            let once = printable(&text);
            prop_assert!(!once.contains(char::is_control));
            prop_assert_eq!(printable(&once), once);
        }
    }
}
