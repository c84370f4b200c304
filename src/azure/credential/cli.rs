//! Signing in as whoever is signed in to the Azure CLI.

use std::sync::Arc;

use azure_identity::{AzureCliCredential, AzureCliCredentialOptions, Executor};

use crate::azure::{Credential, Error};

const METHOD: &str = "the Azure CLI";

impl Credential {
    /// Signs in as whoever is signed in to the Azure CLI, in a tenant or with the account of a
    /// subscription; else as the CLI's default. Nothing is run yet.
    ///
    /// # Errors
    ///
    /// When the tenant or the subscription can't be one.
    pub fn azure_cli(tenant: Option<&str>, subscription: Option<&str>) -> Result<Self, Error> {
        Self::azure_cli_run_by(tenant, subscription, None)
    }

    fn azure_cli_run_by(
        tenant: Option<&str>,
        subscription: Option<&str>,
        executor: Option<Arc<dyn Executor>>,
    ) -> Result<Self, Error> {
        let options = AzureCliCredentialOptions {
            tenant_id: tenant.map(str::to_owned),
            // The CLI takes either, and a tenant says more.
            subscription: subscription.filter(|_| tenant.is_none()).map(str::to_owned),
            executor,
        };
        let source = AzureCliCredential::new(Some(options)).map_err(|error| Error::SignIn {
            method: METHOD,
            message: error.to_string(),
        })?;
        Ok(Self::new(METHOD, source))
    }
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
        let executor = Arc::clone(shell) as Arc<dyn Executor>;
        Credential::azure_cli_run_by(Some("contoso.example"), Some("demo"), Some(executor)).unwrap()
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
        let error = credential(&shell)
            .token(&minute(), SCOPE)
            .await
            .unwrap_err();
        insta::assert_snapshot!(error, @"signing in with the Azure CLI: az not found on PATH");
    }
}
