//! Checks the layering in ARCHITECTURE.md that no crate boundary enforces. A layer refers only to layers
//! below it, and no two files refer to each other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Each layer under `src/`, and the layers below it that it may refer to.
///
/// A layer is the first component of a module path. Under `provider/`, it is the first two components.
const ALLOWED: &[(&str, &[&str])] = &[
    (
        "provider",
        &[
            "terraform_plugin",
            "provider::configuration",
            "provider::connection",
            "provider::functions",
            "provider::workflow",
            "azure",
            "http",
        ],
    ),
    (
        "provider::workflow",
        &[
            "terraform_plugin",
            "provider::connection",
            "provider::registry_claims",
            "provider::registry_locks",
            "provider::report",
            "provider::common",
            "workflow",
            "patching",
            "azure",
            "http",
        ],
    ),
    (
        "provider::functions",
        &["terraform_plugin", "patching", "azure"],
    ),
    (
        "provider::configuration",
        &["terraform_plugin", "provider::report", "azure", "http"],
    ),
    (
        "provider::connection",
        &[
            "terraform_plugin",
            "provider::registry_claims",
            "provider::registry_locks",
            "provider::common",
            "azure",
            "http",
        ],
    ),
    ("provider::registry_claims", &[]),
    ("provider::registry_locks", &["azure"]),
    ("provider::report", &["terraform_plugin", "azure", "http"]),
    ("provider::common", &["terraform_plugin", "azure"]),
    ("workflow", &["patching", "azure", "http", "digest"]),
    ("patching", &["digest"]),
    ("azure", &["http", "digest"]),
    ("http", &[]),
    ("digest", &[]),
];

/// The crates that only the framework may use.
const WIRE: [&str; 2] = ["prost", "tonic"];

#[test]
fn every_layer_refers_only_to_layers_below_it() {
    let mut violations = Vec::new();
    for (module, file) in modules("src") {
        let layer = layer_of(&module);
        if ["main", "lib"].contains(&layer.as_str()) {
            continue;
        }
        let Some((_, below)) = ALLOWED.iter().find(|(name, _)| *name == layer) else {
            violations.push(format!("{module}: `{layer}` is missing in `ALLOWED`"));
            continue;
        };
        let code = code_of(&file);
        for path in named_paths(&code) {
            let named = layer_of(&path);
            if named != layer && !below.contains(&named.as_str()) {
                violations.push(format!("{module}: `{layer}` may not refer to `{named}`"));
            }
        }
        let framework = ["terraform_plugin"]
            .into_iter()
            .filter(|it| !below.contains(it));
        for word in framework.chain(WIRE) {
            if code.contains(&format!("{word}::")) {
                violations.push(format!("{module}: `{layer}` may not refer to `{word}`"));
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn the_table_has_no_upward_reference() {
    let order: Vec<&str> = ALLOWED.iter().map(|(layer, _)| *layer).collect();
    for (position, (layer, below)) in ALLOWED.iter().enumerate() {
        for named in below.iter().filter(|named| **named != "terraform_plugin") {
            let other = order.iter().position(|layer| layer == named);
            assert!(
                other > Some(position),
                "`{layer}` refers to `{named}`, which is not below it"
            );
        }
    }
}

/// Ignores a folder's own file, because it and the files in the folder may refer to each other.
#[test]
fn no_files_refer_to_each_other_in_a_cycle() {
    for root in ["src", "crates/terraform-plugin/src"] {
        let modules = modules(root);
        let is_folder = |module: &str| {
            let below = format!("{module}::");
            modules.keys().any(|other| other.starts_with(&below))
        };
        let files: BTreeSet<&String> = modules.keys().filter(|it| !is_folder(it)).collect();
        let mut names: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
        for module in &files {
            let code = code_of(&modules[*module]);
            let named = named_paths(&code).into_iter().filter_map(|path| {
                let within =
                    |file: &&&String| path == ***file || path.starts_with(&format!("{file}::"));
                files.iter().find(within).copied()
            });
            names.insert(module, named.filter(|named| named != module).collect());
        }
        // A file without references to remaining files is in no cycle. Removing such files leaves only
        // cycles.
        loop {
            let done: Vec<&String> = names
                .iter()
                .filter(|(_, named)| named.iter().all(|it| !names.contains_key(*it)))
                .map(|(module, _)| *module)
                .collect();
            if done.is_empty() {
                break;
            }
            names.retain(|module, _| !done.contains(module));
        }
        assert_eq!(names, BTreeMap::new(), "cycles in {root}");
    }
}

/// The files below a folder of the repository, by their module paths.
fn modules(root: &str) -> BTreeMap<String, PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
    let module = |file: PathBuf| {
        let inside = file.strip_prefix(&root).unwrap().to_str().unwrap();
        let path = inside.strip_suffix(".rs").unwrap().replace('/', "::");
        let path = path.strip_suffix("::mod").unwrap_or(&path).to_owned();
        (path, file)
    };
    sources(&root).into_iter().map(module).collect()
}

/// The code of a file without comments and unit tests.
fn code_of(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines = code.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// Every path after `crate::`, with groups in braces expanded.
fn named_paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (path, rest) = rest.split_at(end);
        let group = rest
            .strip_prefix('{')
            .and_then(|rest| rest.split_once("};"));
        match group {
            None => found.push(path.trim_end_matches(':').to_owned()),
            Some((group, _)) => found.extend(group.split(',').map(|name| {
                let name = name.trim().trim_start_matches('{');
                format!("{path}{}", name.split(' ').next().unwrap_or_default())
            })),
        }
    }
    found
}

/// The layer that a path belongs to.
fn layer_of(path: &str) -> String {
    let mut parts = path.split("::");
    let first = parts.next().unwrap_or_default();
    match parts.next() {
        // Types directly in `provider` belong to the layer `provider`.
        Some(second) if first == "provider" && second.starts_with(char::is_lowercase) => {
            format!("{first}::{second}")
        }
        _ => first.to_owned(),
    }
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
