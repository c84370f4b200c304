//! The schedule of a workflow, its time of day, and the cron expression of both.
//!
//! A schedule of `<n>d` follows the calendar: `*/n` in the day field restarts on the first of every
//! month.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;

/// The name of the trigger task's only timer, the same as in the Azure CLI.
pub(crate) const TIMER_NAME: &str = "azcli_defined_schedule";

const MINUTES_PER_DAY: u16 = 24 * 60;

/// A schedule: a number of days from 1 to 30.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule(u8);

/// A time of day in UTC, with hours and minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeOfDay {
    hour: u8,
    minute: u8,
}

/// Why a text is not a [`Schedule`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum ScheduleError {
    /// It is not digits followed by `d`.
    #[error("{0:?} is not a number of days followed by \"d\"")]
    Shape(String),
    /// The service doesn't support this number of days.
    #[error("{0:?} is not between \"1d\" and \"30d\"")]
    Range(String),
}

/// The error for a text that is not a [`TimeOfDay`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a time of day between \"00:00\" and \"23:59\"")]
pub(crate) struct TimeOfDayError(String);

impl Schedule {
    /// Returns the cron expression of this schedule at `time`, in UTC. Its fields are minute, hour, day
    /// of the month, month and day of the week.
    pub(crate) fn cron(self, time: TimeOfDay) -> String {
        format!("{} {} */{} * *", time.minute, time.hour, self.0)
    }

    /// Returns the number of days, 1 to 30.
    pub(crate) fn interval(self) -> u8 {
        self.0
    }
}

/// Parses a cron expression, or returns [`None`] if [`Schedule::cron`] can't have written it.
pub(crate) fn parse_cron(cron: &str) -> Option<(Schedule, TimeOfDay)> {
    let fields: Vec<&str> = cron.split_ascii_whitespace().collect();
    let [minute, hour, days, "*", "*"] = fields[..] else {
        return None;
    };
    let schedule = Schedule::from_str(&format!("{}d", days.strip_prefix("*/")?)).ok()?;
    let time = TimeOfDay::new(number(hour)?, number(minute)?)?;
    Some((schedule, time))
}

impl TimeOfDay {
    /// Returns a time of day, or [`None`] if the hour exceeds 23 or the minute exceeds 59.
    pub(crate) fn new(hour: u8, minute: u8) -> Option<Self> {
        (hour < 24 && minute < 60).then_some(Self { hour, minute })
    }

    /// Returns the hour, 0 to 23.
    pub(crate) fn hour(self) -> u8 {
        self.hour
    }

    /// Returns the minute, 0 to 59.
    pub(crate) fn minute(self) -> u8 {
        self.minute
    }

    /// Derives a time of day from `seed`, ignoring case. Different registries start at different times,
    /// and each registry always starts at the same time.
    pub(crate) fn derived_from(seed: &str) -> Self {
        Self::at_minute(derived_below(MINUTES_PER_DAY, seed))
    }

    /// Derives a time of day from `seed` as [`TimeOfDay::derived_from`] does, but within the window that
    /// starts at `from` and ends before `to`. A window that ends earlier than it starts passes midnight.
    /// Returns [`None`] if the window is empty.
    pub(crate) fn derived_within(from: Self, to: Self, seed: &str) -> Option<Self> {
        let length =
            (MINUTES_PER_DAY + to.minute_of_day() - from.minute_of_day()) % MINUTES_PER_DAY;
        (length > 0).then(|| Self::at_minute(from.minute_of_day() + derived_below(length, seed)))
    }

    fn minute_of_day(self) -> u16 {
        u16::from(self.hour) * 60 + u16::from(self.minute)
    }

    /// Returns the time this many minutes after midnight, if necessary of the next day.
    fn at_minute(minutes: u16) -> Self {
        let small = |number: u16| u8::try_from(number).unwrap_or_default();
        Self {
            hour: small(minutes % MINUTES_PER_DAY / 60),
            minute: small(minutes % 60),
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || ScheduleError::Shape(text.to_owned());
        let digits = text.strip_suffix('d').ok_or_else(shape)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(shape());
        }
        // "07d" means 7d too, but Azure would always return "7d", which would be permanent drift.
        match number(digits) {
            Some(days @ 1..=30) if !digits.starts_with('0') => Ok(Self(days)),
            _ => Err(ScheduleError::Range(text.to_owned())),
        }
    }
}

impl FromStr for TimeOfDay {
    type Err = TimeOfDayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once(':')
            .filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)
            .and_then(|(hour, minute)| Self::new(number(hour)?, number(minute)?))
            .ok_or_else(|| TimeOfDayError(text.to_owned()))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d", self.0)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

/// Derives a number below `limit` from `seed`, ignoring case. The numbers of different seeds are spread evenly.
fn derived_below(limit: u16, seed: &str) -> u16 {
    let hash = Sha256::digest(seed.to_ascii_lowercase());
    let (head, _) = hash.split_at(8);
    let number = head
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    u16::try_from(number % u64::from(limit)).unwrap_or_default()
}

/// Parses digits only, because `u8::from_str` also accepts a sign.
fn number(digits: &str) -> Option<u8> {
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn accepts_exactly_the_services_schedules() {
        for days in 1..=30 {
            let text = format!("{days}d");
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
        let refused: Vec<String> = [
            "0d", "31d", "7", "7h", "weekly", "", "d", "+7d", "07d", "7d ", "1000d",
        ]
        .iter()
        .map(|text| text.parse::<Schedule>().unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(refused.join("\n"), @r#"
        "0d" is not between "1d" and "30d"
        "31d" is not between "1d" and "30d"
        "7" is not a number of days followed by "d"
        "7h" is not a number of days followed by "d"
        "weekly" is not a number of days followed by "d"
        "" is not a number of days followed by "d"
        "d" is not a number of days followed by "d"
        "+7d" is not a number of days followed by "d"
        "07d" is not between "1d" and "30d"
        "7d " is not a number of days followed by "d"
        "1000d" is not between "1d" and "30d"
        "#);
    }

    #[test]
    fn hours_and_minutes_have_two_digits() {
        for text in ["00:00", "02:30", "23:59"] {
            assert_eq!(text.parse::<TimeOfDay>().unwrap().to_string(), text);
        }
        for text in [
            "24:00", "2:30", "02:60", "0230", "-1:00", "+2:30", "02:30:00", "",
        ] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
    }

    #[test]
    fn parses_the_cron_expression_that_it_writes() {
        let (schedule, time) = ("7d".parse::<Schedule>().unwrap(), "02:05".parse().unwrap());
        let cron = schedule.cron(time);
        assert_eq!(cron, "5 2 */7 * *");
        assert_eq!(parse_cron(&cron), Some((schedule, time)));
        assert_eq!(
            parse_cron("18 18 */1 * *").map(|(s, t)| (s.to_string(), t.to_string())),
            Some(("1d".to_owned(), "18:18".to_owned()))
        );
    }

    #[test]
    fn other_cron_expressions_are_none() {
        for cron in [
            "5 2 * * *",
            "5 2 */7 * 1",
            "5 2 */31 * *",
            "*/5 2 */7 * *",
            "5 24 */7 * *",
            "",
        ] {
            assert_eq!(parse_cron(cron), None, "{cron}");
        }
    }

    #[test]
    fn a_derived_time_depends_only_on_the_registry_ignoring_case() {
        let id =
            "/subscriptions/s/resourceGroups/G/providers/Microsoft.ContainerRegistry/registries/R";
        assert_eq!(
            TimeOfDay::derived_from(id),
            TimeOfDay::derived_from(&id.to_uppercase())
        );
        let minutes: BTreeSet<String> = (0..100)
            .map(|number| TimeOfDay::derived_from(&format!("{id}{number}")).to_string())
            .collect();
        assert!(
            minutes.len() > 80,
            "100 registries share {} minutes",
            minutes.len()
        );
    }

    fn time(text: &str) -> TimeOfDay {
        text.parse().unwrap()
    }

    #[test]
    fn derived_times_cover_their_window_and_stay_inside() {
        for (from, to, expected) in [
            ("02:00", "02:03", ["02:00", "02:01", "02:02"]),
            ("23:59", "00:02", ["00:00", "00:01", "23:59"]),
        ] {
            let within = |seed: u32| {
                TimeOfDay::derived_within(time(from), time(to), &seed.to_string()).unwrap()
            };
            let derived: BTreeSet<String> = (0..100).map(|seed| within(seed).to_string()).collect();
            assert_eq!(derived, expected.map(str::to_owned).into());
        }
    }

    #[test]
    fn a_window_without_a_minute_has_no_time() {
        let noon = time("12:00");
        assert_eq!(TimeOfDay::derived_within(noon, noon, "seed"), None);
    }

    #[test]
    fn a_derived_time_is_the_same_in_every_release() {
        let derived = TimeOfDay::derived_within(time("22:00"), time("04:00"), "/registries/R");
        assert_eq!(derived.map(|it| it.to_string()).as_deref(), Some("03:04"));
        assert_eq!(
            TimeOfDay::derived_from("/registries/R").to_string(),
            "11:04"
        );
    }
}
