//! Diagnostics about invalid arguments: the problem, the fix and the attribute path.

use std::fmt::Display;
use std::str::FromStr;

use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::{AttributePath, Value};

/// Returns an error if a text argument doesn't parse as `T`. Unknown and omitted values are valid.
pub(crate) fn text<T: FromStr<Err: Display>>(
    config: &Value,
    name: &str,
    summary: &str,
    advice: &str,
) -> Option<Diagnostic> {
    let problem = config.get(name).as_str()?.parse::<T>().err()?;
    Some(finding(summary, &problem, advice, AttributePath::new(name)))
}

/// Returns an error whose detail is the problem as a sentence, followed by the advice.
pub(crate) fn finding(
    summary: &str,
    problem: &dyn Display,
    advice: &str,
    path: AttributePath,
) -> Diagnostic {
    let problem = problem.to_string();
    let mut letters = problem.chars();
    let sentence: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(letters)
        .collect();
    Diagnostic::error(summary, format!("{sentence}. {advice}")).at(path)
}
