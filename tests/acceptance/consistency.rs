//! Azure is eventually consistent. Although it shows changes late, no operation fails, every plan is right,
//! and a destroy leaves nothing.

use azure_simulator::Knobs;

use crate::stage::{ADDRESS, Stage, WORKFLOW, hosts, nothing};

/// How many reads return the old result, so that the provider has to read again.
const LOOKS: u32 = 2;

#[tokio::test]
async fn tasks_that_the_list_shows_late_are_handled() {
    assert_lifecycle(|knobs| knobs.stale_task_list_looks = LOOKS).await;
}

#[tokio::test]
async fn slow_task_provisioning_and_late_task_reads_are_handled() {
    assert_lifecycle(|knobs| {
        knobs.provisioning_looks = LOOKS;
        knobs.stale_task_looks = LOOKS;
    })
    .await;
}

#[tokio::test]
async fn role_assignments_that_the_list_shows_late_are_handled() {
    assert_lifecycle(|knobs| knobs.stale_assignment_list_looks = LOOKS).await;
}

#[tokio::test]
async fn task_identities_that_azure_shows_late_are_handled() {
    assert_lifecycle(|knobs| knobs.late_identity_looks = LOOKS).await;
}

#[tokio::test]
async fn task_identities_that_replicate_late_are_handled() {
    assert_lifecycle(|knobs| knobs.replication_delay_ms = 700).await;
}

#[tokio::test]
async fn a_policy_tag_that_appears_late_is_handled() {
    assert_lifecycle(|knobs| knobs.stale_tag_looks = LOOKS).await;
}

#[tokio::test]
async fn deleted_objects_that_azure_still_shows_are_handled() {
    assert_lifecycle(|knobs| {
        knobs.deletion_looks = LOOKS;
        knobs.assignment_deletion_looks = LOOKS;
        knobs.repository_deletion_looks = LOOKS;
    })
    .await;
}

#[tokio::test]
async fn all_delays_together_are_handled() {
    assert_lifecycle(|knobs| {
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

/// Creates, updates and destroys a workflow, then creates and destroys it again.
async fn assert_lifecycle(turn: impl Fn(&mut Knobs)) {
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

/// Applies, and asserts that the provider waited until Azure showed every change.
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
