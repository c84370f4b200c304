//! Where an argument's value comes from: the block goes before the environment. A file may stand in for
//! a value, and then both have to agree.

use crate::azure::Secret;
use crate::provider::configuration::arguments::{ENDPOINT, MOST_AUXILIARY_TENANTS, variables};
use crate::provider::configuration::environment::Environment;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::{AttributePath, Value};

/// The block and the environment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) block: &'a Value,
    pub(super) environment: &'a Environment,
}

impl<'a> Source<'a> {
    /// The value of a text, without blanks around it: they come with files and with pipelines' variables.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.verbatim(name).map(str::trim)
    }

    /// The value of a text as it stands; blanks alone are none.
    pub(super) fn verbatim(self, name: &str) -> Option<&'a str> {
        self.first(self.block.get(name), name)
    }

    /// The value of a secret.
    pub(super) fn secret(self, name: &str) -> Option<Secret> {
        self.text(name).map(Secret::new)
    }

    /// The value of an argument of `endpoint`.
    pub(super) fn endpoint(self, name: &str) -> Option<&'a str> {
        let configured = self.block.get(ENDPOINT).get(name);
        self.first(configured, name).map(str::trim)
    }

    fn first(self, configured: &'a Value, name: &str) -> Option<&'a str> {
        let configured = configured.as_str().filter(|it| !it.trim().is_empty());
        configured.or_else(|| self.environment.verbatim(variables(name)))
    }

    /// The value of a switch.
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

    /// The auxiliary tenants.
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

    /// A text, or the content of the file that stands in for it.
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
                "Mismatch between supplied {what} and supplied {what} file contents - please either \
                 remove one or ensure they match."
            )
        })
        .map_err(|error| error.at(AttributePath::new(name)))?;
        Ok(Some(content))
    }
}

/// The content of a file that holds one value.
pub(super) fn content(file: &str, what: &str) -> Result<Secret, Diagnostic> {
    let summary = format!("Could not read the file of the {what}");
    let next = format!("Check that it holds the {what} and nothing else.");
    // Kept from the first byte on in what doesn't print.
    let read = std::fs::read_to_string(file).map(Secret::new);
    let content = read.map_err(|error| {
        Diagnostic::error(summary.as_str(), format!("Reading {file}: {error}. {next}"))
    })?;
    match content.expose().trim() {
        "" => Err(Diagnostic::error(
            summary,
            format!("{file} is empty. {next}"),
        )),
        trimmed => Ok(Secret::new(trimmed)),
    }
}

/// Refuses a value that differs from what another source says.
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

/// The message for more auxiliary tenants than Resource Manager takes, in azurerm's words.
pub(super) fn too_many(tenants: usize) -> Option<Diagnostic> {
    let message = format!(
        "The provider only supports up to {MOST_AUXILIARY_TENANTS} auxiliary tenant IDs, and these are \
         {tenants}."
    );
    (tenants > MOST_AUXILIARY_TENANTS).then(|| {
        Diagnostic::error("Too many auxiliary tenants", message)
            .at(AttributePath::new("auxiliary_tenant_ids"))
    })
}

/// The values that Go's `strconv.ParseBool` takes, as azurerm reads its variables.
fn switch(variable: &str, text: &str) -> Result<bool, Diagnostic> {
    match text.trim() {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        other => Err(Diagnostic::error(
            format!("Invalid value of {variable}"),
            format!("{other:?} is neither true nor false. Set {variable} to `true` or `false`."),
        )),
    }
}
