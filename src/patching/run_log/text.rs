//! The text of a log: its lines, and what of them may be shown.

use std::iter::Peekable;
use std::str::Chars;
use std::sync::LazyLock;

use regex_lite::Regex;

/// The most characters of a line that are kept.
const LONGEST_LINE: usize = 1000;

const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';

/// Text of a run as it may be kept: on one line, without colours, not too long, and without what may be a
/// credential.
pub(crate) fn printable(text: &str) -> String {
    shown(text, LONGEST_LINE).trim_start().to_owned()
}

/// Text of a run as a terminal may show it: on one line, without what would move or colour anything, of
/// `longest` characters at most, and without what may be a credential. The link to a blob is one, and tools
/// that fail to follow it print it.
pub(crate) fn shown(text: &str, longest: usize) -> String {
    static QUERY: LazyLock<Regex> = LazyLock::new(|| regex(r#"(://[^\s"'<>?]*)\?[^\s"'<>]*"#));
    static SIGNATURE: LazyLock<Regex> = LazyLock::new(|| regex(r#"(?i)\b(sig=)[^&\s"'<>]+"#));
    static USER: LazyLock<Regex> = LazyLock::new(|| regex(r#"(://)[^/\s@"'<>]+@"#));
    static TOKEN: LazyLock<Regex> = LazyLock::new(|| regex(r"eyJ[A-Za-z0-9_-]{8,}[A-Za-z0-9_.-]*"));
    let text = plain(text);
    let text = QUERY.replace_all(text.trim_end(), "$1?…");
    let text = SIGNATURE.replace_all(&text, "$1…");
    let text = USER.replace_all(&text, "$1…@");
    let text = TOKEN.replace_all(&text, "…");
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant")
}

/// A line of a log, without its end.
pub(super) struct Line<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether it has its end, so that nothing can be missing there.
    pub(super) is_whole: bool,
}

/// The lines of a log, or of its beginning and its end.
pub(super) fn lines<'a>(beginning: &'a [u8], end: Option<&'a [u8]>) -> Vec<Line<'a>> {
    let mut lines = split(beginning);
    if let Some(end) = end {
        // What stands at either side of the gap is a fragment.
        lines.pop_if(|line| !line.is_whole);
        lines.extend(split(end).into_iter().skip(1));
    }
    lines
}

/// Lines end in a line feed, a carriage return (as progress bars do) or both.
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

/// The text without terminal sequences, other control characters and what turns text around.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ESCAPE => skip_sequence(&mut letters),
            // The same as ESC [ in one character.
            '\u{9b}' => skip_parameters(&mut letters),
            '\t' | '\n' | '\r' => plain.push(' '),
            _ if letter.is_control() || turns_text_around(letter) => {}
            _ => plain.push(letter),
        }
    }
    plain
}

/// The rest of an escape sequence.
fn skip_sequence(letters: &mut Peekable<Chars<'_>>) {
    match letters.next() {
        Some('[') => skip_parameters(letters),
        // A text for the terminal, up to BEL or ESC \.
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
        // One more character after those that choose something.
        Some(' '..='/') => {
            letters.next();
        }
        _ => {}
    }
}

/// Up to the letter that says what the parameters are for.
fn skip_parameters(letters: &mut Peekable<Chars<'_>>) {
    while letters
        .next_if(|letter| (' '..='?').contains(letter))
        .is_some()
    {}
    letters.next_if(|letter| ('@'..='~').contains(letter));
}

/// Whether a character makes others appear elsewhere than where they stand.
fn turns_text_around(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a word stands in a text, in any letter case and not as part of another.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .any(|part| part.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_text_ends_early() {
        let long = printable(&format!("error {}", "ä".repeat(5000)));
        assert_eq!(long.chars().count(), LONGEST_LINE + 1);
    }

    #[test]
    fn a_link_is_shown_without_its_query() {
        assert_eq!(
            printable("see <http://a.example/b?sig=planted> or https://c.example/?x"),
            "see <http://a.example/b?…> or https://c.example/?…"
        );
        assert_eq!(printable(" why? "), "why?");
    }

    #[test]
    fn nothing_is_left_that_would_move_or_colour_anything() {
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
    fn whatever_a_sequence_is_made_of_no_control_character_is_left() {
        for first in '\0'..='\u{ff}' {
            for second in ['[', ']', '(', ESCAPE, '7', '\r', first] {
                let plain = plain(&format!("a{ESCAPE}{first}{second}z"));
                assert!(!plain.contains(char::is_control), "{first:?} {second:?}");
            }
        }
    }

    #[test]
    fn a_signature_or_a_password_without_its_link_is_not_shown() {
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
    fn a_token_is_not_shown() {
        assert_eq!(
            shown("  Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln ", 100),
            "  Bearer …"
        );
    }

    proptest! {
        #[test]
        fn what_is_printable_is_one_line_and_stays_as_it_is(text: String) {
            let once = printable(&text);
            prop_assert!(!once.contains(char::is_control));
            prop_assert_eq!(printable(&once), once);
        }
    }
}
