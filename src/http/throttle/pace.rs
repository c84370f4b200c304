//! Decides when each waiting request of a lane may be sent. It does no I/O.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::http::Response;

/// How much slower than the documented rate requests go, in case the clocks differ slightly.
const MARGIN: f64 = 1.02;
/// A lane opens fully after this long without a waiting request. A Resource Manager bucket is full by
/// then.
const QUIET: Duration = Duration::from_secs(20);
/// The smallest share of the documented rate. The interval between requests is at most ten times the
/// documented one.
const SMALLEST_SHARE: f64 = 0.1;
/// How long a lane needs to return from the smallest share to the full rate. The other client of the bucket
/// may still be there, so the rate returns step by step.
const RECOVERY: Duration = Duration::from_secs(30);

/// The place of a request in the queue of each lane. A retry keeps its ticket, so the oldest request always
/// goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(pub(super) u64);

/// When a request may be sent.
#[derive(Clone, Debug)]
pub(super) enum Turn {
    /// Immediately.
    Now,
    /// Not before this time. Then the request asks again.
    At(Instant),
    /// After an older request. The request asks again once it is notified.
    Behind(Arc<Notify>),
}

/// The pace of a lane that has been closed at least once.
#[derive(Debug)]
pub(super) struct Pace {
    /// The interval between two requests at the documented rate.
    full: Duration,
    /// The share of the documented rate with which the lane opened, between 0 and 1.
    share: f64,
    /// When the lane was last closed.
    closed: Option<Instant>,
    /// When the lane opens.
    opens: Option<Instant>,
    /// The next free turn. `None` if requests need no turn.
    next: Option<Instant>,
    /// The 429 that closed the lane.
    refusal: Option<Response>,
    /// The requests that wait for a turn, oldest first.
    waiting: BTreeMap<Ticket, Arc<Notify>>,
}

impl Pace {
    /// Creates the pace of a lane, from its documented rate in requests a second.
    pub(super) fn new(per_second: f64) -> Self {
        Self {
            full: Duration::from_secs_f64(MARGIN / per_second.max(0.001)),
            share: 1.0,
            closed: None,
            opens: None,
            next: None,
            refusal: None,
            waiting: BTreeMap::new(),
        }
    }

    /// Returns the turn of a request. It waits in the queue until it gets [`Turn::Now`] or
    /// [leaves](Self::leave).
    pub(super) fn turn(&mut self, ticket: Ticket, now: Instant) -> Turn {
        let Some(next) = self.next else {
            return Turn::Now;
        };
        if now.saturating_duration_since(next) >= QUIET {
            self.next = None;
            return Turn::Now;
        }
        let notify = Arc::clone(self.waiting.entry(ticket).or_default());
        if self.waiting.range(..ticket).next().is_some() {
            return Turn::Behind(notify);
        }
        if now < next {
            return Turn::At(next);
        }
        // A timer that fires a little late doesn't slow down the lane.
        let interval = self.interval(now);
        let due = if now - next < interval { next } else { now };
        self.next = Some(due + interval);
        Turn::Now
    }

    /// Removes a request from the queue, and notifies the oldest one that still waits.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.waiting.remove(&ticket);
        if let Some((_, oldest)) = self.waiting.first_key_value() {
            oldest.notify_one();
        }
    }

    /// Whether the lane is open.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.opens.is_none_or(|opens| opens <= now)
    }

    /// Closes the lane, and returns whether this is a new refusal. A request sent before the last refusal
    /// only repeats it.
    pub(super) fn close(
        &mut self,
        now: Instant,
        sent: Instant,
        wait: Duration,
        refusal: &Response,
    ) -> bool {
        let opens = now + wait;
        let news = self.closed.is_none_or(|closed| sent > closed);
        if news {
            // The requests were paced and still too fast, so other clients share the bucket.
            self.share = match self.next {
                Some(_) => (self.share_at(now) / 2.0).max(SMALLEST_SHARE),
                None => 1.0,
            };
            self.closed = Some(now);
            self.next = Some(opens);
        }
        self.opens = self.opens.max(Some(opens));
        self.next = self.next.max(self.opens);
        self.refusal = Some(refusal.clone());
        news
    }

    /// Returns the last 429, and when it first closed the lane.
    pub(super) fn last_refusal(&self) -> Option<(Instant, &Response)> {
        self.closed.zip(self.refusal.as_ref())
    }

    /// Returns how many requests a second may be sent once the lane opens.
    pub(super) fn per_second(&self) -> f64 {
        self.share / self.full.as_secs_f64()
    }

    fn interval(&self, now: Instant) -> Duration {
        self.full.div_f64(self.share_at(now))
    }

    /// The current share of the documented rate. It grows evenly from the moment in which the lane opens.
    fn share_at(&self, now: Instant) -> f64 {
        let open = self
            .opens
            .map_or(RECOVERY, |opens| now.saturating_duration_since(opens));
        let recovered = open.div_duration_f64(RECOVERY) * (1.0 - SMALLEST_SHARE);
        (self.share + recovered).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::scripted_transport::reply;

    const SECOND: Duration = Duration::from_secs(1);

    fn close(pace: &mut Pace, now: Instant, sent: Instant, wait: Duration) -> bool {
        pace.close(now, sent, wait, &reply(429))
    }

    /// Sends `number` waiting requests one after the other, and returns when each was sent.
    fn turns(pace: &mut Pace, start: Instant, number: u64) -> Vec<Duration> {
        let mut now = start;
        let mut sent = |ticket| loop {
            match pace.turn(ticket, now) {
                Turn::Now => {
                    pace.leave(ticket);
                    return now - start;
                }
                Turn::At(instant) => now = instant,
                Turn::Behind(_) => panic!("no older request waits"),
            }
        };
        (0..number).map(|number| sent(Ticket(number))).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_lane_reopens_at_the_documented_rate() {
        let start = Instant::now();
        let mut pace = Pace::new(10.0);
        assert!(close(&mut pace, start, start, 3 * SECOND));
        let sent = turns(&mut pace, start, 50);
        assert_eq!(sent[0], 3 * SECOND);
        assert_eq!(sent[49], 3 * SECOND + Duration::from_millis(49 * 102));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_timer_does_not_slow_down_the_lane() {
        let start = Instant::now();
        let mut pace = Pace::new(10.0);
        close(&mut pace, start, start, SECOND);
        let late = start + SECOND + Duration::from_millis(50);
        assert!(matches!(pace.turn(Ticket(1), late), Turn::Now));
        pace.leave(Ticket(1));
        let Turn::At(next) = pace.turn(Ticket(2), late) else {
            panic!("a pause expected");
        };
        assert_eq!(next - start, SECOND + Duration::from_millis(102));
    }

    #[tokio::test(start_paused = true)]
    async fn simultaneous_refusals_count_once_and_a_later_one_halves_the_rate() {
        let start = Instant::now();
        let mut pace = Pace::new(10.0);
        assert!(close(&mut pace, start + SECOND, start, SECOND));
        assert!(!close(&mut pace, start + SECOND, start, 2 * SECOND));
        let opens = start + 3 * SECOND;
        assert_eq!(turns(&mut pace, start + 2 * SECOND, 1), [SECOND]);
        assert!(close(&mut pace, opens, opens, SECOND));
        let sent = turns(&mut pace, opens + SECOND, 2);
        assert_eq!(sent[1], Duration::from_millis(204));
    }

    #[tokio::test(start_paused = true)]
    async fn any_number_of_refusals_slows_a_lane_tenfold_at_most() {
        let mut now = Instant::now();
        let mut pace = Pace::new(10.0);
        for _ in 0..100 {
            assert!(close(&mut pace, now, now, SECOND));
            now += SECOND;
        }
        assert_eq!(turns(&mut pace, now, 2)[1], Duration::from_millis(1020));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lane_recovers_half_a_minute_after_it_opens() {
        let mut now = Instant::now();
        let mut pace = Pace::new(10.0);
        for _ in 0..100 {
            close(&mut pace, now, now, SECOND);
            now += SECOND;
        }
        let sent = turns(&mut pace, now, 300);
        let after = |limit: u32| sent.iter().filter(|it| **it < limit * SECOND).count();
        // Half of the full rate in the first half of the minute, and the full rate after it.
        assert!((150..180).contains(&after(30)), "{}", after(30));
        assert_eq!(after(40) - after(30), 98);
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_lane_opens_fully() {
        let start = Instant::now();
        let mut pace = Pace::new(10.0);
        close(&mut pace, start, start, SECOND);
        assert_eq!(
            turns(&mut pace, start + SECOND + QUIET, 3),
            [Duration::ZERO; 3]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_request_goes_first_even_if_it_was_refused() {
        let start = Instant::now();
        let mut pace = Pace::new(10.0);
        let (oldest, next) = (Ticket(1), Ticket(2));
        close(&mut pace, start, start, SECOND);
        assert!(matches!(pace.turn(next, start), Turn::At(_)));
        assert!(matches!(pace.turn(oldest, start), Turn::At(_)));
        let opens = start + SECOND;
        assert!(matches!(pace.turn(next, opens), Turn::Behind(_)));
        assert!(matches!(pace.turn(oldest, opens), Turn::Now));
        pace.leave(oldest);
        close(&mut pace, opens, opens, SECOND);
        let opens = opens + SECOND;
        assert!(matches!(pace.turn(oldest, opens), Turn::Now));
        assert!(matches!(pace.turn(next, opens), Turn::Behind(_)));
    }
}
