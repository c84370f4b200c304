//! The actions against the simulator, event by event, as Terraform 1.14 and later call them.

mod cancel_runs;
mod run;
mod wait_for_run;

use azure_simulator::{Fate, Fault};
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::{Type, Value, msgpack};
use tonic::Streaming;

use crate::lifecycle::stage::Stage;
use terraform_plugin_testing::action_events::{ActionEvents, collect_events};
use terraform_plugin_testing::host::lines;

const RUN: &str = "acr_continuous_patching_run";
const CANCEL: &str = "acr_continuous_patching_cancel_runs";

/// The encoded configuration of an action. Only `acr_continuous_patching_run` has `wait`.
fn config(action: &str, registry: Value, timeout: Value, wait: Value) -> Option<pb::DynamicValue> {
    let arguments = [
        ("registry_id", Type::String, registry),
        ("timeout", Type::String, timeout),
        ("wait", Type::Bool, wait),
    ];
    let known = arguments
        .into_iter()
        .filter(|(name, ..)| action == RUN || *name != "wait");
    let (kinds, values): (Vec<_>, Vec<_>) = known
        .map(|(name, kind, value)| ((name.to_owned(), kind), (name, value)))
        .unzip();
    let kind = Type::Object(kinds.into_iter().collect());
    Some(pb::DynamicValue {
        msgpack: msgpack::encode(&Value::object(values), &kind).unwrap(),
        json: vec![],
    })
}

/// Creates a workflow whose trigger run finds two vulnerable images.
async fn workflow() -> Stage {
    let mut stage = Stage::plain().await;
    stage
        .registry()
        .push_image("python", "3.11", Fate::Vulnerable(3))
        .push_image("python", "3.12", Fate::Vulnerable(1));
    let config = stage.config();
    stage.terraform.succeed(&config).await;
    stage.azure.mark();
    stage
}

/// Creates the same workflow with runs that never end.
async fn endless() -> Stage {
    let stage = workflow().await;
    stage.azure.turn(|knobs| knobs.run_looks = u32::MAX);
    stage
}

async fn start(
    stage: &Stage,
    action: &str,
    timeout: Value,
    wait: Value,
) -> Streaming<pb::invoke_action::Event> {
    start_on(stage, &stage.registry().id(), action, timeout, wait).await
}

async fn start_on(
    stage: &Stage,
    registry: &str,
    action: &str,
    timeout: Value,
    wait: Value,
) -> Streaming<pb::invoke_action::Event> {
    let request = pb::invoke_action::Request {
        action_type: action.to_owned(),
        config: config(action, registry.into(), timeout, wait),
        ..Default::default()
    };
    let answer = stage.terraform.client().invoke_action(request).await;
    answer.unwrap().into_inner()
}

async fn wait(stage: &Stage) -> ActionEvents {
    collect_events(start(stage, RUN, Value::Null, true.into()).await).await
}

async fn cancel(stage: &Stage) -> ActionEvents {
    collect_events(start(stage, CANCEL, Value::Null, Value::Null).await).await
}

/// The only error of an action, as summary and detail.
fn error(events: &ActionEvents) -> String {
    assert_eq!(lines(&events.outcome).len(), 1, "{events:?}");
    let only = &events.outcome[0];
    assert_eq!(only.severity(), pb::diagnostic::Severity::Error);
    format!("{}\n{}", only.summary, only.detail)
}

/// The ID of the trigger task's only run.
fn only_run(stage: &Stage) -> String {
    let mut runs = stage.registry().runs();
    runs.retain(|run| run.task == "cssc-trigger-workflow");
    assert_eq!(runs.len(), 1);
    runs.remove(0).id
}

#[tokio::test]
async fn arguments_are_validated_without_any_request() {
    let stage = Stage::plain().await;
    stage.azure.mark();
    let id = stage.registry().id();
    for (registry, timeout, expected) in [
        (Value::from(id.to_uppercase()), Value::Null, vec![]),
        (Value::Unknown, Value::Unknown, vec![]),
        (
            "contoso".into(),
            "soon".into(),
            vec![
                "error at .registry_id: Invalid registry ID",
                "error at .timeout: Invalid timeout",
            ],
        ),
    ] {
        for action in [RUN, CANCEL] {
            let config = || config(action, registry.clone(), timeout.clone(), Value::Unknown);
            let request = pb::validate_action_config::Request {
                action_type: action.to_owned(),
                config: config(),
            };
            let mut client = stage.terraform.client();
            let answer = client.validate_action_config(request).await.unwrap();
            assert_eq!(lines(&answer.into_inner().diagnostics), expected);
            let request = pb::plan_action::Request {
                action_type: action.to_owned(),
                config: config(),
                ..Default::default()
            };
            let answer = client.plan_action(request).await.unwrap().into_inner();
            assert_eq!(lines(&answer.diagnostics), expected);
        }
    }
    assert!(stage.azure.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_message_of_an_action_contains_a_secret() {
    let stage = workflow().await;
    stage.azure.turn(|knobs| knobs.run_looks = 3);
    let mut all = vec![wait(&stage).await];
    for fault in [
        Fault::on("GET", "/rawtext.log").status(403),
        Fault::on("GET", "/rawtext.log").cut(),
        Fault::on("POST", "/listLogSasUrl").status(403),
        Fault::on("GET", "/runs/").nth(3).status(403),
        Fault::on("POST", "/scheduleRun").cut_after(),
    ] {
        stage.azure.fault(fault.times(u64::MAX));
        all.push(wait(&stage).await);
        all.push(cancel(&stage).await);
        stage.azure.clear_faults();
    }
    let said = format!("{all:?}");
    let secrets = stage.azure.secrets();
    assert!(secrets.len() > 5);
    for secret in secrets {
        assert!(!said.contains(&secret), "{secret} in {said}");
    }
    assert!(!said.contains("sig="), "{said}");
}
