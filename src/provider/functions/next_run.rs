//! `next_run("7d", "02:30", "2026-06-10T12:00:00Z")`: the first run after a given time.

use jiff::Timestamp;
use regex_lite::Regex;

use crate::patching::calendar;
use crate::provider::functions::{parsed, text};
use terraform_plugin::framework::{Definition, Function, FunctionError, Parameter};
use terraform_plugin::value::{Type, Value};

/// The pattern of an RFC 3339 timestamp. It also matches dates that don't exist, such as February 30.
const RFC_3339: &str = r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$";

/// The index of the argument `after`.
const AFTER: usize = 2;

/// The function `next_run`.
#[derive(Debug)]
pub(crate) struct NextRun(Definition);

impl NextRun {
    pub(super) fn new() -> Self {
        let text = |name, description| Parameter::new(name, Type::String, description);
        let parameters = vec![
            text(
                "schedule",
                "The schedule as a number of days, from `1d` to `30d`.",
            ),
            text("start_time", "The time of day in UTC, as `HH:MM`."),
            text(
                "after",
                "The time to start from, as an RFC 3339 timestamp in any time zone, such as the \
                 result of `plantimestamp()`.",
            ),
        ];
        let summary = "The first run of a schedule after a given time";
        Self(Definition::new(parameters, Type::String, summary).described(
            "Returns the time of the next run of a Continuous Patching workflow with this schedule and start \
             time. The result is an RFC 3339 timestamp in UTC, strictly later than `after`. If `after` is \
             the exact time of a run, the result is the run that follows it. The days are days of \
             the month, see [`schedule_days`](schedule_days.md).",
        ))
    }
}

impl Function for NextRun {
    fn name(&self) -> &'static str {
        "next_run"
    }

    fn definition(&self) -> &Definition {
        &self.0
    }

    fn run(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let (schedule, time) = (parsed(arguments, 0)?, parsed(arguments, 1)?);
        let after = moment(text(arguments, AFTER)?)
            .map_err(|problem| FunctionError::of_argument(AFTER, problem))?;
        calendar::next_run(schedule, time, after)
            .map(|run| run.to_string().into())
            .ok_or_else(|| {
                let problem = "no run follows before the end of the year 9999";
                FunctionError::of_argument(AFTER, problem)
            })
    }
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let is_shaped = Regex::new(RFC_3339).is_ok_and(|shape| shape.is_match(text));
    if !is_shaped {
        return Err(format!(
            "{text:?} is not an RFC 3339 timestamp such as \"2026-06-10T12:00:00Z\""
        ));
    }
    text.parse()
        .map_err(|error| format!("{text:?} is not a valid timestamp: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(schedule: &str, time: &str, after: &str) -> Result<Value, FunctionError> {
        NextRun::new().run(&[schedule.into(), time.into(), after.into()])
    }

    #[test]
    fn the_next_run_is_in_utc_for_every_time_zone() {
        for after in [
            "2026-06-10T12:00:00Z",
            "2026-06-10T12:00:00.123456789+14:00",
            "2026-06-10t23:59:59-02:00",
        ] {
            assert_eq!(run("7d", "02:30", after), Ok("2026-06-15T02:30:00Z".into()));
        }
    }

    #[test]
    fn each_error_names_its_argument() {
        let refused = |schedule, time, after| {
            let FunctionError { text, argument } = run(schedule, time, after).unwrap_err();
            format!("{argument:?}: {text}")
        };
        let now = "2026-06-10T12:00:00Z";
        insta::assert_snapshot!([
            refused("weekly", "02:30", now),
            refused("7d", "2:30", now),
            refused("7d", "02:30", "2026-06-10"),
            refused("7d", "02:30", "2026-06-10T12:00:00"),
            refused("7d", "02:30", "2026-06-10T12:00:00Z[UTC]"),
            refused("7d", "02:30", "2026-02-30T12:00:00Z"),
            refused("7d", "02:30", "2026-06-10T12:00:00+99:00"),
            refused("7d", "02:30", "9999-12-30T12:00:00Z"),
        ].join("\n"), @r#"
        Some(0): "weekly" is not a number of days followed by "d"
        Some(1): "2:30" is not a time of day between "00:00" and "23:59"
        Some(2): "2026-06-10" is not an RFC 3339 timestamp such as "2026-06-10T12:00:00Z"
        Some(2): "2026-06-10T12:00:00" is not an RFC 3339 timestamp such as "2026-06-10T12:00:00Z"
        Some(2): "2026-06-10T12:00:00Z[UTC]" is not an RFC 3339 timestamp such as "2026-06-10T12:00:00Z"
        Some(2): "2026-02-30T12:00:00Z" is not a valid timestamp: parsed date is not valid: parameter 'day' for `2026-02` is invalid, must be in range `1..=28`
        Some(2): "2026-06-10T12:00:00+99:00" is not a valid timestamp: failed to parse hours in UTC numeric offset: failed to parse hours (requires a two digit integer): parameter 'time zone offset hours' is not in the required range of -25..=25
        Some(2): no run follows before the end of the year 9999
        "#);
    }
}
