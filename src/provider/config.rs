//! The provider block and the environment, made into one configuration.
//!
//! A value in the block goes before the environment, the environment before the default. How to
//! sign in is decided as azurerm does: the first method that is enabled and complete is the one,
//! and its failure is what the user sees.

use std::path::Path;

use url::Url;

use crate::azure::cloud::Cloud;
use crate::azure::credential::Secret;
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::provider::environment::Environment;
use crate::provider::schema::{
    ARGUMENTS, AUDIENCE, AUTHORITY_HOST, Argument, ENDPOINT, ENDPOINTS, RESOURCE_MANAGER,
};
use crate::value::{AttributePath, Value};

/// A complete configuration.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) cloud: Cloud,
    pub(super) sign_in: SignIn,
    pub(super) correlation_id: bool,
}

/// How to sign in.
#[derive(Clone, Debug)]
pub(super) enum SignIn {
    ClientSecret {
        tenant_id: String,
        client_id: String,
        secret: Secret,
    },
    AzureCli {
        tenant_id: Option<String>,
        subscription_id: Option<String>,
    },
}

/// Variables that ask for a sign-in method of azurerm that this release doesn't have yet. Where the
/// client secret, which goes before them, isn't complete, they are an error: falling through to the
/// Azure CLI would sign in as somebody else.
const NOT_YET: [(&str, &str); 5] = [
    ("ARM_CLIENT_CERTIFICATE", "client certificate"),
    ("ARM_CLIENT_CERTIFICATE_PATH", "client certificate"),
    ("ARM_USE_OIDC", "OpenID Connect"),
    ("ARM_USE_MSI", "managed identity"),
    ("ARM_USE_AKS_WORKLOAD_IDENTITY", "AKS workload identity"),
];

/// Whether anything in the block is unknown. Then there is no telling how to sign in, and the
/// plan has to do without Azure.
pub(super) fn is_unknown(block: &Value) -> bool {
    !block.is_wholly_known()
}

/// Checks the block by itself: no network, no environment, unknown values not judged. `environment`
/// isn't judged either: whether it has to name a known cloud depends on the variables.
pub(super) fn validate(block: &Value) -> Diagnostics {
    let mut findings = Diagnostics::new();
    for name in [AUTHORITY_HOST, RESOURCE_MANAGER] {
        if let Some(url) = block.get(ENDPOINT).get(name).as_str() {
            findings.extend(https(url, name).err());
        }
    }
    findings
}

impl Config {
    /// Makes a configuration of a wholly known block.
    ///
    /// # Errors
    /// What is missing, malformed or contradictory, in words for the user.
    pub(super) fn read(block: &Value, environment: &Environment) -> Result<Self, Diagnostics> {
        let source = Source { block, environment };
        Ok(Self {
            cloud: source.cloud()?,
            sign_in: source.sign_in()?,
            correlation_id: !source
                .switch("disable_correlation_request_id")?
                .unwrap_or(false),
        })
    }
}

/// Where the arguments come from.
#[derive(Clone, Copy)]
struct Source<'a> {
    block: &'a Value,
    environment: &'a Environment,
}

impl<'a> Source<'a> {
    fn text(self, name: &str) -> Option<&'a str> {
        let configured = self
            .block
            .get(name)
            .as_str()
            .filter(|text| !text.is_empty());
        configured.or_else(|| self.environment.first(variables(&ARGUMENTS, name)))
    }

    fn switch(self, name: &str) -> Result<Option<bool>, Diagnostic> {
        if let Some(configured) = self.block.get(name).as_bool() {
            return Ok(Some(configured));
        }
        let variables = variables(&ARGUMENTS, name);
        switch(self.environment.first(variables), &variables.join(", "))
    }

    /// A value, or the content of the file that stands in for it; both have to agree.
    fn text_or_file(self, name: &str, what: &str) -> Result<Option<String>, Diagnostic> {
        let file_argument = format!("{name}_file_path");
        let value = self.text(name);
        let Some(file) = self.text(&file_argument) else {
            return Ok(value.map(str::to_owned));
        };
        let content = std::fs::read_to_string(Path::new(file)).map_err(|error| {
            Diagnostic::error(
                format!("Could not read the file of the {what}"),
                format!("Reading {file}: {error}. Check `{file_argument}`."),
            )
            .at(AttributePath::new(&file_argument))
        })?;
        let content = content.trim();
        match value {
            Some(value) if value != content => Err(Diagnostic::error(
                format!("Mismatched {what}"),
                format!(
                    "`{name}` and the content of the file named by `{file_argument}` differ. \
                     Remove one of them, or make them match."
                ),
            )
            .at(AttributePath::new(name))),
            _ => Ok(Some(content.to_owned())),
        }
    }

    fn cloud(self) -> Result<Cloud, Diagnostic> {
        let mut cloud = self.named_cloud()?;
        if let Some(host) = self.endpoint(AUTHORITY_HOST) {
            cloud.authority_host = https(host, AUTHORITY_HOST)?;
        }
        if let Some(manager) = self.endpoint(RESOURCE_MANAGER) {
            cloud.resource_manager = https(manager, RESOURCE_MANAGER)?;
        }
        if let Some(audience) = self.endpoint(AUDIENCE) {
            audience.clone_into(&mut cloud.resource_manager_audience);
        }
        Ok(cloud)
    }

    /// The cloud that `environment` names. With all endpoints of one's own it may have any name.
    fn named_cloud(self) -> Result<Cloud, Diagnostic> {
        let name = self.text("environment").unwrap_or("public");
        let all = ENDPOINTS
            .iter()
            .all(|argument| self.endpoint(argument.name).is_some());
        match cloud(name, AttributePath::new("environment")) {
            Err(_) if all => Ok(Cloud::public()),
            named => named,
        }
    }

    fn endpoint(self, name: &str) -> Option<&'a str> {
        let configured = self.block.get(ENDPOINT).get(name).as_str();
        configured
            .filter(|text| !text.is_empty())
            .or_else(|| self.environment.first(variables(&ENDPOINTS, name)))
    }

    fn not_yet(self) -> Result<Option<Diagnostic>, Diagnostic> {
        for (variable, method) in NOT_YET {
            if asks(variable, self.environment.first(&[variable]))? {
                return Ok(Some(Diagnostic::error(
                    "Sign-in method not available",
                    format!(
                        "{variable} asks for sign-in by {method}, which this release of the \
                         provider doesn't have yet. It signs in with a client secret or the Azure \
                         CLI: unset {variable} and set up one of those."
                    ),
                )));
            }
        }
        Ok(None)
    }

    fn sign_in(self) -> Result<SignIn, Diagnostic> {
        let tenant_id = self.text("tenant_id").map(str::to_owned);
        let client_id = self.text_or_file("client_id", "client ID")?;
        let secret = self
            .text_or_file("client_secret", "client secret")?
            .map(Secret::new);
        let cli = self.switch("use_cli")?.unwrap_or(true);
        let complete = tenant_id.is_some() && client_id.is_some() && secret.is_some();
        if !complete && let Some(diagnostic) = self.not_yet()? {
            return Err(diagnostic);
        }
        match (tenant_id, client_id, secret) {
            (Some(tenant_id), Some(client_id), Some(secret)) => Ok(SignIn::ClientSecret {
                tenant_id,
                client_id,
                secret,
            }),
            (tenant_id, _, _) if cli => Ok(SignIn::AzureCli {
                tenant_id,
                subscription_id: self.text("subscription_id").map(str::to_owned),
            }),
            (tenant_id, client_id, secret) => Err(incomplete(
                tenant_id.is_some(),
                client_id.is_some(),
                secret.is_some(),
            )),
        }
    }
}

/// Whether a variable asks for something: a switch that is on, or anything else that is there.
fn asks(variable: &str, value: Option<&str>) -> Result<bool, Diagnostic> {
    if variable.starts_with("ARM_USE_") {
        Ok(switch(value, variable)? == Some(true))
    } else {
        Ok(value.is_some())
    }
}

fn incomplete(tenant_id: bool, client_id: bool, secret: bool) -> Diagnostic {
    let missing: Vec<&str> = [
        (tenant_id, "`tenant_id` (ARM_TENANT_ID)"),
        (client_id, "`client_id` (ARM_CLIENT_ID)"),
        (secret, "`client_secret` (ARM_CLIENT_SECRET)"),
    ]
    .into_iter()
    .filter_map(|(given, name)| (!given).then_some(name))
    .collect();
    Diagnostic::error(
        "No way to sign in to Azure",
        format!(
            "The Azure CLI is switched off by `use_cli` (ARM_USE_CLI), and for a client secret {} \
             missing: {}. Set what is missing, or let the Azure CLI be used.",
            if missing.len() == 1 {
                "one value is"
            } else {
                "some values are"
            },
            missing.join(", ")
        ),
    )
}

/// The environment variables that stand in for the argument `name`.
fn variables(arguments: &[Argument], name: &str) -> &'static [&'static str] {
    arguments
        .iter()
        .find(|argument| argument.name == name)
        .map_or(&[], |argument| argument.variables)
}

/// The values that Go's `strconv.ParseBool` takes, as azurerm reads its variables.
fn switch(text: Option<&str>, variable: &str) -> Result<Option<bool>, Diagnostic> {
    match text {
        None => Ok(None),
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(Some(true)),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(Some(false)),
        Some(other) => Err(Diagnostic::error(
            format!("Invalid value of {variable}"),
            format!("{other:?} is neither true nor false. Set {variable} to `true` or `false`."),
        )),
    }
}

fn cloud(name: &str, path: AttributePath) -> Result<Cloud, Diagnostic> {
    match name.to_ascii_lowercase().as_str() {
        "public" | "global" => Ok(Cloud::public()),
        "usgovernment" | "usgovernmentl4" => Ok(Cloud::us_government()),
        "china" => Ok(Cloud::china()),
        _ => Err(Diagnostic::error(
            "Unknown environment",
            format!(
                "There is no environment with the name {name:?}. Use `public`, `usgovernment` or \
                 `china`, or name the endpoints in `endpoint`."
            ),
        )
        .at(path)),
    }
}

fn https(text: &str, argument: &str) -> Result<Url, Diagnostic> {
    let problem = match Url::parse(text) {
        Ok(url) if url.scheme() == "https" && url.has_host() => return Ok(url),
        Ok(_) => "it is not an https URL".to_owned(),
        Err(error) => format!("it is not a URL ({error})"),
    };
    Err(Diagnostic::error(
        "Invalid endpoint",
        format!(
            "{text:?} can't be `{argument}`: {problem}. Give it as \
             `https://management.azure.com` is given for the public cloud."
        ),
    )
    .at(AttributePath::new(ENDPOINT).attribute(argument)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: [(&str, &str); 3] = [
        ("ARM_TENANT_ID", "tenant"),
        ("ARM_CLIENT_ID", "client"),
        ("ARM_CLIENT_SECRET", "planted"),
    ];

    fn block<const N: usize>(attributes: [(&str, Value); N]) -> Value {
        Value::object(attributes)
    }

    /// What comes of a block and an environment, as the user would read it.
    fn outcome(block: &Value, environment: &[(&str, &str)]) -> String {
        let environment = environment.iter().copied().collect();
        match Config::read(block, &environment) {
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
    fn a_complete_client_secret_goes_before_the_cli_and_does_not_print() {
        insta::assert_snapshot!(outcome(&block([]), &COMPLETE), @r#"ClientSecret { tenant_id: "tenant", client_id: "client", secret: Secret(…) }"#);
        insta::assert_snapshot!(outcome(&block([]), &COMPLETE[..2]), @r#"AzureCli { tenant_id: Some("tenant"), subscription_id: None }"#);
    }

    #[test]
    fn the_block_goes_before_the_environment() {
        let block = block([("client_id", "configured".into()), ("tenant_id", "".into())]);
        insta::assert_snapshot!(outcome(&block, &COMPLETE), @r#"ClientSecret { tenant_id: "tenant", client_id: "configured", secret: Secret(…) }"#);
    }

    #[test]
    fn without_the_cli_what_is_missing_is_named() {
        insta::assert_snapshot!(outcome(&block([("use_cli", false.into())]), &COMPLETE[1..]), @": No way to sign in to Azure: The Azure CLI is switched off by `use_cli` (ARM_USE_CLI), and for a client secret one value is missing: `tenant_id` (ARM_TENANT_ID). Set what is missing, or let the Azure CLI be used.");
        insta::assert_snapshot!(outcome(&block([]), &[("ARM_USE_CLI", "F")]), @": No way to sign in to Azure: The Azure CLI is switched off by `use_cli` (ARM_USE_CLI), and for a client secret some values are missing: `tenant_id` (ARM_TENANT_ID), `client_id` (ARM_CLIENT_ID), `client_secret` (ARM_CLIENT_SECRET). Set what is missing, or let the Azure CLI be used.");
    }

    #[test]
    fn switches_are_what_go_takes_for_a_bool() {
        assert_eq!(switch(Some("T"), "X"), Ok(Some(true)));
        assert_eq!(switch(Some("0"), "X"), Ok(Some(false)));
        insta::assert_snapshot!(outcome(&block([]), &[("ARM_USE_CLI", "yes")]), @r#": Invalid value of ARM_USE_CLI: "yes" is neither true nor false. Set ARM_USE_CLI to `true` or `false`."#);
    }

    #[test]
    fn a_method_that_is_not_there_yet_is_refused_and_not_passed_over() {
        let incomplete = [("ARM_USE_OIDC", "true"), COMPLETE[0], COMPLETE[1]];
        let complete = [incomplete[0], incomplete[1], incomplete[2], COMPLETE[2]];
        assert!(outcome(&block([]), &complete).starts_with("ClientSecret"));
        insta::assert_snapshot!(outcome(&block([]), &[("ARM_CLIENT_CERTIFICATE_PATH", "cert.pfx")]), @": Sign-in method not available: ARM_CLIENT_CERTIFICATE_PATH asks for sign-in by client certificate, which this release of the provider doesn't have yet. It signs in with a client secret or the Azure CLI: unset ARM_CLIENT_CERTIFICATE_PATH and set up one of those.");
        insta::assert_snapshot!(outcome(&block([]), &incomplete), @": Sign-in method not available: ARM_USE_OIDC asks for sign-in by OpenID Connect, which this release of the provider doesn't have yet. It signs in with a client secret or the Azure CLI: unset ARM_USE_OIDC and set up one of those.");
    }

    #[test]
    fn a_file_and_a_value_have_to_agree() {
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
        insta::assert_snapshot!(outcome(&other, &from_file), @"client_secret: Mismatched client secret: `client_secret` and the content of the file named by `client_secret_file_path` differ. Remove one of them, or make them match.");
        let nowhere = block([("client_secret_file_path", "/nowhere/at/all".into())]);
        insta::assert_snapshot!(outcome(&nowhere, &COMPLETE[..2]), @"client_secret_file_path: Could not read the file of the client secret: Reading /nowhere/at/all: No such file or directory (os error 2). Check `client_secret_file_path`.");
    }

    #[test]
    fn with_endpoints_of_its_own_a_cloud_may_have_any_name() {
        let endpoints = ENDPOINTS
            .iter()
            .map(|it| (it.variables[0], "https://localhost:1"));
        let mut environment: Vec<(&str, &str)> = endpoints.collect();
        environment.push(("ARM_ENVIRONMENT", "custom"));
        assert!(outcome(&block([]), &environment).starts_with("AzureCli"));
    }

    #[test]
    fn endpoints_go_before_the_environment_and_are_https() {
        let endpoint = block([
            ("resource_manager_endpoint", "https://localhost:1".into()),
            ("resource_manager_audience", "https://audience/".into()),
        ]);
        let china = block([("environment", "china".into()), (ENDPOINT, endpoint)]);
        let cloud = Config::read(&china, &Environment::default()).unwrap().cloud;
        assert_eq!(cloud.resource_manager.as_str(), "https://localhost:1/");
        assert_eq!(cloud.resource_manager_audience, "https://audience/");
        assert_eq!(cloud.authority_host, Cloud::china().authority_host);
        insta::assert_snapshot!(outcome(&block([]), &[("ARM_RESOURCE_MANAGER_ENDPOINT", "http://localhost")]), @r#"endpoint.resource_manager_endpoint: Invalid endpoint: "http://localhost" can't be `resource_manager_endpoint`: it is not an https URL. Give it as `https://management.azure.com` is given for the public cloud."#);
        insta::assert_snapshot!(outcome(&block([("environment", "mars".into())]), &[]), @r#"environment: Unknown environment: There is no environment with the name "mars". Use `public`, `usgovernment` or `china`, or name the endpoints in `endpoint`."#);
    }
}
