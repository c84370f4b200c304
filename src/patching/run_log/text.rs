//! The text of a log: its lines, and what of them may be shown.

use std::str::Chars;
use std::sync::LazyLock;

use regex_lite::Regex;

/// The most characters of a line that are shown.
const LONGEST_LINE: usize = 1000;

/// Text of a run as it may be shown: on one line, without colours, not too long, and without what
/// may be a credential. The link to a blob is one, and tools that fail to follow it print it.
pub fn printable(text: &str) -> String {
    static QUERY: LazyLock<Regex> = LazyLock::new(|| regex(r#"(://[^\s"'<>?]*)\?[^\s"'<>]*"#));
    static TOKEN: LazyLock<Regex> = LazyLock::new(|| regex(r"eyJ[A-Za-z0-9_-]{8,}[A-Za-z0-9_.-]*"));
    let text = plain(text);
    let text = QUERY.replace_all(text.trim(), "$1?…");
    let text = TOKEN.replace_all(&text, "…");
    match text.char_indices().nth(LONGEST_LINE) {
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

/// The text without terminal sequences and other control characters.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => match letters.next() {
                // Colours and the like: up to the letter that says what it is.
                Some('[') => drop(letters.find(|it| ('\u{40}'..='\u{7e}').contains(it))),
                Some(']') => skip_title(&mut letters),
                // Character sets: two letters.
                Some(' '..='/') => drop(letters.next()),
                _ => {}
            },
            '\t' | '\n' | '\r' => plain.push(' '),
            letter if letter.is_control() => {}
            letter => plain.push(letter),
        }
    }
    plain
}

/// Titles and links go up to a bell, or to `ESC \`.
fn skip_title(letters: &mut Chars<'_>) {
    if letters.find(|it| matches!(it, '\u{7}' | '\u{1b}')) == Some('\u{1b}') {
        letters.next();
    }
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

    proptest! {
        #[test]
        fn what_is_printable_is_one_line_and_stays_as_it_is(text: String) {
            let once = printable(&text);
            prop_assert!(!once.contains(char::is_control));
            prop_assert_eq!(printable(&once), once);
        }
    }
}
