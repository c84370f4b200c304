//! The environment variables of the process. `main` reads them once.

use std::collections::BTreeMap;
use std::fmt;

use crate::azure::Secret;

/// Environment variables. `Debug` shows only their names, because any value may be a secret.
///
/// On Windows, the letter case of a name has no meaning: `Path` and `PATH` are the same variable.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, Secret>,
    ignores_case: bool,
}

impl Environment {
    fn new<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
        ignores_case: bool,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| {
            let name = key(name.into(), ignores_case);
            (name, Secret::new(value))
        });
        Self {
            variables: variables.collect(),
            ignores_case,
        }
    }

    /// Returns the first of `names` whose value is not blank, without surrounding whitespace.
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        self.verbatim(names).map(str::trim)
    }

    /// Returns the first of `names` whose value is not blank, exactly as set.
    pub fn verbatim(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    /// Returns the first of `names` whose value is not blank.
    pub fn set<'a>(&self, names: &[&'a str]) -> Option<&'a str> {
        let is_set = |name: &&str| self.get(name).is_some();
        names.iter().copied().find(is_set)
    }

    /// Returns the value of a variable, unless it is blank.
    fn get(&self, name: &str) -> Option<&str> {
        let key = key(name.to_owned(), self.ignores_case);
        let value = self.variables.get(&key).map(Secret::expose);
        value.filter(|value| !value.trim().is_empty())
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self::new(variables, cfg!(windows))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// Returns the name under which a variable is stored.
fn key(name: String, ignores_case: bool) -> String {
    match ignores_case {
        true => name.to_uppercase(),
        false => name,
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

    #[test]
    fn windows_ignores_the_letter_case_of_names() {
        let variables = [("Path", "a"), ("arm_use_cli", "false")];
        let windows = Environment::new(variables, true);
        assert_eq!(windows.first(&["PATH"]), Some("a"));
        assert_eq!(windows.first(&["ARM_USE_CLI"]), Some("false"));
        let others = Environment::new(variables, false);
        assert_eq!(others.first(&["PATH"]), None);
        assert_eq!(others.first(&["Path"]), Some("a"));
    }
}
