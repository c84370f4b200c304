//! Generated files of the repository. Tests compare them with the expected text, or write them if
//! `UPDATE_GOLDEN=1` is set, as `make generate` does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The text of a file at this path from the repository's root.
pub(crate) fn repository_file(path: &str) -> String {
    std::fs::read_to_string(at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Asserts that a generated file has the expected text.
pub(crate) fn assert_golden(path: &str, expected: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let file = at(path);
        let folder = file.parent().unwrap();
        std::fs::create_dir_all(folder).unwrap();
        return std::fs::write(file, expected).unwrap();
    }
    let actual = std::fs::read_to_string(at(path)).unwrap_or_default();
    if let Some((number, actual, expected)) = first_difference(&actual, expected) {
        panic!(
            "{path} is out of date, run `make generate`. Line {number}\n  is        {actual}\n  should be {expected}"
        );
    }
}

/// The files in a folder of the repository, at any depth, as paths from the repository's root.
pub(crate) fn files_below(folder: &Path) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(root.join(folder)).unwrap();
    entries
        .flat_map(|entry| {
            let path = folder.join(entry.unwrap().file_name());
            if root.join(&path).is_dir() {
                files_below(&path)
            } else {
                [path.to_str().unwrap().to_owned()].into()
            }
        })
        .collect()
}

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn first_difference<'a>(actual: &'a str, expected: &'a str) -> Option<(usize, &'a str, &'a str)> {
    if actual == expected {
        return None;
    }
    let (mut left, mut right) = (actual.split('\n'), expected.split('\n'));
    (1..).find_map(|number| match (left.next(), right.next()) {
        (None, None) => Some((number, "", "")),
        (a, b) if a == b => None,
        (a, b) => Some((number, a.unwrap_or("<end>"), b.unwrap_or("<end>"))),
    })
}
