//! Random histories: several operations with faults, and changes by others between and during them. Others also
//! apply the same workflow at the same time. After each history, one more apply converges and one destroy leaves
//! nothing.

use std::time::Duration;

use azure_simulator::{Change, Fault};
use host_cli::Finished;

use crate::check::{Checked, Checks};
use crate::fault::{Case, Kind, Operation};
use crate::stage::{Stage, Version, Wanted};
use crate::strike::strike;

const TASKS: [&str; 3] = [
    "cssc-trigger-workflow",
    "cssc-scan-image",
    "cssc-patch-image",
];

/// The outcome of a history.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) steps: Vec<String>,
    pub(crate) checked: Checked,
}

/// Runs the history of a seed.
pub(crate) async fn run(stage: &Stage, seed: u64) -> History {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut steps = Vec::new();
    stage.start(Operation::Create);
    let mut last = Operation::Create;
    for _ in 0..random.usize(3..7) {
        match random.u8(0..9) {
            0 => {
                stage.damage();
                steps.push("others change the workflow".to_owned());
            }
            1 => {
                let task = TASKS[random.usize(..TASKS.len())];
                stage.azure.registry("contoso").delete_task(task);
                steps.push(format!("others delete {task}"));
            }
            2 => {
                let task = TASKS[random.usize(..TASKS.len())];
                let request = random.u64(1..40);
                stage.configure(Wanted::from(last));
                stage.azure.clear_faults();
                let change = Change::delete_task("contoso", task);
                stage.azure.fault(Fault::at(request).then(change));
                // It may fail. Later steps repair it.
                let finished = stage.workspace.try_apply().await;
                stage.azure.clear_faults();
                let code = finished.ok().and_then(|finished| finished.code);
                steps.push(format!(
                    "apply, others delete {task} at request {request}: {code:?}"
                ));
            }
            3 => {
                let (first, second) = together(stage, last, &mut random).await;
                steps.push(format!("two applies at once: {first:?}, {second:?}"));
            }
            _ => {
                let case = Case::random(&mut random);
                last = case.operation;
                let struck = strike(stage, case).await;
                steps.push(format!("{case}: {}", struck.succeeded));
            }
        }
    }
    let version = match random.bool() {
        true => Version::First,
        false => Version::Second,
    };
    let checked = Checks::default().check(stage, Wanted::from(version)).await;
    History { steps, checked }
}

/// Applies from two folders at once. The second user has a copy of the state file or none. Returns the exit
/// codes.
async fn together(
    stage: &Stage,
    last: Operation,
    random: &mut fastrand::Rng,
) -> (Option<i32>, Option<i32>) {
    stage.configure(Wanted::from(last));
    let state = stage.workspace.state_file().unwrap();
    let copy = state.as_deref().filter(|_| random.bool());
    stage.second.restore_state_file(copy).unwrap();
    let later = Duration::from_millis(random.u64(0..800));
    let second = async {
        tokio::time::sleep(later).await;
        stage.second.try_apply().await
    };
    let (first, second) = tokio::join!(stage.workspace.try_apply(), second);
    let code = |finished: Result<Finished, host_cli::Error>| finished.ok()?.code;
    (code(first), code(second))
}

impl Case {
    fn random(random: &mut fastrand::Rng) -> Self {
        let operation = Operation::ALL[random.usize(..Operation::ALL.len())];
        let kinds: Vec<Kind> = Kind::ALL
            .into_iter()
            // It only takes long here.
            .filter(|kind| *kind != Kind::Hang)
            .collect();
        let kind = kinds[random.usize(..kinds.len())];
        let whens = kind.times();
        Self {
            operation,
            kind,
            when: whens[random.usize(..whens.len())],
            request: random.u64(1..40),
        }
    }
}
