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
mod tests;
