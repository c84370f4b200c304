//! The Azure CLI as a program: a script `az` that sends its arguments to the simulator.

pub(crate) mod command;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::simulator::Simulator;

/// The host name of the Azure CLI in the log and in faults.
pub(crate) const HOST: &str = "azure-cli";
pub(crate) const PATH: &str = "/az";

/// The state of the Azure CLI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AzState {
    /// A current version (2.77.0), logged in as the default application.
    LoggedIn,
    /// Not logged in.
    LoggedOut,
    /// Logged in, but the refresh token has expired.
    SessionExpired,
    /// In the Cloud Shell. It accepts no tenant, and issues no tokens for registries.
    CloudShell,
    /// Version 2.53, logged in. It returns a token's expiry in local time only.
    WithoutExpiresOn,
    /// Version 2.0.81, logged in. It has no `--scope`, and returns a token's expiry in local time only.
    TooOld,
}

impl AzState {
    const ALL: [Self; 6] = [
        Self::LoggedIn,
        Self::LoggedOut,
        Self::SessionExpired,
        Self::CloudShell,
        Self::WithoutExpiresOn,
        Self::TooOld,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::LoggedIn => "logged-in",
            Self::LoggedOut => "logged-out",
            Self::SessionExpired => "session-expired",
            Self::CloudShell => "cloud-shell",
            Self::WithoutExpiresOn => "without-expires-on",
            Self::TooOld => "too-old",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    fn version(self) -> &'static str {
        match self {
            Self::LoggedIn | Self::LoggedOut | Self::SessionExpired | Self::CloudShell => "2.77.0",
            Self::WithoutExpiresOn => "2.53.0",
            Self::TooOld => "2.0.81",
        }
    }
}

impl Simulator {
    /// Puts a program `az` into a folder and returns its path.
    ///
    /// A second call with the same folder changes the state.
    ///
    /// The program needs only bash and supports `account get-access-token`, `account show` and `version`. The
    /// log records each call as a request to the host `azure-cli`.
    ///
    /// # Errors
    /// The folder is not writable.
    pub fn azure_cli(&self, folder: &Path, state: AzState) -> io::Result<PathBuf> {
        let az = folder.join("az");
        let (port, state) = (self.plain_port(), state.as_str());
        let settings = format!("port={port}\npath={PATH}\nstate={state}\n");
        fs::write(folder.join("az.settings"), settings)?;
        // A symbolic link, because a newly written program cannot be executed while another process holds its
        // file open. A process that starts during the write inherits the open file.
        match std::os::unix::fs::symlink(SCRIPT, &az) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(az),
        }
    }
}

/// The script behind `az`.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/az/az.sh");
