//! Findings about a configuration: what is wrong, what to write instead, and where.

use std::fmt::Display;
use std::str::FromStr;

use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::{AttributePath, Value};

/// The finding about a text that has to be a `T`. What is unknown or left out is not judged.
pub(crate) fn text<T: FromStr<Err: Display>>(
    config: &Value,
    name: &str,
    summary: &str,
    advice: &str,
) -> Option<Diagnostic> {
    let problem = config.get(name).as_str()?.parse::<T>().err()?;
    Some(finding(summary, &problem, advice, AttributePath::new(name)))
}

/// An error: what is wrong, as a sentence, and what to do about it.
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
