//! Makes a log line safe for a terminal.

use crate::patching::run_log::shown;

/// The number of characters to show of a line.
const LONGEST: usize = 400;

/// Returns the line in its final form. A progress bar overwrites itself, so the last part counts.
pub(super) fn sanitized(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    let line = line.trim_end_matches(['\r', '\n']);
    let seen = line.rsplit('\r').next().unwrap_or_default();
    shown(seen, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_in_its_final_form_without_credentials() {
        for (raw, shown) in [
            ("plain\r\n", "plain"),
            ("10%\r50%\r100% done\r\n", "100% done"),
            ("  \u{1b}[1mindented  ", "  indented"),
            (
                "GET https://logs.example/x?sig=planted failed",
                "GET https://logs.example/x?… failed",
            ),
            ("", ""),
        ] {
            assert_eq!(sanitized(raw.as_bytes()), shown, "{raw:?}");
        }
    }

    #[test]
    fn invalid_utf8_is_replaced() {
        assert_eq!(sanitized(b"a\xffb"), "a\u{fffd}b");
    }

    #[test]
    fn a_very_long_line_is_truncated() {
        assert_eq!(sanitized("ü".repeat(400).as_bytes()), "ü".repeat(400));
        let cut = sanitized("ü".repeat(401).as_bytes());
        assert_eq!(cut, format!("{}…", "ü".repeat(400)));
    }
}
