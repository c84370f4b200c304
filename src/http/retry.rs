//! What an attempt's outcome means: whether the request is sent again and after how long, and whether
//! it may have changed something. Pure: the acts are in [`Pipeline`](crate::http::Pipeline).

use std::time::Duration;

use http::StatusCode;
use http::header::{DATE, RETRY_AFTER};
use jiff::fmt::rfc2822;

use crate::http::backoff::Backoff;
use crate::http::{Effect, Response, TransportError, TransportErrorKind};

/// What one attempt comes to.
pub(crate) type Outcome = Result<Response, TransportError>;

/// The pauses that we choose ourselves. A server may ask for longer ones.
const PAUSES: Backoff = Backoff::doubling(Duration::from_millis(500), Duration::from_secs(60));
/// The longest that is added to what a server asks for, so that not everybody comes back at once.
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// What has been tried so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempts {
    /// How often; 1 after the first attempt.
    pub(crate) attempts: u32,
    /// How long, since the beginning of the first attempt.
    pub(crate) elapsed: Duration,
    /// Whether the host has ever answered anything.
    pub(crate) host_is_known: bool,
}

/// How long to wait before sending a request again, or `None` when its outcome is final. `chance`,
/// between 0 and 1, spreads those who failed together.
///
/// What is throttled has its turn given by [`throttle`](crate::http::throttle), and no pause here.
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

/// Headers of Azure's own that are more precise than `Retry-After`.
const MILLISECONDS: [&str; 2] = ["retry-after-ms", "x-ms-retry-after-ms"];

/// The longest wait that a server can ask for: longer than any operation.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the server asks to wait: milliseconds, seconds, or a date, which is read against the server's own clock.
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

/// Whether the next attempt may end better. Whatever the answer is, the operation's time limits it.
///
/// Throttling passes. A service that is busy, and a connection to somebody who has answered before, come
/// back: ten minutes are azurerm's patience, too. A host that has never answered is more likely to be a
/// wrong address, and that is to be told soon.
fn is_retryable(tried: Attempts, effect: Effect, outcome: &Outcome) -> bool {
    const PATIENCE: Duration = Duration::from_secs(10 * 60);
    const STRANGER: u32 = 4;
    let harmless = effect != Effect::Once;
    let patient = tried.elapsed < PATIENCE;
    match outcome {
        Ok(response) => match response.status {
            StatusCode::TOO_MANY_REQUESTS => true,
            // What a server can't do it won't do later. (azurerm repeats 424 as well; that tells of another
            // request that has failed, and it is as final as that one.)
            StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => false,
            status => {
                let busy = status == StatusCode::REQUEST_TIMEOUT || status.is_server_error();
                busy && harmless && patient
            }
        },
        Err(error) => {
            let patient = patient && (tried.host_is_known || tried.attempts < STRANGER);
            match error.kind {
                TransportErrorKind::Connect => patient,
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

/// Whether an attempt may have changed something, although nobody has said so.
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

    /// The pauses, 30 at most, in milliseconds; attempts take no time.
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
    fn pauses_grow_are_spread_and_end_after_ten_minutes() {
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
    fn a_host_that_has_never_answered_is_soon_given_up() {
        let stranger = Attempts {
            host_is_known: false,
            ..ONCE
        };
        for kind in [
            TransportErrorKind::Connect,
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
    fn what_is_throttled_is_tried_as_long_as_there_is_time() {
        let throttled = Ok(reply(429).with("retry-after", "7"));
        let late = Attempts {
            elapsed: LONGEST_ASKED,
            ..ONCE
        };
        assert_eq!(pauses_from(late, Effect::Once, &throttled, 1.0), [0; 30]);
    }

    #[test]
    fn the_server_says_how_long() {
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
    fn no_wait_is_too_long_to_be_counted() {
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
    fn nobody_comes_back_before_the_server_wants_it() {
        let busy = |seconds: &str| Ok(reply(503).with("retry-after", seconds));
        assert_eq!(pauses(Effect::Nothing, &busy("10"), 0.0)[0], 10_000);
        assert_eq!(pauses(Effect::Nothing, &busy("10"), 1.0)[0], 11_000);
        assert_eq!(pauses(Effect::Nothing, &busy("300"), 1.0)[0], 302_000);
        assert_eq!(pauses(Effect::Nothing, &busy("0"), 1.0)[0], 500);
    }

    #[test]
    fn a_request_for_once_is_repeated_only_when_it_surely_was_not_carried_out() {
        let again = |outcome| pause_before_next(ONCE, Effect::Once, &outcome, 0.5).is_some();
        assert!(again(Err(failure(TransportErrorKind::Connect))));
        assert!(again(Ok(reply(429))));
        assert!(!again(Ok(reply(500))));
        assert!(!again(Err(failure(TransportErrorKind::Interrupted))));
        assert!(!again(Err(failure(TransportErrorKind::Timeout))));
    }

    #[test]
    fn whatever_a_server_fails_with_is_tried_again() {
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
    fn a_refusal_is_final() {
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
