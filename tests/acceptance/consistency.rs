//! Azure is consistent only in the end: whatever it shows late, nothing fails, every plan is right,
//! and nothing is left over.

use azure_simulator::Knobs;

use crate::stage::{ADDRESS, Stage, WORKFLOW, hosts, nothing};

/// For so many looks something shows as it was: the provider has to look more than once.
const LOOKS: u32 = 2;

#[tokio::test]
async fn tasks_that_are_listed_late_do_no_harm() {
    assert_whole_life(|knobs| knobs.stale_task_list_looks = LOOKS).await;
}

#[tokio::test]
async fn tasks_that_take_their_time_and_are_found_late_do_no_harm() {
    assert_whole_life(|knobs| {
        knobs.provisioning_looks = LOOKS;
        knobs.stale_task_looks = LOOKS;
    })
    .await;
}

#[tokio::test]
async fn role_assignments_that_are_listed_late_do_no_harm() {
    assert_whole_life(|knobs| knobs.stale_assignment_list_looks = LOOKS).await;
}

#[tokio::test]
async fn identities_that_are_shown_late_do_no_harm() {
    assert_whole_life(|knobs| knobs.late_identity_looks = LOOKS).await;
}

#[tokio::test]
async fn identities_that_are_known_late_do_no_harm() {
    assert_whole_life(|knobs| knobs.replication_delay_ms = 700).await;
}

#[tokio::test]
async fn a_policy_that_is_found_late_does_no_harm() {
    assert_whole_life(|knobs| knobs.stale_tag_looks = LOOKS).await;
}

#[tokio::test]
async fn what_lingers_after_its_deletion_does_no_harm() {
    assert_whole_life(|knobs| {
        knobs.deletion_looks = LOOKS;
        knobs.assignment_deletion_looks = LOOKS;
        knobs.repository_deletion_looks = LOOKS;
    })
    .await;
}

#[tokio::test]
async fn everything_late_at_once_does_no_harm() {
    assert_whole_life(|knobs| {
        knobs.stale_task_list_looks = LOOKS;
        knobs.stale_task_looks = LOOKS;
        knobs.stale_assignment_list_looks = LOOKS;
        knobs.stale_tag_looks = LOOKS;
        knobs.late_identity_looks = LOOKS;
        knobs.provisioning_looks = LOOKS;
        knobs.deletion_looks = LOOKS;
        knobs.assignment_deletion_looks = LOOKS;
        knobs.repository_deletion_looks = LOOKS;
        knobs.replication_delay_ms = 700;
        knobs.async_operations = true;
    })
    .await;
}

/// Creates, changes, repairs and destroys a workflow, and creates it once more.
async fn assert_whole_life(turn: impl Fn(&mut Knobs)) {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.azure.turn(&turn);
        apply(&stage).await;
        stage.assert_no_changes().await;
        let first = stage.attributes(ADDRESS).await["tasks"].clone();

        let other = WORKFLOW
            .replace("\"7d\"", "\"14d\"")
            .replace("\"3.11\"", "\"3.12\"");
        stage.configure(&other);
        apply(&stage).await;
        stage.assert_no_changes().await;
        assert_eq!(stage.attributes(ADDRESS).await["tasks"], first);

        destroy(&stage).await;
        apply(&stage).await;
        stage.assert_no_changes().await;
        assert_ne!(stage.attributes(ADDRESS).await["tasks"], first);
        assert_eq!(stage.azure.leftovers()["role_assignments"], 5);
        destroy(&stage).await;
    }
}

/// Applies, and holds the provider to have waited until it all shows.
async fn apply(stage: &Stage) {
    let text = stage.workspace.apply().await.unwrap().text();
    assert!(
        !text.contains("Azure does not list every change in"),
        "{text}"
    );
    assert!(!text.contains("leftovers"), "{text}");
}

async fn destroy(stage: &Stage) {
    let text = stage.workspace.destroy().await.unwrap().text();
    assert!(
        !text.contains("Azure does not list every change in"),
        "{text}"
    );
    assert_eq!(stage.azure.leftovers(), nothing());
}
