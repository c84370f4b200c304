//! The Azure CLI (`az`).

use std::process::{Command, Output};

use azure_simulator::{AzState, SUBSCRIPTION, TENANT};
use serde_json::Value;

use crate::client::Azure;

const TOKEN: [&str; 6] = [
    "account",
    "get-access-token",
    "-o",
    "json",
    "--scope",
    "https://management.azure.com/.default",
];

#[tokio::test]
async fn each_call_returns_a_new_token() {
    let azure = Azure::new();
    azure.simulator.mark();
    let (first, second) = (
        json(&az(&azure, AzState::LoggedIn, &TOKEN)),
        json(&az(&azure, AzState::LoggedIn, &TOKEN)),
    );
    assert_ne!(first["accessToken"], second["accessToken"]);
    assert!(first["expires_on"].is_i64() && first["expiresOn"].is_string());
    assert_eq!(first["subscription"], SUBSCRIPTION);
    let log = azure.simulator.requests();
    assert_eq!((log.len(), log[0].host.as_str()), (2, "azure-cli"));

    let in_tenant = [TOKEN.as_slice(), &["--tenant", TENANT]].concat();
    let got = json(&az(&azure, AzState::LoggedIn, &in_tenant));
    assert_eq!(got["tenant"], TENANT);
    let shown = json(&az(
        &azure,
        AzState::LoggedIn,
        &["account", "show", "-o", "json"],
    ));
    assert_eq!(shown["id"], SUBSCRIPTION);
    let version = json(&az(&azure, AzState::LoggedIn, &["version", "-o", "json"]));
    assert_eq!(version["azure-cli"], "2.77.0");
}

#[tokio::test]
async fn login_and_subscription_errors_go_to_stderr() {
    let azure = Azure::new();
    let output = az(&azure, AzState::LoggedOut, &TOKEN);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "ERROR: Please run 'az login' to setup account.\n"
    );
    let output = az(&azure, AzState::SessionExpired, &TOKEN);
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("AADSTS700082")
    );
    let unknown = [TOKEN.as_slice(), &["--subscription", "other"]].concat();
    let output = az(&azure, AzState::LoggedIn, &unknown);
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("'other' not found")
    );
}

#[tokio::test]
async fn the_cloud_shell_accepts_no_tenant_and_issues_no_token_for_registries() {
    let azure = Azure::new();
    let stderr = |arguments: &[&str]| {
        let output = az(&azure, AzState::CloudShell, arguments);
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(stderr(&TOKEN), "");
    let registries =
        TOKEN.map(|it| it.replace("management.azure.com", "containerregistry.azure.net"));
    let registries = registries.each_ref().map(String::as_str);
    let refused = stderr(&registries);
    assert!(
        refused.contains("is not a supported MSI token audience"),
        "{refused}"
    );
    let in_tenant = [TOKEN.as_slice(), &["--tenant", TENANT]].concat();
    let refused = stderr(&in_tenant);
    assert!(
        refused.contains("Tenant shouldn't be specified"),
        "{refused}"
    );
}

#[tokio::test]
async fn old_versions_lack_expires_on_and_scope() {
    let azure = Azure::new();
    let got = json(&az(&azure, AzState::WithoutExpiresOn, &TOKEN));
    assert!(got["expires_on"].is_null() && got["expiresOn"].is_string());
    let output = az(&azure, AzState::TooOld, &TOKEN);
    assert_eq!(output.status.code(), Some(2));
    let version = json(&az(&azure, AzState::TooOld, &["version"]));
    assert_eq!(version["azure-cli"], "2.0.81");
}

fn az(azure: &Azure, state: AzState, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let program = azure.simulator.azure_cli(folder.path(), state).unwrap();
    Command::new(program).args(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}
