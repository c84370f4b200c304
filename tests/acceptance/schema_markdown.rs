//! Renders the output of `providers schema -json` as Markdown, in the layout of terraform-plugin-docs.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Returns the description and the section `Schema` of a page.
pub(crate) fn parts_of_schema(schema: &Value) -> Vec<(&'static str, String)> {
    let block = &schema["block"];
    vec![
        ("description", text(block, "description").to_owned()),
        ("schema", schema_section(block)),
    ]
}

/// Returns the section `Identity Schema`.
pub(crate) fn identity_section(schema: &Value) -> String {
    let mut section = "### Identity Schema\n".to_owned();
    let attributes = schema["attributes"].as_object().unwrap();
    for (title, key) in [
        ("Required", "required_for_import"),
        ("Optional", "optional_for_import"),
    ] {
        let mut members = attributes
            .iter()
            .filter(|(_, it)| it[key] == true)
            .peekable();
        if members.peek().is_some() {
            let _ = writeln!(section, "\n#### {title}\n");
        }
        for (name, attribute) in members {
            let kind = plain_type(&attribute["type"]);
            let description = text(attribute, "description");
            let _ = writeln!(section, "- `{name}` ({kind}) {description}");
        }
    }
    section
}

/// Returns the section `Schema`. The nested schemas follow the attributes.
fn schema_section(block: &Value) -> String {
    let mut section = "## Schema\n".to_owned();
    let mut nested = Vec::new();
    for (title, members) in groups(block) {
        let _ = writeln!(section, "\n### {title}\n");
        for member in members {
            section += &member.line("");
            nested.extend(member.nested(""));
        }
    }
    for part in nested {
        section += &part;
    }
    section
}

/// An attribute or a nested block.
#[derive(Clone, Copy)]
struct Member<'a> {
    name: &'a str,
    content: &'a Value,
    is_block: bool,
}

/// Groups the members of a block or of a nested type by `Required`, `Optional` and `Read-Only`, and sorts
/// each group by name.
fn groups(block: &Value) -> Vec<(&'static str, Vec<Member<'_>>)> {
    let members = |key: &str, is_block: bool| {
        let members = block[key].as_object().into_iter().flat_map(Map::iter);
        members.map(move |(name, content)| Member {
            name,
            content,
            is_block,
        })
    };
    let mut all: Vec<Member<'_>> = members("attributes", false)
        .chain(members("block_types", true))
        .collect();
    all.sort_by_key(|member| member.name);
    ["Required", "Optional", "Read-Only"]
        .into_iter()
        .map(|title| {
            let members = all.iter().filter(|member| member.group() == title).copied();
            (title, members.collect::<Vec<_>>())
        })
        .filter(|(_, members)| !members.is_empty())
        .collect()
}

impl<'a> Member<'a> {
    fn group(self) -> &'static str {
        let is = |key: &str| self.content[key].as_bool() == Some(true);
        if is("required") {
            "Required"
        } else if is("optional") || self.is_block {
            "Optional"
        } else {
            "Read-Only"
        }
    }

    fn line(self, parent: &str) -> String {
        let Self { name, content, .. } = self;
        let kind = self.kind();
        let description = text(
            if self.is_block {
                &content["block"]
            } else {
                content
            },
            "description",
        );
        let below = match self.body() {
            Some(_) => format!(" (see [below for nested schema](#{}))", self.anchor(parent)),
            None => String::new(),
        };
        format!("- `{name}` ({kind}) {description}{below}\n")
    }

    fn kind(self) -> String {
        let content = self.content;
        let nested = |what: &str, mode: &Value| match mode.as_str().unwrap_or_default() {
            "list" => format!("{what} List"),
            "set" => format!("{what} Set"),
            "map" => format!("{what} Map"),
            _ => what.to_owned(),
        };
        let mut kind = if self.is_block {
            format!("{}, Optional", nested("Block", &content["nesting_mode"]))
        } else if content["nested_type"].is_object() {
            nested("Attributes", &content["nested_type"]["nesting_mode"])
        } else {
            plain_type(&content["type"])
        };
        for (flag, word) in [("sensitive", ", Sensitive"), ("deprecated", ", Deprecated")] {
            if content[flag].as_bool() == Some(true) {
                kind += word;
            }
        }
        kind
    }

    /// Returns the nested block or the nested type.
    fn body(self) -> Option<&'a Value> {
        let key = if self.is_block {
            "block"
        } else {
            "nested_type"
        };
        self.content.get(key)
    }

    fn anchor(self, parent: &str) -> String {
        let kind = if self.is_block {
            "nestedblock"
        } else {
            "nestedatt"
        };
        format!("{kind}--{parent}{}", self.name)
    }

    /// Returns the sections about the nested schemas. Each section follows the section that links to it.
    fn nested(self, parent: &str) -> Vec<String> {
        let Some(body) = self.body() else {
            return Vec::new();
        };
        let path = format!("{parent}{}", self.name).replace("--", ".");
        let mut section = format!(
            "\n<a id=\"{}\"></a>\n### Nested Schema for `{path}`\n",
            self.anchor(parent)
        );
        let below = format!("{parent}{}--", self.name);
        let mut deeper = Vec::new();
        for (title, members) in groups(body) {
            let _ = writeln!(section, "\n{title}:\n");
            for member in members {
                section += &member.line(&below);
                deeper.extend(member.nested(&below));
            }
        }
        std::iter::once(section).chain(deeper).collect()
    }
}

/// Returns the name of a type as pages show it.
pub(crate) fn plain_type(kind: &Value) -> String {
    match kind {
        Value::String(name) => match name.as_str() {
            "string" => "String",
            "number" => "Number",
            "bool" => "Boolean",
            _ => "Dynamic",
        }
        .to_owned(),
        Value::Array(parts) => {
            let outer = match parts[0].as_str().unwrap_or_default() {
                "list" => "List",
                "set" => "Set",
                "map" => "Map",
                _ => return "Object".to_owned(),
            };
            format!("{outer} of {}", plain_type(&parts[1]))
        }
        _ => "Dynamic".to_owned(),
    }
}

/// Returns the text of a member, or an empty text if the member doesn't exist.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
