//! A row of the table, and the page with all rows.

use crate::samples::Samples;

/// A measured figure, or one that this machine can't measure.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) name: String,
    /// The unit of the values.
    pub(crate) unit: &'static str,
    /// The values, or why there are none.
    pub(crate) samples: Result<Samples, &'static str>,
    /// What the median is compared with: a value in the same unit, and its name.
    pub(crate) reference: Option<(f64, String)>,
    /// The part of the bench that measures this figure.
    pub(crate) part: &'static str,
}

impl Figure {
    /// A figure without a reference.
    pub(crate) fn new(
        part: &'static str,
        name: impl Into<String>,
        unit: &'static str,
        samples: Samples,
    ) -> Self {
        Self {
            name: name.into(),
            unit,
            samples: Ok(samples),
            reference: None,
            part,
        }
    }

    /// A figure that was not measured.
    pub(crate) fn skipped(
        part: &'static str,
        name: impl Into<String>,
        unit: &'static str,
        why: &'static str,
    ) -> Self {
        Self {
            name: name.into(),
            unit,
            samples: Err(why),
            reference: None,
            part,
        }
    }

    /// Adds a reference.
    pub(crate) fn against(mut self, value: f64, name: impl Into<String>) -> Self {
        self.reference = Some((value, name.into()));
        self
    }

    fn row(&self) -> String {
        let Self {
            name, unit, part, ..
        } = self;
        let command = format!("`make bench PARTS={part}`");
        match &self.samples {
            Err(why) => format!("| {name} | skipped: {why} | | | {command} |"),
            Ok(samples) => {
                let (low, high) = samples.range();
                let spread = match samples.count() {
                    1 => "one run".to_owned(),
                    runs => format!("{} to {} in {runs} runs", short(low), short(high)),
                };
                let median = samples.median();
                let ratio = self.reference.as_ref().map_or_else(String::new, |it| {
                    format!("{:.2} of {} {unit} ({})", median / it.0, short(it.0), it.1)
                });
                format!(
                    "| {name} | {} {unit} | {spread} | {ratio} | {command} |",
                    short(median)
                )
            }
        }
    }
}

/// A value with three significant digits at least.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 1.0 => format!("{value:.3}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// The page with the versions and one table.
pub(crate) fn page(figures: &[Figure], versions: &[String]) -> String {
    let mut page = "# Benchmarks\n\n\
         `make bench` measures the release binary on the local Azure simulator and writes this page. A value is a \
         median.\nThe spread is the lowest and the highest value. Compare only ratios, because they come from one \
         run on one\nmachine.\n\n"
        .to_owned();
    for version in versions {
        page += &format!("- {version}\n");
    }
    page += "\n| figure | value | spread | ratio | command |\n|---|---|---|---|---|\n";
    for figure in figures {
        page += &figure.row();
        page.push('\n');
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_median_the_spread_and_the_ratio() {
        let start = Figure::new("startup", "Start", "ms", Samples::new([4.0, 4.5, 12.25]));
        insta::assert_snapshot!(
            start.row(),
            @"| Start | 4.50 ms | 4.00 to 12.2 in 3 runs |  | `make bench PARTS=startup` |"
        );
        insta::assert_snapshot!(
            start.against(3.0, "the target").row(),
            @"| Start | 4.50 ms | 4.00 to 12.2 in 3 runs | 1.50 of 3.00 ms (the target) | `make bench PARTS=startup` |"
        );
    }

    #[test]
    fn a_skipped_figure_says_why() {
        insta::assert_snapshot!(
            Figure::skipped("startup", "Start of azapi", "ms", "AZAPI is not set").row(),
            @"| Start of azapi | skipped: AZAPI is not set | | | `make bench PARTS=startup` |"
        );
    }
}
