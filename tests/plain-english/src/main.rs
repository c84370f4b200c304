//! Measures the English of everything a person reads: pages, schema descriptions, messages and comments.
//! A sentence has 25 words at most, and no phrase of [`phrases::AVOIDED`].

#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on should stop there"
)]

mod markdown;
mod phrases;
mod rust_source;

use std::path::{Path, PathBuf};

use markdown::Sentence;

/// The longest sentence, in words. Inline code counts as one word.
const WORDS: usize = 25;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns every file below `folder` with one of `extensions`, except in build results and hidden folders.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "dist" {
                found.extend(files(&path, extensions));
            }
        } else if extensions.iter().any(|extension| name.ends_with(extension)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Returns the file's path from the root, and its text.
fn read(path: &Path) -> (String, String) {
    let name = path
        .strip_prefix(root())
        .unwrap()
        .to_string_lossy()
        .into_owned();
    let text = std::fs::read_to_string(path).unwrap();
    (name, text)
}

/// Returns each sentence that is too long, with its place.
fn too_long(name: &str, sentences: impl IntoIterator<Item = Sentence>) -> Vec<String> {
    sentences
        .into_iter()
        .filter(|sentence| sentence.words() > WORDS)
        .map(|sentence| {
            format!(
                "{name}:{}: {} words: {}",
                sentence.line,
                sentence.words(),
                sentence.text
            )
        })
        .collect()
}

fn assert_none(findings: &[String]) {
    assert!(
        findings.is_empty(),
        "{} places:\n{}",
        findings.len(),
        findings.join("\n")
    );
}

#[test]
fn sentences_of_pages_have_25_words_at_most() {
    let findings: Vec<String> = files(&root(), &[".md"])
        .iter()
        .map(|path| read(path))
        .flat_map(|(name, text)| too_long(&name, markdown::sentences(&text, 1)))
        .collect();
    assert_none(&findings);
}

#[test]
fn sentences_of_schema_descriptions_have_25_words_at_most() {
    let (name, text) = read(&root().join("tests/golden/schema.json"));
    let mut findings = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        if let Some(description) = text.trim().strip_prefix(r#""description": "#) {
            let description: String =
                serde_json::from_str(description.trim_end_matches(',')).unwrap();
            findings.extend(too_long(&name, markdown::sentences(&description, line)));
        }
    }
    assert_none(&findings);
}

#[test]
fn sentences_of_messages_have_25_words_at_most() {
    let findings: Vec<String> = files(&root().join("src"), &[".rs"])
        .iter()
        .chain(&files(&root().join("crates"), &[".rs"]))
        .map(|path| read(path))
        .flat_map(|(name, text)| too_long(&name, rust_source::messages(&text)))
        .collect();
    assert_none(&findings);
}

#[test]
fn sentences_of_comments_have_25_words_at_most() {
    let findings: Vec<String> = files(&root(), &[".rs"])
        .iter()
        .map(|path| read(path))
        .flat_map(|(name, text)| too_long(&name, rust_source::comments(&text)))
        .collect();
    assert_none(&findings);
}

#[test]
fn no_text_has_a_phrase_to_avoid() {
    let extensions = [
        ".rs",
        ".md",
        ".toml",
        ".tf",
        ".hcl",
        ".sh",
        ".yaml",
        ".json",
        ".snap",
        ".proto",
        "GNUmakefile",
    ];
    let findings: Vec<String> = files(&root(), &extensions)
        .iter()
        .map(|path| read(path))
        .filter(|(name, _)| !name.starts_with("tests/plain-english/"))
        .flat_map(|(name, text)| phrases::found(&name, &text))
        .collect();
    assert_none(&findings);
}
