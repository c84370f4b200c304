//! What an attempt's outcome means: whether the request is sent again and after how long, and whether
//! it may have changed something. Pure: the acts are in [`Pipeline`](crate::http::Pipeline).

use std::time::Duration;

use http::StatusCode;
use http::header::{DATE, RETRY_AFTER};
use jiff::fmt::rfc2822;

use crate::http::{Effect, Response, TransportError, TransportErrorKind};

/// What one attempt comes to.
pub(crate) type Outcome = Result<Response, TransportError>;

/// How often a request is sent at most.
const ATTEMPTS: u32 = 4;
/// The first pause; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause that we choose ourselves. A server may ask for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long to wait before sending a request again, or `None` when its outcome is final.
/// The first attempt is number 1.
pub(crate) fn after(attempt: u32, effect: Effect, outcome: &Outcome) -> Option<Duration> {
    if attempt >= ATTEMPTS || !worth_repeating(effect, outcome) {
        return None;
    }
    let ours = FIRST_PAUSE * 2_u32.pow(attempt.saturating_sub(1).min(16));
    let asked = outcome.as_ref().ok().and_then(retry_after);
    Some(asked.unwrap_or_else(|| ours.min(LONGEST_PAUSE)))
}

/// How long the server asks to wait: seconds, or a date, which is read against the server's own clock.
#[must_use]
pub fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.header(RETRY_AFTER.as_str())?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = rfc2822::parse(text).ok()?.timestamp();
    let now = rfc2822::parse(response.header(DATE.as_str())?)
        .ok()?
        .timestamp();
    Some(
        until
            .duration_since(now)
            .try_into()
            .unwrap_or(Duration::ZERO),
    )
}

fn worth_repeating(effect: Effect, outcome: &Outcome) -> bool {
    let harmless = effect != Effect::Once;
    match outcome {
        Ok(response) => match response.status {
            StatusCode::TOO_MANY_REQUESTS => true,
            StatusCode::REQUEST_TIMEOUT
            | StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => harmless,
            _ => false,
        },
        Err(error) => match error.kind {
            TransportErrorKind::Connect => true,
            TransportErrorKind::Timeout | TransportErrorKind::Interrupted => harmless,
            TransportErrorKind::Certificate
            | TransportErrorKind::Tls
            | TransportErrorKind::TooLarge
            | TransportErrorKind::Request => false,
        },
    }
}

/// Whether an attempt may have changed something, although nobody has said so.
pub(crate) fn leaves_doubt(effect: Effect, outcome: &Outcome) -> bool {
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
    use crate::http::scripted::{failure, reply};

    #[test]
    fn pauses_grow_and_then_end() {
        let busy = Ok(reply(503));
        let pauses: Vec<_> = (1..=4).map(|n| after(n, Effect::Nothing, &busy)).collect();
        let ms = |n| Some(Duration::from_millis(n));
        assert_eq!(pauses, [ms(500), ms(1000), ms(2000), None]);
    }

    #[test]
    fn the_server_says_how_long() {
        let seconds = reply(429).with("retry-after", "7");
        assert_eq!(
            after(1, Effect::Once, &Ok(seconds)),
            Some(Duration::from_secs(7))
        );
        let date = reply(503)
            .with("date", "Mon, 23 Nov 2026 08:00:00 GMT")
            .with("retry-after", "Mon, 23 Nov 2026 08:00:12 GMT");
        assert_eq!(retry_after(&date), Some(Duration::from_secs(12)));
        let past = reply(503)
            .with("date", "Mon, 23 Nov 2026 08:00:12 GMT")
            .with("retry-after", "Mon, 23 Nov 2026 08:00:00 GMT");
        assert_eq!(retry_after(&past), Some(Duration::ZERO));
        assert_eq!(retry_after(&reply(503).with("retry-after", "soon")), None);
    }

    #[test]
    fn a_request_for_once_is_repeated_only_when_it_surely_was_not_carried_out() {
        let again = |outcome| after(1, Effect::Once, &outcome).is_some();
        assert!(again(Err(failure(TransportErrorKind::Connect))));
        assert!(again(Ok(reply(429))));
        assert!(!again(Ok(reply(500))));
        assert!(!again(Err(failure(TransportErrorKind::Interrupted))));
        assert!(!again(Err(failure(TransportErrorKind::Timeout))));
    }

    #[test]
    fn a_refusal_is_final() {
        for status in [200, 202, 400, 401, 403, 404, 409, 501] {
            assert_eq!(
                after(1, Effect::Nothing, &Ok(reply(status))),
                None,
                "{status}"
            );
        }
        let untrusted = Err(failure(TransportErrorKind::Certificate));
        assert_eq!(after(1, Effect::Nothing, &untrusted), None);
    }
}
