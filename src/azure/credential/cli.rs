//! Signing in as whoever is signed in to the Azure CLI.

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
    /// What runs it; [`None`] for the shell.
    executor: Option<Arc<dyn Executor>>,
}

impl Credential {
    /// Signs in as whoever is signed in to the Azure CLI, with the account of a subscription, else in
    /// a tenant, else as the CLI's default. Nothing is run yet.
    ///
    /// # Errors
    /// When the tenant or the subscription can't be one.
    pub fn azure_cli(tenant: Option<&str>, subscription: Option<&str>) -> Result<Self, Error> {
        Self::azure_cli_run_by(tenant, subscription, None)
    }

    fn azure_cli_run_by(
        tenant: Option<&str>,
        subscription: Option<&str>,
        executor: Option<Arc<dyn Executor>>,
    ) -> Result<Self, Error> {
        let source = AzureCli {
            // The CLI takes either, and of several accounts in one tenant only a subscription tells which.
            tenant: tenant.filter(|_| subscription.is_none()).map(str::to_owned),
            subscription: subscription.map(str::to_owned),
            executor,
        };
        // Either may be no value at all, whichever is used.
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
            // An account that is a managed identity, as in the Cloud Shell, has one tenant, and may not
            // even be asked for that.
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

/// What went wrong, and the words for it. azure_identity's own are around what the CLI has said, and
/// around what it finds itself.
fn read(error: &azure_core::Error) -> (Problem, String) {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    let cause: &azure_core::Error = cause.unwrap_or(error);
    let said = cause.to_string();
    if said.contains("found on PATH") {
        (Problem::CliMissing, said)
    } else if said.contains("expires_on field not found") {
        (
            Problem::CliTooOld,
            "its answer doesn't say when the token ends".to_owned(),
        )
    } else if said.contains("unrecognized arguments") {
        (Problem::CliTooOld, said)
    } else if matches!(cause.kind(), ErrorKind::Credential) {
        (Problem::Cli(aadsts(&said)), said)
    } else {
        // What can't be read may quote a piece of the token.
        (
            Problem::Cli(None),
            "its answer holds no token that can be read".to_owned(),
        )
    }
}

/// As in "Tenant shouldn't be specified for managed identity account".
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

    /// Stands in for the shell that runs `az`.
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
    async fn the_cli_is_asked_once_for_many_tokens() {
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
    async fn a_subscription_chooses_the_account_and_not_the_tenant_of_an_auxiliary_token() {
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
    fn what_is_no_tenant_or_subscription_is_refused_whichever_is_used() {
        for (tenant, subscription) in [("a b", None), ("a b", Some("demo")), ("a", Some("x;y"))] {
            let refused = Credential::azure_cli(Some(tenant), subscription).unwrap_err();
            let Error::SignIn(failure) = refused else {
                panic!("a failed sign-in expected, got {refused:?}");
            };
            assert_eq!(failure.problem, Problem::Value);
        }
    }

    #[tokio::test]
    async fn what_the_cli_says_arrives_as_it_came() {
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
    async fn a_missing_cli_is_named() {
        let shell = Arc::new(Shell {
            exit_code: 127,
            ..Shell::default()
        });
        let (problem, said) = failure(&shell).await;
        assert_eq!(problem, Problem::CliMissing);
        insta::assert_snapshot!(said, @"signing in with the Azure CLI: az not found on PATH");
    }

    #[tokio::test]
    async fn an_old_cli_is_told_by_its_answer_and_an_odd_answer_is_not_shown() {
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
    async fn an_older_cli_is_told_by_what_it_refuses() {
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
    async fn an_account_that_takes_no_tenant_is_asked_without() {
        let shell = Arc::new(Shell {
            exit_code: 1,
            stderr: "ERROR: Tenant shouldn't be specified for managed identity account".to_owned(),
            ..Shell::default()
        });
        failure(&shell).await;
        let asked = shell.commands.lock().unwrap().len();
        assert_eq!(asked, 2);
        assert!(!shell.commands.lock().unwrap()[1].contains("--tenant"));
    }

    async fn failure(shell: &Arc<Shell>) -> (Problem, String) {
        match credential(shell).token(&minute(), SCOPE).await {
            Err(Error::SignIn(failure)) => (failure.problem, failure.to_string()),
            other => panic!("a failed sign-in expected, got {other:?}"),
        }
    }
}
