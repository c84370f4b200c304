//! Combines the provider block and the environment variables into one configuration.

use crate::provider::configuration::arguments::{AUTHORITY_HOST, ENDPOINT, RESOURCE_MANAGER};
use crate::provider::configuration::cloud::{CloudChoice, https};
use crate::provider::configuration::environment::Environment;
use crate::provider::configuration::inputs::{Inputs, subscription_id};
use crate::provider::configuration::precedence::{Source, too_many};
use crate::provider::configuration::sign_in::{SignIn, decide};
use crate::provider::configuration::user_agent::{partner_id, user_agent};
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::value::Value;

/// The complete provider configuration.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(super) cloud: CloudChoice,
    pub(super) sign_in: SignIn,
    pub(super) auxiliary_tenants: Vec<String>,
    /// The subscription for operations whose arguments contain no subscription ID.
    pub(crate) subscription_id: Option<String>,
    pub(super) user_agent: String,
    pub(super) correlation_id: Correlation,
    /// Warnings about incomplete authentication methods and ignored settings.
    pub(crate) warnings: Vec<Diagnostic>,
}

/// The correlation ID of the requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Correlation {
    None,
    New,
    Given(String),
}

/// Whether the block has an unknown value. The provider then can't select an authentication method, so it
/// plans without access to Azure.
pub(crate) fn is_unknown(block: &Value) -> bool {
    !block.is_wholly_known()
}

/// Validates the block without network access or environment variables, and ignores unknown values. It
/// doesn't check `environment`, because environment variables decide whether that must be a known cloud.
pub(crate) fn validate(block: &Value) -> Diagnostics {
    let mut findings = Diagnostics::new();
    for name in [AUTHORITY_HOST, RESOURCE_MANAGER] {
        if let Some(url) = block.get(ENDPOINT).get(name).as_str() {
            findings.extend(https(url, name).err());
        }
    }
    let partner = block.get("partner_id").as_str().filter(|it| !it.is_empty());
    findings.extend(partner.and_then(|text| partner_id(text).err()));
    let subscription = block.get("subscription_id").as_str().map(str::trim);
    let subscription = subscription.filter(|it| !it.is_empty());
    findings.extend(subscription_id(subscription).err());
    let tenants = block.get("auxiliary_tenant_ids").as_elements();
    findings.extend(too_many(tenants.map_or(0, <[Value]>::len)));
    findings
}

impl Config {
    /// Reads the configuration from a wholly known block.
    ///
    /// # Errors
    ///
    /// If a value is missing or invalid, or contradicts another value.
    pub(crate) fn read(
        block: &Value,
        environment: &Environment,
        host_version: &str,
    ) -> Result<Self, Diagnostics> {
        let source = Source { block, environment };
        let inputs = Inputs::read(source)?;
        let (sign_in, warnings) = decide(&inputs)?;
        let auxiliary_tenants = match sign_in.supports_auxiliary_tenants() {
            true => inputs.auxiliary_tenants,
            false => Vec::new(),
        };
        Ok(Self {
            cloud: CloudChoice::read(source)?,
            sign_in,
            auxiliary_tenants,
            subscription_id: inputs.subscription_id,
            user_agent: user_agent(source, host_version)?,
            correlation_id: correlation(source)?,
            warnings,
        })
    }
}

fn correlation(source: Source<'_>) -> Result<Correlation, Diagnostic> {
    if source.switch("disable_correlation_request_id", false)? {
        return Ok(Correlation::None);
    }
    let given = source.environment.first(&["ARM_CORRELATION_REQUEST_ID"]);
    Ok(given.map_or(Correlation::New, |id| Correlation::Given(id.to_owned())))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::azure::Cloud;
    use crate::http::Pipeline;
    use crate::http::scripted_transport::ScriptedTransport;
    use crate::provider::configuration::arguments::{ARGUMENTS, ENDPOINTS, Kind};
    use terraform_plugin::framework::Context;

    const COMPLETE: [(&str, &str); 3] = [
        ("ARM_TENANT_ID", "tenant"),
        ("ARM_CLIENT_ID", "client"),
        ("ARM_CLIENT_SECRET", "planted"),
    ];

    fn block<const N: usize>(attributes: [(&str, Value); N]) -> Value {
        Value::object(attributes)
    }

    /// Returns the authentication method or the error, as the user reads it.
    fn outcome(block: &Value, environment: &[(&str, &str)]) -> String {
        let environment = environment.iter().copied().collect();
        match Config::read(block, &environment, "1.11.4") {
            Ok(config) => format!("{:?}", config.sign_in),
            Err(findings) => findings
                .iter()
                .map(|finding| {
                    let path = finding.path.clone().unwrap_or_default();
                    format!("{path}: {}: {}", finding.summary, finding.detail)
                })
                .collect(),
        }
    }

    #[test]
    fn a_client_secret_takes_precedence_over_the_cli_and_is_not_printed() {
        insta::assert_snapshot!(outcome(&block([]), &COMPLETE), @r#"ClientSecret { tenant_id: "tenant", client_id: "client", secret: Secret(…) }"#);
        insta::assert_snapshot!(outcome(&block([]), &COMPLETE[..2]), @r#"AzureCli { tenant_id: Some("tenant"), subscription_id: None }"#);
    }

    #[test]
    fn the_block_takes_precedence_over_environment_variables() {
        let block = block([("client_id", "configured".into()), ("tenant_id", "".into())]);
        insta::assert_snapshot!(outcome(&block, &COMPLETE), @r#"ClientSecret { tenant_id: "tenant", client_id: "configured", secret: Secret(…) }"#);
    }

    #[test]
    fn reads_each_argument_from_each_of_its_variables() {
        for argument in &ARGUMENTS {
            for variable in argument.variables {
                let text = match argument.kind {
                    Kind::Switch => "true",
                    Kind::Text | Kind::Secret | Kind::Texts => "/some/thing",
                };
                let environment = [(*variable, text)].into_iter().collect();
                let source = Source {
                    block: &Value::Null,
                    environment: &environment,
                };
                assert_eq!(source.text(argument.name), Some(text), "{variable}");
            }
        }
    }

    #[test]
    fn semicolons_separate_at_most_three_auxiliary_tenants() {
        let read = |tenants: &str| {
            let environment = [("ARM_AUXILIARY_TENANT_IDS", tenants)]
                .into_iter()
                .collect();
            let config = Config::read(&block([]), &environment, "1.11.4");
            config.map(|config| config.auxiliary_tenants)
        };
        assert_eq!(read(" a;b ;; c").unwrap(), ["a", "b", "c"]);
        assert!(read("a;b;c;d").unwrap_err().has_error());
        let four = ["a", "b", "c", "d"].map(Value::from).to_vec();
        let four = block([("auxiliary_tenant_ids", Value::List(four))]);
        insta::assert_snapshot!(outcome(&four, &[]), @"auxiliary_tenant_ids: Too many auxiliary tenants: The provider only supports up to 3 auxiliary tenant IDs, but 4 are configured.");
        assert!(validate(&four).has_error());
    }

    #[test]
    fn a_subscription_id_that_is_no_uuid_is_an_error() {
        let id = "00000000-0000-0000-0000-000000000000";
        let configured = |id: &str| block([("subscription_id", id.into())]);
        for valid in [id, "", " "] {
            assert!(!validate(&configured(valid)).has_error(), "{valid}");
            assert!(outcome(&configured(valid), &[]).starts_with("AzureCli"));
        }
        let short = id.replace('-', "");
        for invalid in ["Pay-As-You-Go", &short] {
            assert!(validate(&configured(invalid)).has_error(), "{invalid}");
        }
        insta::assert_snapshot!(outcome(&block([]), &[("ARM_SUBSCRIPTION_ID", "Pay-As-You-Go")]), @"subscription_id: Invalid subscription ID: The value of `subscription_id` (ARM_SUBSCRIPTION_ID) is not valid: the subscription ID is not a GUID. Use the ID of the subscription, not its name. `az account show --query id` prints the ID.");
    }

    #[test]
    fn a_mismatch_with_aks_workload_identity_is_an_error() {
        let pod = [
            ("ARM_USE_AKS_WORKLOAD_IDENTITY", "true"),
            ("AZURE_CLIENT_ID", "pod"),
            ("AZURE_TENANT_ID", "tenant"),
        ];
        let other = block([("client_id", "other".into())]);
        insta::assert_snapshot!(outcome(&other, &pod), @"client_id: Mismatched Client ID: Mismatch between the supplied Client ID and the Client ID provided by AKS Workload Identity. Remove the supplied Client ID, make both match, or disable `use_aks_workload_identity`.");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "planted\n").unwrap();
        let path = file.path().to_str().unwrap();
        let pod = [pod[0], pod[1], pod[2], ("AZURE_FEDERATED_TOKEN_FILE", path)];
        assert_eq!(
            outcome(&block([]), &pod).replace(path, "PATH"),
            r#"Oidc { tenant_id: "tenant", client_id: "pod", id_token: File(PATH) }"#
        );
        let token = block([("oidc_token", "other".into())]);
        assert!(outcome(&token, &pod).contains("provided by AKS Workload Identity"));
    }

    #[test]
    fn a_different_msi_endpoint_takes_precedence_over_app_service() {
        let service = [
            ("ARM_USE_MSI", "1"),
            ("IDENTITY_ENDPOINT", "http://127.0.0.1:1/msi"),
            ("IDENTITY_HEADER", "planted"),
            ("ARM_MSI_ENDPOINT", "http://127.0.0.1:1/msi"),
        ];
        insta::assert_snapshot!(outcome(&block([]), &service), @r#"ManagedIdentity { client_id: None, endpoint: IdentityEndpoint { host: "127.0.0.1:1", path: "/msi", version: "2019-08-01", key: Some(Secret(…)) } }"#);
        let other = block([("msi_endpoint", "http://127.0.0.1:2/".into())]);
        insta::assert_snapshot!(outcome(&other, &service), @r#"ManagedIdentity { client_id: None, endpoint: IdentityEndpoint { host: "127.0.0.1:2", path: "/", version: "2018-02-01", key: None } }"#);
        let odd = block([("msi_endpoint", "localhost".into())]);
        insta::assert_snapshot!(outcome(&odd, &service), @"msi_endpoint: Invalid value for `msi_endpoint`: `msi_endpoint` (ARM_MSI_ENDPOINT) is not a URL (relative URL without a base).");
    }

    #[test]
    fn the_api_version_of_a_managed_identity_endpoint_is_an_argument() {
        let environment = [("ARM_USE_MSI", "1"), ("ARM_MSI_API_VERSION", "2019-08-01")];
        insta::assert_snapshot!(outcome(&block([]), &environment), @r#"ManagedIdentity { client_id: None, endpoint: IdentityEndpoint { host: "169.254.169.254", path: "/metadata/identity/oauth2/token", version: "2019-08-01", key: None } }"#);
        let argument = block([("msi_api_version", "2021-02-01".into())]);
        assert!(outcome(&argument, &environment).contains(r#"version: "2021-02-01""#));
    }

    #[test]
    fn a_managed_identity_requests_no_tokens_of_auxiliary_tenants() {
        let tenants = ("ARM_AUXILIARY_TENANT_IDS", "a");
        let environment = [("ARM_USE_MSI", "1"), tenants].into_iter().collect();
        let config = Config::read(&block([]), &environment, "1.11.4").unwrap();
        assert_eq!(config.auxiliary_tenants, Vec::<String>::new());
        assert_eq!(config.warnings.len(), 1);
    }

    #[test]
    fn the_correlation_id_can_be_set_or_disabled() {
        let read = |environment: &[(&str, &str)]| {
            let environment = environment.iter().copied().collect();
            Config::read(&block([]), &environment, "1.11.4")
                .unwrap()
                .correlation_id
        };
        assert_eq!(read(&[]), Correlation::New);
        let given = ("ARM_CORRELATION_REQUEST_ID", "c-1");
        assert_eq!(read(&[given]), Correlation::Given("c-1".to_owned()));
        let off = ("ARM_DISABLE_CORRELATION_REQUEST_ID", "true");
        assert_eq!(read(&[given, off]), Correlation::None);
    }

    #[test]
    fn boolean_variables_accept_the_values_of_gos_parse_bool() {
        for (text, method) in [("T", "AzureCli"), ("0", ": No usable")] {
            assert!(outcome(&block([]), &[("ARM_USE_CLI", text)]).starts_with(method));
        }
        insta::assert_snapshot!(outcome(&block([]), &[("ARM_USE_CLI", "yes")]), @r#": Invalid value for ARM_USE_CLI: "yes" is not a boolean value. Set ARM_USE_CLI to `true` or `false`."#);
    }

    #[test]
    fn a_value_and_its_file_must_match() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "planted\n").unwrap();
        let path = file.path().to_str().unwrap();
        let from_file = [
            COMPLETE[0],
            COMPLETE[1],
            ("ARM_CLIENT_SECRET_FILE_PATH", path),
        ];
        assert!(outcome(&block([]), &from_file).starts_with("ClientSecret"));
        let other = block([("client_secret", "other".into())]);
        insta::assert_snapshot!(outcome(&other, &from_file), @"client_secret: Mismatched Client Secret: Mismatch between the supplied Client Secret and the contents of the Client Secret file. Remove one of them, or make them match.");
        let nowhere = block([("client_secret_file_path", "/nowhere/at/all".into())]);
        insta::assert_snapshot!(outcome(&nowhere, &COMPLETE[..2]), @"client_secret_file_path: Could not read the Client Secret file: Reading /nowhere/at/all failed: No such file or directory (os error 2). Check the path and that the file contains only the Client Secret.");
    }

    #[test]
    fn a_certificate_and_its_password_are_not_printed() {
        let certificate = [
            COMPLETE[0],
            COMPLETE[1],
            ("ARM_CLIENT_CERTIFICATE", "planted"),
            ("ARM_CLIENT_CERTIFICATE_PASSWORD", "planted"),
        ];
        let said = outcome(&block([]), &certificate);
        assert!(
            said.starts_with("ClientCertificate") && !said.contains("planted"),
            "{said}"
        );
    }

    #[test]
    fn a_cloud_with_all_endpoints_set_can_have_any_name() {
        let endpoints = ENDPOINTS
            .iter()
            .map(|it| (it.variables[0], "https://localhost:1"));
        let mut environment: Vec<(&str, &str)> = endpoints.collect();
        environment.push(("ARM_ENVIRONMENT", "custom"));
        assert!(outcome(&block([]), &environment).starts_with("AzureCli"));
    }

    #[test]
    fn ignores_blank_values_and_surrounding_whitespace() {
        let blank = [COMPLETE[0], COMPLETE[1], ("ARM_CLIENT_SECRET", " \n")];
        assert!(outcome(&block([]), &blank).starts_with("AzureCli"));
        let padded = [("ARM_USE_CLI", "true\n"), ("ARM_ENVIRONMENT", " China ")];
        assert!(outcome(&block([("tenant_id", " ".into())]), &padded).starts_with("AzureCli"));
    }

    #[test]
    fn an_error_does_not_show_an_invalid_endpoint() {
        for variable in ["ARM_RESOURCE_MANAGER_ENDPOINT", "ARM_METADATA_HOSTNAME"] {
            for address in ["http://u:planted@h", "https://u:planted@h/", "planted h"] {
                let said = outcome(&block([]), &[(variable, address)]);
                assert!(said.contains("nvalid"), "{said}");
                assert!(!said.contains("planted"), "{said}");
            }
        }
    }

    #[test]
    fn validates_the_urls_of_enabled_methods_only() {
        let odd = [
            ("ARM_MSI_ENDPOINT", "no address"),
            ("ARM_OIDC_REQUEST_URL", "http://issuer.example"),
        ];
        assert!(outcome(&block([]), &odd).starts_with("AzureCli"));
        insta::assert_snapshot!(outcome(&block([("use_oidc", true.into())]), &odd), @"oidc_request_url: Invalid value for `oidc_request_url`: `oidc_request_url` (ARM_OIDC_REQUEST_URL) must start with https://.");
        insta::assert_snapshot!(outcome(&block([("use_msi", true.into())]), &odd), @"msi_endpoint: Invalid value for `msi_endpoint`: `msi_endpoint` (ARM_MSI_ENDPOINT) is not a URL (relative URL without a base).");
    }

    #[tokio::test]
    async fn endpoints_take_precedence_over_the_environment_and_must_be_https() {
        let endpoint = block([
            ("resource_manager_endpoint", "https://localhost:1".into()),
            ("resource_manager_audience", "https://audience/".into()),
        ]);
        let china = block([("environment", "china".into()), (ENDPOINT, endpoint)]);
        let config = Config::read(&china, &Environment::default(), "1.11.4").unwrap();
        let nobody = Pipeline::new(Arc::new(ScriptedTransport::default()));
        let cloud = config
            .cloud
            .resolve(&Context::default(), &nobody)
            .await
            .unwrap();
        assert_eq!(cloud.resource_manager.as_str(), "https://localhost:1/");
        assert_eq!(cloud.resource_manager_audience, "https://audience/");
        assert_eq!(cloud.authority_host, Cloud::china().authority_host);
        insta::assert_snapshot!(outcome(&block([]), &[("ARM_RESOURCE_MANAGER_ENDPOINT", "http://localhost")]), @"endpoint.resource_manager_endpoint: Invalid endpoint: `resource_manager_endpoint` is not an https URL. Use a URL such as `https://management.azure.com`.");
        insta::assert_snapshot!(outcome(&block([("environment", "mars".into())]), &[]), @r#"environment: Unknown environment: The environment "mars" was not found. Use `public`, `usgovernment`, `dod` or `china`. For another cloud, set `metadata_host`, or all endpoints in `endpoint`."#);
    }
}
