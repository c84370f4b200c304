//! The log of all requests: what was asked, by whom, and how it ended. Never a token, never a body.

use std::fs::File;
use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Counts from 1.
    pub seq: u64,
    /// When it was answered, by the simulator's clock, to the nanosecond.
    pub time: Timestamp,
    /// The host asked.
    pub host: String,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, with signatures and secrets masked.
    pub query: String,
    /// The range of bytes asked for, if one was.
    pub range: Option<String>,
    /// The `api-version`, if one was sent.
    pub api_version: Option<String>,
    /// The answer's status; 0 = the connection was cut or left hanging.
    pub status: u16,
    /// Whether a planted fault struck it.
    pub faulted: bool,
    /// Whether it asked for a change.
    pub write: bool,
    /// The signed-in principal.
    pub principal: Option<String>,
    /// How many tokens of further tenants it brought.
    pub auxiliary_tokens: usize,
    /// What it is throttled with, such as `arm/writes`, or `contoso/reads` at the registry `contoso`.
    pub bucket: Option<String>,
    /// What it was about, such as `tasks/write` or `manifests/read`.
    pub operation: String,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// The correlation id that the client sent.
    pub correlation_id: Option<String>,
}

/// The requests so far, in memory and, if wanted, as JSON lines in a file.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Entry>,
    pub(crate) file: Option<File>,
    /// Where [`Log::since_mark`] begins.
    pub(crate) mark: u64,
    last: u64,
}

impl Log {
    /// Adds an entry and gives it its number.
    pub(crate) fn add(&mut self, mut entry: Entry) {
        self.last += 1;
        entry.seq = self.last;
        if let Some(file) = &mut self.file {
            // A full disk must not change what the client sees.
            let _ = serde_json::to_string(&entry).map(|line| writeln!(file, "{line}"));
        }
        self.entries.push(entry);
    }

    /// The entries after the mark.
    pub(crate) fn since_mark(&self) -> Vec<Entry> {
        self.entries
            .iter()
            .filter(|entry| entry.seq > self.mark)
            .cloned()
            .collect()
    }

    /// Puts the mark here.
    pub(crate) fn set_mark(&mut self) {
        self.mark = self.last;
    }
}

/// A query that may be written down: signatures and tokens are masked.
pub(crate) fn masked(query: &str) -> String {
    const SECRET: [&str; 4] = ["sig", "access_token", "refresh_token", "_state"];
    let mask = |pair: &str| match pair.split_once('=') {
        Some((key, _)) if SECRET.contains(&key) => format!("{key}=***"),
        _ => pair.to_owned(),
    };
    query.split('&').map(mask).collect::<Vec<_>>().join("&")
}
