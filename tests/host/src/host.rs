//! The host CLIs that are installed on this machine.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// A host CLI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Terraform or OpenTofu.
    pub kind: Kind,
    /// The version, such as `1.11.4`.
    pub version: String,
    /// The path of the program.
    pub program: PathBuf,
}

/// The supported hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// HashiCorp Terraform.
    Terraform,
    /// OpenTofu of the Linux Foundation.
    OpenTofu,
}

/// The reasons why no host was found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No host is installed.
    #[error(
        "neither `terraform` nor `tofu` is on PATH, and `make tools` has not built OpenTofu. Install a host, or run `make tools`."
    )]
    None,
    /// A host is installed, but its version is unknown. Skipping it would look like success.
    #[error("`{program} version -json` did not report a version")]
    NoVersion {
        /// The path of the program.
        program: String,
        /// The cause.
        #[source]
        cause: io::Error,
    },
}

impl Host {
    /// Returns every installed host: `terraform` and `tofu` on PATH. If `tofu` is not on PATH, the
    /// OpenTofu that `make tools` has built.
    ///
    /// # Errors
    /// No host is installed, or a host does not report its version.
    pub fn all() -> Result<Vec<Self>, FindError> {
        let terraform = Self::at(Kind::Terraform, Path::new("terraform"))?;
        let tofu = tool("tofu").map(|program| Self::at(Kind::OpenTofu, &program));
        let tofu = tofu.transpose()?.flatten();
        let hosts: Vec<Self> = terraform.into_iter().chain(tofu).collect();
        if hosts.is_empty() {
            Err(FindError::None)
        } else {
            Ok(hosts)
        }
    }

    /// Returns the host of a program, if the program exists. Resolves the name now, because the host
    /// may run with another PATH.
    fn at(kind: Kind, program: &Path) -> Result<Option<Self>, FindError> {
        let Ok(program) = which::which(program) else {
            return Ok(None);
        };
        match version(&program) {
            Ok(version) => Ok(Some(Self {
                kind,
                version,
                program,
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(FindError::NoVersion {
                program: program.display().to_string(),
                cause,
            }),
        }
    }

    /// Whether the version is 1.`minor` or later.
    #[must_use]
    pub fn is_at_least(&self, minor: u32) -> bool {
        let mut numbers = self
            .version
            .split('.')
            .map_while(|it| it.parse::<u32>().ok());
        numbers
            .next()
            .zip(numbers.next())
            .is_some_and(|version| version >= (1, minor))
    }

    /// The command that a user types.
    #[must_use]
    pub fn command(&self) -> &'static str {
        match self.kind {
            Kind::Terraform => "terraform",
            Kind::OpenTofu => "tofu",
        }
    }

    /// The default registry for provider addresses without a host name.
    #[must_use]
    pub fn registry(&self) -> &'static str {
        match self.kind {
            Kind::Terraform => "registry.terraform.io",
            Kind::OpenTofu => "registry.opentofu.org",
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            Kind::Terraform => "Terraform",
            Kind::OpenTofu => "OpenTofu",
        };
        write!(f, "{name} {}", self.version)
    }
}

/// The part of `version -json` that both hosts print under the same name.
#[derive(Deserialize)]
struct Version {
    terraform_version: String,
}

fn version(program: &Path) -> io::Result<String> {
    // The user's settings could cause warnings on stdout before the JSON.
    let output = Command::new(program)
        .args(["version", "-json"])
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", std::env::temp_dir())
        .env("CHECKPOINT_DISABLE", "1")
        .output()?;
    let version: Version = serde_json::from_slice(&output.stdout)?;
    Ok(version.terraform_version)
}

/// Returns a program that tests need: from PATH, or else from the folder of `make tools`.
#[must_use]
pub fn tool(name: &str) -> Option<PathBuf> {
    let made = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../.tools/bin")
        .join(name);
    which::which(name).or_else(|_| which::which(made)).ok()
}
