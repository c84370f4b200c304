//! Which host CLIs there are on this machine.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// A host CLI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// What it is.
    pub kind: Kind,
    /// Its version, such as `1.11.4`.
    pub version: String,
    /// The program's file.
    pub program: PathBuf,
}

/// The hosts that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// HashiCorp's.
    Terraform,
    /// The Linux Foundation's.
    OpenTofu,
}

/// Why there is no knowing the hosts.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// There is none.
    #[error(
        "neither `terraform` nor `tofu` is on the PATH, and `make tools` has built none: install one, or run `make tools`"
    )]
    None,
    /// One is there but doesn't say what it is. Going on without it would pass for success.
    #[error("{program} is there, but `{program} version -json` doesn't say its version")]
    Mute {
        /// The program, as it was started.
        program: String,
        /// What went wrong instead.
        #[source]
        cause: io::Error,
    },
}

impl Host {
    /// Every host of this machine: `terraform` and `tofu` on the PATH, and in place of the latter
    /// the one that `make tools` has built.
    ///
    /// # Errors
    /// There is none at all, or one that doesn't work.
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

    /// The host behind a program, if that is there. A name is looked up here and now: the host may
    /// be run with another PATH.
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
            Err(cause) => Err(FindError::Mute {
                program: program.display().to_string(),
                cause,
            }),
        }
    }

    /// Whether its version is 1.`minor` or later.
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

    /// What a user types.
    #[must_use]
    pub fn command(&self) -> &'static str {
        match self.kind {
            Kind::Terraform => "terraform",
            Kind::OpenTofu => "tofu",
        }
    }

    /// The registry that an address without a host name stands for.
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

/// The part of `version -json` that both hosts print, under the same name.
#[derive(Deserialize)]
struct Version {
    terraform_version: String,
}

fn version(program: &Path) -> io::Result<String> {
    // The user's settings would be warned of on stdout, in front of the JSON.
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

/// A program that tests need: the one on the PATH, else the one that `make tools` has put beside the
/// sources.
#[must_use]
pub fn tool(name: &str) -> Option<PathBuf> {
    let made = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../.tools/bin")
        .join(name);
    which::which(name).or_else(|_| which::which(made)).ok()
}
