//! Authentication as the account that is signed in to the Azure CLI.

use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;

use crate::azure::credential::az::{Az, LIMIT, NoOutput};
use crate::azure::credential::sign_in_failure::{Problem, SignInAttempt, SignInFailure, aadsts};
use crate::azure::credential::{Token, TokenSource};
use crate::azure::{Credential, Error, Secret};
use crate::http::Budget;

const METHOD: &str = "the Azure CLI";

struct AzureCli {
    tenant: Option<String>,
    subscription: Option<String>,
    az: Az,
}

impl Credential {
    /// Creates a credential for the Azure CLI. The subscription selects the CLI's account. If it is omitted,
    /// the tenant selects the account, or else the CLI's default applies. Runs no command yet.
    ///
    /// # Errors
    /// If the tenant or the subscription is not valid.
    pub fn azure_cli(
        tenant: Option<&str>,
        subscription: Option<&str>,
        az: Az,
    ) -> Result<Self, Error> {
        let values = [("tenant", tenant), ("subscription", subscription)];
        for (name, value) in values {
            if let Some(value) = value.filter(|value| !is_valid(value)) {
                let message = format!("{value:?} is not a valid {name}");
                return Err(who(tenant).fails(Problem::Value, message).into());
            }
        }
        let source = AzureCli {
            // The CLI accepts only one of them. The subscription is more exact, because a tenant can have
            // several accounts.
            tenant: tenant.filter(|_| subscription.is_none()).map(str::to_owned),
            subscription: subscription.map(str::to_owned),
            az,
        };
        Ok(Self::new(METHOD, Arc::new(source)))
    }
}

#[async_trait]
impl TokenSource for AzureCli {
    async fn fetch(&self, _: &Budget, tenant: Option<&str>, scope: &str) -> Result<Token, Error> {
        let home = self.tenant.as_deref();
        let asked = tenant.or(home);
        match self.ask(asked, scope).await {
            // The account can be a managed identity, as in the Cloud Shell. The CLI then rejects even the
            // identity's own tenant.
            Err(error) if tenant.is_none() && asked.is_some() && takes_no_tenant(&error) => {
                self.ask(None, scope).await
            }
            answer => answer,
        }
    }
}

impl AzureCli {
    async fn ask(&self, tenant: Option<&str>, scope: &str) -> Result<Token, Error> {
        let subscription = self.subscription.as_deref().filter(|_| tenant.is_none());
        let output = self.az.run(&arguments(scope, tenant, subscription)).await;
        let output = output.map_err(|cause| without_output(who(tenant), cause))?;
        token(who(tenant), &output, Timestamp::now())
    }
}

fn who(tenant: Option<&str>) -> SignInAttempt<'_> {
    SignInAttempt {
        method: METHOD,
        tenant_id: tenant,
        client_id: None,
    }
}

/// Whether a tenant or a subscription can be an argument of `az`. It must not look like an option.
fn is_valid(value: &str) -> bool {
    let is_safe = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_' | ' ');
    value.starts_with(|it: char| it.is_ascii_alphanumeric()) && value.chars().all(is_safe)
}

fn arguments<'a>(
    scope: &'a str,
    tenant: Option<&'a str>,
    subscription: Option<&'a str>,
) -> Vec<&'a str> {
    let command = ["account", "get-access-token", "--output", "json"];
    let account = [("--tenant", tenant), ("--subscription", subscription)];
    let account = account
        .into_iter()
        .filter_map(|(name, it)| Some((name, it?)));
    let options = [("--scope", scope)].into_iter().chain(account);
    let options = options.flat_map(|(name, value)| [name, value]);
    command.into_iter().chain(options).collect()
}

fn without_output(who: SignInAttempt<'_>, cause: NoOutput) -> SignInFailure {
    match cause {
        NoOutput::Missing => who.fails(Problem::CliMissing, "`az` was not found on PATH"),
        NoOutput::Hanging => {
            let seconds = LIMIT.as_secs();
            let message = format!("`az` did not end within {seconds} seconds");
            who.fails(Problem::CliHanging, message)
        }
        NoOutput::NotStarted(program, error) => {
            let message = format!("could not run {}: {error}", program.display());
            who.fails(Problem::Cli(None), message)
        }
    }
}

/// Returns the token in the output of `az`. An error shows no output, except the error of `az` itself, because
/// output can contain a part of the token.
fn token(who: SignInAttempt<'_>, output: &Output, now: Timestamp) -> Result<Token, Error> {
    #[derive(Deserialize)]
    struct Printed {
        #[serde(rename = "accessToken")]
        token: String,
        /// Seconds since the Unix epoch. Versions before 2.54.0 print only a local time.
        expires_on: Option<i64>,
    }
    if !output.status.success() {
        return Err(refusal(who, output).into());
    }
    let unreadable = "the output of `az` contains no readable token";
    let printed: Printed = serde_json::from_slice(&output.stdout)
        .map_err(|_| who.fails(Problem::Cli(None), unreadable))?;
    let end = printed.expires_on.ok_or_else(|| {
        let message = "the output of `az` doesn't say when the token expires";
        who.fails(Problem::CliTooOld, message)
    })?;
    let left = end.saturating_sub(now.as_second()).try_into().unwrap_or(0);
    Ok(Token::lasting(
        Duration::from_secs(left),
        Secret::new(printed.token),
    ))
}

fn refusal(who: SignInAttempt<'_>, output: &Output) -> SignInFailure {
    let said = String::from_utf8_lossy(&output.stderr);
    match said.trim() {
        "" => {
            let message = format!("`az` failed without a message ({})", output.status);
            who.fails(Problem::Cli(None), message)
        }
        said if said.contains("unrecognized arguments") => who.fails(Problem::CliTooOld, said),
        said => who.fails(Problem::Cli(aadsts(said)), said),
    }
}

/// Whether the CLI said "Tenant shouldn't be specified for managed identity account".
fn takes_no_tenant(error: &Error) -> bool {
    let Error::SignIn(failure) = error else {
        return false;
    };
    failure.message.contains("Tenant shouldn't be specified")
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;
    use crate::azure::credential::az::tests::stand_in;
    use crate::azure::testing::minute;

    const SCOPE: &str = "https://management.azure.com/.default";

    fn output(exit_code: i32, stdout: &str, stderr: &str) -> Output {
        Output {
            status: ExitStatus::from_raw(exit_code << 8),
            stdout: stdout.into(),
            stderr: stderr.into(),
        }
    }

    fn failure(exit_code: i32, stdout: &str, stderr: &str) -> (Problem, String) {
        let output = output(exit_code, stdout, stderr);
        let read = token(who(None), &output, Timestamp::UNIX_EPOCH);
        problem_of(read.map(|_| Secret::new("")))
    }

    #[test]
    fn a_subscription_is_one_argument_and_a_tenant_is_another() {
        let tenant = arguments(SCOPE, Some("contoso.example"), None);
        insta::assert_snapshot!(tenant.join(" "), @"account get-access-token --output json --scope https://management.azure.com/.default --tenant contoso.example");
        let id = "00000000-0000-0000-0000-000000000000";
        let subscription = arguments(SCOPE, None, Some(id));
        assert_eq!(subscription[6..], ["--subscription", id]);
    }

    #[tokio::test]
    async fn a_subscription_selects_the_account_except_for_auxiliary_tokens() {
        let id = Some("00000000-0000-0000-0000-000000000000");
        let cli = Credential::azure_cli(Some("home.example"), id, stand_in("managed-identity"));
        let cli = cli
            .unwrap()
            .with_auxiliary_tenants(&["other.example".to_owned()]);
        assert_eq!(cli.token(&minute(), SCOPE).await.unwrap().expose(), "t-1");
        let refused = cli.auxiliary_tokens(&minute(), SCOPE).await.unwrap_err();
        assert!(
            refused.to_string().contains("Tenant shouldn't"),
            "{refused}"
        );
    }

    #[test]
    fn an_invalid_tenant_or_subscription_is_an_error_even_if_unused() {
        for (tenant, subscription) in [
            ("a;b", None),
            ("--debug", Some("demo")),
            ("a", Some("x;y")),
            ("a", Some("")),
        ] {
            let az = Az::new(None, None, None);
            let refused = Credential::azure_cli(Some(tenant), subscription, az).unwrap_err();
            let Error::SignIn(failure) = refused else {
                panic!("a failed sign-in expected, got {refused:?}");
            };
            assert_eq!(failure.problem, Problem::Value);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn reads_the_token_and_its_expiry() {
        let stdout = r#"{"accessToken": "t-1", "expires_on": 3600, "tokenType": "Bearer"}"#;
        let read = token(who(None), &output(0, stdout, ""), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(read.secret.expose(), "t-1");
        let left = read.expires_at - tokio::time::Instant::now();
        assert_eq!(left, Duration::from_secs(3600));
    }

    #[test]
    fn keeps_the_clis_message_unchanged() {
        let stderr = "ERROR: Please run 'az login' to setup account.\n";
        let (problem, said) = failure(1, "", stderr);
        assert_eq!(problem, Problem::Cli(None));
        insta::assert_snapshot!(said, @"signing in with the Azure CLI: ERROR: Please run 'az login' to setup account.");
        insta::assert_snapshot!(failure(3, "", "").1, @"signing in with the Azure CLI: `az` failed without a message (exit status: 3)");
    }

    #[tokio::test]
    async fn a_missing_cli_is_its_own_problem() {
        let (problem, said) = failed_run(stand_in("nowhere")).await;
        assert_eq!(problem, Problem::CliMissing);
        insta::assert_snapshot!(said, @"signing in with the Azure CLI: `az` was not found on PATH");
    }

    #[test]
    fn an_az_that_hangs_is_its_own_problem() {
        let failure = without_output(who(None), NoOutput::Hanging);
        assert_eq!(failure.problem, Problem::CliHanging);
        insta::assert_snapshot!(failure, @"signing in with the Azure CLI: `az` did not end within 60 seconds");
    }

    #[test]
    fn recognizes_an_old_cli_by_its_output_and_hides_unreadable_output() {
        for (stdout, expected) in [
            (
                r#"{"accessToken": "planted", "tokenType": "Bearer"}"#,
                Problem::CliTooOld,
            ),
            (
                r#"{"accessToken": "planted", "expires_on": "planted"}"#,
                Problem::Cli(None),
            ),
            ("planted", Problem::Cli(None)),
        ] {
            let (problem, said) = failure(0, stdout, "");
            assert_eq!(problem, expected);
            assert!(!said.contains("planted"), "{said}");
        }
    }

    #[test]
    fn recognizes_an_old_cli_by_its_unknown_arguments() {
        let stderr = "ERROR: unrecognized arguments: --scope https://a/.default";
        let (problem, said) = failure(2, "", stderr);
        assert_eq!(problem, Problem::CliTooOld);
        assert!(said.contains("unrecognized arguments: --scope"), "{said}");
    }

    #[tokio::test]
    async fn retries_without_a_tenant_for_a_managed_identity_account() {
        let az = stand_in("managed-identity");
        let credential = Credential::azure_cli(Some("contoso.example"), None, az).unwrap();
        let token = credential.token(&minute(), SCOPE).await.unwrap();
        assert_eq!(token.expose(), "t-1");
    }

    async fn failed_run(az: Az) -> (Problem, String) {
        let credential = Credential::azure_cli(None, None, az).unwrap();
        problem_of(credential.token(&minute(), SCOPE).await)
    }

    fn problem_of(token: Result<Secret, Error>) -> (Problem, String) {
        match token {
            Err(Error::SignIn(failure)) => (failure.problem, failure.to_string()),
            other => panic!("a failed sign-in expected, got {other:?}"),
        }
    }
}
