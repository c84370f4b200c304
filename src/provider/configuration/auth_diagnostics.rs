//! Diagnostics about authentication methods that are not fully configured.

use crate::provider::configuration::arguments::named;
use crate::provider::configuration::inputs::Inputs;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::AttributePath;

/// An enabled authentication method that is not fully configured.
pub(super) struct IncompleteMethod {
    /// The argument that enables the method.
    pub(super) enabled_by: &'static str,
    /// The method, such as `Client secret`.
    pub(super) method: &'static str,
    /// The missing inputs, as messages name them.
    pub(super) missing: Vec<String>,
}

impl IncompleteMethod {
    /// Returns the warning that the provider uses the method `instead`.
    pub(super) fn warning(&self, instead: &str) -> Diagnostic {
        Diagnostic::warning(
            "Authentication method skipped",
            format!(
                "{} authentication is not fully configured. Missing: {}. {instead} authentication applies \
                 instead. Set the missing values, or unset {}.",
                self.method,
                self.missing.join(" and "),
                named(self.enabled_by)
            ),
        )
        .at(AttributePath::new(self.enabled_by))
    }
}

/// Returns the error that names what each method is missing.
pub(super) fn no_complete_method(inputs: &Inputs, skipped: &[IncompleteMethod]) -> Diagnostic {
    let mut lines: Vec<String> = skipped
        .iter()
        .map(|it| format!("{}: missing {}", it.method, it.missing.join(" and ")))
        .collect();
    if inputs.certificate.is_none() && inputs.client_secret.is_none() {
        let mut missing = inputs.missing_application();
        missing.push(named("client_secret"));
        lines.push(format!("Client secret: missing {}", missing.join(" and ")));
    }
    for (switch, method) in [
        ("use_oidc", "OpenID Connect"),
        ("use_msi", "Managed identity"),
        ("use_cli", "Azure CLI"),
    ] {
        if !skipped.iter().any(|it| it.method == method) {
            lines.push(format!("{method}: {} is `false`", named(switch)));
        }
    }
    Diagnostic::error(
        "No usable authentication method",
        format!(
            "No authentication method is fully configured:\n\n  - {}\n\nEnable one of these methods, and set \
             its missing values.",
            lines.join("\n  - ")
        ),
    )
}
