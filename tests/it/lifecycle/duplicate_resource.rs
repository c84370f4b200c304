//! Two resources for one registry, which can have only one workflow. The first create succeeds, and the
//! second one fails.

use futures::future::join_all;

use crate::lifecycle::stage::{Stage, with};
use terraform_plugin_testing::host::lines;

#[tokio::test(start_paused = true)]
async fn two_concurrent_creates_end_with_one_workflow_and_one_error() {
    let mut stage = Stage::plain().await;
    let mut other = stage.terraform.another_resource();
    let configs = [
        stage.config(),
        with(
            &with(&stage.config(), "schedule", "3d"),
            "start_time",
            "05:00",
        ),
    ];
    let both = [&mut stage.terraform, &mut other];
    let said = join_all(
        both.into_iter()
            .zip(&configs)
            .map(async |(terraform, config)| {
                let plan = terraform.plan(config).await.unwrap();
                lines(&terraform.apply(&plan, config).await)
            }),
    )
    .await;
    let mut outcomes = said.concat();
    outcomes.retain(|line| !line.starts_with("warning"));
    assert_eq!(outcomes, ["error: Resource already exists"]);
    let first = usize::from(said[0].iter().any(|line| line.starts_with("error")));
    let winner = if first == 0 {
        &mut stage.terraform
    } else {
        &mut other
    };
    assert!(!winner.stored.as_ref().unwrap().tainted);
    assert_eq!(winner.destroy().await, []);
    assert_eq!(stage.azure.leftovers()["tasks"], 0);
}
