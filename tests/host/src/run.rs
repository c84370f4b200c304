//! A running host command, and its result.

use std::fmt;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::message::{self, Diagnostic};

/// How long a command may take before it is taken for stuck.
const PATIENCE: Duration = Duration::from_secs(300);

/// The errors of a command.
#[derive(thiserror::Error)]
pub enum Error {
    /// The command could not be started or awaited, or its output is not valid JSON.
    #[error("could not run `{command}`")]
    Start {
        /// The command that a user would type.
        command: String,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The command was stopped after five minutes.
    #[error("`{0}` did not end within {PATIENCE:?}")]
    Stuck(String),
    /// The command ended with an unexpected exit code.
    #[error("{0}")]
    Unexpected(Box<Finished>),
}

/// A command that has ended.
#[derive(Clone, PartialEq, Eq)]
pub struct Finished {
    /// The command that a user would type.
    pub command: String,
    /// The exit code, or [`None`] if a signal ended the command.
    pub code: Option<i32>,
    /// The standard output.
    pub stdout: String,
    /// The standard error.
    pub stderr: String,
}

/// A running command in a separate process group. Dropping this value kills the group.
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

    /// Interrupts the host and its plugins, like Ctrl-C in a terminal.
    pub fn ctrl_c(&self) {
        self.signal(Signal::INT);
    }

    /// Asks the host to end, as `kill` and a service manager do. Its plugins get no signal.
    pub fn terminate(&self) {
        self.signal_host(Signal::TERM);
    }

    /// Kills the host. Its plugins get no signal.
    pub fn kill_host(&self) {
        self.signal_host(Signal::KILL);
    }

    /// Whether the command is still running.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until the command ends.
    ///
    /// # Errors
    /// The command is stuck, or the wait fails.
    pub async fn wait(mut self) -> Result<Finished, Error> {
        self.ended().await
    }

    /// Waits until the command ends, and lets a plugin live on that outlives the host.
    ///
    /// # Errors
    /// The command is stuck, or the wait fails.
    pub async fn ended(&mut self) -> Result<Finished, Error> {
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

    fn signal_host(&self, signal: Signal) {
        if let Some(host) = self.group {
            // The host may have ended already.
            let _ = kill_process(host, signal);
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // The group may have ended already.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Running {
    /// Kills a stuck host, and a plugin that outlived its host.
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

impl Finished {
    /// Returns the result if the exit code is the expected one.
    ///
    /// # Errors
    /// The exit code is another one. The error shows the whole output.
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

// `unwrap` in tests prints this. So it shows the original output, line by line.
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
        // The output before a read error is still useful.
        let _ = stream.read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
