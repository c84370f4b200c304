//! The table of all cases, and `TORTURE.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use host_cli::Host;

use crate::check::Checked;
use crate::fault::{Case, Kind, Operation};
use crate::history::History;
use crate::strike::Struck;

/// The results of all cases.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    host: String,
    seed: u64,
    /// The number of all cases, run or not.
    possible: usize,
    rows: BTreeMap<(Operation, Kind), Row>,
    /// The cases whose operation ended before the request.
    pub(crate) unreached: usize,
    /// The number of different states that were checked.
    pub(crate) checks: usize,
    histories: usize,
    failures: Vec<String>,
}

/// The counts of some cases of one operation and fault.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    case: Case,
    cases: usize,
    succeeded: usize,
    converged: usize,
    adopted: usize,
    destroyed: usize,
    applied_first: usize,
    outlived: usize,
    temporary: usize,
    failures: Vec<String>,
}

impl Row {
    /// Counts one case.
    pub(crate) fn new(case: Case, struck: &Struck, checked: &Checked) -> Self {
        let mut failures = Vec::new();
        let mut fails = |what: &str, why: &str| failures.push(format!("{case}: {what}\n{why}"));
        if struck.is_retried && !struck.succeeded {
            fails("the operation failed", &struck.text);
        }
        if let Err(why) = &checked.converged {
            fails("one more apply did not converge", why);
        }
        if let Err(why) = &checked.destroyed {
            let why = format!("{why}\n{}\n{}", struck.text, struck.requests.join("\n"));
            fails("one destroy did not remove everything", &why);
        }
        if !struck.outlived.is_empty() {
            fails("a process outlived the host", &struck.outlived.join(", "));
        }
        if !struck.temporary.is_empty() {
            fails("TMPDIR is not empty", &struck.temporary.join(", "));
        }
        Self {
            case,
            cases: 1,
            succeeded: struck.succeeded.into(),
            converged: checked.converged.is_ok().into(),
            adopted: checked.adopted.into(),
            destroyed: checked.destroyed.is_ok().into(),
            applied_first: checked.applied_first.into(),
            outlived: (!struck.outlived.is_empty()).into(),
            temporary: (!struck.temporary.is_empty()).into(),
            failures,
        }
    }

    fn add(&mut self, other: &Self) {
        self.cases += other.cases;
        self.succeeded += other.succeeded;
        self.converged += other.converged;
        self.adopted += other.adopted;
        self.destroyed += other.destroyed;
        self.applied_first += other.applied_first;
        self.outlived += other.outlived;
        self.temporary += other.temporary;
    }

    fn cells(&self) -> String {
        let Self {
            cases,
            succeeded,
            converged,
            adopted,
            destroyed,
            applied_first,
            outlived,
            temporary,
            ..
        } = self;
        format!(
            "{cases} | {succeeded} | {converged} | {adopted} | {destroyed} | {applied_first} | {outlived} | {temporary} |"
        )
    }
}

impl Report {
    pub(crate) fn new(host: &Host, seed: u64, possible: usize) -> Self {
        Self {
            host: host.to_string(),
            seed,
            possible,
            rows: BTreeMap::new(),
            unreached: 0,
            checks: 0,
            histories: 0,
            failures: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, mut row: Row) {
        for failure in &row.failures {
            eprintln!("{failure}\n");
        }
        self.failures.append(&mut row.failures);
        let key = (row.case.operation, row.case.kind);
        match self.rows.get_mut(&key) {
            Some(sum) => sum.add(&row),
            None => _ = self.rows.insert(key, row),
        }
        let run = self.cases();
        if run.is_multiple_of(50) {
            eprintln!("{run} cases, {} failures", self.failures.len());
        }
    }

    pub(crate) fn add_history(&mut self, seed: u64, History { steps, checked }: History) {
        self.histories += 1;
        let mut fails = |why: &str| {
            let steps = steps.join("\n");
            self.failures
                .push(format!("the history {seed} failed\n{steps}\n{why}"));
        };
        if let Err(why) = checked.converged {
            fails(&why);
        }
        if let Err(why) = checked.destroyed {
            fails(&why);
        }
    }

    fn cases(&self) -> usize {
        self.rows.values().map(|row| row.cases).sum()
    }

    /// Prints the table, and panics if a case failed.
    pub(crate) fn assert_nothing_lost(&self) {
        eprintln!("{}", self.table());
        assert!(
            self.failures.is_empty(),
            "{} failures\n\n{}",
            self.failures.len(),
            self.failures.join("\n\n")
        );
    }

    /// Writes `TORTURE.md`.
    pub(crate) fn write(&self) {
        let text = format!(
            "<!-- `make torture` writes this file. -->\n\
             # Torture tests\n\n\
             `make torture` runs create, update, repair and delete through a real host against the Azure simulator.\n\
             It repeats each operation with each fault at each request, before and after Azure has acted on the request.\n\
             Then it checks that one more apply leads to an empty plan. From a copy, it checks that one destroy leaves\n\
             nothing of the workflow. Unrelated tasks, images and role assignments must not change.\n\n\
             `make test` runs a sample. `TORTURE_SEED` selects it. `TORTURE_CASES` and `TORTURE_MINUTES` limit\n\
             `make torture`.\n\n\
             ## Last run\n\n{}",
            self.table()
        );
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("TORTURE.md");
        std::fs::write(path, text).unwrap();
    }

    fn table(&self) -> String {
        let mut text = format!(
            "{}, seed {}: {} of {} cases, and {} random histories. {} cases ended before their request.\n\
             {} different states were checked. {} failures.\n\n\
             | operation | fault | cases | run succeeded | converged | needed `adopt_existing` | destroyed clean | needed an apply first | outlived the host | files in TMPDIR |\n\
             |---|---|---|---|---|---|---|---|---|---|\n",
            self.host,
            self.seed,
            self.cases() + self.unreached,
            self.possible,
            self.histories,
            self.unreached,
            self.checks,
            self.failures.len(),
        );
        for ((operation, kind), row) in &self.rows {
            let _ = writeln!(text, "| {operation} | {kind} | {}", row.cells());
        }
        let mut rows = self.rows.values().cloned();
        if let Some(mut sum) = rows.next() {
            rows.for_each(|row| sum.add(&row));
            let _ = writeln!(text, "| all | all | {}", sum.cells());
        }
        text
    }
}
