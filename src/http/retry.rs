//! Decides from an attempt's outcome whether and when to retry, and whether the request may have changed
//! something. It does no I/O. [`Pipeline`](crate::http::Pipeline) sends and waits.

use std::time::Duration;

use http::StatusCode;
use http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use jiff::fmt::rfc2822;
use serde::de::IgnoredAny;

use crate::http::backoff::Backoff;
use crate::http::{Effect, Response, TransportError, TransportErrorKind};

/// The outcome of one attempt.
pub(crate) type Outcome = Result<Response, TransportError>;

/// The default pauses. A server may ask for longer ones.
const PAUSES: Backoff = Backoff::doubling(Duration::from_millis(500), Duration::from_secs(60));
/// The longest random addition to a server's `Retry-After`, which keeps clients from returning all at
/// once.
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// The attempts so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempts {
    /// The number of attempts. It is 1 after the first.
    pub(crate) attempts: u32,
    /// The time since the first attempt started.
    pub(crate) elapsed: Duration,
    /// Whether the host has answered at least once.
    pub(crate) host_is_known: bool,
}

/// Returns the pause before a retry, or `None` if the outcome is final.
///
/// `chance`, between 0 and 1, spreads clients that failed at the same time. A throttled request gets no
/// pause here, because [`throttle`](crate::http::throttle) gives it a turn.
pub(crate) fn pause_before_next(
    tried: Attempts,
    effect: Effect,
    outcome: &Outcome,
    chance: f64,
) -> Option<Duration> {
    if !is_retryable(tried, effect, outcome) {
        return None;
    }
    if is_throttled(outcome) {
        return Some(Duration::ZERO);
    }
    let asked = outcome.as_ref().ok().and_then(retry_after);
    if let Some(asked) = asked.filter(|asked| !asked.is_zero()) {
        return Some(asked + asked.mul_f64(chance / 10.0).min(LONGEST_DELAY));
    }
    let ours = PAUSES
        .clone()
        .nth(tried.attempts.saturating_sub(1) as usize)?;
    Some(ours.mul_f64(0.5 + chance / 2.0))
}

fn is_throttled(outcome: &Outcome) -> bool {
    matches!(outcome, Ok(response) if response.status == StatusCode::TOO_MANY_REQUESTS)
}

/// Azure's own headers, which are more precise than `Retry-After`.
const MILLISECONDS: [&str; 2] = ["retry-after-ms", "x-ms-retry-after-ms"];

/// The longest pause that a server can ask for. No operation lasts longer.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns the pause that the server asks for, in milliseconds, in seconds or as a date. It compares a
/// date with the server's own `Date` header.
#[must_use]
pub(crate) fn retry_after(response: &Response) -> Option<Duration> {
    let milliseconds = |name| response.header(name)?.trim().parse().ok();
    if let Some(ms) = MILLISECONDS.into_iter().find_map(milliseconds) {
        return Some(Duration::from_millis(ms).min(LONGEST_ASKED));
    }
    let text = response.header(RETRY_AFTER.as_str())?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds).min(LONGEST_ASKED));
    }
    let until = rfc2822::parse(text).ok()?.timestamp();
    let now = rfc2822::parse(response.header(DATE.as_str())?)
        .ok()?
        .timestamp();
    let wait = Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO);
    Some(wait.min(LONGEST_ASKED))
}

/// Whether another attempt may succeed. The operation's deadline applies in every case.
///
/// Throttling always ends, so this sets no limit. A busy service usually recovers, and so does the
/// connection to a host that has answered before. Both get ten minutes, as in azurerm. A host that has
/// never answered probably has a wrong address, so it gets only four attempts. So does an answer with
/// broken JSON, because a proxy may give it every time.
fn is_retryable(tried: Attempts, effect: Effect, outcome: &Outcome) -> bool {
    const PATIENCE: Duration = Duration::from_secs(10 * 60);
    const FEW: u32 = 4;
    let harmless = effect != Effect::Once;
    let patient = tried.elapsed < PATIENCE;
    match outcome {
        Ok(response) => match response.status {
            StatusCode::TOO_MANY_REQUESTS => true,
            // A server that doesn't support a request won't support it later. Unlike azurerm, 424 is
            // final too: it reports another request's failure, which is just as final.
            StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => false,
            status => {
                let busy = status == StatusCode::REQUEST_TIMEOUT || status.is_server_error();
                let broken = effect == Effect::Nothing
                    && tried.attempts < FEW
                    && status.is_success()
                    && is_broken_json(response);
                (busy && harmless || broken) && patient
            }
        },
        Err(error) => {
            let patient = patient && (tried.host_is_known || tried.attempts < FEW);
            match error.kind {
                TransportErrorKind::Connect | TransportErrorKind::OpenFiles => patient,
                TransportErrorKind::Timeout | TransportErrorKind::Interrupted => {
                    patient && harmless
                }
                TransportErrorKind::Certificate
                | TransportErrorKind::Tls
                | TransportErrorKind::TooLarge
                | TransportErrorKind::Request => false,
            }
        }
    }
}

/// Whether a body that should be JSON is not, as after a cut behind a proxy. An empty body is not broken: no
/// answer to HEAD has one.
fn is_broken_json(response: &Response) -> bool {
    let is_json = response
        .header(CONTENT_TYPE.as_str())
        .is_some_and(|media_type| media_type.contains("json"));
    is_json
        && !response.body.is_empty()
        && serde_json::from_slice::<IgnoredAny>(&response.body).is_err()
}

/// Whether an attempt may have changed something without a clear answer.
pub(crate) fn leaves_outcome_unknown(effect: Effect, outcome: &Outcome) -> bool {
    let unclear = match outcome {
        Ok(response) => {
            response.status == StatusCode::REQUEST_TIMEOUT || response.status.is_server_error()
        }
        Err(error) => match error.kind {
            TransportErrorKind::Timeout
            | TransportErrorKind::Interrupted
            | TransportErrorKind::TooLarge => true,
            TransportErrorKind::Connect
            | TransportErrorKind::OpenFiles
            | TransportErrorKind::Certificate
            | TransportErrorKind::Tls
            | TransportErrorKind::Request => false,
        },
    };
    unclear && effect != Effect::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::scripted_transport::{failure, reply};

    /// The first attempt at a host that has answered before.
    const ONCE: Attempts = Attempts {
        attempts: 1,
        elapsed: Duration::ZERO,
        host_is_known: true,
    };

    /// Returns at most 30 pauses in milliseconds, for attempts that take no time.
    fn pauses_from(first: Attempts, effect: Effect, outcome: &Outcome, chance: f64) -> Vec<u128> {
        let mut tried = first;
        let next = || {
            let pause = pause_before_next(tried, effect, outcome, chance)?;
            tried.attempts += 1;
            tried.elapsed += pause;
            Some(pause.as_millis())
        };
        std::iter::from_fn(next).take(30).collect()
    }

    fn pauses(effect: Effect, outcome: &Outcome, chance: f64) -> Vec<u128> {
        pauses_from(ONCE, effect, outcome, chance)
    }

    #[test]
    fn pauses_grow_vary_and_end_after_ten_minutes() {
        let busy = Ok(reply(503));
        let growing = [500, 1000, 2000, 4000, 8000, 16_000, 32_000];
        let pauses_of_busy = pauses(Effect::Nothing, &busy, 1.0);
        assert_eq!(pauses_of_busy[..7], growing);
        assert_eq!(pauses_of_busy[7..], [60_000; 9]);
        assert_eq!(
            pauses(Effect::Repeatable, &busy, 0.0)[..3],
            [250, 500, 1000]
        );
        let away = Err(failure(TransportErrorKind::Connect));
        assert_eq!(pauses(Effect::Once, &away, 1.0), pauses_of_busy);
    }

    #[test]
    fn a_host_that_never_answered_gets_four_attempts() {
        let stranger = Attempts {
            host_is_known: false,
            ..ONCE
        };
        for kind in [
            TransportErrorKind::Connect,
            TransportErrorKind::OpenFiles,
            TransportErrorKind::Interrupted,
            TransportErrorKind::Timeout,
        ] {
            let unreachable = Err(failure(kind));
            assert_eq!(
                pauses_from(stranger, Effect::Nothing, &unreachable, 1.0),
                [500, 1000, 2000]
            );
        }
    }

    #[test]
    fn a_throttled_request_is_retried_without_limit() {
        let throttled = Ok(reply(429).with("retry-after", "7"));
        let late = Attempts {
            elapsed: LONGEST_ASKED,
            ..ONCE
        };
        assert_eq!(pauses_from(late, Effect::Once, &throttled, 1.0), [0; 30]);
    }

    #[test]
    fn reads_every_format_of_retry_after() {
        let asked = |name: &str, value: &str| retry_after(&reply(503).with(name, value));
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(asked("retry-after", "7"), seconds(7));
        assert_eq!(asked("retry-after", "soon"), None);
        assert_eq!(asked("retry-after-ms", "7000"), seconds(7));
        assert_eq!(asked("x-ms-retry-after-ms", "7000"), seconds(7));
        let date = reply(503)
            .with("date", "Mon, 23 Nov 2026 08:00:00 GMT")
            .with("retry-after", "Mon, 23 Nov 2026 08:00:12 GMT");
        assert_eq!(retry_after(&date), seconds(12));
        let past = reply(503)
            .with("date", "Mon, 23 Nov 2026 08:00:12 GMT")
            .with("retry-after", "Mon, 23 Nov 2026 08:00:00 GMT");
        assert_eq!(retry_after(&past), seconds(0));
    }

    #[test]
    fn a_very_long_retry_after_is_limited_to_a_day() {
        let most = u64::MAX.to_string();
        for (name, value) in [
            ("retry-after", &*most),
            ("x-ms-retry-after-ms", &most),
            ("retry-after", "Tue, 31 Dec 2999 23:59:59 GMT"),
        ] {
            let busy = reply(503)
                .with("date", "Mon, 23 Nov 2026 08:00:00 GMT")
                .with(name, value);
            assert_eq!(retry_after(&busy), Some(LONGEST_ASKED), "{name}: {value}");
        }
    }

    #[test]
    fn no_pause_is_shorter_than_retry_after() {
        let busy = |seconds: &str| Ok(reply(503).with("retry-after", seconds));
        assert_eq!(pauses(Effect::Nothing, &busy("10"), 0.0)[0], 10_000);
        assert_eq!(pauses(Effect::Nothing, &busy("10"), 1.0)[0], 11_000);
        assert_eq!(pauses(Effect::Nothing, &busy("300"), 1.0)[0], 302_000);
        assert_eq!(pauses(Effect::Nothing, &busy("0"), 1.0)[0], 500);
    }

    #[test]
    fn an_effect_once_request_is_retried_only_if_not_carried_out() {
        let again = |outcome| pause_before_next(ONCE, Effect::Once, &outcome, 0.5).is_some();
        assert!(again(Err(failure(TransportErrorKind::Connect))));
        assert!(again(Err(failure(TransportErrorKind::OpenFiles))));
        assert!(again(Ok(reply(429))));
        assert!(!again(Ok(reply(500))));
        assert!(!again(Err(failure(TransportErrorKind::Interrupted))));
        assert!(!again(Err(failure(TransportErrorKind::Timeout))));
    }

    #[test]
    fn server_errors_are_retried() {
        let late = Attempts {
            elapsed: Duration::from_secs(600),
            ..ONCE
        };
        for status in [408, 429, 500, 502, 503, 504, 507, 520, 599] {
            let again = |tried| {
                pause_before_next(tried, Effect::Nothing, &Ok(reply(status)), 0.5).is_some()
            };
            assert!(again(ONCE), "{status}");
            assert_eq!(again(late), status == 429);
        }
    }

    #[test]
    fn a_read_with_broken_json_gets_four_attempts() {
        let json = |body: &str| {
            let media_type = "application/vnd.oci.image.manifest.v1+json; charset=utf-8";
            Ok(reply(200)
                .with("content-type", media_type)
                .with_body(body.to_owned()))
        };
        let broken = json(r#"{"value": [{"id": "/subscr"#);
        assert_eq!(pauses(Effect::Nothing, &broken, 1.0), [500, 1000, 2000]);
        assert_eq!(pauses(Effect::Repeatable, &broken, 1.0), []);
        assert_eq!(pauses(Effect::Once, &broken, 1.0), []);
        assert_eq!(pauses(Effect::Nothing, &json("{}"), 1.0), []);
        assert_eq!(pauses(Effect::Nothing, &json(""), 1.0), []);
        let text = Ok(reply(200).with_body("{"));
        assert_eq!(pauses(Effect::Nothing, &text, 1.0), []);
    }

    #[test]
    fn other_statuses_are_final() {
        for status in [200, 202, 302, 400, 401, 403, 404, 409, 424, 501, 505] {
            assert_eq!(
                pause_before_next(ONCE, Effect::Nothing, &Ok(reply(status)), 0.5),
                None,
                "{status}"
            );
        }
        let untrusted = Err(failure(TransportErrorKind::Certificate));
        assert_eq!(
            pause_before_next(ONCE, Effect::Nothing, &untrusted, 0.5),
            None
        );
    }
}
