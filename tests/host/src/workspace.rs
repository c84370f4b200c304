//! A folder of configuration, and the host's commands in it.

use std::io;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::host::Host;
use crate::message::{self, Diagnostic};
use crate::mirror::Provider;
use crate::run::{Error, Finished, Running};

/// A folder of its own for one host: configuration, state, home directory and provider mirror.
/// Nothing of the user's settings reaches the host, and nothing of the host's outlives this.
#[derive(Debug)]
pub struct Workspace {
    host: Host,
    root: TempDir,
    environment: Vec<(String, String)>,
}

/// What a plan came to.
#[derive(Debug)]
pub enum Plan {
    /// Nothing to do.
    Empty(Finished),
    /// Something to do.
    Changes(Finished),
    /// No plan.
    Failed(Finished),
}

impl Workspace {
    /// A workspace with these files (name and text), in which the host finds `provider`.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn new(host: &Host, provider: &Provider, files: &[(&str, &str)]) -> io::Result<Self> {
        let root = tempfile::Builder::new().prefix("acr-").tempdir()?;
        let workspace = Self {
            host: host.clone(),
            root,
            environment: Vec::new(),
        };
        for folder in ["home", "config"] {
            std::fs::create_dir(workspace.root.path().join(folder))?;
        }
        let settings = provider.lay_out(&workspace.root.path().join("mirror"))?;
        std::fs::write(workspace.settings(), settings)?;
        for (name, text) in files {
            workspace.write(name, text)?;
        }
        Ok(workspace)
    }

    /// The same, with these variables in the environment of every command. Beside them a host gets
    /// what it can't do without, and nothing else.
    #[must_use]
    pub fn with_environment<K, V>(mut self, variables: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        self.environment = variables.collect();
        self
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The folder of the configuration.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.root.path().join("config")
    }

    /// Writes a file of the configuration.
    ///
    /// # Errors
    /// It can't be written.
    pub fn write(&self, name: &str, text: &str) -> io::Result<()> {
        std::fs::write(self.folder().join(name), text)
    }

    /// Forgets the state, as a new colleague with an empty folder would.
    ///
    /// # Errors
    /// The files can't be removed.
    pub fn forget_state(&self) -> io::Result<()> {
        for name in ["terraform.tfstate", "terraform.tfstate.backup"] {
            match std::fs::remove_file(self.folder().join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Installs the provider.
    ///
    /// # Errors
    /// It failed.
    pub async fn init(&self) -> Result<Finished, Error> {
        self.run(&["init", "-input=false"]).await?.ended_with(0)
    }

    /// Plans.
    ///
    /// # Errors
    /// The command couldn't be run; a plan that fails is no error.
    pub async fn plan(&self, options: &[&str]) -> Result<Plan, Error> {
        let plan = [&["plan", "-input=false", "-detailed-exitcode"], options].concat();
        let finished = self.run(&plan).await?;
        match finished.code {
            Some(0) => Ok(Plan::Empty(finished)),
            Some(2) => Ok(Plan::Changes(finished)),
            _ => Ok(Plan::Failed(finished)),
        }
    }

    /// Plans, and gives what the host has to say of it, in a form that names places.
    ///
    /// # Errors
    /// The command couldn't be run; a plan that fails is no error.
    pub async fn findings(&self) -> Result<Vec<Diagnostic>, Error> {
        let finished = self.run(&["plan", "-input=false", "-json"]).await?;
        Ok(message::diagnostics(&finished.stdout))
    }

    /// Applies, whatever comes of it.
    ///
    /// # Errors
    /// The command couldn't be run; an apply that fails is no error.
    pub async fn try_apply(&self) -> Result<Finished, Error> {
        self.run(APPLY).await
    }

    /// Applies.
    ///
    /// # Errors
    /// It failed.
    pub async fn apply(&self) -> Result<Finished, Error> {
        self.try_apply().await?.ended_with(0)
    }

    /// Starts to apply.
    ///
    /// # Errors
    /// The command couldn't be started.
    pub fn start_apply(&self) -> Result<Running, Error> {
        self.start(APPLY)
    }

    /// Destroys everything.
    ///
    /// # Errors
    /// It failed.
    pub async fn destroy(&self) -> Result<Finished, Error> {
        self.run(&["destroy", "-input=false", "-auto-approve"])
            .await?
            .ended_with(0)
    }

    /// Imports, whatever comes of it.
    ///
    /// # Errors
    /// The command couldn't be run; an import that fails is no error.
    pub async fn import(&self, address: &str, id: &str) -> Result<Finished, Error> {
        self.run(&["import", "-input=false", address, id]).await
    }

    /// The state, as `show -json` gives it.
    ///
    /// # Errors
    /// The command failed.
    pub async fn state(&self) -> Result<Value, Error> {
        self.json(&["show", "-json"]).await
    }

    /// The schemas of the providers, as `providers schema -json` gives them.
    ///
    /// # Errors
    /// The command failed.
    pub async fn schemas(&self) -> Result<Value, Error> {
        self.json(&["providers", "schema", "-json"]).await
    }

    /// Runs any command.
    ///
    /// # Errors
    /// It couldn't be run; one that fails is no error.
    pub async fn run(&self, arguments: &[&str]) -> Result<Finished, Error> {
        self.start(arguments)?.wait().await
    }

    /// Starts any command.
    ///
    /// # Errors
    /// It couldn't be started.
    pub fn start(&self, arguments: &[&str]) -> Result<Running, Error> {
        let mut program = Command::new(&self.host.program);
        program
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "TMPDIR"))
            .env("HOME", self.root.path().join("home"))
            .env("TF_CLI_CONFIG_FILE", self.settings())
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_CLI_ARGS", "-no-color")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        let command = format!("{} {}", self.host.command(), arguments.join(" "));
        Running::start(command, program)
    }

    async fn json(&self, arguments: &[&str]) -> Result<Value, Error> {
        let finished = self.run(arguments).await?.ended_with(0)?;
        serde_json::from_str(&finished.stdout).map_err(|error| Error::Start {
            command: finished.command,
            cause: error.into(),
        })
    }

    fn settings(&self) -> PathBuf {
        self.root.path().join("settings.tfrc")
    }
}

impl Plan {
    /// The command that made it.
    #[must_use]
    pub fn finished(&self) -> &Finished {
        match self {
            Self::Empty(finished) | Self::Changes(finished) | Self::Failed(finished) => finished,
        }
    }
}

const APPLY: &[&str] = &["apply", "-input=false", "-auto-approve"];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn unused() -> Provider {
        Provider::new("registry.terraform.io/acme/unused", Path::new("unused"))
    }

    #[tokio::test]
    async fn every_host_of_this_machine_plans_in_a_workspace_of_its_own() {
        const HARMLESS: &str = "resource \"terraform_data\" \"example\" {}\n";
        for host in Host::all().unwrap() {
            let workspace = Workspace::new(&host, &unused(), &[("main.tf", HARMLESS)]).unwrap();
            workspace.init().await.unwrap();
            assert!(matches!(
                workspace.plan(&[]).await.unwrap(),
                Plan::Changes(_)
            ));
            workspace.apply().await.unwrap();
            assert!(matches!(workspace.plan(&[]).await.unwrap(), Plan::Empty(_)));
            workspace.forget_state().unwrap();
            assert!(matches!(
                workspace.plan(&[]).await.unwrap(),
                Plan::Changes(_)
            ));
        }
    }

    #[tokio::test]
    async fn an_unexpected_end_shows_the_whole_output() {
        let host = &Host::all().unwrap()[0];
        let workspace = Workspace::new(host, &unused(), &[("main.tf", "nonsense {}\n")]).unwrap();
        let error = workspace.init().await.unwrap_err().to_string();
        assert!(
            error.contains("init -input=false` ended with exit code 1"),
            "{error}"
        );
        assert!(error.contains("main.tf line 1"), "{error}");
    }
}
