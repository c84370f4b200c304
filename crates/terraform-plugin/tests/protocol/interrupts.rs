//! Concurrent calls, cancelled calls and stops.

use terraform_plugin::protocol::generated as pb;
use terraform_plugin::value::Value;

use terraform_plugin_testing::host::{Host, lines};
use terraform_plugin_testing::scripted_provider::Behavior;

fn named(name: &str) -> Value {
    Value::object([("name", name.into())])
}

#[tokio::test]
async fn calls_are_answered_while_another_waits() {
    let host = Host::of(Behavior::Waits).await;
    let planned = named("slow");
    let create = host.apply(&Value::Null, &planned);
    let meanwhile = async {
        host.resource.until("create waits").await;
        for name in ["a", "b", "c"] {
            assert_eq!(
                host.read(&named(name)).await.object.get("name").as_str(),
                Some(name)
            );
        }
        host.resource.release.notify_one();
    };
    let (created, ()) = tokio::join!(create, meanwhile);
    assert_eq!(created.lines(), [""; 0]);
}

#[tokio::test]
async fn concurrent_calls_each_get_their_own_answer() {
    let host = Host::of(Behavior::Behaves).await;
    let names: Vec<String> = (0..50).map(|number| format!("thing {number}")).collect();
    let answers = names.iter().map(|name| async {
        let answer = host.apply(&Value::Null, &named(name)).await;
        assert_eq!(answer.object.get("name").as_str(), Some(name.as_str()));
    });
    futures::future::join_all(answers).await;
    assert_eq!(host.resource.calls().len(), 50);
}

#[tokio::test]
async fn a_create_is_cancelled_and_ends_in_order_if_the_host_gives_up_the_call() {
    let host = Host::of(Behavior::Waits).await;
    let request = host.apply_request(&Value::Null, &named("a"));
    let mut client = host.client();
    let call = tokio::spawn(async move { client.apply_resource_change(request).await });
    host.resource.until("create waits").await;

    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    host.resource.until("create is cancelled").await;

    assert_eq!(host.read(&named("a")).await.lines(), [""; 0]);
}

#[tokio::test]
async fn a_stopped_create_returns_partial_state() {
    let host = Host::of(Behavior::Waits).await;
    let planned = named("a");
    let create = host.apply(&Value::Null, &planned);
    let interrupt = async {
        host.resource.until("create waits").await;
        host.stop().await;
    };
    let (created, ()) = tokio::join!(create, interrupt);
    assert_eq!(created.object.get("id").as_str(), Some("half"));
    assert_eq!(created.lines(), ["error at .name: Can't create"]);
}

#[tokio::test]
async fn a_stop_ends_the_configuration_of_the_provider() {
    let host = Host::of(Behavior::Waits).await;
    let mut client = host.client();
    let request = pb::configure_provider::Request::default();
    let configure = tokio::spawn(async move { client.configure_provider(request).await });
    host.resource.until("configure waits").await;
    host.stop().await;
    let answer = configure.await.unwrap().unwrap().into_inner();
    assert_eq!(
        lines(&answer.diagnostics),
        ["error at .name: Can't configure"]
    );
}

#[tokio::test]
async fn an_operation_after_a_stop_is_not_cancelled() {
    let host = Host::of(Behavior::Waits).await;
    host.stop().await;
    host.resource.release.notify_one();
    let created = host.apply(&Value::Null, &named("a")).await;
    assert_eq!(created.lines(), [""; 0]);
    assert_eq!(host.read(&named("a")).await.lines(), [""; 0]);
}

#[tokio::test]
async fn a_stop_returns_immediately_during_an_operation() {
    let host = Host::of(Behavior::Waits).await;
    let mut client = host.client();
    let request = host.apply_request(&Value::Null, &named("a"));
    let create = tokio::spawn(async move { client.apply_resource_change(request).await });
    host.resource.until("create waits").await;
    host.stop().await;
    host.stop().await;
    assert!(create.await.unwrap().is_ok());
}
