//! The links between the pages: each leads to a file of the repository, and to one of its headings.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use regex_lite::Regex;

use crate::golden::{files_below, repository_file};

/// The pages outside `docs/`.
const PAGES: [&str; 6] = [
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "DESIGN.md",
    "README.md",
    "SECURITY.md",
    "tests/azure-simulator/README.md",
];

/// The text without its code blocks.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// The names that a link to this page can have after `#`.
fn anchors(text: &str) -> BTreeSet<String> {
    let named = Regex::new(r#"<a id="([^"]+)">"#).unwrap();
    let text = prose(text);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let of_heading = |heading: &str| {
        let name = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = name
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().replace(' ', "-")
    };
    let named = named.captures_iter(&text).map(|found| found[1].to_owned());
    headings.map(of_heading).chain(named).collect()
}

/// The path of a link on a page, without `.` and `..`.
fn target(page: &str, link: &str) -> String {
    let mut path = PathBuf::new();
    let folder = Path::new(page).parent().unwrap();
    for part in folder.join(link).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{link} on {page} leaves the repository"),
            Component::CurDir => {}
            other => path.push(other),
        }
    }
    path.to_str().unwrap().to_owned()
}

#[test]
fn each_link_between_pages_leads_to_a_file_and_a_heading() {
    let pattern = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let pages = files_below(Path::new("docs")).into_iter();
    let pages = pages.filter(|page| page.ends_with(".md"));
    let mut count = 0;
    for page in pages.chain(PAGES.map(str::to_owned)) {
        let text = repository_file(&page);
        for found in pattern.captures_iter(&prose(&text)) {
            let link = &found[1];
            if link.contains("://") {
                continue;
            }
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() {
                page.clone()
            } else {
                target(&page, file)
            };
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            assert!(root.join(&file).exists(), "{link} on {page}: no {file}");
            let known = anchor.is_empty() || anchors(&repository_file(&file)).contains(anchor);
            assert!(known, "{link} on {page}: no such heading");
        }
    }
    assert!(count > 50, "{count}");
}
