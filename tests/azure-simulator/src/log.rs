//! The log of all requests, without tokens and bodies.

use std::fs::File;
use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

/// A request in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The sequence number, from 1.
    pub seq: u64,
    /// The time at which the request arrived, by the simulator's clock.
    pub begun: Timestamp,
    /// The time of the response by the simulator's clock, in nanosecond precision.
    pub time: Timestamp,
    /// The host.
    pub host: String,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, with signatures and secrets masked.
    pub query: String,
    /// The `Range` header.
    pub range: Option<String>,
    /// The `api-version`.
    pub api_version: Option<String>,
    /// The response status; 0 if a fault cut the connection or left it hanging.
    pub status: u16,
    /// Whether a fault affected it.
    pub faulted: bool,
    /// Whether it is a write.
    pub write: bool,
    /// The signed-in principal.
    pub principal: Option<String>,
    /// The number of auxiliary tokens of other tenants.
    pub auxiliary_tokens: usize,
    /// The throttling bucket, such as `arm/writes`, or `contoso/reads` for the registry `contoso`.
    pub bucket: Option<String>,
    /// The operation, such as `tasks/write` or `manifests/read`.
    pub operation: String,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The correlation ID sent by the client.
    pub correlation_id: Option<String>,
}

/// The logged requests, in memory and optionally as JSON lines in a file.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Entry>,
    pub(crate) file: Option<File>,
    /// The last entry before [`Log::since_mark`].
    pub(crate) mark: u64,
    last: u64,
}

impl Log {
    /// Adds an entry and sets its sequence number.
    pub(crate) fn add(&mut self, mut entry: Entry) {
        self.last += 1;
        entry.seq = self.last;
        if let Some(file) = &mut self.file {
            // A write error, such as a full disk, must not change the response.
            let _ = serde_json::to_string(&entry).map(|line| writeln!(file, "{line}"));
        }
        self.entries.push(entry);
    }

    /// Returns the entries after the mark.
    pub(crate) fn since_mark(&self) -> Vec<Entry> {
        self.entries
            .iter()
            .filter(|entry| entry.seq > self.mark)
            .cloned()
            .collect()
    }

    /// Sets the mark after the last entry.
    pub(crate) fn set_mark(&mut self) {
        self.mark = self.last;
    }
}

/// Returns a query with signatures and tokens masked.
pub(crate) fn masked(query: &str) -> String {
    const SECRET: [&str; 4] = ["sig", "access_token", "refresh_token", "_state"];
    let mask = |pair: &str| match pair.split_once('=') {
        Some((key, _)) if SECRET.contains(&key) => format!("{key}=***"),
        _ => pair.to_owned(),
    };
    query.split('&').map(mask).collect::<Vec<_>>().join("&")
}
