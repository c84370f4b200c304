//! Generates the registry pages in `docs/`. Each page is a template, filled in with the schema and with
//! files from `examples/`. A guide is a template with files only.
//!
//! The template is `templates/<folder>/<name>.md`, or `templates/<folder>.md` if that file doesn't exist.
//! terraform-plugin-docs uses the same layout.

use std::path::Path;

use serde_json::{Map, Value};

use crate::golden::{files_below, repository_file};
use crate::schema_markdown::{identity_section, parts_of_schema, plain_type, text};

const TEMPLATES: &str = "templates";

/// A kind of object with one page for each object, such as resources or functions.
struct Kind {
    /// The key of these objects in the output of `providers schema -json`.
    key: &'static str,
    /// The folder below `docs/`, `templates/` and `examples/`.
    folder: &'static str,
    /// The file name of the example.
    example: &'static str,
    parts: fn(&str, &Value) -> Vec<(&'static str, String)>,
}

const KINDS: [Kind; 5] = [
    Kind {
        key: "resource_schemas",
        folder: "resources",
        example: "resource.tf",
        parts: |_, schema| parts_of_schema(schema),
    },
    Kind {
        key: "data_source_schemas",
        folder: "data-sources",
        example: "data-source.tf",
        parts: |_, schema| parts_of_schema(schema),
    },
    Kind {
        key: "list_resource_schemas",
        folder: "list-resources",
        example: "list-resource.tfquery.hcl",
        parts: |_, schema| parts_of_schema(schema),
    },
    Kind {
        key: "action_schemas",
        folder: "actions",
        example: "action.tf",
        parts: |_, schema| parts_of_schema(schema),
    },
    Kind {
        key: "functions",
        folder: "functions",
        example: "function.tf",
        parts: parts_of_function,
    },
];

/// Returns all pages as pairs of path and text. Paths start at the repository's root.
pub(crate) fn all(schemas: &Value) -> Vec<(String, String)> {
    let index = repository_file(&format!("{TEMPLATES}/index.md"));
    let index = filled_in(&index, &parts_of_schema(&schemas["provider"]));
    let mut pages = vec![("docs/index.md".to_owned(), index)];
    for kind in &KINDS {
        let things = schemas[kind.key]
            .as_object()
            .into_iter()
            .flat_map(Map::iter);
        for (name, schema) in things {
            let short = name.strip_prefix("acr_").unwrap_or(name);
            let folder = kind.folder;
            let path = format!("docs/{folder}/{short}.md");
            let mut parts = (kind.parts)(name, schema);
            parts.push(("name", name.clone()));
            let example = format!("examples/{folder}/{name}/{}", kind.example);
            parts.push(("example", repository_file(&example)));
            let identity = &schemas["resource_identity_schemas"][name];
            if identity.is_object() {
                parts.push(("identity", identity_section(identity)));
            }
            pages.push((path, filled_in(&template(kind, short), &parts)));
        }
    }
    pages.extend(guides());
    pages
}

/// The guides, `docs/guides/<name>.md`.
fn guides() -> impl Iterator<Item = (String, String)> {
    let templates = files_below(Path::new(TEMPLATES).join("guides").as_path());
    templates.into_iter().map(|template| {
        let path = template.replacen(TEMPLATES, "docs", 1);
        (path, filled_in(&repository_file(&template), &[]))
    })
}

fn template(kind: &Kind, short: &str) -> String {
    let own = format!("{TEMPLATES}/{}/{short}.md", kind.folder);
    let is_there = Path::new(env!("CARGO_MANIFEST_DIR")).join(&own).exists();
    repository_file(&if is_there {
        own
    } else {
        format!("{TEMPLATES}/{}.md", kind.folder)
    })
}

/// The named values that a template can insert, in addition to `{{file PATH}}`.
type Parts<'a> = [(&'a str, String)];

/// Replaces each `{{name}}` in `template` with the part of that name. A part can have several lines if
/// `{{name}}` is the only text on its line.
fn filled_in(template: &str, parts: &Parts<'_>) -> String {
    let mut page = String::new();
    for line in template.lines() {
        let asked = line
            .trim()
            .strip_prefix("{{file ")
            .and_then(|rest| rest.strip_suffix("}}"));
        match asked {
            Some(path) => page += repository_file(path).trim_end(),
            None => {
                let filled = parts.iter().fold(line.to_owned(), |line, (name, text)| {
                    line.replace(&format!("{{{{{name}}}}}"), text.trim_end())
                });
                assert!(!filled.contains("{{"), "unknown placeholder in {filled}");
                page += &filled;
            }
        }
        page.push('\n');
    }
    page
}

fn parts_of_function(name: &str, function: &Value) -> Vec<(&'static str, String)> {
    vec![
        ("summary", text(function, "summary").to_owned()),
        ("description", text(function, "description").to_owned()),
        ("signature", signature(name, function)),
        ("arguments", arguments(function)),
    ]
}

/// Returns the signature, in the form `name(first type, second type, more type...) type`.
fn signature(name: &str, function: &Value) -> String {
    let parameter = |parameter: &Value| {
        let kind = plain_type(&parameter["type"]).to_lowercase();
        format!("{} {kind}", text(parameter, "name"))
    };
    let variadic = &function["variadic_parameter"];
    let more = variadic
        .is_object()
        .then(|| format!("{}...", parameter(variadic)));
    let parameters: Vec<String> = parameters(function).map(parameter).chain(more).collect();
    let returns = plain_type(&function["return_type"]).to_lowercase();
    format!("{name}({}) {returns}", parameters.join(", "))
}

fn arguments(function: &Value) -> String {
    let line = |parameter: &Value, kind: String| {
        let (name, description) = (text(parameter, "name"), text(parameter, "description"));
        format!("1. `{name}` ({kind}) {description}\n")
    };
    let kind = |parameter: &Value| {
        let nullable = if parameter["is_nullable"] == true {
            ", Nullable"
        } else {
            ""
        };
        plain_type(&parameter["type"]) + nullable
    };
    let variadic = &function["variadic_parameter"];
    let more = variadic
        .is_object()
        .then(|| line(variadic, format!("Variadic, {}", kind(variadic))));
    parameters(function)
        .map(|parameter| line(parameter, kind(parameter)))
        .chain(more)
        .collect()
}

fn parameters(function: &Value) -> impl Iterator<Item = &Value> {
    function["parameters"].as_array().into_iter().flatten()
}
