//! A command of a host: while it runs, and what it left behind.

use std::fmt;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::message::{self, Diagnostic};

/// How long a command may take before it is taken for stuck.
const PATIENCE: Duration = Duration::from_secs(300);

/// What may go wrong with a command.
#[derive(thiserror::Error)]
pub enum Error {
    /// It couldn't be started or waited for.
    #[error("could not run `{command}`")]
    Start {
        /// What a user would have typed.
        command: String,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// It was stopped after five minutes.
    #[error("`{0}` did not end within {PATIENCE:?}")]
    Stuck(String),
    /// It ended, but not as it should have.
    #[error("{0}")]
    Unexpected(Box<Finished>),
}

/// A command that has ended.
#[derive(Clone, PartialEq, Eq)]
pub struct Finished {
    /// What a user would have typed.
    pub command: String,
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it printed as errors.
    pub stderr: String,
}

/// A command that runs, in a process group of its own, which ends with this value.
#[derive(Debug)]
pub struct Running {
    command: String,
    child: Child,
    group: Option<Pid>,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Running {
    /// Starts a command.
    pub(crate) fn start(command: String, mut program: Command) -> Result<Self, Error> {
        let started = program
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(cause) => return Err(Error::Start { command, cause }),
        };
        let stdout = tokio::spawn(read(child.stdout.take()));
        let stderr = tokio::spawn(read(child.stderr.take()));
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self {
            command,
            child,
            group,
            stdout,
            stderr,
        })
    }

    /// Does what Ctrl-C in a terminal does: interrupts the host and its plugins alike.
    pub fn ctrl_c(&self) {
        self.signal(Signal::INT);
    }

    /// Whether it has yet to end.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// The command is stuck, or can't be waited for.
    pub async fn wait(mut self) -> Result<Finished, Error> {
        let status = match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Err(_) => return Err(Error::Stuck(self.command.clone())),
            Ok(Err(cause)) => {
                return Err(Error::Start {
                    command: self.command.clone(),
                    cause,
                });
            }
            Ok(Ok(status)) => status,
        };
        Ok(Finished {
            command: self.command.clone(),
            code: status.code(),
            stdout: (&mut self.stdout).await.unwrap_or_default(),
            stderr: (&mut self.stderr).await.unwrap_or_default(),
        })
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // It may have ended by itself.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Running {
    /// Whoever is still there goes: the host if it is stuck, and a plugin that outlived it.
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

impl Finished {
    /// The same, if the exit code is the expected one.
    ///
    /// # Errors
    /// It isn't; the error shows the whole output.
    pub fn ended_with(self, code: i32) -> Result<Self, Error> {
        if self.code == Some(code) {
            Ok(self)
        } else {
            Err(Error::Unexpected(Box::new(self)))
        }
    }

    /// The diagnostics of a command that ran with `-json`, each with its place in the configuration.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        message::diagnostics(&self.stdout)
    }

    /// Everything printed, without the frames and line breaks that a host draws into its messages.
    #[must_use]
    pub fn text(&self) -> String {
        let both = format!("{}\n{}", self.stdout, self.stderr);
        let unframed = both.replace(['│', '╷', '╵'], " ");
        unframed.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            command,
            code,
            stdout,
            stderr,
        } = self;
        let code = code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
        write!(f, "`{command}` ended with {code}\n{stdout}\n{stderr}")
    }
}

// Tests unwrap: what they show then is the output as it was, line by line.
impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { command, cause } => write!(f, "could not run `{command}`: {cause}"),
            Self::Stuck(_) | Self::Unexpected(_) => fmt::Display::fmt(self, f),
        }
    }
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What came before an error is worth showing.
        let _ = stream.read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
