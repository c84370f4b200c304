//! One more apply and one destroy after a fault. Equal states are checked once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use host_cli::{Finished, Plan};
use tokio::sync::OnceCell;

use crate::stage::{Stage, Wanted};

/// The results for one pair of states.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    /// One more apply succeeds, and the next plan is empty. Otherwise the reason.
    pub(crate) converged: Result<(), String>,
    /// Whether the apply needed `adopt_existing`.
    pub(crate) adopted: bool,
    /// One destroy leaves nothing. Otherwise the reason.
    pub(crate) destroyed: Result<(), String>,
    /// Whether the destroy needed an apply before it, because the state file did not have the workflow.
    pub(crate) applied_first: bool,
}

/// The results so far, by configuration and states.
#[derive(Default)]
pub(crate) struct Checks(Mutex<HashMap<(Wanted, String), Shared>>);

/// The results for one pair of states. Other workers wait while one checks them.
type Shared = Arc<OnceCell<Checked>>;

impl Checks {
    /// Returns the results for where the stage is now.
    pub(crate) async fn check(&self, stage: &Stage, wanted: Wanted) -> Checked {
        let key = (wanted, stage.canonical());
        let cell = Arc::clone(self.0.lock().unwrap().entry(key).or_default());
        cell.get_or_init(|| check(stage, wanted)).await.clone()
    }

    /// The number of different pairs of states.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

async fn check(stage: &Stage, wanted: Wanted) -> Checked {
    let after = stage.position();
    let applied_first = !stage.is_known() && !stage.is_clean();
    stage.configure(wanted);
    let mut adopted = false;
    let mut converged = converge(stage).await;
    if matches!(&converged, Err(text) if text.contains("adopt_existing = true")) {
        adopted = true;
        let adopts = true;
        stage.configure(Wanted { adopts, ..wanted });
        converged = converge(stage).await;
    }
    if !applied_first {
        stage.restore(&after);
    }
    let destroyed = destroy(stage).await;
    Checked {
        converged,
        adopted,
        destroyed,
        applied_first,
    }
}

async fn converge(stage: &Stage) -> Result<(), String> {
    success(stage.workspace.try_apply().await)?;
    match stage.workspace.plan(&[]).await {
        Ok(Plan::Empty(_)) => others_are_untouched(stage),
        Ok(plan) => Err(format!("the plan is not empty\n{}", plan.finished().text())),
        Err(error) => Err(error.to_string()),
    }
}

async fn destroy(stage: &Stage) -> Result<(), String> {
    let running = stage.workspace.start_destroy();
    success(running.map_err(|error| error.to_string())?.wait().await)?;
    if !stage.is_clean() {
        return Err(format!("Azure still has {}", stage.leftovers()));
    }
    if stage.is_known() {
        return Err("the state still has the workflow".to_owned());
    }
    others_are_untouched(stage)
}

fn success(finished: Result<Finished, host_cli::Error>) -> Result<(), String> {
    match finished.and_then(|finished| finished.ended_with(0)) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn others_are_untouched(stage: &Stage) -> Result<(), String> {
    match stage.others_are_untouched() {
        true => Ok(()),
        false => Err("an unrelated task, image or role assignment changed".to_owned()),
    }
}
