//! Selects the authentication method in azurerm's order. The provider uses the first fully configured method.
//! If that method fails later, the provider tries no other. This module does no I/O.

use crate::azure::Secret;
use crate::azure::credential::{IdToken, IdentityEndpoint};
use crate::provider::configuration::arguments::named;
use crate::provider::configuration::auth_diagnostics::{IncompleteMethod, no_complete_method};
use crate::provider::configuration::inputs::{CertificateFile, Inputs};
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::AttributePath;

/// An authentication method with everything that it needs.
#[derive(Clone, Debug)]
pub(super) enum SignIn {
    ClientCertificate {
        tenant_id: String,
        client_id: String,
        certificate: CertificateFile,
        password: Secret,
    },
    ClientSecret {
        tenant_id: String,
        client_id: String,
        secret: Secret,
    },
    Oidc {
        tenant_id: String,
        client_id: String,
        id_token: IdToken,
    },
    ManagedIdentity {
        client_id: Option<String>,
        endpoint: IdentityEndpoint,
    },
    AzureCli {
        tenant_id: Option<String>,
        subscription_id: Option<String>,
    },
}

/// Selects the authentication method. Returns it with a warning for each enabled but incomplete method that
/// precedes it, and for each setting that the method ignores.
///
/// # Errors
///
/// If no method is fully configured.
pub(super) fn decide(inputs: &Inputs) -> Result<(SignIn, Vec<Diagnostic>), Diagnostic> {
    let mut skipped = Vec::new();
    for step in [
        certificate,
        client_secret,
        oidc,
        managed_identity,
        azure_cli,
    ] {
        match step(inputs) {
            Step::Complete(sign_in) => {
                skipped.extend(unused_client_id(&sign_in, inputs, &skipped));
                let instead = sign_in.method();
                let warning = |incomplete: &IncompleteMethod| incomplete.warning(instead);
                let warnings = skipped.iter().map(warning);
                let ignored = ignored_tenants(&sign_in, inputs);
                return Ok((sign_in, warnings.chain(ignored).collect()));
            }
            Step::Incomplete(incomplete) => skipped.push(incomplete),
            Step::NotEnabled => {}
        }
    }
    Err(no_complete_method(inputs, &skipped))
}

/// Returns the method that a client ID was set for. The Azure CLI doesn't use it, so its secret is probably
/// missing. Without a warning, a pipeline would silently sign in as another identity.
fn unused_client_id(
    sign_in: &SignIn,
    inputs: &Inputs,
    skipped: &[IncompleteMethod],
) -> Option<IncompleteMethod> {
    let is_unused = matches!(sign_in, SignIn::AzureCli { .. }) && inputs.client_id.is_some();
    // The warning about another method already says what is missing.
    (is_unused && skipped.is_empty()).then(|| {
        let mut missing = inputs.missing_application();
        missing.push(named("client_secret"));
        IncompleteMethod {
            enabled_by: "client_id",
            method: "Client secret",
            missing,
        }
    })
}

/// The outcome for one method.
enum Step {
    Complete(SignIn),
    Incomplete(IncompleteMethod),
    NotEnabled,
}

fn certificate(inputs: &Inputs) -> Step {
    let Some(certificate) = inputs.certificate.clone() else {
        return Step::NotEnabled;
    };
    let enabled_by = match certificate {
        CertificateFile::Base64(_) => "client_certificate",
        CertificateFile::Path(_) => "client_certificate_path",
    };
    let Some((tenant_id, client_id)) = inputs.application() else {
        return inputs.incomplete(enabled_by, "Client certificate", None);
    };
    Step::Complete(SignIn::ClientCertificate {
        tenant_id,
        client_id,
        certificate,
        password: inputs.certificate_password.clone(),
    })
}

fn client_secret(inputs: &Inputs) -> Step {
    let Some(secret) = inputs.client_secret.clone() else {
        return Step::NotEnabled;
    };
    let Some((tenant_id, client_id)) = inputs.application() else {
        return inputs.incomplete("client_secret", "Client secret", None);
    };
    Step::Complete(SignIn::ClientSecret {
        tenant_id,
        client_id,
        secret,
    })
}

fn oidc(inputs: &Inputs) -> Step {
    let enabled_by = match (inputs.use_oidc, inputs.use_aks_workload_identity) {
        (true, _) => "use_oidc",
        (false, true) => "use_aks_workload_identity",
        (false, false) => return Step::NotEnabled,
    };
    match (inputs.application(), inputs.id_token()) {
        (Some((tenant_id, client_id)), Some(id_token)) => Step::Complete(SignIn::Oidc {
            tenant_id,
            client_id,
            id_token,
        }),
        (_, id_token) => {
            let missing = id_token.is_none().then(|| inputs.missing_id_token());
            inputs.incomplete(enabled_by, "OpenID Connect", missing)
        }
    }
}

fn managed_identity(inputs: &Inputs) -> Step {
    if !inputs.use_msi {
        return Step::NotEnabled;
    }
    Step::Complete(SignIn::ManagedIdentity {
        client_id: inputs.client_id.clone(),
        endpoint: inputs.identity_endpoint.clone(),
    })
}

fn azure_cli(inputs: &Inputs) -> Step {
    if !inputs.use_cli {
        return Step::NotEnabled;
    }
    Step::Complete(SignIn::AzureCli {
        tenant_id: inputs.tenant_id.clone(),
        subscription_id: inputs.subscription_id.clone(),
    })
}

impl Inputs {
    /// Returns the step of an incomplete method, with the missing tenant ID, client ID and other input.
    fn incomplete(
        &self,
        enabled_by: &'static str,
        method: &'static str,
        missing: Option<String>,
    ) -> Step {
        let mut all = self.missing_application();
        all.extend(missing);
        Step::Incomplete(IncompleteMethod {
            enabled_by,
            method,
            missing: all,
        })
    }
}

impl SignIn {
    /// Whether the method can get tokens in other tenants.
    pub(super) fn supports_auxiliary_tenants(&self) -> bool {
        !matches!(self, Self::ManagedIdentity { .. })
    }

    fn method(&self) -> &'static str {
        match self {
            Self::ClientCertificate { .. } => "Client certificate",
            Self::ClientSecret { .. } => "Client secret",
            Self::Oidc { .. } => "OpenID Connect",
            Self::ManagedIdentity { .. } => "Managed identity",
            Self::AzureCli { .. } => "Azure CLI",
        }
    }
}

/// Returns a warning if auxiliary tenants have no effect.
fn ignored_tenants(sign_in: &SignIn, inputs: &Inputs) -> Option<Diagnostic> {
    let ignores = !sign_in.supports_auxiliary_tenants() && !inputs.auxiliary_tenants.is_empty();
    ignores.then(|| {
        Diagnostic::warning(
            "Managed identities don't support auxiliary tenants",
            "A managed identity gets tokens in its own tenant only, so the provider ignores \
             `auxiliary_tenant_ids` (ARM_AUXILIARY_TENANT_IDS). If requests need these tenants, sign in with \
             a client certificate, a client secret, OpenID Connect or the Azure CLI.",
        )
        .at(AttributePath::new("auxiliary_tenant_ids"))
    })
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn inputs() -> Inputs {
        Inputs {
            tenant_id: Some("tenant".to_owned()),
            client_id: Some("client".to_owned()),
            subscription_id: Some("subscription".to_owned()),
            auxiliary_tenants: Vec::new(),
            certificate: None,
            certificate_password: Secret::new("planted"),
            client_secret: None,
            use_oidc: false,
            use_aks_workload_identity: false,
            id_token: None,
            request_url: None,
            request_token: None,
            service_connection_id: None,
            use_msi: false,
            identity_endpoint: IdentityEndpoint::instance_metadata(None, None),
            use_cli: true,
        }
    }

    /// Inputs that configure every method.
    fn everything() -> Inputs {
        Inputs {
            certificate: Some(CertificateFile::Path("client.pfx".to_owned())),
            client_secret: Some(Secret::new("planted")),
            use_oidc: true,
            id_token: Some(IdToken::Given(Secret::new("planted"))),
            request_url: Some(Url::parse("https://issuer.example/").unwrap()),
            request_token: Some(Secret::new("planted")),
            service_connection_id: Some("connection".to_owned()),
            use_msi: true,
            ..inputs()
        }
    }

    fn said(diagnostic: &Diagnostic) -> String {
        let path = diagnostic.path.clone().unwrap_or_default();
        format!("{path}: {}: {}", diagnostic.summary, diagnostic.detail)
    }

    /// Returns the method and the warnings, or the error, as the user reads them.
    fn outcome(inputs: &Inputs) -> String {
        match decide(inputs) {
            Ok((sign_in, warnings)) => {
                let warnings: String = warnings
                    .iter()
                    .map(|it| format!("\n{}", said(it)))
                    .collect();
                format!("{sign_in:?}{warnings}")
            }
            Err(error) => said(&error),
        }
    }

    #[test]
    fn selects_the_first_fully_configured_method() {
        let mut inputs = everything();
        let mut table = Vec::new();
        table.push(outcome(&inputs));
        inputs.certificate = None;
        table.push(outcome(&inputs));
        inputs.client_secret = None;
        table.push(outcome(&inputs));
        inputs.id_token = None;
        table.push(outcome(&inputs));
        inputs.service_connection_id = None;
        table.push(outcome(&inputs));
        inputs.use_oidc = false;
        table.push(outcome(&inputs));
        inputs.use_msi = false;
        table.push(outcome(&inputs));
        insta::assert_snapshot!(table.join("\n"), @r#"
        ClientCertificate { tenant_id: "tenant", client_id: "client", certificate: Path("client.pfx"), password: Secret(…) }
        ClientSecret { tenant_id: "tenant", client_id: "client", secret: Secret(…) }
        Oidc { tenant_id: "tenant", client_id: "client", id_token: Given((secret)) }
        Oidc { tenant_id: "tenant", client_id: "client", id_token: AzureDevOps(issuer.example) }
        Oidc { tenant_id: "tenant", client_id: "client", id_token: GitHub(issuer.example) }
        ManagedIdentity { client_id: Some("client"), endpoint: IdentityEndpoint { host: "169.254.169.254", path: "/metadata/identity/oauth2/token", version: "2018-02-01", key: None } }
        AzureCli { tenant_id: Some("tenant"), subscription_id: Some("subscription") }
        client_id: Authentication method skipped: Client secret authentication is not fully configured. Missing: `client_secret` (ARM_CLIENT_SECRET). Azure CLI authentication applies instead. Set the missing values, or unset `client_id` (ARM_CLIENT_ID).
        "#);
    }

    #[test]
    fn a_client_id_without_a_secret_causes_a_warning_with_the_azure_cli_only() {
        let warnings = |inputs: &Inputs| decide(inputs).unwrap().1.len();
        assert_eq!(warnings(&inputs()), 1);
        let without_client = Inputs {
            client_id: None,
            ..inputs()
        };
        assert_eq!(warnings(&without_client), 0);
        let managed = Inputs {
            use_msi: true,
            ..inputs()
        };
        assert_eq!(warnings(&managed), 0);
        let without_tenant = Inputs {
            tenant_id: None,
            ..inputs()
        };
        insta::assert_snapshot!(outcome(&without_tenant), @r#"
        AzureCli { tenant_id: None, subscription_id: Some("subscription") }
        client_id: Authentication method skipped: Client secret authentication is not fully configured. Missing: `tenant_id` (ARM_TENANT_ID) and `client_secret` (ARM_CLIENT_SECRET). Azure CLI authentication applies instead. Set the missing values, or unset `client_id` (ARM_CLIENT_ID).
        "#);
    }

    #[test]
    fn an_incomplete_method_is_skipped_with_a_warning() {
        let nobody = Inputs {
            tenant_id: None,
            client_id: None,
            ..inputs()
        };
        let secret = Some(Secret::new("planted"));
        let certificate = Some(CertificateFile::Base64(Secret::new("planted")));
        let url = Url::parse("https://issuer.example/").ok();
        let table = [
            outcome(&Inputs {
                certificate,
                ..nobody.clone()
            }),
            outcome(&Inputs {
                client_secret: secret,
                client_id: Some("client".to_owned()),
                ..nobody.clone()
            }),
            outcome(&Inputs {
                use_oidc: true,
                use_msi: true,
                ..nobody
            }),
            outcome(&Inputs {
                use_oidc: true,
                request_url: url,
                ..inputs()
            }),
            outcome(&Inputs {
                use_aks_workload_identity: true,
                ..inputs()
            }),
        ];
        insta::assert_snapshot!(table.join("\n---\n"), @r#"
        AzureCli { tenant_id: None, subscription_id: Some("subscription") }
        client_certificate: Authentication method skipped: Client certificate authentication is not fully configured. Missing: `tenant_id` (ARM_TENANT_ID) and `client_id` (ARM_CLIENT_ID). Azure CLI authentication applies instead. Set the missing values, or unset `client_certificate` (ARM_CLIENT_CERTIFICATE).
        ---
        AzureCli { tenant_id: None, subscription_id: Some("subscription") }
        client_secret: Authentication method skipped: Client secret authentication is not fully configured. Missing: `tenant_id` (ARM_TENANT_ID). Azure CLI authentication applies instead. Set the missing values, or unset `client_secret` (ARM_CLIENT_SECRET).
        ---
        ManagedIdentity { client_id: None, endpoint: IdentityEndpoint { host: "169.254.169.254", path: "/metadata/identity/oauth2/token", version: "2018-02-01", key: None } }
        use_oidc: Authentication method skipped: OpenID Connect authentication is not fully configured. Missing: `tenant_id` (ARM_TENANT_ID) and `client_id` (ARM_CLIENT_ID) and an ID token from `oidc_token` (ARM_OIDC_TOKEN), `oidc_token_file_path` (ARM_OIDC_TOKEN_FILE_PATH), or `oidc_request_url` (ARM_OIDC_REQUEST_URL) with `oidc_request_token` (ARM_OIDC_REQUEST_TOKEN). Managed identity authentication applies instead. Set the missing values, or unset `use_oidc` (ARM_USE_OIDC).
        ---
        AzureCli { tenant_id: Some("tenant"), subscription_id: Some("subscription") }
        use_oidc: Authentication method skipped: OpenID Connect authentication is not fully configured. Missing: `oidc_request_token` (ARM_OIDC_REQUEST_TOKEN). Azure CLI authentication applies instead. Set the missing values, or unset `use_oidc` (ARM_USE_OIDC).
        ---
        AzureCli { tenant_id: Some("tenant"), subscription_id: Some("subscription") }
        use_aks_workload_identity: Authentication method skipped: OpenID Connect authentication is not fully configured. Missing: AZURE_FEDERATED_TOKEN_FILE. Azure CLI authentication applies instead. Set the missing values, or unset `use_aks_workload_identity` (ARM_USE_AKS_WORKLOAD_IDENTITY).
        "#);
    }

    #[test]
    fn an_incomplete_later_method_causes_no_warning() {
        let inputs = Inputs {
            use_oidc: true,
            client_secret: Some(Secret::new("planted")),
            ..inputs()
        };
        let (_, warnings) = decide(&inputs).unwrap();
        assert_eq!(warnings, []);
    }

    #[test]
    fn the_error_names_what_each_method_is_missing() {
        let off = Inputs {
            use_cli: false,
            ..inputs()
        };
        let nobody = Inputs {
            tenant_id: None,
            client_id: None,
            certificate: Some(CertificateFile::Path("client.pfx".to_owned())),
            use_oidc: true,
            ..off.clone()
        };
        insta::assert_snapshot!(outcome(&off), @"
        : No usable authentication method: No authentication method is fully configured:

          - Client secret: missing `client_secret` (ARM_CLIENT_SECRET)
          - OpenID Connect: `use_oidc` (ARM_USE_OIDC) is `false`
          - Managed identity: `use_msi` (ARM_USE_MSI) is `false`
          - Azure CLI: `use_cli` (ARM_USE_CLI) is `false`

        Enable one of these methods, and set its missing values.
        ");
        insta::assert_snapshot!(outcome(&nobody), @"
        : No usable authentication method: No authentication method is fully configured:

          - Client certificate: missing `tenant_id` (ARM_TENANT_ID) and `client_id` (ARM_CLIENT_ID)
          - OpenID Connect: missing `tenant_id` (ARM_TENANT_ID) and `client_id` (ARM_CLIENT_ID) and an ID token from `oidc_token` (ARM_OIDC_TOKEN), `oidc_token_file_path` (ARM_OIDC_TOKEN_FILE_PATH), or `oidc_request_url` (ARM_OIDC_REQUEST_URL) with `oidc_request_token` (ARM_OIDC_REQUEST_TOKEN)
          - Managed identity: `use_msi` (ARM_USE_MSI) is `false`
          - Azure CLI: `use_cli` (ARM_USE_CLI) is `false`

        Enable one of these methods, and set its missing values.
        ");
    }

    #[test]
    fn aks_workload_identity_ignores_a_pipelines_request_url() {
        let pipeline = Inputs {
            use_oidc: false,
            use_aks_workload_identity: true,
            certificate: None,
            client_secret: None,
            id_token: None,
            ..everything()
        };
        assert!(outcome(&pipeline).starts_with("ManagedIdentity"));
        let pod = Inputs {
            id_token: Some(IdToken::File("/var/run/token".into())),
            ..pipeline
        };
        insta::assert_snapshot!(outcome(&pod), @r#"Oidc { tenant_id: "tenant", client_id: "client", id_token: File(/var/run/token) }"#);
    }

    #[test]
    fn a_managed_identity_ignores_auxiliary_tenants_with_a_warning() {
        let inputs = Inputs {
            use_msi: true,
            auxiliary_tenants: vec!["other".to_owned()],
            ..inputs()
        };
        insta::assert_snapshot!(outcome(&inputs), @r#"
        ManagedIdentity { client_id: Some("client"), endpoint: IdentityEndpoint { host: "169.254.169.254", path: "/metadata/identity/oauth2/token", version: "2018-02-01", key: None } }
        auxiliary_tenant_ids: Managed identities don't support auxiliary tenants: A managed identity gets tokens in its own tenant only, so the provider ignores `auxiliary_tenant_ids` (ARM_AUXILIARY_TENANT_IDS). If requests need these tenants, sign in with a client certificate, a client secret, OpenID Connect or the Azure CLI.
        "#);
    }
}
