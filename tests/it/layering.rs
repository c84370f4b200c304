//! Holds the arrows of ARCHITECTURE.md that no crate boundary holds: a room names only rooms below it.

use std::path::{Path, PathBuf};

/// Each room under `src/`, as the first component of a path or the first two, and the rooms that it may
/// name beside itself.
const ALLOWED: &[(&str, &[&str])] = &[
    (
        "provider",
        &[
            "terraform_plugin",
            "workflow",
            "patching",
            "azure",
            "http",
            "digest",
        ],
    ),
    (
        "workflow",
        &[
            "provider",
            "terraform_plugin",
            "patching",
            "azure",
            "http",
            "digest",
        ],
    ),
    ("patching", &["digest"]),
    ("azure", &["http", "digest"]),
    ("http", &[]),
    ("digest", &[]),
];

/// What only the framework may name.
const WIRE: [&str; 2] = ["prost", "tonic"];

#[test]
fn every_room_names_only_rooms_below_it() {
    let mut offences = Vec::new();
    for file in sources(&root()) {
        let place = place_of(&file);
        let Some(room) = place.first().filter(|room| !["main", "lib"].contains(room)) else {
            continue;
        };
        let Some((_, below)) = ALLOWED.iter().find(|(name, _)| name == room) else {
            offences.push(format!("{}: `{room}` is in no row", file.display()));
            continue;
        };
        let text = std::fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for named in named_rooms(code) {
                if named != *room && !below.contains(&named) {
                    offences.push(format!(
                        "{}:{}: `{room}` may not name `{named}`",
                        file.display(),
                        number + 1
                    ));
                }
            }
            for word in WIRE {
                if code.contains(&format!("{word}::")) {
                    offences.push(format!("{}:{}: {word}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

/// The components of a file's path below `src/`, without the ending of the last.
fn place_of(file: &Path) -> Vec<&str> {
    let inside = file.strip_prefix(root()).unwrap().to_str().unwrap();
    inside
        .strip_suffix(".rs")
        .unwrap_or(inside)
        .split('/')
        .collect()
}

/// The `<room>` of every `crate::<room>` in a line of code, and the framework where it is named.
fn named_rooms(code: &str) -> impl Iterator<Item = &str> {
    let framework = code
        .contains("terraform_plugin::")
        .then_some("terraform_plugin");
    let rooms = code.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    });
    rooms.chain(framework)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
