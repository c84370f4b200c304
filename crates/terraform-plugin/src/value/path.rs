//! Paths of attributes, and how they print.

use std::fmt;

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// An attribute or a block of an object.
    Attribute(String),
    /// An element of a map, by its key.
    Key(String),
    /// An element of a list, by its index from 0. Set elements have no step, because the protocol
    /// refers to the whole set.
    Index(i64),
}

/// A path from the root of a resource, data source or provider block to an attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AttributePath(Vec<Step>);

impl AttributePath {
    /// The path of the root.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of an attribute or block of the root object.
    pub fn new(attribute: impl Into<String>) -> Self {
        Self::root().attribute(attribute)
    }

    /// Appends the attribute `name`.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>) -> Self {
        self.0.push(Step::Attribute(name.into()));
        self
    }

    /// Appends the map element `key`.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.push(Step::Key(key.into()));
        self
    }

    /// Appends the list element at `index`, counted from 0.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0
            .push(Step::Index(i64::try_from(index).unwrap_or(i64::MAX)));
        self
    }

    /// Appends a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    /// Prepends a step: the former root is now at `step`.
    #[must_use]
    pub(crate) fn within(mut self, step: Step) -> Self {
        self.0.insert(0, step);
        self
    }

    /// The steps from the root.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl FromIterator<Step> for AttributePath {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

/// Prints as a user would write it in HCL: `repositories["team/api"].tags`.
impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => f.write_str(name)?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_prints_as_a_user_would_write_it() {
        let path = AttributePath::new("repositories")
            .key("team/\"api\"")
            .attribute("tags")
            .index(0);
        assert_eq!(path.to_string(), r#"repositories["team/\"api\""].tags[0]"#);
        assert_eq!(AttributePath::root().to_string(), "");
    }
}
