//! `parse_tag("3.11-2")`: the parts of a patch tag.

use crate::patching::TagConvention;
use crate::patching::name_rules::{TagProblem, check_grammar};
use crate::patching::selection::patch_of;
use crate::provider::functions::text;
use terraform_plugin::framework::{Definition, Function, FunctionError, Parameter};
use terraform_plugin::value::{Type, Value};

const BASE: &str = "base";
const CONVENTION: &str = "convention";
const NUMBER: &str = "number";

/// The function `parse_tag`.
#[derive(Debug)]
pub(crate) struct ParseTag(Definition);

impl ParseTag {
    pub(super) fn new() -> Self {
        let tag = Parameter::new("tag", Type::String, "A tag, without its repository.");
        let parts = [
            (BASE, Type::String),
            (CONVENTION, Type::String),
            (NUMBER, Type::Number),
        ];
        let parts = parts.map(|(name, kind)| (name.to_owned(), kind));
        let returns = Type::Object(parts.into());
        let summary = "The parts of a patch tag";
        Self(Definition::new(vec![tag], returns, summary).described(
            "Parses the tag of an image by the rules of Continuous Patching, and returns an object:\n\n\
             - `base` (String) The tag that is patched, or the tag itself if it is not a patch \
             tag.\n\
             - `convention` (String) `incremental` for `-1` to `-999`, `floating` for `-patched`. \
             Null if the tag is not a patch tag.\n\
             - `number` (Number) The number of an incremental patch. Null for any other tag.\n\n\
             `-0`, numbers with a leading zero, numbers with four or more digits and `-patched` with a \
             number are part of an ordinary tag.",
        ))
    }
}

impl Function for ParseTag {
    fn name(&self) -> &'static str {
        "parse_tag"
    }

    fn definition(&self) -> &Definition {
        &self.0
    }

    fn run(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let tag = text(arguments, 0)?;
        check_grammar(tag).map_err(|problem: TagProblem| FunctionError::of_argument(0, problem))?;
        let patch = TagConvention::ALL.into_iter().find_map(|convention| {
            let (base, number) = patch_of(convention, tag)?;
            Some((base, convention, number))
        });
        let (base, convention, number) = match patch {
            Some((base, convention, number)) => (
                base,
                convention.as_str().into(),
                number.map(i64::from).into(),
            ),
            None => (tag, Value::Null, Value::Null),
        };
        Ok(Value::object([
            (BASE, base.into()),
            (CONVENTION, convention),
            (NUMBER, number),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(tag: &str) -> (String, Value, Value) {
        let parts = ParseTag::new().run(&[tag.into()]).unwrap();
        let base = parts.get(BASE).as_str().unwrap().to_owned();
        (
            base,
            parts.get(CONVENTION).clone(),
            parts.get(NUMBER).clone(),
        )
    }

    #[test]
    fn a_patch_tag_has_a_base_a_convention_and_a_number() {
        let incremental = || Value::from("incremental");
        let floating = || Value::from("floating");
        for (tag, base, convention, number) in [
            ("3.11-2", "3.11", incremental(), 2.into()),
            ("3.11-999", "3.11", incremental(), 999.into()),
            ("3.11-alpine-1", "3.11-alpine", incremental(), 1.into()),
            ("3.11-patched", "3.11", floating(), Value::Null),
            ("3.11-patched2-1", "3.11-patched2", incremental(), 1.into()),
            ("3.11-1-patched", "3.11-1", floating(), Value::Null),
            ("1-1-1", "1-1", incremental(), 1.into()),
        ] {
            assert_eq!(parts(tag), (base.to_owned(), convention, number), "{tag}");
        }
    }

    #[test]
    fn an_ordinary_tag_is_its_own_base() {
        for tag in [
            "3.11",
            "latest",
            "3.11-0",
            "3.11-01",
            "3.11-1000",
            "3.11-patched2",
            "3.11-patched0",
            "3.11-Patched",
            "patched",
            "1",
            "3.11-",
        ] {
            assert_eq!(parts(tag), (tag.to_owned(), Value::Null, Value::Null));
        }
    }

    #[test]
    fn an_invalid_tag_is_an_error() {
        for text in ["", "-1", "python:3.11-2", "a b", "*"] {
            let error = ParseTag::new().run(&[text.into()]).unwrap_err();
            assert_eq!(error.argument, Some(0), "{text:?}: {error}");
        }
    }
}
