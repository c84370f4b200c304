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

const MINUTES_PER_DAY: u64 = 24 * 60;

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
        let hash = Sha256::digest(seed.to_ascii_lowercase());
        let (head, _) = hash.split_at(8);
        let number = head
            .iter()
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let minute_of_day = number % MINUTES_PER_DAY;
        let small = |number: u64| u8::try_from(number).unwrap_or_default();
        Self {
            hour: small(minute_of_day / 60),
            minute: small(minute_of_day % 60),
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
        let minutes: std::collections::BTreeSet<String> = (0..100)
            .map(|number| TimeOfDay::derived_from(&format!("{id}{number}")).to_string())
            .collect();
        assert!(
            minutes.len() > 80,
            "100 registries share {} minutes",
            minutes.len()
        );
    }
}
