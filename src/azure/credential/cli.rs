//! Authentication as the account that is signed in to the Azure CLI.

use std::error::Error as _;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::TokenCredential as _;
use azure_core::error::ErrorKind;
use azure_identity::{AzureCliCredential, AzureCliCredentialOptions, Executor};

use crate::azure::credential::sign_in_failure::{Problem, SignInAttempt, aadsts};
use crate::azure::credential::{Token, TokenSource};
use crate::azure::{Credential, Error};
use crate::http::Budget;

const METHOD: &str = "the Azure CLI";

struct AzureCli {
    tenant: Option<String>,
    subscription: Option<String>,
    /// Runs `az`. [`None`] uses the shell.
    executor: Option<Arc<dyn Executor>>,
}

impl Credential {
    /// Creates a credential for the Azure CLI. The subscription selects the CLI's account. If it is omitted,
    /// the tenant selects the account, or else the CLI's default applies. Runs no command yet.
    ///
    /// # Errors
    /// If the tenant or the subscription is not valid.
    pub fn azure_cli(tenant: Option<&str>, subscription: Option<&str>) -> Result<Self, Error> {
        Self::azure_cli_run_by(tenant, subscription, None)
    }

    fn azure_cli_run_by(
        tenant: Option<&str>,
        subscription: Option<&str>,
        executor: Option<Arc<dyn Executor>>,
    ) -> Result<Self, Error> {
        let source = AzureCli {
            // The CLI accepts only one of them. The subscription is more exact, because a tenant can have
            // several accounts.
            tenant: tenant.filter(|_| subscription.is_none()).map(str::to_owned),
            subscription: subscription.map(str::to_owned),
            executor,
        };
        // Validates the tenant and the subscription, even if only one of them is used.
        source.credential(tenant)?;
        source.credential(None)?;
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
        let token = self.credential(tenant)?.get_token(&[scope], None).await;
        token.map(|token| Token::from(&token)).map_err(|error| {
            let (problem, said) = read(&error);
            who(tenant).fails(problem, said).into()
        })
    }

    fn credential(&self, tenant: Option<&str>) -> Result<Arc<AzureCliCredential>, Error> {
        let options = AzureCliCredentialOptions {
            tenant_id: tenant.map(str::to_owned),
            subscription: self.subscription.clone().filter(|_| tenant.is_none()),
            executor: self.executor.clone(),
        };
        AzureCliCredential::new(Some(options))
            .map_err(|error| who(tenant).fails(Problem::Value, error).into())
    }
}

fn who(tenant: Option<&str>) -> SignInAttempt<'_> {
    SignInAttempt {
        method: METHOD,
        tenant_id: tenant,
        client_id: None,
    }
}

/// Returns the problem and its message. azure_identity wraps both the CLI's error and its own errors in
/// another error.
fn read(error: &azure_core::Error) -> (Problem, String) {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    let cause: &azure_core::Error = cause.unwrap_or(error);
    let said = cause.to_string();
    if said.contains("found on PATH") {
        (Problem::CliMissing, said)
    } else if said.contains("expires_on field not found") {
        (
            Problem::CliTooOld,
            "the output of `az` doesn't say when the token expires".to_owned(),
        )
    } else if said.contains("unrecognized arguments") {
        (Problem::CliTooOld, said)
    } else if matches!(cause.kind(), ErrorKind::Credential) {
        (Problem::Cli(aadsts(&said)), said)
    } else {
        // The error could quote a part of the token.
        (
            Problem::Cli(None),
            "the output of `az` contains no readable token".to_owned(),
        )
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
    use std::ffi::OsStr;
    use std::io;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{ExitStatus, Output};
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::azure::testing::minute;

    const SCOPE: &str = "https://management.azure.com/.default";

    /// Replaces the shell that runs `az`.
    #[derive(Debug, Default)]
    struct Shell {
        exit_code: i32,
        stdout: String,
        stderr: String,
        commands: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Executor for Shell {
        async fn run(&self, _: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
            let command = args.last().unwrap().to_string_lossy().into_owned();
            self.commands.lock().unwrap().push(command);
            Ok(Output {
                status: ExitStatus::from_raw(self.exit_code << 8),
                stdout: self.stdout.clone().into_bytes(),
                stderr: self.stderr.clone().into_bytes(),
            })
        }
    }

    fn credential(shell: &Arc<Shell>) -> Credential {
        credential_of(shell, None)
    }

    fn credential_of(shell: &Arc<Shell>, subscription: Option<&str>) -> Credential {
        let executor = Arc::clone(shell) as Arc<dyn Executor>;
        Credential::azure_cli_run_by(Some("contoso.example"), subscription, Some(executor)).unwrap()
    }

    #[tokio::test]
    async fn runs_the_cli_once_while_the_token_is_valid() {
        let stdout = r#"{"accessToken": "t-1", "expires_on": 4102444800, "tokenType": "Bearer"}"#;
        let shell = Arc::new(Shell {
            stdout: stdout.to_owned(),
            ..Shell::default()
        });
        let credential = credential(&shell);
        for _ in 0..3 {
            let token = credential.token(&minute(), SCOPE).await.unwrap();
            assert_eq!(token.expose(), "t-1");
        }
        let expected = format!(
            "cd /bin && az account get-access-token -o json --scope {SCOPE} --tenant contoso.example"
        );
        assert_eq!(*shell.commands.lock().unwrap(), [expected]);
    }

    #[tokio::test]
    async fn a_subscription_selects_the_account_except_for_auxiliary_tokens() {
        let stdout = r#"{"accessToken": "t-1", "expires_on": 4102444800, "tokenType": "Bearer"}"#;
        let shell = Arc::new(Shell {
            stdout: stdout.to_owned(),
            ..Shell::default()
        });
        let tenants = ["other.example".to_owned()];
        let credential = credential_of(&shell, Some("demo")).with_auxiliary_tenants(&tenants);
        credential.token(&minute(), SCOPE).await.unwrap();
        credential.auxiliary_tokens(&minute(), SCOPE).await.unwrap();
        let commands = shell.commands.lock().unwrap();
        assert!(
            !commands[0].contains("--tenant") && commands[0].contains("--subscription"),
            "{commands:?}"
        );
        assert!(commands[0].contains("demo"), "{commands:?}");
        assert!(commands[1].ends_with(" --tenant other.example"));
        assert!(!commands[1].contains("--subscription"));
    }

    #[test]
    fn an_invalid_tenant_or_subscription_is_an_error_even_if_unused() {
        for (tenant, subscription) in [("a b", None), ("a b", Some("demo")), ("a", Some("x;y"))] {
            let refused = Credential::azure_cli(Some(tenant), subscription).unwrap_err();
            let Error::SignIn(failure) = refused else {
                panic!("a failed sign-in expected, got {refused:?}");
            };
            assert_eq!(failure.problem, Problem::Value);
        }
    }

    #[tokio::test]
    async fn keeps_the_clis_message_unchanged() {
        let stderr = "ERROR: Please run 'az login' to setup account.\n";
        let shell = Arc::new(Shell {
            exit_code: 1,
            stderr: stderr.to_owned(),
            ..Shell::default()
        });
        let error = credential(&shell)
            .token(&minute(), SCOPE)
            .await
            .unwrap_err();
        insta::assert_snapshot!(
            error,
            @"signing in with the Azure CLI: ERROR: Please run 'az login' to setup account."
        );
    }

    #[tokio::test]
    async fn a_missing_cli_is_its_own_problem() {
        let shell = Arc::new(Shell {
            exit_code: 127,
            ..Shell::default()
        });
        let (problem, said) = failure(&shell).await;
        assert_eq!(problem, Problem::CliMissing);
        insta::assert_snapshot!(said, @"signing in with the Azure CLI: az not found on PATH");
    }

    #[tokio::test]
    async fn recognizes_an_old_cli_by_its_output_and_hides_unreadable_output() {
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
            let shell = Arc::new(Shell {
                stdout: stdout.to_owned(),
                ..Shell::default()
            });
            let (problem, said) = failure(&shell).await;
            assert_eq!(problem, expected);
            assert!(!said.contains("planted"), "{said}");
        }
    }

    #[tokio::test]
    async fn recognizes_an_old_cli_by_its_unknown_arguments() {
        let shell = Arc::new(Shell {
            exit_code: 2,
            stderr: "ERROR: unrecognized arguments: --scope https://a/.default".to_owned(),
            ..Shell::default()
        });
        let (problem, said) = failure(&shell).await;
        assert_eq!(problem, Problem::CliTooOld);
        assert!(said.contains("unrecognized arguments: --scope"), "{said}");
    }

    #[tokio::test]
    async fn retries_without_a_tenant_for_a_managed_identity_account() {
        let shell = Arc::new(Shell {
            exit_code: 1,
            stderr: "ERROR: Tenant shouldn't be specified for managed identity account".to_owned(),
            ..Shell::default()
        });
        failure(&shell).await;
        let runs = shell.commands.lock().unwrap().len();
        assert_eq!(runs, 2);
        assert!(!shell.commands.lock().unwrap()[1].contains("--tenant"));
    }

    async fn failure(shell: &Arc<Shell>) -> (Problem, String) {
        match credential(shell).token(&minute(), SCOPE).await {
            Err(Error::SignIn(failure)) => (failure.problem, failure.to_string()),
            other => panic!("a failed sign-in expected, got {other:?}"),
        }
    }
}
