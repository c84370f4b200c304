//! `schedule_days("7d")`: the days of the month on which a schedule runs.

use crate::patching::calendar;
use crate::provider::functions::parsed;
use terraform_plugin::framework::{Definition, Function, FunctionError, Parameter};
use terraform_plugin::value::{Type, Value};

/// The function `schedule_days`.
#[derive(Debug)]
pub(crate) struct ScheduleDays(Definition);

impl ScheduleDays {
    pub(super) fn new() -> Self {
        let schedule = Parameter::new(
            "schedule",
            Type::String,
            "The schedule as a number of days, from `1d` to `30d`.",
        );
        let days = Type::List(Box::new(Type::Number));
        let summary = "The days of the month on which a schedule runs";
        Self(Definition::new(vec![schedule], days, summary).described(
            "Returns the days of the month on which a Continuous Patching workflow with this schedule \
             runs, in ascending order. The count starts over on the 1st of every month, so `7d` means the \
             1st, 8th, 15th, 22nd and 29th. The workflow skips days that a month doesn't have. \
             With `30d`, it runs on the 1st, and also on the 31st in months with 31 days.",
        ))
    }
}

impl Function for ScheduleDays {
    fn name(&self) -> &'static str {
        "schedule_days"
    }

    fn definition(&self) -> &Definition {
        &self.0
    }

    fn run(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let days = calendar::days(parsed(arguments, 0)?);
        let days = days.map(|day| Value::from(i64::from(day)));
        Ok(Value::List(days.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_sorted_numbers() {
        let days = ScheduleDays::new().run(&["14d".into()]).unwrap();
        assert_eq!(days, Value::List(vec![1.into(), 15.into(), 29.into()]));
    }

    #[test]
    fn an_invalid_schedule_is_an_error_of_the_argument() {
        let error = ScheduleDays::new().run(&["31d".into()]).unwrap_err();
        assert_eq!(
            error,
            FunctionError::of_argument(0, "\"31d\" is not between \"1d\" and \"30d\"")
        );
    }
}
