//! How to sign in, decided as azurerm does: the first method that is enabled and complete is the one,
//! and its failure is what the user sees. Pure: what is given comes in as values.

use url::Url;

use crate::azure::Secret;
use crate::azure::credential::{IdToken, IdentityEndpoint};
use crate::diagnostics::Diagnostic;
use crate::provider::arguments::named;
use crate::value::AttributePath;

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

/// Where a client certificate is.
#[derive(Clone, Debug)]
pub(super) enum CertificateFile {
    /// In the configuration itself, encoded in base64.
    Base64(Secret),
    /// In a file.
    Path(String),
}

/// Everything that signing in can be asked for with.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) tenant_id: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) subscription_id: Option<String>,
    pub(super) auxiliary_tenants: Vec<String>,
    pub(super) certificate: Option<CertificateFile>,
    pub(super) certificate_password: Secret,
    pub(super) client_secret: Option<Secret>,
    pub(super) use_oidc: bool,
    pub(super) use_aks_workload_identity: bool,
    /// A token, or the file that holds it.
    pub(super) id_token: Option<IdToken>,
    pub(super) request_url: Option<Url>,
    pub(super) request_token: Option<Secret>,
    pub(super) service_connection_id: Option<String>,
    pub(super) use_msi: bool,
    pub(super) identity_endpoint: IdentityEndpoint,
    pub(super) use_cli: bool,
}

/// A method that was asked for, and what it lacks.
struct Incomplete {
    /// The argument that asks for it.
    asked_by: &'static str,
    method: &'static str,
    lacks: Vec<String>,
}

/// Decides how to sign in. With it come warnings about what was asked for and can't be.
///
/// # Errors
///
/// What is missing, where nothing is complete.
pub(super) fn decide(given: &Given) -> Result<(SignIn, Vec<Diagnostic>), Diagnostic> {
    let mut skipped = Vec::new();
    for step in [
        certificate,
        client_secret,
        oidc,
        managed_identity,
        azure_cli,
    ] {
        match step(given) {
            Step::Complete(sign_in) => {
                let instead = sign_in.method();
                let warning = |incomplete: &Incomplete| incomplete.warning(instead);
                let warnings = skipped.iter().map(warning).collect();
                return alone(&sign_in, given).map_or(Ok((sign_in, warnings)), Err);
            }
            Step::Incomplete(incomplete) => skipped.push(incomplete),
            Step::NotAsked => {}
        }
    }
    Err(nothing(given, &skipped))
}

/// What comes of one method.
enum Step {
    Complete(SignIn),
    Incomplete(Incomplete),
    NotAsked,
}

fn certificate(given: &Given) -> Step {
    let Some(certificate) = &given.certificate else {
        return Step::NotAsked;
    };
    let asked_by = match certificate {
        CertificateFile::Base64(_) => "client_certificate",
        CertificateFile::Path(_) => "client_certificate_path",
    };
    given.application(asked_by, "a client certificate", |tenant_id, client_id| {
        SignIn::ClientCertificate {
            tenant_id,
            client_id,
            certificate: certificate.clone(),
            password: given.certificate_password.clone(),
        }
    })
}

fn client_secret(given: &Given) -> Step {
    let Some(secret) = &given.client_secret else {
        return Step::NotAsked;
    };
    given.application(
        "client_secret",
        "a client secret",
        |tenant_id, client_id| SignIn::ClientSecret {
            tenant_id,
            client_id,
            secret: secret.clone(),
        },
    )
}

fn oidc(given: &Given) -> Step {
    let asked_by = match (given.use_oidc, given.use_aks_workload_identity) {
        (true, _) => "use_oidc",
        (false, true) => "use_aks_workload_identity",
        (false, false) => return Step::NotAsked,
    };
    let method = "OpenID Connect";
    let step = given.application(asked_by, method, |tenant_id, client_id| SignIn::Oidc {
        tenant_id,
        client_id,
        // Looked at only once there is a token.
        id_token: given.id_token().unwrap_or(IdToken::Given(Secret::new(""))),
    });
    if given.id_token().is_some() {
        return step;
    }
    let mut lacks = match step {
        Step::Incomplete(incomplete) => incomplete.lacks,
        Step::Complete(_) | Step::NotAsked => Vec::new(),
    };
    lacks.push(given.lacking_id_token());
    Step::Incomplete(Incomplete {
        asked_by,
        method,
        lacks,
    })
}

fn managed_identity(given: &Given) -> Step {
    if !given.use_msi {
        return Step::NotAsked;
    }
    Step::Complete(SignIn::ManagedIdentity {
        client_id: given.client_id.clone(),
        endpoint: given.identity_endpoint.clone(),
    })
}

fn azure_cli(given: &Given) -> Step {
    if !given.use_cli {
        return Step::NotAsked;
    }
    Step::Complete(SignIn::AzureCli {
        tenant_id: given.tenant_id.clone(),
        subscription_id: given.subscription_id.clone(),
    })
}

impl Given {
    /// The step of a method that signs in as an application in a tenant.
    fn application(
        &self,
        asked_by: &'static str,
        method: &'static str,
        sign_in: impl FnOnce(String, String) -> SignIn,
    ) -> Step {
        match (self.tenant_id.clone(), self.client_id.clone()) {
            (Some(tenant_id), Some(client_id)) => Step::Complete(sign_in(tenant_id, client_id)),
            _ => Step::Incomplete(Incomplete {
                asked_by,
                method,
                lacks: self.lacking_application(),
            }),
        }
    }

    fn lacking_application(&self) -> Vec<String> {
        let parts = [
            ("tenant_id", self.tenant_id.is_some()),
            ("client_id", self.client_id.is_some()),
        ];
        let missing = parts.into_iter().filter(|(_, given)| !given);
        missing.map(|(name, _)| named(name)).collect()
    }

    /// The ID token: a given one goes before one that Azure DevOps issues, and that before GitHub's.
    fn id_token(&self) -> Option<IdToken> {
        if let Some(id_token) = &self.id_token {
            return Some(id_token.clone());
        }
        // The issuers are asked for OIDC only: a pod has its file, or nothing.
        let request_url = self.request_url.clone().filter(|_| self.use_oidc)?;
        let request_token = self.request_token.clone()?;
        Some(match self.service_connection_id.clone() {
            Some(service_connection_id) => IdToken::AzureDevOps {
                request_url,
                request_token,
                service_connection_id,
            },
            None => IdToken::GitHub {
                request_url,
                request_token,
            },
        })
    }

    fn lacking_id_token(&self) -> String {
        if !self.use_oidc {
            return "AZURE_FEDERATED_TOKEN_FILE".to_owned();
        }
        match (&self.request_url, &self.request_token) {
            (Some(_), None) => named("oidc_request_token"),
            (None, Some(_)) => named("oidc_request_url"),
            _ => format!(
                "an ID token: {}, {}, or {} with {}",
                named("oidc_token"),
                named("oidc_token_file_path"),
                named("oidc_request_url"),
                named("oidc_request_token")
            ),
        }
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

impl Incomplete {
    fn warning(&self, instead: &str) -> Diagnostic {
        Diagnostic::warning(
            "Sign-in method passed over",
            format!(
                "{} asks for sign-in with {}, which lacks {}. So the provider signs in with {instead}. Set \
                 what is missing, or leave out what asks for it.",
                named(self.asked_by),
                self.method,
                self.lacks.join(" and ")
            ),
        )
        .at(AttributePath::new(self.asked_by))
    }
}

/// Refuses what only an application or an account may have.
fn alone(sign_in: &SignIn, given: &Given) -> Option<Diagnostic> {
    let managed = matches!(sign_in, SignIn::ManagedIdentity { .. });
    (managed && !given.auxiliary_tenants.is_empty()).then(|| {
        Diagnostic::error(
            "Auxiliary tenants need another sign-in method",
            "A managed identity is known in its own tenant only. Leave out `auxiliary_tenant_ids` \
             (ARM_AUXILIARY_TENANT_IDS), or sign in with a client certificate, a client secret, OpenID \
             Connect or the Azure CLI.",
        )
        .at(AttributePath::new("auxiliary_tenant_ids"))
    })
}

/// What is missing, method by method.
fn nothing(given: &Given, skipped: &[Incomplete]) -> Diagnostic {
    let mut lines: Vec<String> = skipped
        .iter()
        .map(|it| format!("{} lacks {}", it.method, it.lacks.join(" and ")))
        .collect();
    if given.certificate.is_none() && given.client_secret.is_none() {
        let mut lacks = given.lacking_application();
        lacks.push(named("client_secret"));
        lines.push(format!("a client secret lacks {}", lacks.join(" and ")));
    }
    for (switch, method) in [
        ("use_oidc", "OpenID Connect"),
        ("use_msi", "a managed identity"),
        ("use_cli", "the Azure CLI"),
    ] {
        if !skipped.iter().any(|it| it.method == method) {
            lines.push(format!("{method} is switched off by {}", named(switch)));
        }
    }
    Diagnostic::error(
        "No way to sign in to Azure",
        format!(
            "No sign-in method is enabled and complete:\n\n  - {}\n\nSet what is missing for one of them.",
            lines.join("\n  - ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Given {
        Given {
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
    fn everything() -> Given {
        Given {
            certificate: Some(CertificateFile::Path("client.pfx".to_owned())),
            client_secret: Some(Secret::new("planted")),
            use_oidc: true,
            id_token: Some(IdToken::Given(Secret::new("planted"))),
            request_url: Some(Url::parse("https://issuer.example/").unwrap()),
            request_token: Some(Secret::new("planted")),
            service_connection_id: Some("connection".to_owned()),
            use_msi: true,
            ..given()
        }
    }

    fn said(diagnostic: &Diagnostic) -> String {
        let path = diagnostic.path.clone().unwrap_or_default();
        format!("{path}: {}: {}", diagnostic.summary, diagnostic.detail)
    }

    /// What comes of it, as the user would read it.
    fn outcome(given: &Given) -> String {
        match decide(given) {
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
        let mut given = everything();
        let mut table = Vec::new();
        table.push(outcome(&given));
        given.certificate = None;
        table.push(outcome(&given));
        given.client_secret = None;
        table.push(outcome(&given));
        given.id_token = None;
        table.push(outcome(&given));
        given.service_connection_id = None;
        table.push(outcome(&given));
        given.use_oidc = false;
        table.push(outcome(&given));
        given.use_msi = false;
        table.push(outcome(&given));
        insta::assert_snapshot!(table.join("\n"), @r#"
        ClientCertificate { tenant_id: "tenant", client_id: "client", certificate: Path("client.pfx"), password: Secret(…) }
        ClientSecret { tenant_id: "tenant", client_id: "client", secret: Secret(…) }
        Oidc { tenant_id: "tenant", client_id: "client", id_token: Given(Secret(…)) }
        Oidc { tenant_id: "tenant", client_id: "client", id_token: AzureDevOps { request_url: Url { scheme: "https", cannot_be_a_base: false, username: "", password: None, host: Some(Domain("issuer.example")), port: None, path: "/", query: None, fragment: None }, request_token: Secret(…), service_connection_id: "connection" } }
        Oidc { tenant_id: "tenant", client_id: "client", id_token: GitHub { request_url: Url { scheme: "https", cannot_be_a_base: false, username: "", password: None, host: Some(Domain("issuer.example")), port: None, path: "/", query: None, fragment: None }, request_token: Secret(…) } }
        ManagedIdentity { client_id: Some("client"), endpoint: IdentityEndpoint { url: Url { scheme: "http", cannot_be_a_base: false, username: "", password: None, host: Some(Ipv4(169.254.169.254)), port: None, path: "/metadata/identity/oauth2/token", query: None, fragment: None }, version: "2018-02-01", key: None } }
        AzureCli { tenant_id: Some("tenant"), subscription_id: Some("subscription") }
        "#);
    }

    #[test]
    fn what_was_asked_for_and_is_incomplete_is_passed_over_with_a_warning() {
        let nobody = Given {
            tenant_id: None,
            client_id: None,
            ..given()
        };
        let secret = Some(Secret::new("planted"));
        let certificate = Some(CertificateFile::Base64(Secret::new("planted")));
        let url = Url::parse("https://issuer.example/").ok();
        let table = [
            outcome(&Given {
                certificate,
                ..nobody.clone()
            }),
            outcome(&Given {
                client_secret: secret,
                client_id: Some("client".to_owned()),
                ..nobody.clone()
            }),
            outcome(&Given {
                use_oidc: true,
                use_msi: true,
                ..nobody
            }),
            outcome(&Given {
                use_oidc: true,
                request_url: url,
                ..given()
            }),
            outcome(&Given {
                use_aks_workload_identity: true,
                ..given()
            }),
        ];
        insta::assert_snapshot!(table.join("\n---\n"), @r#"
        AzureCli { tenant_id: None, subscription_id: Some("subscription") }
        client_certificate: Sign-in method passed over: `client_certificate` (ARM_CLIENT_CERTIFICATE) asks for sign-in with a client certificate, which lacks `tenant_id` (ARM_TENANT_ID) and `client_id` (ARM_CLIENT_ID). So the provider signs in with the Azure CLI. Set what is missing, or leave out what asks for it.
        ---
        AzureCli { tenant_id: None, subscription_id: Some("subscription") }
        client_secret: Sign-in method passed over: `client_secret` (ARM_CLIENT_SECRET) asks for sign-in with a client secret, which lacks `tenant_id` (ARM_TENANT_ID). So the provider signs in with the Azure CLI. Set what is missing, or leave out what asks for it.
        ---
        ManagedIdentity { client_id: None, endpoint: IdentityEndpoint { url: Url { scheme: "http", cannot_be_a_base: false, username: "", password: None, host: Some(Ipv4(169.254.169.254)), port: None, path: "/metadata/identity/oauth2/token", query: None, fragment: None }, version: "2018-02-01", key: None } }
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
        let given = Given {
            use_oidc: true,
            client_secret: Some(Secret::new("planted")),
            ..given()
        };
        let (_, warnings) = decide(&given).unwrap();
        assert_eq!(warnings, []);
    }

    #[test]
    fn without_a_complete_method_each_one_says_what_it_lacks() {
        let off = Given {
            use_cli: false,
            ..given()
        };
        let nobody = Given {
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
        let pipeline = Given {
            use_oidc: false,
            use_aks_workload_identity: true,
            certificate: None,
            client_secret: None,
            id_token: None,
            ..everything()
        };
        assert!(outcome(&pipeline).starts_with("ManagedIdentity"));
        let pod = Given {
            id_token: Some(IdToken::File("/var/run/token".into())),
            ..pipeline
        };
        insta::assert_snapshot!(outcome(&pod), @r#"Oidc { tenant_id: "tenant", client_id: "client", id_token: File("/var/run/token") }"#);
    }

    #[test]
    fn a_managed_identity_has_no_auxiliary_tenants() {
        let given = Given {
            use_msi: true,
            auxiliary_tenants: vec!["other".to_owned()],
            ..given()
        };
        insta::assert_snapshot!(outcome(&given), @"auxiliary_tenant_ids: Auxiliary tenants need another sign-in method: A managed identity is known in its own tenant only. Leave out `auxiliary_tenant_ids` (ARM_AUXILIARY_TENANT_IDS), or sign in with a client certificate, a client secret, OpenID Connect or the Azure CLI.");
    }
}
