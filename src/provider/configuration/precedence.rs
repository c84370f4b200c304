//! Reads the value of an argument. The provider block takes precedence over environment variables. Some
//! arguments can also come from a file, and then value and file must match.

use crate::azure::Secret;
use crate::provider::configuration::arguments::{ENDPOINT, MOST_AUXILIARY_TENANTS, variables};
use crate::provider::configuration::environment::Environment;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::{AttributePath, Value};

/// The provider block and the environment variables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) block: &'a Value,
    pub(super) environment: &'a Environment,
}

impl<'a> Source<'a> {
    /// Returns a text argument without surrounding whitespace, which files and pipeline variables often add.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.verbatim(name).map(str::trim)
    }

    /// Returns a text argument exactly as set, or `None` if it is blank.
    pub(super) fn verbatim(self, name: &str) -> Option<&'a str> {
        self.first(self.block.get(name), name)
    }

    /// Returns a text argument as a secret.
    pub(super) fn secret(self, name: &str) -> Option<Secret> {
        self.text(name).map(Secret::new)
    }

    /// Returns an argument of the `endpoint` attribute.
    pub(super) fn endpoint(self, name: &str) -> Option<&'a str> {
        let configured = self.block.get(ENDPOINT).get(name);
        self.first(configured, name).map(str::trim)
    }

    fn first(self, configured: &'a Value, name: &str) -> Option<&'a str> {
        let configured = configured.as_str().filter(|it| !it.trim().is_empty());
        configured.or_else(|| self.environment.verbatim(variables(name)))
    }

    /// Returns a boolean argument.
    pub(super) fn switch(self, name: &str, default: bool) -> Result<bool, Diagnostic> {
        if let Some(configured) = self.block.get(name).as_bool() {
            return Ok(configured);
        }
        let variables = variables(name);
        let set = variables
            .iter()
            .find_map(|&variable| Some((variable, self.environment.first(&[variable])?)));
        set.map_or(Ok(default), |(variable, text)| switch(variable, text))
    }

    /// Returns the auxiliary tenant IDs.
    pub(super) fn auxiliary_tenants(self) -> Result<Vec<String>, Diagnostic> {
        const NAME: &str = "auxiliary_tenant_ids";
        let configured: Vec<&str> = match self.block.get(NAME).as_elements() {
            Some(elements) => elements.iter().filter_map(Value::as_str).collect(),
            None => {
                let variable = self.environment.first(variables(NAME));
                variable.unwrap_or_default().split(';').collect()
            }
        };
        let tenants = configured.into_iter().map(str::trim);
        let tenants: Vec<&str> = tenants.filter(|tenant| !tenant.is_empty()).collect();
        too_many(tenants.len()).map_or(Ok(()), Err)?;
        Ok(tenants.into_iter().map(str::to_owned).collect())
    }

    /// Returns a text argument, or the content of the file that `<name>_file_path` names.
    pub(super) fn text_or_file(self, name: &str, what: &str) -> Result<Option<Secret>, Diagnostic> {
        let file_argument = format!("{name}_file_path");
        let value = self.secret(name);
        let Some(file) = self.text(&file_argument) else {
            return Ok(value);
        };
        let path = AttributePath::new(&file_argument);
        let content = content(file, what).map_err(|error| error.at(path))?;
        agree(value.as_ref(), &content, what, || {
            format!(
                "Mismatch between the supplied {what} and the contents of the {what} file. Remove one of \
                 them, or make them match."
            )
        })
        .map_err(|error| error.at(AttributePath::new(name)))?;
        Ok(Some(content))
    }
}

/// Reads a file that contains one value.
pub(super) fn content(file: &str, what: &str) -> Result<Secret, Diagnostic> {
    let summary = format!("Could not read the {what} file");
    let next = format!("Check the path and that the file contains only the {what}.");
    // The content is a secret from the start, so that it is never logged and always wiped from memory.
    let read = std::fs::read_to_string(file).map(Secret::new);
    let content = read.map_err(|error| {
        Diagnostic::error(
            summary.as_str(),
            format!("Reading {file} failed: {error}. {next}"),
        )
    })?;
    match content.expose().trim() {
        "" => Err(Diagnostic::error(
            summary,
            format!("{file} is empty. {next}"),
        )),
        trimmed => Ok(Secret::new(trimmed)),
    }
}

/// Returns an error if a value differs from the value of another source.
pub(super) fn agree(
    value: Option<&Secret>,
    other: &Secret,
    what: &str,
    message: impl FnOnce() -> String,
) -> Result<(), Diagnostic> {
    if value.is_none_or(|value| value == other) {
        return Ok(());
    }
    Err(Diagnostic::error(format!("Mismatched {what}"), message()))
}

/// Returns an error if there are more auxiliary tenants than Resource Manager accepts.
pub(super) fn too_many(tenants: usize) -> Option<Diagnostic> {
    let message = format!(
        "The provider only supports up to {MOST_AUXILIARY_TENANTS} auxiliary tenant IDs, but {tenants} are \
         configured."
    );
    (tenants > MOST_AUXILIARY_TENANTS).then(|| {
        Diagnostic::error("Too many auxiliary tenants", message)
            .at(AttributePath::new("auxiliary_tenant_ids"))
    })
}

/// Parses the values that Go's `strconv.ParseBool` accepts, because azurerm reads its variables this way.
fn switch(variable: &str, text: &str) -> Result<bool, Diagnostic> {
    match text.trim() {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        other => Err(Diagnostic::error(
            format!("Invalid value for {variable}"),
            format!("{other:?} is not a boolean value. Set {variable} to `true` or `false`."),
        )),
    }
}
