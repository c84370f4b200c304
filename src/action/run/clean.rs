//! A line of a log as a terminal may show it: a run prints what it likes, and a log is no place
//! from which to move a cursor.

use std::iter::Peekable;
use std::str::Chars;

/// How many characters of a line are shown.
const LONGEST: usize = 400;

const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';

/// The line without escape sequences and control characters, and without what was overwritten.
/// One that is very long loses its end.
pub(super) fn clean(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    // A progress bar draws over itself: only its last state would be seen.
    let line = line.trim_end_matches(['\r', '\n']);
    let seen = line.rsplit('\r').next().unwrap_or_default();
    let shown = without_controls(seen);
    let shown = shown.trim_end();
    match shown.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown.to_owned(),
    }
}

fn without_controls(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ESCAPE => skip_sequence(&mut letters),
            // The same as ESC [ in one character.
            '\u{9b}' => skip_parameters(&mut letters),
            '\t' => shown.push_str("    "),
            _ if letter.is_control() || turns_text_around(letter) => {}
            _ => shown.push(letter),
        }
    }
    shown
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_without_what_would_move_or_colour_anything() {
        for (raw, shown) in [
            ("plain\r\n", "plain"),
            (
                "\u{1b}[1;31mred\u{1b}[0m and \u{9b}4mnot\u{1b}[K",
                "red and not",
            ),
            (
                "\u{1b}]0;a title\u{7}after\u{1b}]8;;https://x\u{1b}\\link",
                "afterlink",
            ),
            ("\u{1b}(Bset\u{1b}c", "set"),
            ("10%\r50%\r100% done\r\n", "100% done"),
            ("a\tb\u{0}\u{8}c\u{85}", "a    bc"),
            ("safe\u{202e}txt", "safetxt"),
            ("cut off \u{1b}[3", "cut off"),
            ("Grüße 👋", "Grüße 👋"),
            ("  indented  ", "  indented"),
            ("", ""),
        ] {
            assert_eq!(clean(raw.as_bytes()), shown, "{raw:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_shown_as_such() {
        assert_eq!(clean(b"a\xffb"), "a\u{fffd}b");
    }

    #[test]
    fn a_very_long_line_loses_its_end() {
        assert_eq!(clean("ü".repeat(400).as_bytes()), "ü".repeat(400));
        let cut = clean("ü".repeat(401).as_bytes());
        assert_eq!(cut, format!("{}…", "ü".repeat(400)));
    }

    #[test]
    fn whatever_a_line_is_made_of_no_control_character_is_left() {
        for first in 0..=u8::MAX {
            for second in [b'[', b']', b'(', b'\x1b', b'7', b'\r', first] {
                let shown = clean(&[b'a', b'\x1b', first, second, b'z']);
                assert!(
                    !shown.contains(char::is_control),
                    "{first} {second}: {shown:?}"
                );
            }
        }
    }
}
