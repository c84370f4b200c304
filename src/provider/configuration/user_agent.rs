//! The `User-Agent` of each request, formed as azurerm forms its own.

use uuid::Uuid;

use crate::provider::configuration::precedence::Source;
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::AttributePath;

/// Who sends a request. The host doesn't tell whether it is Terraform or OpenTofu, only its version;
/// both are named as azurerm names them.
pub(super) fn user_agent(source: Source<'_>, host_version: &str) -> Result<String, Diagnostic> {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!(
        "HashiCorp Terraform/{host_version} (+https://www.terraform.io) terraform-provider-acr/{version}"
    );
    // Pipelines and the Cloud Shell name themselves so.
    if let Some(surroundings) = source.environment.first(&["AZURE_HTTP_USER_AGENT"]) {
        text.push(' ');
        text.push_str(surroundings.trim());
    }
    if let Some(partner) = source.text("partner_id") {
        text.push(' ');
        text.push_str(&partner_id(partner)?);
    }
    // What can't stand in a header has no meaning there.
    text.retain(|character| matches!(character, ' '..='~'));
    Ok(text)
}

/// A partner's id, as Azure looks for it in a `User-Agent`.
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
                "{text:?} is no partner ID. Give it as a UUID, as `pid-` and a UUID, or as `pid-`, a UUID and \
                 `-partnercenter`."
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
    fn it_names_the_host_the_provider_the_surroundings_and_the_partner() {
        insta::assert_snapshot!(sent(&[]), @"HashiCorp Terraform/1.11.4 (+https://www.terraform.io) terraform-provider-acr/VERSION");
        let all = [
            ("AZURE_HTTP_USER_AGENT", "cloud-shell/1.0\r\n"),
            ("ARM_PARTNER_ID", PARTNER),
        ];
        insta::assert_snapshot!(sent(&all), @"HashiCorp Terraform/1.11.4 (+https://www.terraform.io) terraform-provider-acr/VERSION cloud-shell/1.0 pid-11111111-2222-3333-4444-555555555555");
    }

    #[test]
    fn a_partner_id_may_be_spelt_in_three_ways() {
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
        insta::assert_snapshot!(partner_id("512725").unwrap_err().detail, @r#""512725" is no partner ID. Give it as a UUID, as `pid-` and a UUID, or as `pid-`, a UUID and `-partnercenter`."#);
    }
}
