//! The process's environment as a value, read once in `main`.

use std::collections::BTreeMap;
use std::fmt;

use crate::azure::Secret;

/// Environment variables. Some hold secrets, and any may: only names are printed.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, Secret>);

impl Environment {
    /// The first of `names` that is set to something, without blanks around it.
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        self.verbatim(names).map(str::trim)
    }

    /// The same as it stands. Blanks alone are nothing.
    pub fn verbatim(&self, names: &[&str]) -> Option<&str> {
        names
            .iter()
            .filter_map(|&name| self.0.get(name))
            .map(Secret::expose)
            .find(|value| !value.trim().is_empty())
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let variables = variables.into_iter();
        Self(
            variables
                .map(|(name, value)| (name.into(), Secret::new(value)))
                .collect(),
        )
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_wins_and_none_prints_its_value() {
        let environment: Environment = [("A", " \n"), ("B", "planted"), ("C", "c")]
            .into_iter()
            .collect();
        assert_eq!(environment.first(&["A", "B", "C"]), Some("planted"));
        assert_eq!(environment.first(&["D"]), None);
        assert_eq!(format!("{environment:?}"), r#"{"A", "B", "C"}"#);
    }
}
