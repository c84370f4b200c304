//! Failed sign-ins in words for the user, and what to do about each.

use crate::azure::credential::{Problem, SignInFailure, aadsts};

/// What was tried, as whom, and what came back.
pub(super) fn failed(failure: &SignInFailure) -> String {
    let SignInFailure {
        method, message, ..
    } = failure;
    let mut text = format!("Signing in with {method} failed: {message}");
    let status = failure.status.map(|status| status.to_string());
    for (name, value) in [
        ("Tenant", failure.tenant_id.as_ref()),
        ("Client ID", failure.client_id.as_ref()),
        ("Status", status.as_ref()),
        ("Trace ID", failure.trace_id.as_ref()),
        ("Correlation ID", failure.correlation_id.as_ref()),
    ] {
        // Entra's message often has its IDs in it already.
        if let Some(value) = value.filter(|value| !text.contains(value.as_str())) {
            text.push_str(&format!("\n{name}: {value}"));
        }
    }
    text
}

/// The next step.
pub(super) fn next_step(failure: &SignInFailure) -> &'static str {
    match failure.problem {
        Problem::Refused(code) => code
            .and_then(after_code)
            .unwrap_or("Check the provider block and the ARM_* environment variables."),
        Problem::Unavailable => "Run it again in a few minutes; the failure is not on your side.",
        Problem::Issuer => {
            "Check that this job may ask for ID tokens. In GitHub Actions it needs the permission \
             `id-token: write`. In Azure Pipelines, `SYSTEM_ACCESSTOKEN` has to be mapped into the step, \
             and `ado_pipeline_service_connection_id` (ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID) has to \
             name its service connection. Request tokens end with the job that they were made for."
        }
        Problem::TokenFile => {
            "Check `oidc_token_file_path` (ARM_OIDC_TOKEN_FILE_PATH), or AZURE_FEDERATED_TOKEN_FILE with \
             `use_aks_workload_identity`, and that the file is kept fresh: it is read for each sign-in."
        }
        Problem::Certificate => {
            "Check the key of `client_certificate` or `client_certificate_path`."
        }
        Problem::NoManagedIdentity => {
            "Managed identities exist on machines in Azure only. If this is one, check that nothing blocks \
             the way to its endpoint, or name another endpoint in `msi_endpoint` (ARM_MSI_ENDPOINT); \
             otherwise unset `use_msi` (ARM_USE_MSI) and sign in in another way."
        }
        Problem::ManagedIdentity => aadsts(&failure.message).and_then(after_code).unwrap_or(
            "Check that the machine has a managed identity. Where it has several, `client_id` \
             (ARM_CLIENT_ID) has to name a user-assigned one; for its system-assigned one, leave it unset.",
        ),
        Problem::CliMissing => {
            "Install the Azure CLI (https://learn.microsoft.com/cli/azure/install-azure-cli) and see that \
             `az` is on the PATH of whoever runs Terraform. To sign in in another way, such as with a client \
             secret, OpenID Connect or a managed identity, see the provider's documentation."
        }
        Problem::CliTooOld => {
            "Update the Azure CLI with `az upgrade`; version 2.54.0 or later is needed."
        }
        Problem::Cli(code) => code.and_then(after_code).unwrap_or(
            "Run `az login` (with `--tenant` for a tenant where you are a guest), and check with \
             `az account show` who is signed in.",
        ),
        Problem::Value => {
            "Check `tenant_id`, `client_id` and `subscription_id` of the provider block and their ARM_* \
             environment variables."
        }
    }
}

/// What helps against an error of Entra, by the number of its AADSTS code.
fn after_code(code: u32) -> Option<&'static str> {
    Some(match code {
        7_000_215 => {
            "The client secret is wrong. Set `client_secret` (ARM_CLIENT_SECRET) to the secret's value, \
             which is shown only when it is made, and not to its ID."
        }
        7_000_222 => {
            "The client secret has expired. Make a new one for the application, and use that."
        }
        700_016 => {
            "Check `client_id` (ARM_CLIENT_ID) and `tenant_id` (ARM_TENANT_ID): the tenant doesn't know \
             this application. For another cloud, set `environment` (ARM_ENVIRONMENT)."
        }
        7_000_229 => {
            "The application has no service principal in this tenant. Create one with \
             `az ad sp create --id <client ID>`."
        }
        90_002 | 900_023 | 900_971 => {
            "Check `tenant_id` (ARM_TENANT_ID): there is no such tenant in this cloud. For another cloud, \
             set `environment` (ARM_ENVIRONMENT)."
        }
        700_027 | 700_030 => {
            "Check that the certificate is registered with the application, and hasn't expired or been \
             replaced there."
        }
        700_024 => {
            "The OIDC token has ended, or isn't valid yet. Let the provider fetch a fresh one for each \
             sign-in: with `oidc_token_file_path`, or with `oidc_request_url` and `oidc_request_token`. \
             Check the machine's clock as well."
        }
        70_021 | 700_211 | 700_212 | 700_213 | 700_223 => {
            "The application doesn't trust this OIDC token. Compare its federated credentials with the \
             issuer, subject and audience that Entra names, letter by letter: in GitHub Actions the \
             subject tells the repository and the branch, tag, environment or pull request."
        }
        50_034 | 50_020 => {
            "The account isn't in this tenant. Check `tenant_id` (ARM_TENANT_ID), or have the account \
             invited there."
        }
        50_076 | 50_079 | 50_078 => {
            "The tenant asks for multi-factor authentication. Run `az login --tenant <tenant>` again, or \
             sign in as an application."
        }
        50_173 | 70_043 | 70_044 | 700_082 | 700_084 => {
            "The session of the Azure CLI has ended. Run `az login` again."
        }
        53_000 | 53_001 | 53_002 | 53_003 | 53_004 | 530_002 | 530_003 | 530_031 | 530_035 => {
            "A Conditional Access policy of the tenant blocks this sign-in. Ask its administrator, with the \
             IDs above; the sign-in logs in Entra name the policy."
        }
        7_000_112 => "The application is disabled. Have an administrator of the tenant enable it.",
        65_001 | 50_001 | 500_011 | 650_052 => {
            "The tenant doesn't know the service that the token is for. Check that `environment` or \
             `endpoint` is the cloud of this tenant."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn failure(problem: Problem, message: &str) -> SignInFailure {
        SignInFailure {
            method: "a client secret",
            tenant_id: Some("tenant.example".to_owned()),
            client_id: Some("c0ffee".to_owned()),
            problem,
            message: message.to_owned(),
            status: Some(StatusCode::UNAUTHORIZED),
            trace_id: Some("t-1".to_owned()),
            correlation_id: Some("c-1".to_owned()),
        }
    }

    #[test]
    fn a_failure_names_who_and_where_once_each() {
        let said = "AADSTS7000215: Invalid client secret provided for app 'c0ffee'. Trace ID: t-1";
        let failure = failure(Problem::Refused(Some(7_000_215)), said);
        insta::assert_snapshot!(format!("{}\n\n{}", failed(&failure), next_step(&failure)), @"
        Signing in with a client secret failed: AADSTS7000215: Invalid client secret provided for app 'c0ffee'. Trace ID: t-1
        Tenant: tenant.example
        Status: 401 Unauthorized
        Correlation ID: c-1

        The client secret is wrong. Set `client_secret` (ARM_CLIENT_SECRET) to the secret's value, which is shown only when it is made, and not to its ID.
        ");
    }

    #[test]
    fn nobody_is_sent_to_the_provider_block_for_the_trouble_of_a_server() {
        let busy = failure(Problem::Unavailable, "the answer was 503");
        assert!(!next_step(&busy).contains("provider block"));
    }

    #[test]
    fn a_code_that_is_not_known_leads_to_the_provider_block() {
        for code in [None, Some(1)] {
            let step = next_step(&failure(Problem::Refused(code), "odd"));
            assert_eq!(
                step,
                "Check the provider block and the ARM_* environment variables."
            );
        }
    }

    #[test]
    fn every_next_step_is_a_sentence() {
        let codes = [
            7_000_215, 7_000_222, 700_016, 7_000_229, 90_002, 700_027, 700_024, 70_021, 50_034,
            50_076, 50_173, 530_003, 7_000_112, 500_011,
        ];
        let codes = codes.map(|code| Problem::Refused(Some(code)));
        let others = [
            Problem::Unavailable,
            Problem::Issuer,
            Problem::TokenFile,
            Problem::Certificate,
            Problem::NoManagedIdentity,
            Problem::ManagedIdentity,
            Problem::CliMissing,
            Problem::CliTooOld,
            Problem::Cli(None),
            Problem::Cli(Some(700_082)),
            Problem::Value,
        ];
        let steps = codes.into_iter().chain(others).map(|problem| {
            let step = next_step(&failure(problem, ""));
            format!("{problem:?}: {step}\n")
        });
        insta::assert_snapshot!(steps.collect::<String>(), @"
        Refused(Some(7000215)): The client secret is wrong. Set `client_secret` (ARM_CLIENT_SECRET) to the secret's value, which is shown only when it is made, and not to its ID.
        Refused(Some(7000222)): The client secret has expired. Make a new one for the application, and use that.
        Refused(Some(700016)): Check `client_id` (ARM_CLIENT_ID) and `tenant_id` (ARM_TENANT_ID): the tenant doesn't know this application. For another cloud, set `environment` (ARM_ENVIRONMENT).
        Refused(Some(7000229)): The application has no service principal in this tenant. Create one with `az ad sp create --id <client ID>`.
        Refused(Some(90002)): Check `tenant_id` (ARM_TENANT_ID): there is no such tenant in this cloud. For another cloud, set `environment` (ARM_ENVIRONMENT).
        Refused(Some(700027)): Check that the certificate is registered with the application, and hasn't expired or been replaced there.
        Refused(Some(700024)): The OIDC token has ended, or isn't valid yet. Let the provider fetch a fresh one for each sign-in: with `oidc_token_file_path`, or with `oidc_request_url` and `oidc_request_token`. Check the machine's clock as well.
        Refused(Some(70021)): The application doesn't trust this OIDC token. Compare its federated credentials with the issuer, subject and audience that Entra names, letter by letter: in GitHub Actions the subject tells the repository and the branch, tag, environment or pull request.
        Refused(Some(50034)): The account isn't in this tenant. Check `tenant_id` (ARM_TENANT_ID), or have the account invited there.
        Refused(Some(50076)): The tenant asks for multi-factor authentication. Run `az login --tenant <tenant>` again, or sign in as an application.
        Refused(Some(50173)): The session of the Azure CLI has ended. Run `az login` again.
        Refused(Some(530003)): A Conditional Access policy of the tenant blocks this sign-in. Ask its administrator, with the IDs above; the sign-in logs in Entra name the policy.
        Refused(Some(7000112)): The application is disabled. Have an administrator of the tenant enable it.
        Refused(Some(500011)): The tenant doesn't know the service that the token is for. Check that `environment` or `endpoint` is the cloud of this tenant.
        Unavailable: Run it again in a few minutes; the failure is not on your side.
        Issuer: Check that this job may ask for ID tokens. In GitHub Actions it needs the permission `id-token: write`. In Azure Pipelines, `SYSTEM_ACCESSTOKEN` has to be mapped into the step, and `ado_pipeline_service_connection_id` (ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID) has to name its service connection. Request tokens end with the job that they were made for.
        TokenFile: Check `oidc_token_file_path` (ARM_OIDC_TOKEN_FILE_PATH), or AZURE_FEDERATED_TOKEN_FILE with `use_aks_workload_identity`, and that the file is kept fresh: it is read for each sign-in.
        Certificate: Check the key of `client_certificate` or `client_certificate_path`.
        NoManagedIdentity: Managed identities exist on machines in Azure only. If this is one, check that nothing blocks the way to its endpoint, or name another endpoint in `msi_endpoint` (ARM_MSI_ENDPOINT); otherwise unset `use_msi` (ARM_USE_MSI) and sign in in another way.
        ManagedIdentity: Check that the machine has a managed identity. Where it has several, `client_id` (ARM_CLIENT_ID) has to name a user-assigned one; for its system-assigned one, leave it unset.
        CliMissing: Install the Azure CLI (https://learn.microsoft.com/cli/azure/install-azure-cli) and see that `az` is on the PATH of whoever runs Terraform. To sign in in another way, such as with a client secret, OpenID Connect or a managed identity, see the provider's documentation.
        CliTooOld: Update the Azure CLI with `az upgrade`; version 2.54.0 or later is needed.
        Cli(None): Run `az login` (with `--tenant` for a tenant where you are a guest), and check with `az account show` who is signed in.
        Cli(Some(700082)): The session of the Azure CLI has ended. Run `az login` again.
        Value: Check `tenant_id`, `client_id` and `subscription_id` of the provider block and their ARM_* environment variables.
        ");
    }
}
