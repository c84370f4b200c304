//! Schemas of resource identities. An identity distinguishes an object from all others and never
//! changes.

use std::collections::BTreeSet;

use crate::schema::rules::{Flaw, is_name};
use crate::value::{AttributePath, Type, Value};

/// The schema of an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentitySchema {
    /// The schema version. Hosts reject a stored identity of the same version that doesn't match the
    /// schema.
    pub version: i64,
    /// In the order in which documentation lists them.
    pub attributes: Vec<IdentityAttribute>,
}

/// One attribute of an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityAttribute {
    /// The name.
    pub name: String,
    /// A string, a number, a bool, or a list of these.
    pub kind: Type,
    /// Whether an import by identity must set it.
    pub for_import: ForImport,
    /// Plain text.
    pub description: String,
}

/// Whether an import by identity must set an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForImport {
    /// The import must set the attribute.
    Required,
    /// The import may omit the attribute.
    Optional,
}

impl IdentityAttribute {
    /// An attribute that every import must set.
    pub fn required(name: &str, kind: Type, description: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            for_import: ForImport::Required,
            description: description.into(),
        }
    }

    /// An attribute that an import may omit.
    pub fn optional(name: &str, kind: Type, description: impl Into<String>) -> Self {
        Self {
            for_import: ForImport::Optional,
            ..Self::required(name, kind, description)
        }
    }
}

impl IdentitySchema {
    /// The object type of its value.
    pub fn value_type(&self) -> Type {
        let attributes = self.attributes.iter();
        Type::Object(
            attributes
                .map(|attribute| (attribute.name.clone(), attribute.kind.clone()))
                .collect(),
        )
    }

    /// Returns the identity with every attribute present. Absent attributes become null.
    #[must_use]
    pub fn complete(&self, identity: Value) -> Value {
        let Value::Object(mut values) = identity else {
            return identity;
        };
        for attribute in &self.attributes {
            values.entry(attribute.name.clone()).or_default();
        }
        Value::Object(values)
    }

    /// The required attributes that are null in `identity`.
    pub fn missing<'a>(&'a self, identity: &'a Value) -> impl Iterator<Item = &'a str> {
        self.attributes
            .iter()
            .filter(|attribute| attribute.for_import == ForImport::Required)
            .filter(|attribute| identity.get(&attribute.name).is_null())
            .map(|attribute| attribute.name.as_str())
    }

    /// The host rules that the schema breaks.
    pub(crate) fn flaws(&self) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let mut check = |holds: bool, path: AttributePath, rule| {
            if !holds {
                flaws.push(Flaw { path, rule });
            }
        };
        let root = AttributePath::root;
        check(
            self.version >= 0,
            root(),
            "the version must not be negative",
        );
        let is_named = !self.attributes.is_empty();
        check(is_named, root(), "an identity must have an attribute");
        let mut seen = BTreeSet::new();
        for attribute in &self.attributes {
            let name = attribute.name.as_str();
            let path = || AttributePath::new(name);
            check(seen.insert(name), path(), "the name is used twice");
            check(
                is_name(name),
                path(),
                "a name must consist of a-z, 0-9 and _, and must not start with a digit",
            );
            check(
                is_plain(&attribute.kind),
                path(),
                "an identity attribute must be a string, a number, a bool or a list of these",
            );
        }
        flaws
    }
}

fn is_plain(kind: &Type) -> bool {
    match kind {
        Type::String | Type::Number | Type::Bool => true,
        Type::List(element) => matches!(**element, Type::String | Type::Number | Type::Bool),
        Type::Dynamic | Type::Set(_) | Type::Map(_) | Type::Object(_) | Type::Tuple(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flaw_is_reported_with_its_path() {
        let attribute = |name, kind| IdentityAttribute::required(name, kind, "");
        let flawed = IdentitySchema {
            version: -1,
            attributes: vec![
                attribute("a", Type::String),
                attribute("a", Type::List(Box::new(Type::Number))),
                attribute("B", Type::Bool),
                attribute("c", Type::Map(Box::new(Type::String))),
            ],
        };
        let found: Vec<String> = flawed.flaws().iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "the version must not be negative",
                "a: the name is used twice",
                "B: a name must consist of a-z, 0-9 and _, and must not start with a digit",
                "c: an identity attribute must be a string, a number, a bool or a list of these",
            ]
        );
    }

    #[test]
    fn a_required_null_attribute_is_missing() {
        let schema = IdentitySchema {
            version: 0,
            attributes: vec![
                IdentityAttribute::required("a", Type::String, ""),
                IdentityAttribute::optional("b", Type::String, ""),
            ],
        };
        let identity = schema.complete(Value::object([("b", "x".into())]));
        assert_eq!(schema.missing(&identity).collect::<Vec<_>>(), ["a"]);
        assert_eq!(schema.missing(&Value::Null).collect::<Vec<_>>(), ["a"]);
    }
}
