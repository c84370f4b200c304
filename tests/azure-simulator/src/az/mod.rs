//! The Azure CLI as a program on somebody's machine: a script that asks the simulator what `az` would say.

pub(crate) mod command;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::simulator::Simulator;

/// What the log and faults call it.
pub(crate) const HOST: &str = "azure-cli";
pub(crate) const PATH: &str = "/az";

/// How it is with the CLI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AzState {
    /// A version of these days, logged in as the default application.
    LoggedIn,
    /// Nobody has called `az login`.
    LoggedOut,
    /// Logged in a long time ago.
    SessionExpired,
    /// Version 2.53: logged in, but a token's end is told in local time only.
    WithoutExpiresOn,
    /// Version 2.0.81: logged in, but it doesn't know `--scope`, nor when a token ends but in local time.
    TooOld,
}

impl AzState {
    const ALL: [Self; 5] = [
        Self::LoggedIn,
        Self::LoggedOut,
        Self::SessionExpired,
        Self::WithoutExpiresOn,
        Self::TooOld,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::LoggedIn => "logged-in",
            Self::LoggedOut => "logged-out",
            Self::SessionExpired => "session-expired",
            Self::WithoutExpiresOn => "without-expires-on",
            Self::TooOld => "too-old",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    fn version(self) -> &'static str {
        match self {
            Self::LoggedIn | Self::LoggedOut | Self::SessionExpired => "2.77.0",
            Self::WithoutExpiresOn => "2.53.0",
            Self::TooOld => "2.0.81",
        }
    }
}

impl Simulator {
    /// Puts a program `az` into a folder, for a `PATH`; gives its path. Put there again, it is in another state.
    ///
    /// It needs nothing but bash, knows `account get-access-token`, `account show` and `version`, and each call of it is a
    /// request to the host `azure-cli` in the log.
    ///
    /// # Errors
    /// When the folder can't be written to.
    pub fn azure_cli(&self, folder: &Path, state: AzState) -> io::Result<PathBuf> {
        let az = folder.join("az");
        let (port, state) = (self.plain_port(), state.as_str());
        let settings = format!("port={port}\npath={PATH}\nstate={state}\n");
        fs::write(folder.join("az.settings"), settings)?;
        // A link: a program that has just been written is busy for as long as any other process, begun
        // meanwhile, has inherited the open file.
        match std::os::unix::fs::symlink(SCRIPT, &az) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(az),
        }
    }
}

/// The program itself.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/az/az.sh");
