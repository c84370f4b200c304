//! A create is a transaction: the next create completes what an interrupted one left, and of two creates at
//! once, one loses with an error.

use azure_simulator::Fault;

use crate::lifecycle::stage::{Stage, with};
use crate::support::core::start_core;
use terraform_plugin_testing::core::has_error;
use terraform_plugin_testing::host::lines;

const TRIGGER: &str = "cssc-trigger-workflow";

/// Whether the trigger task exists and its workflow is unfinished.
fn is_unfinished(stage: &Stage) -> bool {
    let trigger = stage.registry().task(TRIGGER);
    trigger.is_some_and(|task| task.tags.contains_key("cssc-unfinished"))
}

#[tokio::test(start_paused = true)]
async fn the_next_create_completes_what_a_killed_one_left() {
    let mut completed = 0;
    for nth in 1.. {
        let mut stage = Stage::plain().await;
        let config = stage.config();
        let plan = stage.terraform.plan(&config).await.unwrap();
        stage.azure.mark();
        // Azure refuses this request and everything after it, and the state is lost: nothing tells the next
        // apply about this one.
        stage
            .azure
            .fault(Fault::at(nth).status(403).times(u64::MAX));
        let said = stage.terraform.apply(&plan, &config).await;
        stage.azure.clear_faults();
        if !has_error(&said) {
            break;
        }
        let left = stage.pieces();
        stage.terraform.stored = None;
        stage.terraform.restart().await;
        if left.len() == 9 && !is_unfinished(&stage) {
            // Azure has accepted the last write.
            break;
        }
        let has_tasks = left.iter().any(|piece| piece.starts_with("cssc-"));
        assert_eq!(has_tasks, is_unfinished(&stage), "request {nth}: {left:?}");
        let trigger = stage.registry().task(TRIGGER);
        if let Some(trigger) = trigger {
            let timer = &trigger.properties.trigger.unwrap().timer_triggers[0];
            assert_eq!(timer.status.as_deref(), Some("Disabled"), "request {nth}");
            completed += 1;
        }
        stage.terraform.succeed(&config).await;
        stage.nothing_to_do(&config).await;
        stage.destroy().await;
    }
    assert!(completed > 5, "{completed}");
}

#[tokio::test(start_paused = true)]
async fn an_imported_unfinished_workflow_shows_as_drift_and_is_finished_in_place() {
    let mut stage = Stage::plain().await;
    let config = stage.config();
    let plan = stage.terraform.plan(&config).await.unwrap();
    stage.azure.fault(
        Fault::on("PUT", "/roleAssignments/")
            .status(403)
            .times(u64::MAX),
    );
    assert!(has_error(&stage.terraform.apply(&plan, &config).await));
    stage.azure.clear_faults();
    stage.terraform.stored = None;
    stage.terraform.restart().await;
    let id = stage.registry().id();
    assert_eq!(stage.terraform.import(&id).await, []);
    let status = stage
        .terraform
        .state()
        .get("tasks")
        .get(TRIGGER)
        .get("status");
    assert_eq!(
        status.as_str(),
        Some("Enabled, but differs in tag cssc-unfinished")
    );
    stage.terraform.succeed(&config).await;
    assert!(!is_unfinished(&stage));
    stage.nothing_to_do(&config).await;
    stage.destroy().await;
}

#[tokio::test(start_paused = true)]
async fn of_two_creates_from_two_states_one_ends_with_an_error() {
    let mut stage = Stage::plain().await;
    let environment = stage.azure.env().into_iter().collect();
    let mut other = start_core(environment, &stage.wire).await;
    let configs = [stage.config(), with(&stage.config(), "schedule", "3d")];
    let plans = [
        stage.terraform.plan(&configs[0]).await.unwrap(),
        other.plan(&configs[1]).await.unwrap(),
    ];
    let (one, two) = futures::join!(
        stage.terraform.apply(&plans[0], &configs[0]),
        other.apply(&plans[1], &configs[1]),
    );
    let failed = [has_error(&one), has_error(&two)];
    assert!(failed[0] != failed[1], "{one:#?}\n{two:#?}");
    let loser = if failed[0] { &one } else { &two };
    assert_eq!(
        lines(loser),
        ["error at .registry_id: Another apply creates the workflow"]
    );
    let (mut winner, config) = match failed[0] {
        true => (other, &configs[1]),
        false => (stage.terraform, &configs[0]),
    };
    assert_eq!(winner.refresh().await, []);
    let plan = winner.plan(config).await.unwrap();
    assert_eq!(&plan.planned, winner.state());
    assert_eq!(winner.destroy().await, []);
    assert_eq!(stage.azure.leftovers()["tasks"], 0);
}
