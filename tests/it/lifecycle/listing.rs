//! The list resource, event by event, as `terraform query` calls it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use azure_simulator::{Fault, Generation, Options, RegistrySpec, SUBSCRIPTION, Simulator};
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::{Type, Value, msgpack};
use tonic::Streaming;

use crate::lifecycle::stage::Stage;
use crate::support::core::start_core;
use crate::support::wire::Wire;
use terraform_plugin_testing::core::Core;
use terraform_plugin_testing::host::lines;

fn config(subscription: Value, group: Value) -> Option<pb::DynamicValue> {
    let names = ["subscription_id", "resource_group_name"];
    let kind = Type::Object(names.map(|name| (name.to_owned(), Type::String)).into());
    let config = Value::object(names.into_iter().zip([subscription, group]));
    Some(pb::DynamicValue {
        msgpack: msgpack::encode(&config, &kind).unwrap(),
        json: vec![],
    })
}

fn request() -> pb::list_resource::Request {
    pb::list_resource::Request {
        type_name: "acr_continuous_patching_workflow".to_owned(),
        config: config(Value::Null, Value::Null),
        include_resource_object: false,
        limit: 100,
    }
}

/// A request for all attributes of each workflow.
fn whole() -> pb::list_resource::Request {
    pb::list_resource::Request {
        include_resource_object: true,
        limit: 10_000,
        ..request()
    }
}

async fn start(
    terraform: &Core,
    request: pb::list_resource::Request,
) -> Streaming<pb::list_resource::Event> {
    let answer = terraform.client().list_resource(request).await.unwrap();
    answer.into_inner()
}

async fn list(
    terraform: &Core,
    request: pb::list_resource::Request,
) -> Vec<pb::list_resource::Event> {
    let mut events = start(terraform, request).await;
    let mut found = vec![];
    while let Some(event) = events.message().await.unwrap() {
        found.push(event);
    }
    found
}

/// The display names of the workflows and the lines of the other diagnostics, in alphabetical order.
fn summaries(events: &[pb::list_resource::Event]) -> Vec<String> {
    let mut summaries: Vec<String> = events
        .iter()
        .flat_map(|event| match &event.identity {
            Some(_) => vec![event.display_name.clone()],
            None => lines(&event.diagnostic),
        })
        .collect();
    summaries.sort();
    summaries
}

/// Sets up a subscription with registries of these names. Those in `with` have a workflow.
async fn subscription(names: &[&str], with: &[&str]) -> (Arc<Simulator>, Arc<Wire>, Core) {
    let options = names.iter().fold(Options::default(), |options, name| {
        options.registry(RegistrySpec::new(name))
    });
    let azure = Arc::new(Simulator::start(options).unwrap());
    for name in with {
        let registry = azure.registry(name);
        registry.cli_create(Generation::TasksContributor).unwrap();
    }
    let wire = Wire::to(&azure);
    let environment = azure.env().into_iter().collect();
    let terraform = start_core(environment, &wire).await;
    (azure, wire, terraform)
}

#[tokio::test(start_paused = true)]
async fn workflows_are_listed_and_an_unreadable_registry_is_a_warning() {
    let (azure, _, terraform) = subscription(&["alpha", "bravo", "charlie"], &["alpha"]).await;
    azure.fault(
        Fault::on("GET", "/registries/charlie/tasks")
            .status(403)
            .code("AuthorizationFailed")
            .times(u64::MAX),
    );
    let events = list(&terraform, request()).await;
    assert_eq!(
        summaries(&events),
        [
            "alpha",
            "warning: Could not look up the workflow of charlie"
        ]
    );
    let said = events.iter().find(|it| it.identity.is_none()).unwrap();
    let detail = &said.diagnostic[0].detail;
    assert!(detail.contains("AuthorizationFailed"), "{detail}");
    let sent = events[0].identity.as_ref().or(events[1].identity.as_ref());
    let sent = sent.unwrap().identity_data.as_ref().unwrap();
    let identity = terraform.identity(&sent.msgpack);
    assert_eq!(
        identity,
        Value::object([
            ("subscription_id", SUBSCRIPTION.into()),
            ("resource_group_name", "demo".into()),
            ("registry_name", "alpha".into()),
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn every_page_of_registries_is_read() {
    let names: Vec<String> = (0..7).map(|n| format!("contoso{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (azure, _, terraform) = subscription(&names, &names[..5]).await;
    azure.turn(|knobs| knobs.page_size = 3);
    azure.mark();
    assert_eq!(summaries(&list(&terraform, request()).await), names[..5]);
    let requests = azure.requests();
    let pages = requests
        .iter()
        .filter(|it| it.path.ends_with("/Microsoft.ContainerRegistry/registries"));
    assert_eq!(pages.count(), 3);
    assert!(azure.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_list_stops_at_its_limit() {
    let names: Vec<String> = (0..30).map(|n| format!("contoso{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (azure, _, terraform) = subscription(&names, &names).await;
    azure.turn(|knobs| knobs.page_size = 10);
    azure.mark();
    let limited = pb::list_resource::Request {
        limit: 2,
        ..request()
    };
    let events = list(&terraform, limited).await;
    assert_eq!(events.len(), 2);
    let looked_at = azure.requests();
    let looked_at: BTreeSet<&str> = looked_at
        .iter()
        .filter(|it| it.path.ends_with("/tasks"))
        .map(|it| it.path.as_str())
        .collect();
    assert!(looked_at.len() <= 10, "{looked_at:?}");
}

#[tokio::test(start_paused = true)]
async fn the_listed_resource_object_equals_an_imported_state() {
    let (azure, _, mut terraform) = subscription(&["contoso"], &["contoso"]).await;
    let events = list(&terraform, whole()).await;
    assert_eq!(summaries(&events), ["contoso"]);
    let object = events[0].resource_object.clone();
    let listed = terraform.object(object);
    assert_eq!(terraform.import(&azure.registry("contoso").id()).await, []);
    assert_eq!(&listed, terraform.state());
    assert_eq!(listed.get("schedule"), &"1d".into());
    assert_eq!(azure.writes().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_registry_without_a_workflow_costs_one_request_and_never_its_data_plane() {
    let names = ["alpha", "bravo", "charlie", "delta", "echoes", "foxtrot"];
    let (azure, _, terraform) = subscription(&names, &[]).await;
    azure.mark();
    let begun = tokio::time::Instant::now();
    assert_eq!(list(&terraform, whole()).await, []);
    let hosts: BTreeSet<String> = azure.requests().into_iter().map(|it| it.host).collect();
    assert!(
        hosts.iter().all(|host| !host.ends_with(".azurecr.io")),
        "{hosts:?}"
    );
    let to_arm = azure
        .requests()
        .into_iter()
        .filter(|it| it.host == "management.azure.com");
    assert_eq!(
        to_arm.count(),
        1 + names.len(),
        "a page, and the tasks of each registry"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    // One more request signs in.
    assert_eq!(azure.requests().len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_closed_data_plane_is_no_warning_about_a_registry_without_a_workflow() {
    let (azure, _, terraform) = subscription(&["alpha", "bravo"], &["bravo"]).await;
    let closed = Fault::on("*", "azurecr.io").status(403).code("DENIED");
    azure.fault(closed.times(u64::MAX));
    let events = list(&terraform, whole()).await;
    assert_eq!(
        summaries(&events),
        ["warning: Could not look up the workflow of bravo"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_of_many_registries_keeps_to_the_limits_of_resource_manager() {
    let names: Vec<String> = (0..1000).map(|n| format!("contoso{n:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (azure, _, terraform) = subscription(&names, &names[..20]).await;
    azure.turn(|knobs| knobs.throttling = true);
    azure.mark();
    let begun = tokio::time::Instant::now();
    let events = list(&terraform, whole()).await;
    assert_eq!(summaries(&events), names[..20]);
    let requests = azure.requests();
    let reads = requests
        .iter()
        .filter(|it| it.host == "management.azure.com");
    let answered = reads.filter(|it| it.status != 429).count();
    // Ten pages, the tasks of each registry, and two more reads of each with a workflow.
    assert_eq!(answered, 10 + 1000 + 2 * 20);
    // Resource Manager allows 250 reads at once and 25 a second.
    assert!(
        begun.elapsed() < Duration::from_secs(35),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_ends_after_its_overall_time() {
    let names: Vec<String> = (0..80).map(|n| format!("contoso{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (azure, _, terraform) = subscription(&names, &names[..1]).await;
    let throttled = Fault::on("GET", "/contoso(0[1-9]|[1-7].)/tasks").status(429);
    azure.fault(throttled.retry_after(60).times(u64::MAX));
    let begun = tokio::time::Instant::now();
    let events = list(&terraform, request()).await;
    assert!(
        begun.elapsed() <= Duration::from_secs(1801),
        "{:?}",
        begun.elapsed()
    );
    let last = events.last().unwrap();
    assert_eq!(
        lines(&last.diagnostic),
        ["error: The list did not finish within 30m"]
    );
    assert!(last.diagnostic[0].detail.contains("`resource_group_name`"));
    assert_eq!(events[0].display_name, "contoso00");
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_policy_is_a_warning_on_its_workflow() {
    let (azure, _, terraform) = subscription(&["contoso"], &["contoso"]).await;
    azure.registry("contoso").push_policy("{");
    let events = list(&terraform, whole()).await;
    assert_eq!(summaries(&events), ["contoso"]);
    assert_eq!(
        lines(&events[0].diagnostic),
        ["warning at .repositories: The policy in contoso can't be read"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_is_filtered_by_resource_group_and_subscription() {
    const OTHER: &str = "00000000-0000-0000-0000-00000000000a";
    let (azure, _, terraform) = subscription(&["alpha"], &["alpha"]).await;
    azure.add_registry(RegistrySpec::new("charlie").subscription(OTHER));
    let apart = azure.add_registry(RegistrySpec::new("bravo").resource_group("apart"));
    apart.cli_create(Generation::TasksContributor).unwrap();
    let of = |subscription: Value, group: Value| pb::list_resource::Request {
        config: config(subscription, group),
        ..request()
    };
    for (group, expected) in [("apart", ["bravo"]), ("DEMO", ["alpha"])] {
        let events = list(&terraform, of(Value::Null, group.into())).await;
        assert_eq!(summaries(&events), expected);
    }
    // The signed-in identity has access to the first subscription only.
    let events = list(&terraform, of(OTHER.into(), Value::Null)).await;
    assert_eq!(summaries(&events), ["error: Could not list the registries"]);
    let events = list(&terraform, of(Value::Null, "nowhere".into())).await;
    assert_eq!(
        summaries(&events),
        ["error at .resource_group_name: Could not list the registries"]
    );
    let detail = &events[0].diagnostic[0].detail;
    assert!(detail.contains("ResourceGroupNotFound"), "{detail}");
    assert!(detail.contains("Check `resource_group_name`"), "{detail}");
    let unknown = "00000000-0000-0000-0000-00000000000b";
    let events = list(&terraform, of(unknown.into(), Value::Null)).await;
    assert_eq!(
        summaries(&events),
        ["error at .subscription_id: Could not list the registries"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_missing_subscription_is_an_error_that_names_each_setting() {
    let stage = Stage::plain().await;
    let variables = stage.azure.env().into_iter();
    let environment = variables.filter(|(name, _)| *name != "ARM_SUBSCRIPTION_ID");
    let mut terraform = start_core(environment.collect(), &stage.wire).await;
    let events = list(&terraform, request()).await;
    assert_eq!(summaries(&events), ["error: No subscription to list"]);
    insta::assert_snapshot!(events[0].diagnostic[0].detail, @"No subscription is configured. Set `subscription_id` in the `config` block of the list or in the provider block, or set the environment variable ARM_SUBSCRIPTION_ID.");
    let block = Value::object([("subscription_id", Value::from(SUBSCRIPTION))]);
    terraform.restart_with(block).await;
    assert_eq!(list(&terraform, request()).await, []);
}

#[tokio::test]
async fn a_filter_is_validated_without_any_request() {
    let stage = Stage::plain().await;
    stage.azure.mark();
    for (subscription, group, expected) in [
        (Value::Null, Value::Null, vec![]),
        (Value::Unknown, Value::Unknown, vec![]),
        (SUBSCRIPTION.into(), "demo".into(), vec![]),
        (
            "mine".into(),
            "a/b".into(),
            vec![
                "error at .subscription_id: Invalid subscription ID",
                "error at .resource_group_name: Invalid resource group name",
            ],
        ),
    ] {
        let request = pb::validate_list_resource_config::Request {
            type_name: "acr_continuous_patching_workflow".to_owned(),
            config: config(subscription, group),
            ..Default::default()
        };
        let mut client = stage.terraform.client();
        let answer = client.validate_list_resource_config(request).await.unwrap();
        assert_eq!(lines(&answer.into_inner().diagnostics), expected);
    }
    assert!(stage.azure.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_a_list() {
    let (_, wire, terraform) = subscription(&["alpha", "bravo"], &["alpha", "bravo"]).await;
    // The third request reads the first registry's tasks.
    let ringing = wire.ring_at(3);
    let listing = list(&terraform, request());
    let stop = async {
        ringing.rung.await.unwrap();
        Core::stop(terraform.client()).await;
        drop(ringing.go);
    };
    let (events, ()) = tokio::join!(listing, stop);
    let last = summaries(&events[events.len() - 1..]);
    assert_eq!(last, ["error: Could not list the registries"]);
    assert!(events.len() <= 2);
}

#[tokio::test(start_paused = true)]
async fn a_closed_connection_ends_a_list() {
    let names: Vec<String> = (0..30).map(|n| format!("contoso{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (azure, wire, terraform) = subscription(&names, &names).await;
    let ringing = wire.ring_at(6);
    azure.mark();
    let events = start(&terraform, request()).await;
    ringing.rung.await.unwrap();
    drop(events);
    drop(ringing.go);
    // Time for requests that the provider would still send.
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let looked_at = azure.requests().len();
    assert!(looked_at < 30, "{looked_at} requests");
}
