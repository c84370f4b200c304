//! Words for failed sign-ins, and the next step for each.

use crate::azure::credential::{Problem, SignInFailure, aadsts};

/// The method, the identity, and what Entra or the tool answered.
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
        // Entra's message often contains its IDs already.
        if let Some(value) = value.filter(|value| !text.contains(value.as_str())) {
            text.push_str(&format!("\n{name}: {value}"));
        }
    }
    text
}

/// One line for a cause that an earlier error has explained. Twenty registries with the same wrong secret then
/// have one error with the details, and one line each.
pub(super) fn failed_again(failure: &SignInFailure) -> String {
    let method = failure.method;
    let code = aadsts(&failure.message).map_or_else(String::new, |code| format!(" (AADSTS{code})"));
    format!(
        "Signing in with {method} failed again. An earlier error has the cause and the next step{code}."
    )
}

/// The next step.
pub(super) fn next_step(failure: &SignInFailure) -> &'static str {
    match failure.problem {
        Problem::Refused(code) => code
            .and_then(after_code)
            .unwrap_or("Check the provider block and the ARM_* environment variables."),
        Problem::Unavailable => {
            "The identity service is temporarily unavailable. Run Terraform again in a few minutes."
        }
        Problem::Issuer => {
            "Check that this job has permission to request ID tokens. In GitHub Actions, it needs the \
             permission `id-token: write`. In Azure Pipelines, map `SYSTEM_ACCESSTOKEN` into the step, \
             and set `ado_pipeline_service_connection_id` (ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID) to \
             the ID of the service connection. A request token expires when its job ends."
        }
        Problem::NoServiceConnection => {
            "`oidc_request_url` (ARM_OIDC_REQUEST_URL) is a URL of Azure DevOps. Set \
             `ado_pipeline_service_connection_id` (ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID) to the ID of the \
             service connection. The URL of the service connection's page contains this ID."
        }
        Problem::TokenFile => {
            "Check the path in `oidc_token_file_path` (ARM_OIDC_TOKEN_FILE_PATH), or in \
             AZURE_FEDERATED_TOKEN_FILE with `use_aks_workload_identity`. The provider reads the file for \
             each sign-in, so the file must hold a token that has not expired."
        }
        Problem::Certificate => {
            "Check the private key in `client_certificate` or `client_certificate_path`."
        }
        Problem::NoManagedIdentity => {
            "Only Azure resources, such as virtual machines, have managed identities. On such a machine, \
             check that no firewall blocks the endpoint, or set `msi_endpoint` (ARM_MSI_ENDPOINT). \
             Anywhere else, unset `use_msi` (ARM_USE_MSI) and use another authentication method."
        }
        Problem::ManagedIdentity => aadsts(&failure.message).and_then(after_code).unwrap_or(
            "Check that the machine has a managed identity. To use a user-assigned identity, set \
             `client_id` (ARM_CLIENT_ID) to its client ID. To use the system-assigned identity, leave \
             `client_id` unset.",
        ),
        Problem::CliMissing => {
            "Install the Azure CLI (https://learn.microsoft.com/cli/azure/install-azure-cli), and check that \
             `az` is on the PATH of the process that runs Terraform. The provider's documentation lists \
             the other authentication methods, such as a client secret, OpenID Connect and a managed \
             identity."
        }
        Problem::CliTooOld => {
            "Update the Azure CLI with `az upgrade`. The provider requires version 2.54.0 or later."
        }
        Problem::CliHanging => {
            "Run `az account get-access-token` in a terminal to see why it does not end. It can wait for \
             another `az` process, a keyring or a proxy. Then run Terraform again."
        }
        Problem::Cli(code) => code.and_then(after_code).unwrap_or(
            "Run `az login`, with `--tenant` if your account is a guest in the tenant. `az account show` \
             prints the signed-in account.",
        ),
        Problem::Value => {
            "Check `tenant_id`, `client_id` and `subscription_id` in the provider block, and their ARM_* \
             environment variables."
        }
    }
}

/// The next step after an error of Microsoft Entra ID, by the number of its AADSTS code.
fn after_code(code: u32) -> Option<&'static str> {
    Some(match code {
        7_000_215 => {
            "The client secret is wrong. Set `client_secret` (ARM_CLIENT_SECRET) to the value of the secret, \
             not to its ID. Azure shows the value only when you create the secret."
        }
        7_000_222 => {
            "The client secret has expired. Create a new one for the application, and set `client_secret` \
             (ARM_CLIENT_SECRET) to its value."
        }
        700_016 => {
            "The application was not found in the tenant. Check `client_id` (ARM_CLIENT_ID) and `tenant_id` \
             (ARM_TENANT_ID). For another cloud, set `environment` (ARM_ENVIRONMENT)."
        }
        7_000_229 => {
            "The application has no service principal in this tenant. Create one with \
             `az ad sp create --id <client ID>`."
        }
        90_002 | 900_023 | 900_971 => {
            "The tenant was not found in this cloud. Check `tenant_id` (ARM_TENANT_ID). For another cloud, \
             set `environment` (ARM_ENVIRONMENT)."
        }
        700_027 | 700_030 => {
            "Check that the certificate is registered with the application, has not expired, and has not \
             been replaced."
        }
        700_024 => {
            "The OIDC token has expired, or is not valid yet. Let the provider request a new token for each \
             sign-in: set `oidc_token_file_path`, or `oidc_request_url` and `oidc_request_token`. Also \
             check the machine's clock."
        }
        70_021 | 700_211 | 700_212 | 700_213 | 700_223 => {
            "The application does not trust this OIDC token. Compare its federated credentials with the \
             issuer, subject and audience in Entra's message. They must match exactly. In GitHub Actions, \
             the subject contains the repository and the branch, tag, environment or pull request."
        }
        50_034 | 50_020 => {
            "The account was not found in this tenant. Check `tenant_id` (ARM_TENANT_ID), or invite the \
             account to the tenant."
        }
        50_076 | 50_079 | 50_078 => {
            "The tenant requires multi-factor authentication. Run `az login --tenant <tenant>` again, or \
             sign in as a service principal."
        }
        50_173 | 70_043 | 70_044 | 700_082 | 700_084 => {
            "The Azure CLI session has expired. Run `az login` again."
        }
        53_000 | 53_001 | 53_002 | 53_003 | 53_004 | 530_002 | 530_003 | 530_031 | 530_035 => {
            "A Conditional Access policy of the tenant blocks this sign-in. Send the IDs above to the \
             tenant's administrator. The sign-in logs in Microsoft Entra ID name the policy."
        }
        7_000_112 => {
            "The application is disabled. Ask an administrator of the tenant to enable it."
        }
        65_001 | 50_001 | 500_011 | 650_052 => {
            "The requested service was not found in the tenant. Check that `environment` or `endpoint` \
             matches the cloud of this tenant."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::azure::credential::Reported;
    use crate::provider::report;

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
            reported: Reported::default(),
        }
    }

    #[test]
    fn a_failure_names_the_identity_and_each_id_once() {
        let said = "AADSTS7000215: Invalid client secret provided for app 'c0ffee'. Trace ID: t-1";
        let failure = failure(Problem::Refused(Some(7_000_215)), said);
        insta::assert_snapshot!(format!("{}\n\n{}", failed(&failure), next_step(&failure)), @"
        Signing in with a client secret failed: AADSTS7000215: Invalid client secret provided for app 'c0ffee'. Trace ID: t-1
        Tenant: tenant.example
        Status: 401 Unauthorized
        Correlation ID: c-1

        The client secret is wrong. Set `client_secret` (ARM_CLIENT_SECRET) to the value of the secret, not to its ID. Azure shows the value only when you create the secret.
        ");
    }

    #[test]
    fn the_second_report_of_a_cause_is_one_line_that_refers_to_the_first() {
        let message = "AADSTS7000215: Invalid client secret provided.";
        let first = failure(Problem::Refused(Some(7_000_215)), message);
        let errors = [first.clone().into(), first.clone().into()];
        let [full, again] = errors.map(|error| report::failure("", &error).detail);
        assert!(full.contains(next_step(&first)));
        insta::assert_snapshot!(again, @"Signing in with a client secret failed again. An earlier error has the cause and the next step (AADSTS7000215).");
    }

    #[test]
    fn a_failure_without_its_next_step_is_not_its_report() {
        let error = failure(Problem::Refused(None), "No.").into();
        let happened = report::happened(&error);
        assert!(report::failure("", &error).detail.starts_with(&happened));
    }

    #[test]
    fn a_server_error_does_not_blame_the_provider_block() {
        let busy = failure(Problem::Unavailable, "the answer was 503");
        assert!(!next_step(&busy).contains("provider block"));
    }

    #[test]
    fn an_unknown_code_advises_to_check_the_provider_block() {
        for code in [None, Some(1)] {
            let step = next_step(&failure(Problem::Refused(code), "odd"));
            assert_eq!(
                step,
                "Check the provider block and the ARM_* environment variables."
            );
        }
    }

    #[test]
    fn every_problem_has_a_next_step() {
        let codes = [
            7_000_215, 7_000_222, 700_016, 7_000_229, 90_002, 700_027, 700_024, 70_021, 50_034,
            50_076, 50_173, 530_003, 7_000_112, 500_011,
        ];
        let codes = codes.map(|code| Problem::Refused(Some(code)));
        let others = [
            Problem::Unavailable,
            Problem::Issuer,
            Problem::NoServiceConnection,
            Problem::TokenFile,
            Problem::Certificate,
            Problem::NoManagedIdentity,
            Problem::ManagedIdentity,
            Problem::CliMissing,
            Problem::CliTooOld,
            Problem::CliHanging,
            Problem::Cli(None),
            Problem::Cli(Some(700_082)),
            Problem::Value,
        ];
        let steps = codes.into_iter().chain(others).map(|problem| {
            let step = next_step(&failure(problem, ""));
            format!("{problem:?}: {step}\n")
        });
        insta::assert_snapshot!(steps.collect::<String>(), @"
        Refused(Some(7000215)): The client secret is wrong. Set `client_secret` (ARM_CLIENT_SECRET) to the value of the secret, not to its ID. Azure shows the value only when you create the secret.
        Refused(Some(7000222)): The client secret has expired. Create a new one for the application, and set `client_secret` (ARM_CLIENT_SECRET) to its value.
        Refused(Some(700016)): The application was not found in the tenant. Check `client_id` (ARM_CLIENT_ID) and `tenant_id` (ARM_TENANT_ID). For another cloud, set `environment` (ARM_ENVIRONMENT).
        Refused(Some(7000229)): The application has no service principal in this tenant. Create one with `az ad sp create --id <client ID>`.
        Refused(Some(90002)): The tenant was not found in this cloud. Check `tenant_id` (ARM_TENANT_ID). For another cloud, set `environment` (ARM_ENVIRONMENT).
        Refused(Some(700027)): Check that the certificate is registered with the application, has not expired, and has not been replaced.
        Refused(Some(700024)): The OIDC token has expired, or is not valid yet. Let the provider request a new token for each sign-in: set `oidc_token_file_path`, or `oidc_request_url` and `oidc_request_token`. Also check the machine's clock.
        Refused(Some(70021)): The application does not trust this OIDC token. Compare its federated credentials with the issuer, subject and audience in Entra's message. They must match exactly. In GitHub Actions, the subject contains the repository and the branch, tag, environment or pull request.
        Refused(Some(50034)): The account was not found in this tenant. Check `tenant_id` (ARM_TENANT_ID), or invite the account to the tenant.
        Refused(Some(50076)): The tenant requires multi-factor authentication. Run `az login --tenant <tenant>` again, or sign in as a service principal.
        Refused(Some(50173)): The Azure CLI session has expired. Run `az login` again.
        Refused(Some(530003)): A Conditional Access policy of the tenant blocks this sign-in. Send the IDs above to the tenant's administrator. The sign-in logs in Microsoft Entra ID name the policy.
        Refused(Some(7000112)): The application is disabled. Ask an administrator of the tenant to enable it.
        Refused(Some(500011)): The requested service was not found in the tenant. Check that `environment` or `endpoint` matches the cloud of this tenant.
        Unavailable: The identity service is temporarily unavailable. Run Terraform again in a few minutes.
        Issuer: Check that this job has permission to request ID tokens. In GitHub Actions, it needs the permission `id-token: write`. In Azure Pipelines, map `SYSTEM_ACCESSTOKEN` into the step, and set `ado_pipeline_service_connection_id` (ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID) to the ID of the service connection. A request token expires when its job ends.
        NoServiceConnection: `oidc_request_url` (ARM_OIDC_REQUEST_URL) is a URL of Azure DevOps. Set `ado_pipeline_service_connection_id` (ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID) to the ID of the service connection. The URL of the service connection's page contains this ID.
        TokenFile: Check the path in `oidc_token_file_path` (ARM_OIDC_TOKEN_FILE_PATH), or in AZURE_FEDERATED_TOKEN_FILE with `use_aks_workload_identity`. The provider reads the file for each sign-in, so the file must hold a token that has not expired.
        Certificate: Check the private key in `client_certificate` or `client_certificate_path`.
        NoManagedIdentity: Only Azure resources, such as virtual machines, have managed identities. On such a machine, check that no firewall blocks the endpoint, or set `msi_endpoint` (ARM_MSI_ENDPOINT). Anywhere else, unset `use_msi` (ARM_USE_MSI) and use another authentication method.
        ManagedIdentity: Check that the machine has a managed identity. To use a user-assigned identity, set `client_id` (ARM_CLIENT_ID) to its client ID. To use the system-assigned identity, leave `client_id` unset.
        CliMissing: Install the Azure CLI (https://learn.microsoft.com/cli/azure/install-azure-cli), and check that `az` is on the PATH of the process that runs Terraform. The provider's documentation lists the other authentication methods, such as a client secret, OpenID Connect and a managed identity.
        CliTooOld: Update the Azure CLI with `az upgrade`. The provider requires version 2.54.0 or later.
        CliHanging: Run `az account get-access-token` in a terminal to see why it does not end. It can wait for another `az` process, a keyring or a proxy. Then run Terraform again.
        Cli(None): Run `az login`, with `--tenant` if your account is a guest in the tenant. `az account show` prints the signed-in account.
        Cli(Some(700082)): The Azure CLI session has expired. Run `az login` again.
        Value: Check `tenant_id`, `client_id` and `subscription_id` in the provider block, and their ARM_* environment variables.
        ");
    }
}
