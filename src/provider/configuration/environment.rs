//! The environment variables of the process. `main` reads them once.

use std::collections::BTreeMap;
use std::fmt;

use crate::azure::Secret;

/// Environment variables. `Debug` shows only their names, because any value may be a secret.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, Secret>);

impl Environment {
    /// Returns the first of `names` whose value is not blank, without surrounding whitespace.
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        self.verbatim(names).map(str::trim)
    }

    /// Returns the first of `names` whose value is not blank, exactly as set.
    pub fn verbatim(&self, names: &[&str]) -> Option<&str> {
        Some(self.0.get(self.set(names)?)?.expose())
    }

    /// Returns the first of `names` whose value is not blank.
    pub fn set<'a>(&self, names: &[&'a str]) -> Option<&'a str> {
        let is_set = |name: &&str| {
            let value = self.0.get(*name);
            value.is_some_and(|value| !value.expose().trim().is_empty())
        };
        names.iter().copied().find(is_set)
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
    fn the_first_set_variable_wins_and_debug_shows_no_values() {
        let environment: Environment = [("A", " \n"), ("B", "planted"), ("C", "c")]
            .into_iter()
            .collect();
        assert_eq!(environment.first(&["A", "B", "C"]), Some("planted"));
        assert_eq!(environment.set(&["A", "B", "C"]), Some("B"));
        assert_eq!(environment.first(&["D"]), None);
        assert_eq!(format!("{environment:?}"), r#"{"A", "B", "C"}"#);
    }
}
