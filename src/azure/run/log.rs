//! Reads the log of a run. Azure keeps it in blob storage, behind a SAS URL that is itself a credential.
//! The log grows while the run goes on.
//!
//! A log can have any length, so this module reads it only in parts.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_RANGE, HeaderValue, RANGE};
use http::{Method, StatusCode};
use serde::Deserialize;
use url::Url;

use crate::azure::task::API_VERSION;
use crate::azure::{Azure, Error, Operation, OperationKind, RegistryClient, Secret, arm};
use crate::http::{Budget, Effect, Request, Response};

/// The timeout for the log's SAS URL and for each part, unless Azure throttles. A missing part matters
/// less than the other logs to read or the run to watch.
const PATIENCE: Duration = Duration::from_secs(30);

/// The log of one run. The first read gets the SAS URL. A read gets a new one once storage rejects the
/// old one.
#[derive(Clone)]
pub(crate) struct RunLog {
    azure: Azure,
    /// Gets the SAS URL from Resource Manager.
    operation: Operation,
    /// Reads from storage.
    download: Operation,
    link: Option<Secret>,
}

/// Some bytes of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogPart {
    /// The offset of the first byte.
    pub(crate) first: u64,
    /// The bytes. Empty if the log doesn't reach the offset yet.
    pub(crate) bytes: Bytes,
    /// The log's total length in bytes at the time of the read.
    pub(crate) total: u64,
}

/// A log, or its beginning and its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogEnds {
    /// The whole log if `end` is missing.
    pub(crate) beginning: Bytes,
    /// The last bytes of a log that is longer than both parts.
    pub(crate) end: Option<Bytes>,
}

impl RegistryClient {
    /// Returns the log of a run, given its ID within the registry. It sends no request yet.
    #[must_use]
    pub(crate) fn run_log(&self, run_id: &str) -> RunLog {
        let id = self.id.run_id(run_id);
        RunLog {
            azure: self.azure.clone(),
            operation: Operation::new(OperationKind::ReadRunLog, id.as_str()),
            download: Operation::new(OperationKind::DownloadRunLog, id),
            link: None,
        }
    }
}

impl RunLog {
    /// Reads at most `length` bytes from the offset `first`. Returns [`None`] if there is no log yet.
    pub(crate) async fn read(
        &mut self,
        budget: &Budget,
        first: u64,
        length: usize,
    ) -> Result<Option<LogPart>, Error> {
        let fresh = self.link.is_none();
        match self.read_once(budget, first, length).await {
            Err(error) if !fresh && error.status() == Some(StatusCode::FORBIDDEN) => {
                self.link = None;
                self.read_once(budget, first, length).await
            }
            read => read,
        }
    }

    /// Reads at most `length` bytes from each end. Both are empty if there is no log yet.
    pub(crate) async fn read_ends(
        &mut self,
        budget: &Budget,
        length: usize,
    ) -> Result<LogEnds, Error> {
        let Some(beginning) = self.read(budget, 0, length).await? else {
            return Ok(LogEnds::default());
        };
        let read = beginning.bytes.len() as u64;
        let mut ends = LogEnds {
            beginning: beginning.bytes,
            end: None,
        };
        if beginning.total > read {
            let first = read.max(beginning.total.saturating_sub(length as u64));
            let end = self.read(budget, first, length).await?.unwrap_or_default();
            if first == read {
                ends.beginning = [ends.beginning, end.bytes].concat().into();
            } else {
                ends.end = Some(end.bytes);
            }
        }
        Ok(ends)
    }

    async fn read_once(
        &mut self,
        budget: &Budget,
        first: u64,
        length: usize,
    ) -> Result<Option<LogPart>, Error> {
        let Some(url) = self.link(budget).await? else {
            return Ok(None);
        };
        let last = first.saturating_add(length as u64).saturating_sub(1);
        let range = HeaderValue::try_from(format!("bytes={first}-{last}"))
            .map_err(|error| Error::unexpected(&self.download, error.to_string()))?;
        // Storage without range support sends the whole log, which can be of any size.
        let request = Request::new(Method::GET, url)
            .header(RANGE, range)
            .limit(length);
        let short = budget.within(PATIENCE);
        let sent = self.azure.send_once(&short, &self.download, &request).await;
        let answer = match settled(sent, budget) {
            Some(sent) => sent?,
            None => {
                self.azure
                    .send_once(budget, &self.download, &request)
                    .await?
            }
        };
        match answer.status {
            StatusCode::PARTIAL_CONTENT => {
                let total = answer.header(CONTENT_RANGE.as_str()).and_then(total_of);
                let end = first + answer.body.len() as u64;
                Ok(Some(LogPart {
                    first,
                    bytes: answer.body,
                    total: total.unwrap_or(end),
                }))
            }
            StatusCode::OK => Ok(Some(whole(&answer.body, first))),
            // A log that a shorter one has replaced doesn't reach the offset either. Its length tells.
            StatusCode::RANGE_NOT_SATISFIABLE => {
                let total = answer.header(CONTENT_RANGE.as_str()).and_then(total_of);
                Ok(Some(LogPart {
                    first,
                    bytes: Bytes::new(),
                    total: total.unwrap_or(first),
                }))
            }
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(Error::refused(&self.download, &answer)),
        }
    }

    /// Returns the SAS URL, or [`None`] if the run doesn't exist or has no log yet.
    async fn link(&mut self, budget: &Budget) -> Result<Option<Url>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Links {
            log_link: Option<Secret>,
        }

        if self.link.is_none() {
            let operation = &self.operation;
            let id = format!("{}/listLogSasUrl", operation.id);
            let url = arm::url(self.azure.cloud(), &id, API_VERSION, &[]);
            let request = Request::new(Method::POST, url).effect(Effect::Nothing);
            let short = budget.within(PATIENCE);
            let sent = self.azure.arm(&short, operation, request.clone()).await;
            let sent = match settled(sent, budget) {
                Some(sent) => sent,
                None => self.azure.arm(budget, operation, request).await,
            };
            let answer = arm::found(sent)?;
            // serde's error could quote the URL, so it is dropped.
            let links = answer.map(|answer| {
                serde_json::from_slice::<Links>(&answer.body)
                    .map_err(|_| Error::unexpected(operation, "it has no readable log link"))
            });
            self.link = links.transpose()?.and_then(|links| links.log_link);
        }
        let Some(link) = &self.link else {
            return Ok(None);
        };
        Url::parse(link.expose())
            .ok()
            .filter(|url| url.scheme() == "https")
            .map(Some)
            .ok_or_else(|| Error::unexpected(&self.operation, "its log link is not an https URL"))
    }
}

/// Returns the outcome of a request that was limited to [`PATIENCE`], or [`None`] if it only needs more
/// time. A throttled or queued request may use the whole budget.
fn settled(sent: Result<Response, Error>, budget: &Budget) -> Option<Result<Response, Error>> {
    match sent {
        Err(Error::Stopped { last, .. }) if budget.check().is_ok() => match last {
            Some(last) if last.status() != Some(StatusCode::TOO_MANY_REQUESTS) => Some(Err(*last)),
            Some(_) | None => None,
        },
        sent => Some(sent),
    }
}

impl fmt::Debug for RunLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunLog")
            .field("run", &self.operation.id)
            .finish_non_exhaustive()
    }
}

/// Returns the part of a whole log from `first` on.
fn whole(bytes: &Bytes, first: u64) -> LogPart {
    let total = bytes.len() as u64;
    let skipped = usize::try_from(first)
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    LogPart {
        first,
        bytes: bytes.slice(skipped..),
        total,
    }
}

/// Returns the total length in a `Content-Range` such as `bytes 0-99/1234`, or `bytes */1234` of a range
/// beyond it.
fn total_of(range: &str) -> Option<u64> {
    range.rsplit_once('/')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;

    use super::*;
    use crate::azure::testing::{minute, registry_client};
    use crate::http::scripted_transport::{ScriptedTransport, absent, json, reply};

    const LINK: &str = "https://logs.blob.example/logs/cf1/rawtext.log?sig=planted";

    fn linked() -> ScriptedTransport {
        let links = value!({"logLink": LINK, "logArtifactLink": null});
        ScriptedTransport::default().on(Method::POST, "/runs/cf1/listLogSasUrl?", json(200, &links))
    }

    fn part(range: &str, text: &'static str) -> crate::http::Response {
        reply(206).with("content-range", range).with_body(text)
    }

    fn log(transport: &ScriptedTransport) -> RunLog {
        registry_client(transport).run_log("cf1")
    }

    #[tokio::test]
    async fn reads_parts_with_one_link_and_without_the_token() {
        let transport = linked()
            .on(Method::GET, "/rawtext.log", part("bytes 0-3/10", "0123"))
            .on(Method::GET, "/rawtext.log", part("bytes 4-9/10", "456789"))
            .on(Method::GET, "/rawtext.log", reply(416))
            .on(
                Method::GET,
                "/rawtext.log",
                reply(416).with("content-range", "bytes */7"),
            );
        let mut log = log(&transport);
        let first = log.read(&minute(), 0, 4).await.unwrap().unwrap();
        assert_eq!(
            (first.first, &first.bytes[..], first.total),
            (0, &b"0123"[..], 10)
        );
        let second = log.read(&minute(), 4, 100).await.unwrap().unwrap();
        assert_eq!((second.first, &second.bytes[..]), (4, &b"456789"[..]));
        let none_yet = log.read(&minute(), 10, 100).await.unwrap().unwrap();
        assert_eq!((none_yet.bytes.len(), none_yet.total), (0, 10));
        let shorter = log.read(&minute(), 10, 100).await.unwrap().unwrap();
        assert_eq!((shorter.bytes.len(), shorter.total), (0, 7));
        let asked: Vec<_> = transport.requests().into_iter().skip(1).collect();
        let ranges: Vec<_> = asked.iter().map(|it| it.headers[RANGE].clone()).collect();
        assert_eq!(ranges[..3], ["bytes=0-3", "bytes=4-103", "bytes=10-109"]);
        assert!(asked.iter().all(|it| it.headers.len() == 1));
        assert!(!format!("{log:?}").contains("planted"));
    }

    #[tokio::test]
    async fn reads_from_storage_without_range_support() {
        let transport = linked().on(Method::GET, "/rawtext.log", reply(200).with_body("0123"));
        let part = log(&transport).read(&minute(), 3, 10).await.unwrap();
        let part = part.unwrap();
        assert_eq!((part.first, &part.bytes[..], part.total), (3, &b"3"[..], 4));
    }

    #[tokio::test(start_paused = true)]
    async fn reads_both_ends_of_a_long_log_and_joins_adjacent_parts() {
        let ends = async |transport: ScriptedTransport| {
            let ends = log(&transport).read_ends(&minute(), 4).await.unwrap();
            transport.assert_done();
            let end = ends.end.as_deref().map(<[u8]>::to_vec);
            (ends.beginning.to_vec(), end)
        };
        let begun = |range| linked().on(Method::GET, "/rawtext.log", part(range, "0123"));
        let short = begun("bytes 0-3/4");
        assert_eq!(ends(short).await, (b"0123".to_vec(), None));
        let adjacent = begun("bytes 0-3/6");
        let adjacent = adjacent.on(Method::GET, "/rawtext.log", part("bytes 4-5/6", "45"));
        assert_eq!(ends(adjacent).await, (b"012345".to_vec(), None));
        let long = begun("bytes 0-3/20");
        let long = long.on(Method::GET, "/rawtext.log", part("bytes 16-19/20", "6789"));
        assert_eq!(ends(long).await, (b"0123".to_vec(), Some(b"6789".to_vec())));
        let none = ScriptedTransport::default().twice(
            Method::POST,
            "/listLogSasUrl?",
            absent("ResourceNotFound"),
        );
        assert_eq!(ends(none).await, (Vec::new(), None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_without_a_log_is_none() {
        let no_link = value!({"logLink": null});
        for transport in [
            ScriptedTransport::default().twice(
                Method::POST,
                "/listLogSasUrl?",
                absent("ResourceNotFound"),
            ),
            ScriptedTransport::default().on(Method::POST, "/listLogSasUrl?", json(200, &no_link)),
            linked().on(Method::GET, "/rawtext.log", reply(404)),
        ] {
            assert_eq!(log(&transport).read(&minute(), 0, 10).await.unwrap(), None);
            transport.assert_done();
        }
    }

    #[tokio::test]
    async fn an_expired_link_is_renewed_once() {
        let links = || json(200, &value!({"logLink": LINK}));
        let transport = linked()
            .on(Method::GET, "/rawtext.log", part("bytes 0-0/1", "0"))
            .on(Method::GET, "/rawtext.log", reply(403))
            .on(Method::POST, "/listLogSasUrl?", links())
            .on(Method::GET, "/rawtext.log", reply(403));
        let mut log = log(&transport);
        log.read(&minute(), 0, 1).await.unwrap();
        let refused = log.read(&minute(), 1, 1).await.unwrap_err();
        assert_eq!(refused.status(), Some(StatusCode::FORBIDDEN));
        assert!(!format!("{refused} {refused:?}").contains("planted"));
        transport.assert_done();
    }

    #[tokio::test(start_paused = true)]
    async fn unavailable_storage_is_an_error_within_the_timeout() {
        let transport = (0..20).fold(linked(), |transport, _| {
            transport.on(Method::GET, "/rawtext.log", reply(503))
        });
        let hour = Budget::new(Duration::from_secs(3600), minute().cancelled);
        let start = tokio::time::Instant::now();
        let busy = log(&transport).read(&hour, 0, 1).await.unwrap_err();
        assert_eq!(busy.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
        assert!(start.elapsed() <= PATIENCE);
        let none_left = Budget::new(Duration::from_secs(5), minute().cancelled);
        let over = log(&linked().on(
            Method::GET,
            "/rawtext.log",
            reply(503).with("retry-after", "9"),
        ))
        .read(&none_left, 0, 1)
        .await;
        assert!(matches!(over, Err(Error::Stopped { .. })));
    }

    #[tokio::test]
    async fn an_unreadable_answer_is_not_part_of_the_error() {
        let odd = json(200, &value!(LINK));
        let transport = ScriptedTransport::default().on(Method::POST, "/listLogSasUrl?", odd);
        let error = log(&transport).read(&minute(), 0, 1).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("planted"));
    }

    #[tokio::test]
    async fn a_link_without_https_is_an_error() {
        let plain = value!({"logLink": "http://logs.blob.example/x?sig=planted"});
        let transport =
            ScriptedTransport::default().on(Method::POST, "/listLogSasUrl?", json(200, &plain));
        let error = log(&transport).read(&minute(), 0, 1).await.unwrap_err();
        assert!(matches!(error, Error::Decode { .. }));
        assert!(!format!("{error} {error:?}").contains("planted"));
    }
}
