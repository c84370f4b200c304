//! Sign-in methods that were asked for and can't be used, in words for the user.

use crate::provider::configuration::arguments::named;
use crate::provider::configuration::inputs::Inputs;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::AttributePath;

/// A method that was asked for, and what it lacks.
pub(super) struct IncompleteMethod {
    /// The argument that asks for it.
    pub(super) asked_by: &'static str,
    pub(super) method: &'static str,
    pub(super) lacks: Vec<String>,
}

impl IncompleteMethod {
    /// That another one is used instead.
    pub(super) fn warning(&self, instead: &str) -> Diagnostic {
        Diagnostic::warning(
            "Sign-in method passed over",
            format!(
                "{} asks for sign-in with {}, which lacks {}. So the provider signs in with {instead}. Set \
                 what is missing, or leave out what asks for it.",
                named(self.asked_by),
                self.method,
                self.lacks.join(" and ")
            ),
        )
        .at(AttributePath::new(self.asked_by))
    }
}

/// What is missing, method by method.
pub(super) fn no_complete_method(inputs: &Inputs, skipped: &[IncompleteMethod]) -> Diagnostic {
    let mut lines: Vec<String> = skipped
        .iter()
        .map(|it| format!("{} lacks {}", it.method, it.lacks.join(" and ")))
        .collect();
    if inputs.certificate.is_none() && inputs.client_secret.is_none() {
        let mut lacks = inputs.lacking_application();
        lacks.push(named("client_secret"));
        lines.push(format!("a client secret lacks {}", lacks.join(" and ")));
    }
    for (switch, method) in [
        ("use_oidc", "OpenID Connect"),
        ("use_msi", "a managed identity"),
        ("use_cli", "the Azure CLI"),
    ] {
        if !skipped.iter().any(|it| it.method == method) {
            lines.push(format!("{method} is switched off by {}", named(switch)));
        }
    }
    Diagnostic::error(
        "No way to sign in to Azure",
        format!(
            "No sign-in method is enabled and complete:\n\n  - {}\n\nSet what is missing for one of them.",
            lines.join("\n  - ")
        ),
    )
}
