//! Each authentication method, from the first apply to the destroy, with tokens that expire during the work.
//! No output, state file or command line contains a secret.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use azure_simulator::{
    AppCertificate, AzState, CLIENT_ID, CLIENT_SECRET, PFX_PASSWORD, Pfx, Simulator, TENANT,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use host_cli::Plan;

use crate::stage::{Stage, WORKFLOW, hosts, nothing};

/// Applies and destroys a workflow with the authentication method that the variables configure, and with all
/// logs. Entra and registry tokens say that they expire after two seconds, and the work takes longer. The
/// services accept them for an hour more, so that a slow machine makes no difference.
async fn assert_authenticates(
    operation: &str,
    variables: impl AsyncFn(&Simulator, &Path) -> Vec<(&'static str, String)>,
) {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        let folder = stage.workspace.folder();
        let chosen = variables(&stage.azure, &folder).await;
        let stage = stage.signing_in_by(with(chosen, [("TF_LOG", "TRACE".to_owned())]));
        stage.azure.turn(|knobs| {
            knobs.blob_redirects = true;
            knobs.token_grace_s = 3600;
            knobs.token_lifetime_s = 2;
            knobs.refresh_token_lifetime_s = 2;
            knobs.registry_token_lifetime_s = 2;
            knobs.latency_ms = 250;
        });
        let applied = stage.workspace.apply().await.unwrap().to_string();
        let asked = stage.azure.requests();
        let asked = asked.iter().filter(|entry| entry.operation == operation);
        let asked = asked.count();
        assert!(asked > 2, "{operation}: asked {asked} times");
        stage.azure.turn(|knobs| {
            knobs.token_lifetime_s = 3600;
            knobs.refresh_token_lifetime_s = 3600;
            knobs.registry_token_lifetime_s = 3600;
            knobs.latency_ms = 0;
        });
        let plan = stage.workspace.plan(&[]).await.unwrap();
        assert!(matches!(plan, Plan::Empty(_)), "{}", plan.finished());
        let state = fs::read_to_string(folder.join("terraform.tfstate")).unwrap();
        let destroyed = stage.workspace.destroy().await.unwrap().to_string();
        assert_eq!(stage.azure.leftovers(), nothing());
        assert!(applied.contains("http request"), "nothing was logged");
        let commands = fs::read_to_string(folder.join(COMMANDS)).unwrap_or_default();
        assert_eq!(operation == "az", commands.contains("get-access-token"));
        assert_no_secrets(
            &stage.azure,
            &[
                ("apply", applied),
                ("plan", plan.finished().to_string()),
                ("state", state),
                ("destroy", destroyed),
                ("a command line", commands),
            ],
        );
    }
}

/// Asserts that these texts contain no secret that Azure received or issued.
pub(crate) fn assert_no_secrets(azure: &Simulator, texts: &[(&str, String)]) {
    let secrets = azure.secrets();
    assert!(secrets.len() > 3, "tokens expected");
    for (what, text) in texts {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{what} shows {secret}");
        }
    }
}

/// The lifetime of an ID token that does not expire during the test.
const LONG: Duration = Duration::from_secs(3600);

fn principal() -> Vec<(&'static str, String)> {
    vec![
        ("ARM_TENANT_ID", TENANT.to_owned()),
        ("ARM_CLIENT_ID", CLIENT_ID.to_owned()),
    ]
}

fn with<const N: usize>(
    mut variables: Vec<(&'static str, String)>,
    more: [(&'static str, String); N],
) -> Vec<(&'static str, String)> {
    variables.extend(more);
    variables
}

#[tokio::test]
async fn by_a_client_secret() {
    assert_authenticates("entra/token", async |azure, _| azure.env()).await;
}

#[tokio::test]
async fn by_a_client_secret_in_a_file() {
    assert_authenticates("entra/token", async |_, folder| {
        let file = folder.join("secret");
        fs::write(&file, format!("{CLIENT_SECRET}\n")).unwrap();
        with(
            principal(),
            [("ARM_CLIENT_SECRET_FILE_PATH", file.display().to_string())],
        )
    })
    .await;
}

#[tokio::test]
async fn by_a_certificate_with_an_rsa_key() {
    assert_authenticates("entra/token", async |azure, folder| {
        azure
            .application(CLIENT_ID)
            .add_certificate(AppCertificate::Rsa);
        let file = folder.join("app.pfx");
        fs::write(&file, AppCertificate::Rsa.pfx(Pfx::Legacy)).unwrap();
        with(
            principal(),
            [
                ("ARM_CLIENT_CERTIFICATE_PATH", file.display().to_string()),
                ("ARM_CLIENT_CERTIFICATE_PASSWORD", PFX_PASSWORD.to_owned()),
            ],
        )
    })
    .await;
}

#[tokio::test]
async fn by_a_certificate_with_a_long_key_in_base64() {
    assert_authenticates("entra/token", async |azure, _| {
        azure
            .application(CLIENT_ID)
            .add_certificate(AppCertificate::Rsa4096);
        let pfx = BASE64_STANDARD.encode(AppCertificate::Rsa4096.pfx(Pfx::Modern));
        with(
            principal(),
            [
                ("ARM_CLIENT_CERTIFICATE", pfx),
                ("ARM_CLIENT_CERTIFICATE_PASSWORD", PFX_PASSWORD.to_owned()),
            ],
        )
    })
    .await;
}

/// The variables of an application with a federated credential.
fn federated<const N: usize>(more: [(&'static str, String); N]) -> Vec<(&'static str, String)> {
    let more = with(principal(), more);
    with(more, [("ARM_USE_OIDC", "true".to_owned())])
}

/// Writes a new ID token to a file each second.
fn keep_fresh(azure: &Simulator, file: &Path) {
    // Tokens differ in their lifetime.
    let token = |n| azure.oidc().token(LONG + Duration::from_secs(n));
    let mut tokens = (0..300).map(token).collect::<Vec<_>>().into_iter();
    fs::write(file, tokens.next().unwrap()).unwrap();
    let (file, fresh) = (file.to_owned(), file.with_extension("new"));
    tokio::spawn(async move {
        // Ends when the test deletes the folder. The rename keeps a reader from seeing half a token.
        for token in tokens {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if fs::write(&fresh, token).is_err() || fs::rename(&fresh, &file).is_err() {
                break;
            }
        }
    });
}

#[tokio::test]
async fn by_an_id_token() {
    assert_authenticates("entra/token", async |azure, _| {
        federated([("ARM_OIDC_TOKEN", azure.oidc().token(LONG))])
    })
    .await;
}

#[tokio::test]
async fn by_an_id_token_in_a_file_that_is_rewritten_during_the_work() {
    assert_authenticates("entra/token", async |azure, folder| {
        let file = folder.join("id-token");
        keep_fresh(azure, &file);
        federated([("ARM_OIDC_TOKEN_FILE_PATH", file.display().to_string())])
    })
    .await;
}

#[tokio::test]
async fn by_a_github_actions_id_token() {
    assert_authenticates("oidc/github", async |azure, _| {
        let oidc = azure.oidc();
        federated([
            ("ACTIONS_ID_TOKEN_REQUEST_URL", oidc.github_request_url()),
            (
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
                oidc.github_request_token(),
            ),
        ])
    })
    .await;
}

#[tokio::test]
async fn by_an_azure_devops_id_token() {
    assert_authenticates("oidc/azure-devops", async |azure, _| {
        let oidc = azure.oidc();
        federated([
            ("SYSTEM_OIDCREQUESTURI", oidc.azure_devops_request_url()),
            ("SYSTEM_ACCESSTOKEN", oidc.azure_devops_request_token()),
            (
                "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID",
                oidc.service_connection_id().to_owned(),
            ),
        ])
    })
    .await;
}

#[tokio::test]
async fn by_aks_workload_identity() {
    assert_authenticates("entra/token", async |azure, folder| {
        let file = folder.join("federated");
        keep_fresh(azure, &file);
        vec![
            ("ARM_USE_AKS_WORKLOAD_IDENTITY", "true".to_owned()),
            ("AZURE_TENANT_ID", TENANT.to_owned()),
            ("AZURE_CLIENT_ID", CLIENT_ID.to_owned()),
            ("AZURE_FEDERATED_TOKEN_FILE", file.display().to_string()),
        ]
    })
    .await;
}

#[tokio::test]
async fn by_a_system_assigned_managed_identity() {
    assert_authenticates("identity/imds", async |azure, _| {
        azure.managed_identity().assign_system();
        vec![
            ("ARM_USE_MSI", "true".to_owned()),
            ("ARM_MSI_ENDPOINT", azure.managed_identity().endpoint()),
        ]
    })
    .await;
}

#[tokio::test]
async fn by_a_user_assigned_managed_identity() {
    const IDENTITY: &str = "7f3c0000-0000-4000-8000-000000000001";
    assert_authenticates("identity/imds", async |azure, folder| {
        azure.managed_identity().assign_user(IDENTITY);
        let file = folder.join("client-id");
        fs::write(&file, format!("{IDENTITY}\n")).unwrap();
        vec![
            ("ARM_USE_MSI", "true".to_owned()),
            ("ARM_MSI_ENDPOINT", azure.managed_identity().endpoint()),
            ("ARM_CLIENT_ID_FILE_PATH", file.display().to_string()),
        ]
    })
    .await;
}

#[tokio::test]
async fn by_the_app_service_managed_identity() {
    assert_authenticates("identity/app-service", async |azure, _| {
        let identity = azure.managed_identity();
        identity.assign_system();
        vec![
            ("ARM_USE_MSI", "true".to_owned()),
            ("IDENTITY_ENDPOINT", identity.app_service_endpoint()),
            ("IDENTITY_HEADER", identity.app_service_header()),
        ]
    })
    .await;
}

#[tokio::test]
async fn by_the_azure_cli() {
    by_az(AzState::LoggedIn).await;
}

#[tokio::test]
async fn by_the_azure_cli_in_the_cloud_shell() {
    by_az(AzState::CloudShell).await;
}

async fn by_az(state: AzState) {
    assert_authenticates("az", async |azure, folder| {
        azure.azure_cli(folder, state).unwrap();
        let bin = folder.join("bin");
        fs::create_dir(&bin).unwrap();
        record_commands(&bin.join("az"), &folder.join("az"), &folder.join(COMMANDS));
        let path = std::env::var("PATH").unwrap_or_default();
        vec![
            ("PATH", format!("{}:{path}", bin.display())),
            ("ARM_TENANT_ID", TENANT.to_owned()),
        ]
    })
    .await;
}

/// The file that records the command lines of programs that the provider starts.
const COMMANDS: &str = "commands";

/// Writes a script that records its command line and then runs another program.
fn record_commands(path: &Path, program: &Path, commands: &Path) {
    let (program, commands) = (program.display(), commands.display());
    let script = format!("#!/bin/bash\necho \"$*\" >>'{commands}'\nexec '{program}' \"$@\"\n");
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
