//! The `status` of a task in state: whether the task is enabled, and how it differs from the provider's
//! definition. A plan shows drift without an attribute here.

/// The status of a task without drift.
pub(crate) const ENABLED: &str = "Enabled";

/// Returns the status for Azure's `status` and the `differences` from the provider's definition.
pub(crate) fn describe(status: &str, differences: &[&str]) -> String {
    // Azure returns the word in any letter case. A missing one means enabled.
    let word = if status.is_empty() || status.eq_ignore_ascii_case(ENABLED) {
        ENABLED
    } else if status.eq_ignore_ascii_case("Disabled") {
        "Disabled"
    } else {
        status
    };
    match differences {
        [] => word.to_owned(),
        differences => format!("{word}, but differs in {}", differences.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_lists_the_differences() {
        assert_eq!(describe("enabled", &[]), ENABLED);
        assert_eq!(describe("", &["cpu"]), "Enabled, but differs in cpu");
        assert_eq!(
            describe("DISABLED", &["cpu", "timeout"]),
            "Disabled, but differs in cpu, timeout"
        );
    }
}
