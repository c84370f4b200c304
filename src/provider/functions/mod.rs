//! The provider's functions. They apply the service's rules for schedules, tags and policies.
//!
//! Each function is pure and needs no authentication. Each error refers to the invalid argument.

mod next_run;
mod parse_tag;
mod policy_from_json;
mod schedule_days;
mod spread_time;

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use terraform_plugin::framework::{Function, FunctionError};
use terraform_plugin::value::Value;

pub(crate) use next_run::NextRun;
pub(crate) use parse_tag::ParseTag;
pub(crate) use policy_from_json::PolicyFromJson;
pub(crate) use schedule_days::ScheduleDays;
pub(crate) use spread_time::SpreadTime;

/// All functions of the provider.
pub(crate) fn all() -> Vec<Arc<dyn Function>> {
    vec![
        Arc::new(NextRun::new()),
        Arc::new(ParseTag::new()),
        Arc::new(PolicyFromJson::new()),
        Arc::new(ScheduleDays::new()),
        Arc::new(SpreadTime::new()),
    ]
}

/// Returns the text of the argument at `index`.
fn text(arguments: &[Value], index: usize) -> Result<&str, FunctionError> {
    arguments
        .get(index)
        .and_then(Value::as_str)
        .ok_or_else(|| FunctionError::of_argument(index, "a string is required"))
}

/// Parses the text of the argument at `index`.
fn parsed<T: FromStr<Err: Display>>(arguments: &[Value], index: usize) -> Result<T, FunctionError> {
    text(arguments, index)?
        .parse()
        .map_err(|problem| FunctionError::of_argument(index, problem))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_makes_a_function_panic(
            texts in proptest::array::uniform3("\\PC{0,30}|[0-9]{1,3}d|[0-9]{2}:[0-9]{2}|[0-9:TZ.+-]{0,25}")
        ) {
            let texts: Vec<Value> = texts.into_iter().map(Value::from).collect();
            for function in all() {
                let needed = function.definition().parameters.len();
                if let Ok(result) = function.run(&texts[..needed]) {
                    let kind = &function.definition().returns;
                    prop_assert!(terraform_plugin::value::msgpack::encode(&result, kind).is_ok());
                }
            }
        }
    }

    #[test]
    fn a_missing_or_mistyped_argument_is_an_error() {
        for function in all() {
            for arguments in [vec![], vec![Value::Null; 3], vec![true.into(); 3]] {
                let error = function.run(&arguments).unwrap_err();
                assert_eq!(error.argument, Some(0));
            }
        }
    }
}
