//! How findings are reported: as warnings or errors, with a summary that names the registry. Pure.

use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::AttributePath;

use crate::provider::workflow::preflight::Preflight;

/// What every finding depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// The registry's name.
    pub(crate) registry: &'a str,
    /// How the configuration wants findings reported.
    pub(crate) preflight: Preflight,
}

impl Scope<'_> {
    /// Hosts print only one of several findings with the same summary, so each names the registry.
    pub(super) fn summary(self, summary: &str) -> String {
        format!("{summary} in {}", self.registry)
    }

    /// A finding, as the warning or the error that `preflight` asks for.
    pub(super) fn finding(self, summary: &str, detail: String, path: AttributePath) -> Diagnostic {
        let summary = self.summary(summary);
        match self.preflight {
            Preflight::Error => Diagnostic::error(
                summary,
                format!(
                    "{detail}\n\nThis is an error because of `preflight = \"error\"`. Correct it, or \
                     set `preflight` to \"warn\"."
                ),
            ),
            Preflight::Warn | Preflight::Off => Diagnostic::warning(summary, detail),
        }
        .at(path)
    }
}

/// Lists the first ten names, and the number of the others.
pub(super) fn list(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    const SHOWN: usize = 10;
    let names: Vec<_> = names.into_iter().collect();
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = names.len().saturating_sub(SHOWN);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{rest}", shown.join(", "))
}
