//! The `status` of a task in state: whether it is enabled, and what else differs from what we
//! would have set up. It is where a plan shows a change that has no attribute of its own.

/// A task that is as it should be.
pub(crate) const ENABLED: &str = "Enabled";

/// The status of a task that is `status` in Azure and differs in `differences` from ours.
pub(crate) fn describe(status: &str, differences: &[&str]) -> String {
    // Azure gives the word back in any letter case; an absent one means enabled.
    let word = if status.is_empty() || status.eq_ignore_ascii_case(ENABLED) {
        ENABLED
    } else if status.eq_ignore_ascii_case("Disabled") {
        "Disabled"
    } else {
        status
    };
    match differences {
        [] => word.to_owned(),
        [one] => format!("{word}, but {one} differs"),
        many => format!("{word}, but {} differ", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_differs() {
        assert_eq!(describe("enabled", &[]), ENABLED);
        assert_eq!(describe("", &["cpu"]), "Enabled, but cpu differs");
        assert_eq!(
            describe("DISABLED", &["cpu", "timeout"]),
            "Disabled, but cpu, timeout differ"
        );
    }
}
