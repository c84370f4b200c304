//! `next_run("7d", "02:30", "2026-06-10T12:00:00Z")`: the first run after a moment.

use jiff::Timestamp;
use regex_lite::Regex;

use crate::patching::calendar;
use crate::provider::functions::{parsed, text};
use terraform_plugin::framework::{Definition, Function, FunctionError, Parameter};
use terraform_plugin::value::{Type, Value};

/// The shape of a moment by RFC 3339; whether it exists is another question.
const RFC_3339: &str = r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$";

/// The argument that holds the moment.
const AFTER: usize = 2;

/// The function.
#[derive(Debug)]
pub(crate) struct NextRun(Definition);

impl NextRun {
    pub(super) fn new() -> Self {
        let text = |name, description| Parameter::new(name, Type::String, description);
        let parameters = vec![
            text("schedule", "A number of days, `1d` to `30d`."),
            text("start_time", "The time of the day, UTC, as `HH:MM`."),
            text(
                "after",
                "The moment after which to look, by RFC 3339 and in any time zone, such as the \
                 result of `plantimestamp()`.",
            ),
        ];
        let summary = "The first run of a schedule after a moment";
        Self(Definition::new(parameters, Type::String, summary).described(
            "Returns the moment, by RFC 3339 and in UTC, at which a workflow with this schedule \
             and start time runs next. That is strictly after the given moment: at the moment of \
             a run the next one is the one that follows. The days are days of the month, see \
             [`schedule_days`](schedule_days.md).",
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
                let problem = "there is no run after it before the end of the year 9999";
                FunctionError::of_argument(AFTER, problem)
            })
    }
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let is_shaped = Regex::new(RFC_3339).is_ok_and(|shape| shape.is_match(text));
    if !is_shaped {
        return Err(format!(
            "{text:?} is not a moment by RFC 3339, such as \"2026-06-10T12:00:00Z\""
        ));
    }
    text.parse()
        .map_err(|error| format!("{text:?} is not a moment: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(schedule: &str, time: &str, after: &str) -> Result<Value, FunctionError> {
        NextRun::new().run(&[schedule.into(), time.into(), after.into()])
    }

    #[test]
    fn the_next_run_is_in_utc_whatever_the_zone() {
        for after in [
            "2026-06-10T12:00:00Z",
            "2026-06-10T12:00:00.123456789+14:00",
            "2026-06-10t23:59:59-02:00",
        ] {
            assert_eq!(run("7d", "02:30", after), Ok("2026-06-15T02:30:00Z".into()));
        }
    }

    #[test]
    fn each_argument_is_refused_by_itself() {
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
        Some(1): "2:30" is not a time of the day between "00:00" and "23:59"
        Some(2): "2026-06-10" is not a moment by RFC 3339, such as "2026-06-10T12:00:00Z"
        Some(2): "2026-06-10T12:00:00" is not a moment by RFC 3339, such as "2026-06-10T12:00:00Z"
        Some(2): "2026-06-10T12:00:00Z[UTC]" is not a moment by RFC 3339, such as "2026-06-10T12:00:00Z"
        Some(2): "2026-02-30T12:00:00Z" is not a moment: parsed date is not valid: parameter 'day' for `2026-02` is invalid, must be in range `1..=28`
        Some(2): "2026-06-10T12:00:00+99:00" is not a moment: failed to parse hours in UTC numeric offset: failed to parse hours (requires a two digit integer): parameter 'time zone offset hours' is not in the required range of -25..=25
        Some(2): there is no run after it before the end of the year 9999
        "#);
    }
}
