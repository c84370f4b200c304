//! Registry pages, in the layout that registries render: the schema's part written from what
//! `providers schema -json` says, the examples taken from `examples/`, the rest from `pages/`.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::golden::repository_file;

/// A page whose text is `template`, for this schema. In the template `{{description}}`,
/// `{{schema}}` and `{{file PATH}}` are filled in.
pub(crate) fn page(template: &str, schema: &Value) -> String {
    let block = &schema["block"];
    let mut page = String::new();
    for line in template.lines() {
        match line
            .trim()
            .strip_prefix("{{")
            .and_then(|rest| rest.strip_suffix("}}"))
        {
            Some("schema") => page += schema_section(block).trim_end(),
            Some("description") => {
                page += &line.replace("{{description}}", text(block, "description"))
            }
            Some(other) => match other.strip_prefix("file ") {
                Some(path) => page += repository_file(path).trim_end(),
                None => panic!("no page has a {{{{{other}}}}}"),
            },
            None => page += line,
        }
        page.push('\n');
    }
    page
}

/// The section `Schema`: arguments by who sets them, then the nested ones.
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

/// The members of a block or of a nested type, by who sets them; within a group by name.
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

    /// The attributes inside, if there are any.
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

    /// The sections about what is inside, each after the one that leads to it.
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

fn plain_type(kind: &Value) -> String {
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

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
