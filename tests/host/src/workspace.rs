//! A folder with a configuration, and the host's commands in it.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::host::Host;
use crate::message::{self, Diagnostic};
use crate::mirror::{self, Provider};
use crate::run::{Error, Finished, Running};

/// A temporary folder for one host, with configuration, state, home directory and provider mirror.
/// The host sees no settings of the user. Dropping the workspace deletes the folder.
#[derive(Debug)]
pub struct Workspace {
    host: Host,
    root: TempDir,
    environment: Vec<(String, String)>,
}

/// The result of a plan.
#[derive(Debug)]
pub enum Plan {
    /// The plan has no changes.
    Empty(Finished),
    /// The plan has changes.
    Changes(Finished),
    /// The plan failed.
    Failed(Finished),
}

impl Workspace {
    /// Creates a workspace with these files (name and text), where the host can install `provider`.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn new(host: &Host, provider: &Provider, files: &[(&str, &str)]) -> io::Result<Self> {
        let workspace = Self::with_providers(host, &[provider])?;
        for (name, text) in files {
            workspace.write(name, text)?;
        }
        Ok(workspace)
    }

    /// Creates a workspace without files, where the host can install all `providers`.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn with_providers(host: &Host, providers: &[&Provider]) -> io::Result<Self> {
        let root = tempfile::Builder::new().prefix("acr-").tempdir()?;
        let workspace = Self {
            host: host.clone(),
            root,
            environment: Vec::new(),
        };
        for folder in ["home", "config"] {
            std::fs::create_dir(workspace.root.path().join(folder))?;
        }
        let settings = mirror::lay_out(providers, &workspace.root.path().join("mirror"))?;
        std::fs::write(workspace.settings(), settings)?;
        Ok(workspace)
    }

    /// Sets environment variables for every command. The host gets only these and the variables that
    /// it requires.
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

    /// The folder with the configuration.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.root.path().join("config")
    }

    /// Writes a file of the configuration.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, name: &str, text: &str) -> io::Result<()> {
        std::fs::write(self.folder().join(name), text)
    }

    /// Copies a folder with everything in it. `to` is relative to the folder with the configuration, and can
    /// be next to it, such as `../modules`.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn copy(&self, from: &Path, to: &str) -> io::Result<()> {
        copy(from, &self.folder().join(to))
    }

    /// Returns the state file. `None` if it does not exist.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn state_file(&self) -> io::Result<Option<String>> {
        match std::fs::read_to_string(self.folder().join(STATE)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the state file, or deletes it.
    ///
    /// # Errors
    /// The file cannot be written or deleted.
    pub fn restore_state_file(&self, state: Option<&str>) -> io::Result<()> {
        self.forget_state()?;
        match state {
            Some(text) => self.write(STATE, text),
            None => Ok(()),
        }
    }

    /// Deletes the state, to simulate a new user with an empty folder.
    ///
    /// # Errors
    /// The files cannot be deleted.
    pub fn forget_state(&self) -> io::Result<()> {
        for name in [STATE, "terraform.tfstate.backup"] {
            match std::fs::remove_file(self.folder().join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Runs `init`, which installs the provider.
    ///
    /// # Errors
    /// The command failed.
    pub async fn init(&self) -> Result<Finished, Error> {
        self.run(&["init", "-input=false"]).await?.ended_with(0)
    }

    /// Runs `plan`.
    ///
    /// # Errors
    /// The command could not run. A failed plan is not an error.
    pub async fn plan(&self, options: &[&str]) -> Result<Plan, Error> {
        let plan = [&["plan", "-input=false", "-detailed-exitcode"], options].concat();
        let finished = self.run(&plan).await?;
        match finished.code {
            Some(0) => Ok(Plan::Empty(finished)),
            Some(2) => Ok(Plan::Changes(finished)),
            _ => Ok(Plan::Failed(finished)),
        }
    }

    /// Runs `plan`, and returns the diagnostics with their positions.
    ///
    /// # Errors
    /// The command could not run. A failed plan is not an error.
    pub async fn findings(&self) -> Result<Vec<Diagnostic>, Error> {
        let finished = self.run(&["plan", "-input=false", "-json"]).await?;
        Ok(message::diagnostics(&finished.stdout))
    }

    /// Runs `apply`, and accepts any exit code.
    ///
    /// # Errors
    /// The command could not run. A failed apply is not an error.
    pub async fn try_apply(&self) -> Result<Finished, Error> {
        self.run(APPLY).await
    }

    /// Runs `apply`.
    ///
    /// # Errors
    /// The command failed.
    pub async fn apply(&self) -> Result<Finished, Error> {
        self.try_apply().await?.ended_with(0)
    }

    /// Starts `apply`.
    ///
    /// # Errors
    /// The command could not start.
    pub fn start_apply(&self) -> Result<Running, Error> {
        self.start(APPLY)
    }

    /// Runs `destroy`.
    ///
    /// # Errors
    /// The command failed.
    pub async fn destroy(&self) -> Result<Finished, Error> {
        self.start_destroy()?.wait().await?.ended_with(0)
    }

    /// Starts `destroy`.
    ///
    /// # Errors
    /// The command could not start.
    pub fn start_destroy(&self) -> Result<Running, Error> {
        self.start(&["destroy", "-input=false", "-auto-approve"])
    }

    /// Runs `import`, and accepts any exit code.
    ///
    /// # Errors
    /// The command could not run. A failed import is not an error.
    pub async fn import(&self, address: &str, id: &str) -> Result<Finished, Error> {
        self.run(&["import", "-input=false", address, id]).await
    }

    /// Returns the output of `show -json`.
    ///
    /// # Errors
    /// The command failed.
    pub async fn state(&self) -> Result<Value, Error> {
        self.json(&["show", "-json"]).await
    }

    /// Returns the output of `providers schema -json`.
    ///
    /// # Errors
    /// The command failed.
    pub async fn schemas(&self) -> Result<Value, Error> {
        self.json(&["providers", "schema", "-json"]).await
    }

    /// Runs any command.
    ///
    /// # Errors
    /// The command could not run. A failed command is not an error.
    pub async fn run(&self, arguments: &[&str]) -> Result<Finished, Error> {
        self.start(arguments)?.wait().await
    }

    /// Starts any command.
    ///
    /// # Errors
    /// The command could not start.
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
    /// The finished `plan` command.
    #[must_use]
    pub fn finished(&self) -> &Finished {
        match self {
            Self::Empty(finished) | Self::Changes(finished) | Self::Failed(finished) => finished,
        }
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            std::fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

const STATE: &str = "terraform.tfstate";

const APPLY: &[&str] = &["apply", "-input=false", "-auto-approve"];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn unused() -> Provider {
        Provider::new("registry.terraform.io/acme/unused", Path::new("unused"))
    }

    #[tokio::test]
    async fn every_installed_host_plans_in_a_separate_workspace() {
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

    #[test]
    fn a_folder_is_copied_with_everything_in_it() {
        let source = tempfile::tempdir().unwrap();
        std::fs::create_dir(source.path().join("tests")).unwrap();
        std::fs::write(source.path().join("tests/a.hcl"), "a").unwrap();
        let host = &Host::all().unwrap()[0];
        let workspace = Workspace::with_providers(host, &[&unused()]).unwrap();
        workspace.copy(source.path(), "../modules").unwrap();
        let copied = workspace.folder().join("../modules/tests/a.hcl");
        assert_eq!(std::fs::read_to_string(copied).unwrap(), "a");
    }

    #[tokio::test]
    async fn an_unexpected_exit_code_shows_the_whole_output() {
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
