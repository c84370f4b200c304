//! The rules that hosts enforce on a schema. If a schema breaks a rule, the host rejects the whole
//! provider or crashes.

use std::collections::BTreeSet;
use std::fmt;

use crate::schema::{
    Attribute, AttributeKind, Block, Configurability, NestedBlock, Nesting, Schema,
};
use crate::value::AttributePath;

/// Names that hosts reserve at the root of a resource or data source.
pub(crate) const RESERVED_IN_RESOURCES: &[&str] = &[
    "connection",
    "count",
    "depends_on",
    "for_each",
    "lifecycle",
    "provider",
    "provisioner",
];

/// Names that hosts reserve at the root of a provider block.
pub(crate) const RESERVED_IN_PROVIDERS: &[&str] = &["alias", "version"];

/// A broken rule and its path in the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// The attribute or block, or the root.
    pub(crate) path: AttributePath,
    /// The rule.
    pub(crate) rule: &'static str,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.steps().is_empty() {
            f.write_str(self.rule)
        } else {
            write!(f, "{}: {}", self.path, self.rule)
        }
    }
}

impl Schema {
    /// The rules that the schema breaks. The root must not use the names in `reserved`.
    pub(crate) fn flaws(&self, reserved: &[&str]) -> Vec<Flaw> {
        let mut flaws = Flaws::default();
        let root = AttributePath::root();
        flaws.check(self.version >= 0, &root, "the version must not be negative");
        flaws.block(&self.block, &root);
        for name in names(&self.block.attributes, &self.block.blocks) {
            let is_free = !reserved.contains(&name);
            flaws.check(is_free, &AttributePath::new(name), "the name is reserved");
        }
        flaws.0
    }
}

#[derive(Default)]
struct Flaws(Vec<Flaw>);

impl Flaws {
    fn check(&mut self, holds: bool, path: &AttributePath, rule: &'static str) {
        if !holds {
            let path = path.clone();
            self.0.push(Flaw { path, rule });
        }
    }

    fn block(&mut self, block: &Block, path: &AttributePath) {
        self.names(&block.attributes, &block.blocks, path);
        for attribute in &block.attributes {
            self.attribute(attribute, &path.clone().attribute(&attribute.name));
        }
        for nested in &block.blocks {
            self.nested_block(nested, &path.clone().attribute(&nested.name));
        }
    }

    fn names(&mut self, attributes: &[Attribute], blocks: &[NestedBlock], path: &AttributePath) {
        let mut seen = BTreeSet::new();
        for name in names(attributes, blocks) {
            let path = path.clone().attribute(name);
            self.check(seen.insert(name), &path, "the name is used twice");
            self.check(
                is_name(name),
                &path,
                "a name must consist of a-z, 0-9 and _, and must not start with a digit",
            );
        }
    }

    fn attribute(&mut self, attribute: &Attribute, path: &AttributePath) {
        let is_configured = matches!(
            attribute.configurability,
            Configurability::Required | Configurability::Optional
        );
        self.check(
            is_configured || !attribute.write_only,
            path,
            "a write-only attribute must not be computed",
        );
        let AttributeKind::Nested(nesting, attributes) = &attribute.kind else {
            return;
        };
        self.check(
            *nesting != Nesting::Group,
            path,
            "only a block may have the nesting mode group",
        );
        if *nesting == Nesting::Set {
            let write_only = attributes.iter().any(holds_write_only);
            self.set_content(write_only, attribute.value_type().has_dynamic(), path);
        }
        self.names(attributes, &[], path);
        for attribute in attributes {
            self.attribute(attribute, &path.clone().attribute(&attribute.name));
        }
    }

    fn nested_block(&mut self, nested: &NestedBlock, path: &AttributePath) {
        let NestedBlock {
            min_items: min,
            max_items: max,
            ..
        } = *nested;
        let fits = match nested.nesting {
            Nesting::Single => min == max && (0..=1).contains(&min),
            Nesting::Group | Nesting::Map => min == 0 && max == 0,
            Nesting::List | Nesting::Set => min >= 0 && (max == 0 || min <= max),
        };
        let rule = "min_items and max_items must match the nesting mode";
        self.check(fits, path, rule);
        if nested.nesting == Nesting::Set {
            let write_only = block_holds_write_only(&nested.block);
            self.set_content(write_only, nested.value_type().has_dynamic(), path);
        }
        self.block(&nested.block, path);
    }

    fn set_content(&mut self, write_only: bool, dynamic: bool, path: &AttributePath) {
        let rule = "a set must not contain write-only attributes";
        self.check(!write_only, path, rule);
        let rule = "a set must not contain dynamic attributes";
        self.check(!dynamic, path, rule);
    }
}

fn names<'a>(
    attributes: &'a [Attribute],
    blocks: &'a [NestedBlock],
) -> impl Iterator<Item = &'a str> {
    attributes
        .iter()
        .map(|attribute| attribute.name.as_str())
        .chain(blocks.iter().map(|block| block.name.as_str()))
}

/// Whether every host accepts the name for an attribute, a block or a parameter.
pub(crate) fn is_name(name: &str) -> bool {
    name.bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && name
            .bytes()
            .next()
            .is_some_and(|first| !first.is_ascii_digit())
}

fn holds_write_only(attribute: &Attribute) -> bool {
    attribute.write_only
        || match &attribute.kind {
            AttributeKind::Plain(_) => false,
            AttributeKind::Nested(_, attributes) => attributes.iter().any(holds_write_only),
        }
}

fn block_holds_write_only(block: &Block) -> bool {
    block.attributes.iter().any(holds_write_only)
        || block
            .blocks
            .iter()
            .any(|nested| block_holds_write_only(&nested.block))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Type;

    fn text(name: &str) -> Attribute {
        Attribute::new(name, Type::String, Configurability::Optional, "")
    }

    fn secret(name: &str) -> Attribute {
        Attribute {
            write_only: true,
            ..text(name)
        }
    }

    fn any(name: &str) -> Attribute {
        Attribute::new(name, Type::Dynamic, Configurability::Optional, "")
    }

    fn nested(name: &str, nesting: Nesting, attribute: Attribute) -> Attribute {
        Attribute::nested(
            name,
            nesting,
            vec![attribute],
            Configurability::Optional,
            "",
        )
    }

    fn block(name: &str, nesting: Nesting, items: (i64, i64), attribute: Attribute) -> NestedBlock {
        NestedBlock {
            name: name.to_owned(),
            nesting,
            block: Block {
                attributes: vec![attribute],
                ..Block::default()
            },
            min_items: items.0,
            max_items: items.1,
        }
    }

    fn flaws(version: i64, attributes: Vec<Attribute>, blocks: Vec<NestedBlock>) -> Vec<String> {
        Schema {
            version,
            block: Block {
                attributes,
                blocks,
                ..Block::default()
            },
        }
        .flaws(RESERVED_IN_RESOURCES)
        .iter()
        .map(ToString::to_string)
        .collect()
    }

    #[test]
    fn a_valid_schema_of_every_kind_has_no_flaw() {
        let found = flaws(
            0,
            vec![
                text("a"),
                secret("b"),
                any("c"),
                nested("d", Nesting::Map, any("count")),
                nested("e", Nesting::Set, text("x")),
                nested("f", Nesting::List, secret("x")),
            ],
            vec![
                block("g", Nesting::Single, (1, 1), text("x")),
                block("h", Nesting::List, (2, 0), any("x")),
                block("i", Nesting::Group, (0, 0), text("x")),
            ],
        );
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn every_flaw_is_reported_with_its_path() {
        let found = flaws(
            -1,
            vec![
                text("a"),
                text("a"),
                text("Upper"),
                text("count"),
                nested("set_any", Nesting::Set, any("x")),
                nested(
                    "set_secret",
                    Nesting::Set,
                    nested("in", Nesting::List, secret("x")),
                ),
                nested("group", Nesting::Group, text("1x")),
                Attribute {
                    configurability: Configurability::OptionalComputed,
                    ..secret("both")
                },
            ],
            vec![
                block("single", Nesting::Single, (0, 1), text("x")),
                block("map", Nesting::Map, (1, 1), text("x")),
                block("list", Nesting::List, (3, 2), text("x")),
                block("set", Nesting::Set, (0, 0), any("x")),
            ],
        );
        assert_eq!(
            found,
            [
                "the version must not be negative",
                "a: the name is used twice",
                "Upper: a name must consist of a-z, 0-9 and _, and must not start with a digit",
                "set_any: a set must not contain dynamic attributes",
                "set_secret: a set must not contain write-only attributes",
                "group: only a block may have the nesting mode group",
                "group.1x: a name must consist of a-z, 0-9 and _, and must not start with a digit",
                "both: a write-only attribute must not be computed",
                "single: min_items and max_items must match the nesting mode",
                "map: min_items and max_items must match the nesting mode",
                "list: min_items and max_items must match the nesting mode",
                "set: a set must not contain dynamic attributes",
                "count: the name is reserved",
            ],
        );
    }
}
