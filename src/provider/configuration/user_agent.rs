//! The `User-Agent` header, in azurerm's format.

use uuid::Uuid;

use crate::provider::configuration::precedence::Source;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::AttributePath;

/// Returns the `User-Agent` header. The host sends only its version, not whether it is Terraform or OpenTofu.
/// So the header always says Terraform, as azurerm's does.
pub(super) fn user_agent(source: Source<'_>, host_version: &str) -> Result<String, Diagnostic> {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!(
        "HashiCorp Terraform/{host_version} (+https://www.terraform.io) terraform-provider-acr/{version}"
    );
    // Pipelines and the Cloud Shell set this variable to identify themselves.
    if let Some(pipeline) = source.environment.first(&["AZURE_HTTP_USER_AGENT"]) {
        text.push(' ');
        text.push_str(pipeline.trim());
    }
    if let Some(partner) = source.text("partner_id") {
        text.push(' ');
        text.push_str(&partner_id(partner)?);
    }
    // Other characters, such as line breaks, are not safe in a header.
    text.retain(|character| matches!(character, ' '..='~'));
    Ok(text)
}

/// Returns a partner ID in the form that Azure looks for in a `User-Agent`.
pub(super) fn partner_id(text: &str) -> Result<String, Diagnostic> {
    const PREFIX: &str = "pid-";
    const SUFFIX: &str = "-partnercenter";
    let prefixed = text.strip_prefix(PREFIX);
    let (bare, suffix) = match prefixed.and_then(|rest| rest.strip_suffix(SUFFIX)) {
        Some(bare) => (bare, SUFFIX),
        None => (prefixed.unwrap_or(text), ""),
    };
    let hyphenated = bare.len() == 36;
    match Uuid::parse_str(bare) {
        Ok(uuid) if hyphenated => Ok(format!("{PREFIX}{uuid}{suffix}")),
        _ => Err(Diagnostic::error(
            "Invalid partner ID",
            format!(
                "{text:?} is not a partner ID. Use a UUID, `pid-<UUID>` or `pid-<UUID>-partnercenter`."
            ),
        )
        .at(AttributePath::new("partner_id"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::configuration::environment::Environment;
    use terraform_plugin::value::Value;

    const PARTNER: &str = "11111111-2222-3333-4444-555555555555";

    fn sent(environment: &[(&str, &str)]) -> String {
        let environment: Environment = environment.iter().copied().collect();
        let source = Source {
            block: &Value::Null,
            environment: &environment,
        };
        let text = user_agent(source, "1.11.4");
        text.unwrap_or_else(|error| error.detail)
            .replace(env!("CARGO_PKG_VERSION"), "VERSION")
    }

    #[test]
    fn contains_the_host_the_provider_the_pipeline_and_the_partner() {
        insta::assert_snapshot!(sent(&[]), @"HashiCorp Terraform/1.11.4 (+https://www.terraform.io) terraform-provider-acr/VERSION");
        let all = [
            ("AZURE_HTTP_USER_AGENT", "cloud-shell/1.0\r\n"),
            ("ARM_PARTNER_ID", PARTNER),
        ];
        insta::assert_snapshot!(sent(&all), @"HashiCorp Terraform/1.11.4 (+https://www.terraform.io) terraform-provider-acr/VERSION cloud-shell/1.0 pid-11111111-2222-3333-4444-555555555555");
    }

    #[test]
    fn a_partner_id_has_three_accepted_forms() {
        let accepted = |text: &str| partner_id(text).unwrap();
        let pid = format!("pid-{PARTNER}");
        assert_eq!(accepted(PARTNER), pid);
        assert_eq!(accepted(&pid), pid);
        let center = format!("{pid}-partnercenter");
        assert_eq!(accepted(&center), center);
        let odd = ["", "pid-", "512725", "11111111222233334444555555555555"];
        for odd in odd
            .into_iter()
            .chain([&*format!("{PARTNER}-partnercenter")])
        {
            let error = partner_id(odd).unwrap_err();
            assert_eq!(error.path, Some(AttributePath::new("partner_id")), "{odd}");
        }
        insta::assert_snapshot!(partner_id("512725").unwrap_err().detail, @r#""512725" is not a partner ID. Use a UUID, `pid-<UUID>` or `pid-<UUID>-partnercenter`."#);
    }
}
