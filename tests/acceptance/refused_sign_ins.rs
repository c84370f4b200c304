//! The errors of failed authentication, for each authentication method, in one golden file.

use std::fs;
use std::path::Path;
use std::time::Duration;

use azure_simulator::{
    AppCertificate, AzState, CLIENT_ID, CLIENT_SECRET, PFX_PASSWORD, Pfx, Simulator, TENANT,
};

use crate::signing_in::assert_no_secrets;
use crate::stage::{Stage, WORKFLOW, hosts};

type Variables = Vec<(&'static str, String)>;

/// A failure: its name, and a function that causes it and returns the environment variables.
type Case = (&'static str, fn(&Simulator, &Path) -> Variables);

const UNKNOWN: &str = "99999999-9999-4999-8999-999999999999";

const CASES: &[Case] = &[
    ("no way to sign in", |_, _| {
        vec![("ARM_USE_CLI", "false".to_owned())]
    }),
    ("a client secret, but no client", |_, _| {
        vec![
            ("ARM_USE_CLI", "false".to_owned()),
            ("ARM_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
        ]
    }),
    ("a wrong client secret", |_, _| secret(CLIENT_ID, "wrong")),
    ("a client secret that has expired", |azure, _| {
        azure.application(CLIENT_ID).expire_secrets();
        secret(CLIENT_ID, CLIENT_SECRET)
    }),
    ("an application that isn't there", |_, _| {
        secret(UNKNOWN, CLIENT_SECRET)
    }),
    ("a tenant that isn't there", |_, _| {
        let mut variables = secret(CLIENT_ID, CLIENT_SECRET);
        variables.retain(|(name, _)| *name != "ARM_TENANT_ID");
        variables.push(("ARM_TENANT_ID", UNKNOWN.to_owned()));
        variables
    }),
    ("no file with the client secret", |_, folder| {
        let file = folder.join("no-secret").display().to_string();
        principal([("ARM_CLIENT_SECRET_FILE_PATH", file)])
    }),
    ("a certificate that isn't registered", |_, folder| {
        certificate(folder, AppCertificate::Rsa.pfx(Pfx::Modern), PFX_PASSWORD)
    }),
    ("a certificate with another password", |_, folder| {
        certificate(folder, AppCertificate::Rsa.pfx(Pfx::Modern), "wrong")
    }),
    ("a certificate whose key isn't RSA", |_, folder| {
        let pfx = include_bytes!("../golden/certificates/p256.p12");
        certificate(folder, pfx, "planted")
    }),
    ("a certificate with an old encryption", |_, folder| {
        let pfx = include_bytes!("../golden/certificates/rsa-rc2-128.p12");
        certificate(folder, pfx, "planted")
    }),
    (
        "a certificate with an emoji in its password",
        |_, folder| {
            let pfx = include_bytes!("../golden/certificates/rsa-emoji-password.p12");
            certificate(folder, pfx, "planted\u{1F600}")
        },
    ),
    ("an OIDC token that isn't trusted", |azure, _| {
        azure.application(CLIENT_ID).distrust_all();
        given_token(azure, Duration::from_secs(600))
    }),
    ("an OIDC token that has ended", |azure, _| {
        given_token(azure, Duration::ZERO)
    }),
    ("no file with the OIDC token", |_, folder| {
        let file = folder.join("no-token").display().to_string();
        oidc([("ARM_OIDC_TOKEN_FILE_PATH", file)])
    }),
    ("GitHub doesn't take the request token", |azure, _| {
        oidc([
            (
                "ACTIONS_ID_TOKEN_REQUEST_URL",
                azure.oidc().github_request_url(),
            ),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "wrong".to_owned()),
        ])
    }),
    ("Azure DevOps doesn't take the access token", |azure, _| {
        oidc([
            (
                "SYSTEM_OIDCREQUESTURI",
                azure.oidc().azure_devops_request_url(),
            ),
            ("SYSTEM_ACCESSTOKEN", "wrong".to_owned()),
            (
                "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID",
                azure.oidc().service_connection_id().to_owned(),
            ),
        ])
    }),
    ("Azure DevOps without a service connection", |azure, _| {
        oidc([
            (
                "SYSTEM_OIDCREQUESTURI",
                azure.oidc().azure_devops_request_url(),
            ),
            (
                "SYSTEM_ACCESSTOKEN",
                azure.oidc().azure_devops_request_token(),
            ),
        ])
    }),
    ("AKS has mounted no token", |_, folder| {
        let file = folder.join("no-token").display().to_string();
        vec![
            ("ARM_USE_AKS_WORKLOAD_IDENTITY", "true".to_owned()),
            ("AZURE_TENANT_ID", TENANT.to_owned()),
            ("AZURE_CLIENT_ID", CLIENT_ID.to_owned()),
            ("AZURE_FEDERATED_TOKEN_FILE", file),
        ]
    }),
    ("the machine has no managed identity", |azure, _| {
        vec![
            ("ARM_USE_MSI", "true".to_owned()),
            ("ARM_MSI_ENDPOINT", azure.managed_identity().endpoint()),
        ]
    }),
    (
        "App Service doesn't take the identity's header",
        |azure, _| {
            let identity = azure.managed_identity();
            identity.assign_system();
            vec![
                ("ARM_USE_MSI", "true".to_owned()),
                ("IDENTITY_ENDPOINT", identity.app_service_endpoint()),
                ("IDENTITY_HEADER", "wrong".to_owned()),
            ]
        },
    ),
    ("no Azure CLI", |_, folder| {
        vec![("PATH", folder.display().to_string())]
    }),
    ("an Azure CLI that is too old", |azure, folder| {
        cli(azure, folder, AzState::TooOld)
    }),
    ("an Azure CLI that isn't signed in", |azure, folder| {
        cli(azure, folder, AzState::LoggedOut)
    }),
    ("an Azure CLI whose session has ended", |azure, folder| {
        cli(azure, folder, AzState::SessionExpired)
    }),
];

fn principal<const N: usize>(more: [(&'static str, String); N]) -> Variables {
    let who = [
        ("ARM_TENANT_ID", TENANT.to_owned()),
        ("ARM_CLIENT_ID", CLIENT_ID.to_owned()),
        ("ARM_USE_CLI", "false".to_owned()),
    ];
    who.into_iter().chain(more).collect()
}

fn secret(client: &str, secret: &str) -> Variables {
    let mut variables = principal([("ARM_CLIENT_SECRET", secret.to_owned())]);
    variables.retain(|(name, _)| *name != "ARM_CLIENT_ID");
    variables.push(("ARM_CLIENT_ID", client.to_owned()));
    variables
}

fn certificate(folder: &Path, pfx: &[u8], password: &str) -> Variables {
    let file = folder.join("app.pfx");
    fs::write(&file, pfx).unwrap();
    principal([
        ("ARM_CLIENT_CERTIFICATE_PATH", file.display().to_string()),
        ("ARM_CLIENT_CERTIFICATE_PASSWORD", password.to_owned()),
    ])
}

fn oidc<const N: usize>(more: [(&'static str, String); N]) -> Variables {
    let mut variables = principal(more);
    variables.push(("ARM_USE_OIDC", "true".to_owned()));
    variables
}

fn given_token(azure: &Simulator, lifetime: Duration) -> Variables {
    oidc([("ARM_OIDC_TOKEN", azure.oidc().token(lifetime))])
}

fn cli(azure: &Simulator, folder: &Path, state: AzState) -> Variables {
    azure.azure_cli(folder, state).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    vec![("PATH", format!("{}:{path}", folder.display()))]
}

#[tokio::test]
async fn failed_authentication_names_the_cause_and_the_next_step() {
    for host in hosts() {
        let mut told = String::new();
        for (name, bring_about) in CASES {
            let stage = Stage::new(host, WORKFLOW).await;
            let folder = stage.workspace.folder();
            let mut variables = bring_about(&stage.azure, &folder);
            let log = folder.join("log");
            variables.push(("TF_LOG", "TRACE".to_owned()));
            variables.push(("TF_LOG_PATH", log.display().to_string()));
            let stage = stage.signing_in_by(variables);
            told.push_str(&format!("## {name}\n"));
            let findings = stage.workspace.findings().await.unwrap();
            // Hosts add this error if the configuration has no provider block.
            let ours = findings
                .iter()
                .filter(|it| it.summary != "Invalid provider configuration");
            for finding in ours {
                told.push_str(&format!("\n{}\n\n{}\n", finding.summary, finding.detail));
            }
            told = told
                .replace(&folder.display().to_string(), "FOLDER")
                .replace('\r', "");
            told.push('\n');
            assert!(told.ends_with(".\n\n"), "{name}: no full stop at the end");
            assert_eq!(stage.writes(), Vec::<String>::new(), "{name}");
            let log = fs::read_to_string(log).unwrap();
            assert!(
                log.contains("terraform-provider-acr"),
                "{name}: nothing was logged"
            );
            assert_no_secrets(&stage.azure, &[("a finding", told.clone()), ("a log", log)]);
        }
        insta::with_settings!({
            description => "What a plan says when the sign-in fails.",
            omit_expression => true,
            filters => [
                (r"(Trace ID|Correlation ID): [-0-9a-f]{36}", "$1: …"),
                (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:[0-9.]+Z", "…"),
            ],
        }, {
            insta::assert_snapshot!("sign_in_failures", told);
        });
    }
}
