//! Computes the days and times of a schedule's runs from its cron expression.
//!
//! `*/n` in the day field counts from the 1st of each month. So the first run of a month may come less
//! than `n` days after the last run of the previous month.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::patching::schedule::{Schedule, TimeOfDay};

const LONGEST_MONTH: u8 = 31;

/// Returns the days of the month on which the schedule runs. Short months skip the last ones.
pub(crate) fn days(schedule: Schedule) -> impl Iterator<Item = u8> {
    (1..=LONGEST_MONTH).step_by(usize::from(schedule.interval()))
}

/// Returns the first run strictly after `moment`, or [`None`] if it is after the year 9999, where
/// timestamps end.
pub(crate) fn next_run(
    schedule: Schedule,
    time: TimeOfDay,
    moment: Timestamp,
) -> Option<Timestamp> {
    let now = TimeZone::UTC.to_datetime(moment);
    let mut month = now.date().first_of_month();
    // The next month has a 1st, so it has a run.
    for _ in 0..2 {
        let run = days(schedule)
            .filter_map(|day| at(month, day, time))
            .find(|run| *run > now);
        if let Some(run) = run {
            return TimeZone::UTC.to_timestamp(run).ok();
        }
        month = month.checked_add(1.month()).ok()?;
    }
    None
}

/// Returns the run on this day of the month, or [`None`] if the month is shorter.
fn at(month: Date, day: u8, time: TimeOfDay) -> Option<DateTime> {
    let small = |number: u8| i8::try_from(number).ok();
    let date = Date::new(month.year(), month.month(), small(day)?).ok()?;
    Some(date.at(small(time.hour())?, small(time.minute())?, 0, 0))
}

#[cfg(test)]
mod tests {
    use croner::parser::CronParser;
    use proptest::prelude::*;

    use super::*;

    fn next(schedule: &str, moment: &str) -> String {
        let schedule = schedule.parse().unwrap();
        let run = next_run(schedule, "02:30".parse().unwrap(), moment.parse().unwrap());
        run.map_or_else(|| "never".to_owned(), |run| run.to_string())
    }

    #[test]
    fn the_days_match_the_services_table() {
        let of = |text: &str| days(text.parse().unwrap()).collect::<Vec<_>>();
        assert_eq!(of("1d"), (1..=31).collect::<Vec<_>>());
        assert_eq!(of("3d"), [1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31]);
        assert_eq!(of("7d"), [1, 8, 15, 22, 29]);
        assert_eq!(of("14d"), [1, 15, 29]);
        assert_eq!(of("30d"), [1, 31]);
    }

    #[test]
    fn the_next_run_matches_the_services_table() {
        assert_eq!(next("3d", "2026-06-05T12:00:00Z"), "2026-06-07T02:30:00Z");
        assert_eq!(next("7d", "2026-06-10T12:00:00Z"), "2026-06-15T02:30:00Z");
        assert_eq!(next("14d", "2026-06-20T12:00:00Z"), "2026-06-29T02:30:00Z");
        assert_eq!(next("1d", "2026-06-30T12:00:00Z"), "2026-07-01T02:30:00Z");
    }

    #[test]
    fn the_interval_restarts_on_the_1st() {
        assert_eq!(next("7d", "2026-01-29T02:30:00Z"), "2026-02-01T02:30:00Z");
        assert_eq!(next("30d", "2026-01-31T02:30:00Z"), "2026-02-01T02:30:00Z");
        assert_eq!(next("30d", "2026-01-02T00:00:00Z"), "2026-01-31T02:30:00Z");
        assert_eq!(next("30d", "2026-04-02T00:00:00Z"), "2026-05-01T02:30:00Z");
        assert_eq!(next("7d", "2026-12-29T12:00:00Z"), "2027-01-01T02:30:00Z");
    }

    #[test]
    fn leap_years_have_a_29th_of_february() {
        for (year, day) in [
            ("2027", "03-01"),
            ("2028", "02-29"),
            ("2100", "03-01"),
            ("2400", "02-29"),
        ] {
            let moment = format!("{year}-02-22T02:30:00Z");
            assert_eq!(next("7d", &moment), format!("{year}-{day}T02:30:00Z"));
        }
    }

    #[test]
    fn a_run_is_strictly_after_the_moment() {
        assert_eq!(
            next("7d", "2026-06-15T02:29:59.999Z"),
            "2026-06-15T02:30:00Z"
        );
        assert_eq!(next("7d", "2026-06-15T02:30:00Z"), "2026-06-22T02:30:00Z");
        assert_eq!(
            next("7d", "2026-06-15T04:29:00+02:00"),
            "2026-06-15T02:30:00Z"
        );
    }

    #[test]
    fn has_no_next_run_after_the_year_9999() {
        assert_eq!(next("1d", "9999-12-29T02:30:00Z"), "9999-12-30T02:30:00Z");
        assert_eq!(next("1d", "9999-12-30T21:59:59Z"), "never");
    }

    proptest! {
        #[test]
        fn ten_years_of_runs_match_another_cron_implementation(
            days in 1_u8..=30,
            hour in 0_u8..24,
            minute in 0_u8..60,
            start in 0_i64..4 * 366 * 86_400,
        ) {
            const YEARS: i64 = 10;
            let schedule: Schedule = format!("{days}d").parse().unwrap();
            let time = TimeOfDay::new(hour, minute).unwrap();
            let parser = CronParser::builder().dom_and_dow(true).build();
            let cron = parser.parse(&schedule.cron(time)).unwrap();
            // Start within four years from late 2023, so that the ten years contain leap days.
            let mut moment = Timestamp::from_second(1_700_000_000 + start).unwrap();
            let end = moment + (YEARS * 366 * 24).hours();
            while moment < end {
                let ours = next_run(schedule, time, moment).unwrap();
                let theirs = cron
                    .find_next_occurrence(&moment.to_zoned(TimeZone::UTC), false)
                    .unwrap();
                prop_assert_eq!(ours, theirs.timestamp());
                moment = ours;
            }
        }
    }
}
