//! The messages in the guide *Troubleshooting*, compared with the texts of the provider and of the tasks.

use std::path::Path;

use regex_lite::Regex;

use crate::golden::{files_below, repository_file};

const GUIDE: &str = "docs/guides/troubleshooting.md";

/// The source code, with each literal that goes over several lines on one line.
fn source() -> String {
    let continued = Regex::new(r"\\\n\s*").unwrap();
    let files = files_below(Path::new("src")).into_iter();
    let files = files.filter(|path| path.ends_with(".rs") || path.ends_with(".yaml"));
    files
        .map(|path| {
            continued
                .replace_all(&repository_file(&path), "")
                .into_owned()
        })
        .collect()
}

/// The messages in the first column of each table.
fn messages(guide: &str) -> Vec<String> {
    let code = Regex::new("`([^`]+)`").unwrap();
    let rows = guide.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    cells
        .flat_map(|cell| code.captures_iter(cell))
        .map(|found| found[1].to_owned())
        .collect()
}

#[test]
fn each_message_of_the_guide_is_a_message_of_the_provider() {
    let source = source();
    let placeholder = Regex::new("<[^>]*>").unwrap();
    let messages = messages(&repository_file(GUIDE));
    assert!(messages.len() > 50, "{messages:?}");
    for message in messages {
        for part in placeholder.split(&message) {
            assert!(source.contains(part.trim()), "{message}: no {part:?}");
        }
    }
}
