//! Real inputs of the parsers, and arbitrary changes of them.
//!
//! Each folder in `seeds` has the inputs of one kind of parser. The names of tests that use them start with
//! `arbitrary`, and `make fuzz` repeats these tests with new seeds until its time is over.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A change of some bytes.
#[derive(Clone, Debug)]
pub enum Change {
    /// Replaces one byte.
    Set(Index, u8),
    /// Inserts bytes.
    Insert(Index, Vec<u8>),
    /// Removes the rest.
    CutOff(Index),
    /// Repeats a part, as deeply nested or very long input does.
    Repeat(Index, Index, u8),
}

/// Returns the inputs of one kind, in the order of their file names.
///
/// # Panics
/// The folder has no readable file.
#[must_use]
pub fn seeds(kind: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(kind);
    let entries = std::fs::read_dir(&folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let read = |file: &std::path::PathBuf| {
        std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(read).collect()
}

/// Inputs of one kind with up to six changes.
pub fn changed(kind: &str) -> impl Strategy<Value = Vec<u8>> {
    (select(seeds(kind)), changes(6)).prop_map(|(mut bytes, changes)| {
        apply(&mut bytes, &changes);
        bytes
    })
}

/// Inputs of one kind with up to six changes, as text.
pub fn changed_text(kind: &str) -> impl Strategy<Value = String> {
    changed(kind).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Up to `most` changes.
pub fn changes(most: usize) -> impl Strategy<Value = Vec<Change>> {
    let byte = prop_oneof![
        any::<u8>(),
        select(b"{}[]\",:\\/-<>=;%&?#\0\n 09azAZ".to_vec())
    ];
    let index = any::<Index>;
    let change = prop_oneof![
        4 => (index(), byte.clone()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (index(), vec(byte, 1..6)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => index().prop_map(Change::CutOff),
        1 => (index(), index(), 2..60_u8).prop_map(|(from, to, times)| Change::Repeat(from, to, times)),
    ];
    vec(change, 0..=most)
}

/// Makes the changes, one after the other. The result has at most a megabyte more.
pub fn apply(bytes: &mut Vec<u8>, changes: &[Change]) {
    const MOST: usize = 1 << 20;
    let limit = bytes.len() + MOST;
    for change in changes {
        let place = |at: &Index| at.index(bytes.len() + 1);
        match change {
            Change::Set(at, byte) => {
                let at = place(at);
                if let Some(found) = bytes.get_mut(at) {
                    *found = *byte;
                }
            }
            Change::Insert(at, more) => {
                let at = place(at);
                bytes.splice(at..at, more.iter().copied());
            }
            Change::CutOff(at) => bytes.truncate(place(at)),
            Change::Repeat(from, to, times) => {
                let (from, to) = (place(from), place(to));
                let (from, to) = (from.min(to), from.max(to));
                let more = bytes[from..to].repeat((*times).into());
                bytes.splice(to..to, more);
            }
        }
        bytes.truncate(limit);
    }
}
