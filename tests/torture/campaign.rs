//! Many cases, several at once, each host and Azure on its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use host_cli::Host;

use crate::check::Checks;
use crate::fault::{Case, Operation};
use crate::history;
use crate::report::{Report, Row};
use crate::stage::{Stage, Wanted};
use crate::strike::{strike, undisturbed};

/// The cases and histories to run.
pub(crate) struct Campaign {
    seed: u64,
    /// How many cases of all, chosen by the seed. `None` means all.
    cases: Option<usize>,
    histories: usize,
    /// No further case starts after this time.
    limit: Duration,
    workers: usize,
}

/// One case, or one history by its seed.
enum Job {
    Case(Case),
    History(u64),
}

/// What the workers share.
struct Work {
    jobs: Mutex<VecDeque<Job>>,
    checks: Checks,
    report: Mutex<Report>,
    end: Instant,
}

impl Campaign {
    /// Chooses some cases and histories.
    pub(crate) fn sample(cases: usize) -> Self {
        Self {
            seed: number("TORTURE_SEED").unwrap_or(15),
            cases: Some(cases),
            histories: 2,
            limit: Duration::from_secs(24 * 60 * 60),
            workers: workers(),
        }
    }

    /// All cases, unless the environment asks for fewer. `TORTURE_ONLY` is a part of the case's text.
    pub(crate) fn full() -> Self {
        let minutes = number("TORTURE_MINUTES").unwrap_or(24 * 60);
        Self {
            seed: number("TORTURE_SEED").unwrap_or(15),
            cases: number("TORTURE_CASES").and_then(|cases| cases.try_into().ok()),
            histories: if only().is_some() { 0 } else { 100 },
            limit: Duration::from_secs(60 * minutes),
            workers: workers(),
        }
    }

    /// Runs the cases with the first installed host.
    pub(crate) async fn run(self) -> Report {
        let hosts = Host::all().unwrap_or_else(|error| panic!("{error}"));
        let host = &hosts[0];
        eprintln!("under {host}, with the seed {}", self.seed);
        // A copy, so that a build during the campaign does not replace it.
        let folder = tempfile::tempdir().unwrap();
        let provider = folder.path().join("terraform-provider-acr");
        std::fs::copy(env!("CARGO_BIN_EXE_terraform-provider-acr"), &provider).unwrap();
        let stage = Stage::new(host, &provider).await;
        let mut all = Vec::new();
        for operation in Operation::ALL {
            let requests = undisturbed(&stage, operation).await;
            all.extend(Case::all(operation, requests));
        }
        if let Some(only) = only() {
            all.retain(|case| case.to_string().contains(&only));
        }
        let mut random = fastrand::Rng::with_seed(self.seed);
        random.shuffle(&mut all);
        let report = Report::new(host, self.seed, all.len());
        all.truncate(self.cases.unwrap_or(usize::MAX));
        let mut jobs: Vec<Job> = all.into_iter().map(Job::Case).collect();
        jobs.extend((0..self.histories).map(|_| Job::History(random.u64(..))));
        random.shuffle(&mut jobs);
        let work = Arc::new(Work {
            jobs: Mutex::new(jobs.into()),
            checks: Checks::default(),
            report: Mutex::new(report),
            end: Instant::now() + self.limit,
        });
        let mut workers = vec![tokio::spawn(Arc::clone(&work).go(stage))];
        for _ in 1..self.workers {
            let stage = Stage::new(host, &provider).await;
            workers.push(tokio::spawn(Arc::clone(&work).go(stage)));
        }
        for worker in workers {
            worker.await.unwrap();
        }
        let mut report = work.report.lock().unwrap().clone();
        report.checks = work.checks.len();
        report
    }
}

impl Work {
    async fn go(self: Arc<Self>, stage: Stage) {
        while let Some(job) = self.next() {
            match job {
                Job::Case(case) => self.case(&stage, case).await,
                Job::History(seed) => {
                    let outcome = history::run(&stage, seed).await;
                    self.report.lock().unwrap().add_history(seed, outcome);
                }
            }
        }
    }

    async fn case(&self, stage: &Stage, case: Case) {
        stage.start(case.operation);
        let struck = strike(stage, case).await;
        if !struck.happened {
            self.report.lock().unwrap().unreached += 1;
            return;
        }
        let wanted = Wanted::from(case.operation);
        let checked = self.checks.check(stage, wanted).await;
        let row = Row::new(case, &struck, &checked);
        self.report.lock().unwrap().add(row);
    }

    fn next(&self) -> Option<Job> {
        match Instant::now() < self.end {
            true => self.jobs.lock().unwrap().pop_front(),
            false => None,
        }
    }
}

/// One more worker than cores: an operation often waits for a signal or a pause.
fn workers() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    number("TORTURE_WORKERS").map_or(cores + 1, |it| it.try_into().unwrap_or(1))
}

/// Which cases a developer repeats.
pub(crate) fn only() -> Option<String> {
    std::env::var("TORTURE_ONLY").ok()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
