//! How to sign in, decided as azurerm does: the first method that is enabled and complete is the one,
//! and its failure is what the user sees. Pure: what is given comes in as values.

use crate::azure::Secret;
use crate::azure::credential::{IdToken, IdentityEndpoint};
use crate::provider::configuration::auth_diagnostics::{IncompleteMethod, no_complete_method};
use crate::provider::configuration::inputs::{CertificateFile, Inputs};
use terraform_plugin::diagnostics::Diagnostic;
use terraform_plugin::value::AttributePath;

/// How to sign in.
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

/// Decides how to sign in. With it come warnings about what was asked for and can't be.
///
/// # Errors
///
/// What is missing, where nothing is complete.
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
                let instead = sign_in.method();
                let warning = |incomplete: &IncompleteMethod| incomplete.warning(instead);
                let warnings = skipped.iter().map(warning).collect();
                return no_auxiliary_tenants(&sign_in, inputs).map_or(Ok((sign_in, warnings)), Err);
            }
            Step::Incomplete(incomplete) => skipped.push(incomplete),
            Step::NotAsked => {}
        }
    }
    Err(no_complete_method(inputs, &skipped))
}

/// What comes of one method.
enum Step {
    Complete(SignIn),
    Incomplete(IncompleteMethod),
    NotAsked,
}

fn certificate(inputs: &Inputs) -> Step {
    let Some(certificate) = inputs.certificate.clone() else {
        return Step::NotAsked;
    };
    let asked_by = match certificate {
        CertificateFile::Base64(_) => "client_certificate",
        CertificateFile::Path(_) => "client_certificate_path",
    };
    let Some((tenant_id, client_id)) = inputs.application() else {
        return inputs.incomplete(asked_by, "a client certificate", None);
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
        return Step::NotAsked;
    };
    let Some((tenant_id, client_id)) = inputs.application() else {
        return inputs.incomplete("client_secret", "a client secret", None);
    };
    Step::Complete(SignIn::ClientSecret {
        tenant_id,
        client_id,
        secret,
    })
}

/// With the ID token that is given, else with one of Azure DevOps, else with one of GitHub.
fn oidc(inputs: &Inputs) -> Step {
    let asked_by = match (inputs.use_oidc, inputs.use_aks_workload_identity) {
        (true, _) => "use_oidc",
        (false, true) => "use_aks_workload_identity",
        (false, false) => return Step::NotAsked,
    };
    match (inputs.application(), inputs.id_token()) {
        (Some((tenant_id, client_id)), Some(id_token)) => Step::Complete(SignIn::Oidc {
            tenant_id,
            client_id,
            id_token,
        }),
        (_, id_token) => {
            let lacks = id_token.is_none().then(|| inputs.lacking_id_token());
            inputs.incomplete(asked_by, "OpenID Connect", lacks)
        }
    }
}

fn managed_identity(inputs: &Inputs) -> Step {
    if !inputs.use_msi {
        return Step::NotAsked;
    }
    Step::Complete(SignIn::ManagedIdentity {
        client_id: inputs.client_id.clone(),
        endpoint: inputs.identity_endpoint.clone(),
    })
}

fn azure_cli(inputs: &Inputs) -> Step {
    if !inputs.use_cli {
        return Step::NotAsked;
    }
    Step::Complete(SignIn::AzureCli {
        tenant_id: inputs.tenant_id.clone(),
        subscription_id: inputs.subscription_id.clone(),
    })
}

impl Inputs {
    /// The step of a method that lacks something: an application, or what is named.
    fn incomplete(
        &self,
        asked_by: &'static str,
        method: &'static str,
        lacks: Option<String>,
    ) -> Step {
        let mut all = self.lacking_application();
        all.extend(lacks);
        Step::Incomplete(IncompleteMethod {
            asked_by,
            method,
            lacks: all,
        })
    }
}

impl SignIn {
    fn method(&self) -> &'static str {
        match self {
            Self::ClientCertificate { .. } => "a client certificate",
            Self::ClientSecret { .. } => "a client secret",
            Self::Oidc { .. } => "OpenID Connect",
            Self::ManagedIdentity { .. } => "a managed identity",
            Self::AzureCli { .. } => "the Azure CLI",
        }
    }
}

/// Refuses auxiliary tenants, which only an application or an account may have.
fn no_auxiliary_tenants(sign_in: &SignIn, inputs: &Inputs) -> Option<Diagnostic> {
    let managed = matches!(sign_in, SignIn::ManagedIdentity { .. });
    (managed && !inputs.auxiliary_tenants.is_empty()).then(|| {
        Diagnostic::error(
            "Auxiliary tenants need another sign-in method",
            "A managed identity is known in its own tenant only. Leave out `auxiliary_tenant_ids` \
             (ARM_AUXILIARY_TENANT_IDS), or sign in with a client certificate, a client secret, OpenID \
             Connect or the Azure CLI.",
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

    /// Everything at once.
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

    /// What comes of it, as the user would read it.
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
    fn the_first_complete_method_is_the_one() {
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
        "#);
    }

    #[test]
    fn what_was_asked_for_and_is_incomplete_is_passed_over_with_a_warning() {
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
        client_certificate: Sign-in method passed over: `client_certificate` (ARM_CLIENT_CERTIFICATE) asks for sign-in with a client certificate, which lacks `tenant_id` (ARM_TENANT_ID) and `client_id` (ARM_CLIENT_ID). So the provider signs in with the Azure CLI. Set what is missing, or leave out what asks for it.
        ---
        AzureCli { tenant_id: None, subscription_id: Some("subscription") }
        client_secret: Sign-in method passed over: `client_secret` (ARM_CLIENT_SECRET) asks for sign-in with a client secret, which lacks `tenant_id` (ARM_TENANT_ID). So the provider signs in with the Azure CLI. Set what is missing, or leave out what asks for it.
        ---
        ManagedIdentity { client_id: None, endpoint: IdentityEndpoint { host: "169.254.169.254", path: "/metadata/identity/oauth2/token", version: "2018-02-01", key: None } }
        use_oidc: Sign-in method passed over: `use_oidc` (ARM_USE_OIDC) asks for sign-in with OpenID Connect, which lacks `tenant_id` (ARM_TENANT_ID) and `client_id` (ARM_CLIENT_ID) and an ID token: `oidc_token` (ARM_OIDC_TOKEN), `oidc_token_file_path` (ARM_OIDC_TOKEN_FILE_PATH), or `oidc_request_url` (ARM_OIDC_REQUEST_URL) with `oidc_request_token` (ARM_OIDC_REQUEST_TOKEN). So the provider signs in with a managed identity. Set what is missing, or leave out what asks for it.
        ---
        AzureCli { tenant_id: Some("tenant"), subscription_id: Some("subscription") }
        use_oidc: Sign-in method passed over: `use_oidc` (ARM_USE_OIDC) asks for sign-in with OpenID Connect, which lacks `oidc_request_token` (ARM_OIDC_REQUEST_TOKEN). So the provider signs in with the Azure CLI. Set what is missing, or leave out what asks for it.
        ---
        AzureCli { tenant_id: Some("tenant"), subscription_id: Some("subscription") }
        use_aks_workload_identity: Sign-in method passed over: `use_aks_workload_identity` (ARM_USE_AKS_WORKLOAD_IDENTITY) asks for sign-in with OpenID Connect, which lacks AZURE_FEDERATED_TOKEN_FILE. So the provider signs in with the Azure CLI. Set what is missing, or leave out what asks for it.
        "#);
    }

    #[test]
    fn what_is_not_reached_is_not_warned_about() {
        let inputs = Inputs {
            use_oidc: true,
            client_secret: Some(Secret::new("planted")),
            ..inputs()
        };
        let (_, warnings) = decide(&inputs).unwrap();
        assert_eq!(warnings, []);
    }

    #[test]
    fn without_a_complete_method_each_one_says_what_it_lacks() {
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
        : No way to sign in to Azure: No sign-in method is enabled and complete:

          - a client secret lacks `client_secret` (ARM_CLIENT_SECRET)
          - OpenID Connect is switched off by `use_oidc` (ARM_USE_OIDC)
          - a managed identity is switched off by `use_msi` (ARM_USE_MSI)
          - the Azure CLI is switched off by `use_cli` (ARM_USE_CLI)

        Set what is missing for one of them.
        ");
        insta::assert_snapshot!(outcome(&nobody), @"
        : No way to sign in to Azure: No sign-in method is enabled and complete:

          - a client certificate lacks `tenant_id` (ARM_TENANT_ID) and `client_id` (ARM_CLIENT_ID)
          - OpenID Connect lacks `tenant_id` (ARM_TENANT_ID) and `client_id` (ARM_CLIENT_ID) and an ID token: `oidc_token` (ARM_OIDC_TOKEN), `oidc_token_file_path` (ARM_OIDC_TOKEN_FILE_PATH), or `oidc_request_url` (ARM_OIDC_REQUEST_URL) with `oidc_request_token` (ARM_OIDC_REQUEST_TOKEN)
          - a managed identity is switched off by `use_msi` (ARM_USE_MSI)
          - the Azure CLI is switched off by `use_cli` (ARM_USE_CLI)

        Set what is missing for one of them.
        ");
    }

    #[test]
    fn a_pod_signs_in_with_its_file_and_never_with_a_pipelines_token() {
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
    fn a_managed_identity_has_no_auxiliary_tenants() {
        let inputs = Inputs {
            use_msi: true,
            auxiliary_tenants: vec!["other".to_owned()],
            ..inputs()
        };
        insta::assert_snapshot!(outcome(&inputs), @"auxiliary_tenant_ids: Auxiliary tenants need another sign-in method: A managed identity is known in its own tenant only. Leave out `auxiliary_tenant_ids` (ARM_AUXILIARY_TENANT_IDS), or sign in with a client certificate, a client secret, OpenID Connect or the Azure CLI.");
    }
}
