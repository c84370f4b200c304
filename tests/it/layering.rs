//! Holds the arrows of ARCHITECTURE.md: a layer names only layers below it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each layer under `src/`, and the layers that it may name.
const ALLOWED: &[(&str, &[&str])] = &[
    ("plugin", &["framework", "rpc"]),
    ("rpc", &["diagnostics", "framework", "schema", "value"]),
    (
        "provider",
        &[
            "action",
            "azure",
            "data_source",
            "diagnostics",
            "framework",
            "function",
            "http",
            "list_resource",
            "resource",
            "schema",
            "value",
        ],
    ),
    (
        "action",
        &[
            "azure",
            "diagnostics",
            "framework",
            "http",
            "patching",
            "resource",
            "schema",
            "value",
        ],
    ),
    (
        "data_source",
        &[
            "azure",
            "diagnostics",
            "framework",
            "http",
            "patching",
            "resource",
            "schema",
            "value",
        ],
    ),
    (
        "list_resource",
        &[
            "azure",
            "diagnostics",
            "framework",
            "http",
            "resource",
            "schema",
            "value",
        ],
    ),
    (
        "resource",
        &[
            "azure",
            "diagnostics",
            "framework",
            "http",
            "patching",
            "schema",
            "value",
        ],
    ),
    ("function", &["framework", "patching", "value"]),
    ("framework", &["diagnostics", "schema", "value"]),
    ("patching", &[]),
    ("azure", &["http"]),
    ("http", &[]),
    ("schema", &["value"]),
    ("diagnostics", &["value"]),
    ("value", &[]),
];

#[test]
fn every_layer_names_only_layers_below_it() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut offences = Vec::new();
    for file in sources(&root) {
        let inside = file.strip_prefix(&root).unwrap();
        let first = inside.iter().next().unwrap().to_str().unwrap();
        let layer = first.strip_suffix(".rs").unwrap_or(first);
        if layer == "main" || layer == "lib" {
            continue;
        }
        let Some(below) = allowed.get(layer) else {
            offences.push(format!(
                "{}: `{layer}` is not in the table of layers",
                inside.display()
            ));
            continue;
        };
        let text = std::fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            for named in named_layers(line) {
                if named != layer && !below.contains(&named) {
                    offences.push(format!(
                        "src/{}:{}: `{layer}` may not name `{named}`",
                        inside.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn the_table_has_no_upward_arrow() {
    let order: Vec<&str> = ALLOWED.iter().map(|(layer, _)| *layer).collect();
    for (position, (layer, below)) in ALLOWED.iter().enumerate() {
        for named in *below {
            let other = order.iter().position(|layer| layer == named);
            assert!(
                other > Some(position),
                "`{layer}` names `{named}`, which is not below it"
            );
        }
    }
}

#[test]
fn only_the_rpc_and_plugin_layers_see_generated_types() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for layer in [
        "action",
        "data_source",
        "framework",
        "function",
        "list_resource",
        "provider",
        "resource",
        "patching",
        "azure",
        "http",
        "value",
    ] {
        for file in sources(&root.join(layer)) {
            let text = std::fs::read_to_string(&file).unwrap();
            for word in ["prost", "tonic"] {
                assert!(!text.contains(word), "{} names {word}", file.display());
            }
        }
    }
}

/// The `<layer>` of every `crate::<layer>` in a line of code.
fn named_layers(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or_default();
    code.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
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
