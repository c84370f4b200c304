//! The `$filter` of the run list: only the part of OData that the service documents.
//!
//! `and` takes precedence over `or`, and parentheses take precedence over both. A comparison is
//! `field eq 'x'` (or `ne`, `lt`, `le`, `gt`, `ge`), `field in ('x', 'y')` or `contains(field, 'x')`.
//! Field names and keywords ignore letter case.

use regex::Regex;
use serde_json::Value;

/// The fields that a filter can compare.
const FIELDS: [&str; 9] = [
    "runId",
    "runType",
    "status",
    "createTime",
    "finishTime",
    "outputImageManifests",
    "isArchiveEnabled",
    "taskName",
    "agentPoolName",
];

/// A parsed filter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    Any(Vec<Filter>),
    All(Vec<Filter>),
    Compare {
        field: &'static str,
        how: Comparison,
        values: Vec<String>,
    },
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Contains,
}

impl Filter {
    /// Parses a filter.
    ///
    /// # Errors
    /// A phrase that names the first invalid part.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser {
            words: words(text)?,
            at: 0,
        };
        let filter = parser.any()?;
        match parser.peek() {
            None => Ok(filter),
            Some(word) => Err(format!("unexpected '{word}'")),
        }
    }

    /// Returns whether the fields of a run match the filter.
    pub(crate) fn fits(&self, run: &Value) -> bool {
        match self {
            Self::Any(filters) => filters.iter().any(|filter| filter.fits(run)),
            Self::All(filters) => filters.iter().all(|filter| filter.fits(run)),
            Self::Compare { field, how, values } => {
                let actual = match &run[*field] {
                    Value::String(text) => text.clone(),
                    Value::Null => return *how == Comparison::NotEqual,
                    other => other.to_string(),
                };
                values
                    .iter()
                    .any(|value| how.holds(&actual, value, field.ends_with("Time")))
            }
        }
    }
}

impl Comparison {
    fn holds(self, actual: &str, value: &str, time: bool) -> bool {
        let order = match (
            time,
            actual.parse::<jiff::Timestamp>(),
            value.parse::<jiff::Timestamp>(),
        ) {
            (true, Ok(actual), Ok(value)) => actual.cmp(&value),
            _ => actual.to_lowercase().cmp(&value.to_lowercase()),
        };
        match self {
            Self::Equal | Self::In => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Contains => actual.to_lowercase().contains(&value.to_lowercase()),
        }
    }
}

struct Parser {
    words: Vec<String>,
    at: usize,
}

impl Parser {
    fn any(&mut self) -> Result<Filter, String> {
        let mut filters = vec![self.all()?];
        while self.take("or") {
            filters.push(self.all()?);
        }
        Ok(if filters.len() == 1 {
            filters.remove(0)
        } else {
            Filter::Any(filters)
        })
    }

    fn all(&mut self) -> Result<Filter, String> {
        let mut filters = vec![self.one()?];
        while self.take("and") {
            filters.push(self.one()?);
        }
        Ok(if filters.len() == 1 {
            filters.remove(0)
        } else {
            Filter::All(filters)
        })
    }

    fn one(&mut self) -> Result<Filter, String> {
        if self.take("(") {
            let filter = self.any()?;
            self.expect(")")?;
            return Ok(filter);
        }
        if self.take("contains") {
            self.expect("(")?;
            let field = self.field()?;
            self.expect(",")?;
            let values = vec![self.literal()?];
            self.expect(")")?;
            return Ok(Filter::Compare {
                field,
                how: Comparison::Contains,
                values,
            });
        }
        let field = self.field()?;
        let how = match self.next()?.to_lowercase().as_str() {
            "eq" => Comparison::Equal,
            "ne" => Comparison::NotEqual,
            "lt" => Comparison::Less,
            "le" => Comparison::LessOrEqual,
            "gt" => Comparison::Greater,
            "ge" => Comparison::GreaterOrEqual,
            "in" => Comparison::In,
            word => return Err(format!("'{word}' is not a supported operator")),
        };
        if how != Comparison::In {
            return Ok(Filter::Compare {
                field,
                how,
                values: vec![self.literal()?],
            });
        }
        self.expect("(")?;
        let mut values = vec![self.literal()?];
        while self.take(",") {
            values.push(self.literal()?);
        }
        self.expect(")")?;
        Ok(Filter::Compare { field, how, values })
    }

    fn field(&mut self) -> Result<&'static str, String> {
        let word = self.next()?;
        let known = FIELDS
            .into_iter()
            .find(|field| field.eq_ignore_ascii_case(&word));
        known.ok_or_else(|| format!("could not find a property named '{word}' on type 'RunFilter'"))
    }

    /// Parses a quoted string, or a bare time, number or boolean.
    fn literal(&mut self) -> Result<String, String> {
        let word = self.next()?;
        if let Some(quoted) = word.strip_prefix('\'') {
            return Ok(quoted
                .strip_suffix('\'')
                .unwrap_or(quoted)
                .replace("''", "'"));
        }
        let bare = word.starts_with(|char: char| char.is_ascii_digit())
            || matches!(word.as_str(), "true" | "false");
        if bare {
            Ok(word)
        } else {
            Err(format!("'{word}' is not a literal"))
        }
    }

    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Result<String, String> {
        let word = self.peek().ok_or("the filter ends too early")?.to_owned();
        self.at += 1;
        Ok(word)
    }

    fn take(&mut self, word: &str) -> bool {
        let taken = self
            .peek()
            .is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(taken);
        taken
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        if self.take(word) {
            Ok(())
        } else {
            Err(format!("'{word}' is missing"))
        }
    }
}

/// Splits a filter into parentheses, commas, quoted strings and words.
fn words(text: &str) -> Result<Vec<String>, String> {
    let word = Regex::new(r"[(),]|'(?:[^']|'')*'|[^\s(),']+").map_err(|error| error.to_string())?;
    let found: Vec<String> = word
        .find_iter(text)
        .map(|found| found.as_str().to_owned())
        .collect();
    if word.replace_all(text, "").trim().is_empty() {
        Ok(found)
    } else {
        Err("a quotation mark is missing".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fits(text: &str) -> bool {
        let run = json!({"taskName": "cssc-scan-image", "status": "Running", "createTime": "2026-01-02T00:00:00.0000000+00:00"});
        Filter::parse(text).unwrap().fits(&run)
    }

    #[test]
    fn parses_the_filter_that_the_cli_sends() {
        assert!(fits(
            "TaskName in ('cssc-scan-image','x') and createTime ge 2026-01-01T00:00:00Z and Status in ('Running', 'Queued')"
        ));
        assert!(!fits(
            "TaskName eq 'cssc-scan-image' and createTime ge 2026-01-03T00:00:00Z"
        ));
    }

    #[test]
    fn precedence_is_parentheses_then_and_then_or() {
        assert!(fits(
            "status eq 'Running' or taskName eq 'x' and taskName eq 'y'"
        ));
        assert!(!fits(
            "(status eq 'Running' or taskName eq 'x') and taskName eq 'y'"
        ));
        assert!(fits("contains(taskName, 'scan') and status ne 'Failed'"));
    }

    #[test]
    fn undocumented_filters_are_rejected() {
        for bad in [
            "not status eq 'x'",
            "colour eq 'red'",
            "status like 'x'",
            "status eq 'x' and",
            "status eq Running",
            "status eq 'x",
            "startswith(status,'x')",
        ] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
    }
}
