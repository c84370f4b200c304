//! The shutdown of a plugin.

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use terraform_plugin::process::Mode;
use terraform_plugin::process::generated::grpc_broker_client::GrpcBrokerClient;
use terraform_plugin::process::generated::grpc_controller_client::GrpcControllerClient;
use terraform_plugin::process::generated::grpc_stdio_client::GrpcStdioClient;
use terraform_plugin::process::generated::{ConnInfo, Empty};
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::protocol::generated::provider_client::ProviderClient;
use terraform_plugin::value::Value;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Response, Status};

use terraform_plugin_testing::host::Host;
use terraform_plugin_testing::plugin_process::{Line, Plugin, environment, exists, in_time};
use terraform_plugin_testing::scripted_provider::{Behavior, ScriptedProvider};
use terraform_plugin_testing::tls_identity::HOST;

/// A host kills the plugin this long after its shutdown request.
const PATIENCE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_shutdown_ends_open_streams_and_removes_the_socket() {
    let mut plugin = Plugin::start(Some(HOST));
    let line = plugin.line().await;
    let channel = line.connect(Some(HOST)).await;
    let mut stdio = GrpcStdioClient::new(channel.clone())
        .stream_stdio(())
        .await
        .unwrap()
        .into_inner();
    let offer = ConnInfo {
        service_id: 1,
        ..ConnInfo::default()
    };
    let mut broker = GrpcBrokerClient::new(channel.clone())
        .start_stream(futures::StreamExt::chain(
            tokio_stream::once(offer),
            futures::stream::pending(),
        ))
        .await
        .unwrap()
        .into_inner();
    assert!(exists(&line.address));

    GrpcControllerClient::new(channel)
        .shutdown(Empty {})
        .await
        .unwrap();
    plugin.end().await.unwrap();

    assert!(in_time(stdio.message()).await.unwrap().is_none());
    assert!(in_time(broker.message()).await.unwrap().is_none());
    assert!(!exists(&line.address));
}

#[tokio::test]
async fn a_stop_cancels_operations_and_the_process_continues() {
    let host = Host::of(Behavior::Waits).await;
    let scripted = Arc::new(ScriptedProvider::of(&host.resource));
    let mut plugin = Plugin::serve(Mode::Hosted, environment(Some(HOST)), scripted);
    let channel = plugin.line().await.connect(Some(HOST)).await;
    let mut provider = ProviderClient::new(channel.clone());
    let mut second = provider.clone();

    let create = host.apply_request(&Value::Null, &Value::object([("name", "a".into())]));
    let interrupt = async {
        host.resource.until("create waits").await;
        let stop = pb::stop_provider::Request {};
        second.stop_provider(stop).await.unwrap();
    };
    let (created, ()) = tokio::join!(provider.apply_resource_change(create), interrupt);

    let created = host.value(created.unwrap().into_inner().new_state);
    assert_eq!(created.get("id").as_str(), Some("half"));
    let again = pb::get_provider_schema::Request {};
    assert!(provider.get_provider_schema(again).await.is_ok());
}

/// A plugin during a create. The host is waiting for the answer.
struct Creating {
    host: Host,
    plugin: Plugin,
    line: Line,
    channel: Channel,
    create: JoinHandle<Result<Response<pb::apply_resource_change::Response>, Status>>,
}

impl Creating {
    async fn with(behavior: Behavior, stop: impl Future<Output = ()> + Send + 'static) -> Self {
        let host = Host::of(behavior).await;
        let scripted = Arc::new(ScriptedProvider::of(&host.resource));
        let mut plugin = Plugin::serve_until(Mode::Hosted, environment(Some(HOST)), scripted, stop);
        let line = plugin.line().await;
        let channel = line.connect(Some(HOST)).await;
        let mut provider = ProviderClient::new(channel.clone());
        let create = host.apply_request(&Value::Null, &Value::object([("name", "a".into())]));
        let create = tokio::spawn(async move { provider.apply_resource_change(create).await });
        host.resource.until("create waits").await;
        Self {
            host,
            plugin,
            line,
            channel,
            create,
        }
    }

    async fn ask_to_end(&self) {
        GrpcControllerClient::new(self.channel.clone())
            .shutdown(Empty {})
            .await
            .unwrap();
    }

    /// Makes the host give up the create without an answer.
    async fn give_up(&mut self) {
        self.create.abort();
        (&mut self.create).await.unwrap_err();
        // The answer to a later call shows that the plugin has received the reset of the first.
        let mut second = ProviderClient::new(self.channel.clone());
        let schema = pb::get_provider_schema::Request {};
        second.get_provider_schema(schema).await.unwrap();
    }

    /// Waits for the answer to the create and for the end of the plugin. Returns the new state.
    async fn end(mut self) -> Value {
        let created = (&mut self.create).await.unwrap().unwrap().into_inner();
        in_time(&mut self.plugin.running).await.unwrap().unwrap();
        self.host.value(created.new_state)
    }
}

#[tokio::test]
async fn a_create_returns_partial_state_after_a_shutdown() {
    let creating = Creating::with(Behavior::Waits, pending()).await;

    creating.ask_to_end().await;

    assert_eq!(creating.end().await.get("id").as_str(), Some("half"));
}

#[tokio::test]
async fn a_create_returns_partial_state_after_a_signal() {
    let signal = CancellationToken::new();
    let creating = Creating::with(Behavior::Waits, signal.clone().cancelled_owned()).await;

    signal.cancel();

    assert_eq!(creating.end().await.get("id").as_str(), Some("half"));
}

#[tokio::test]
async fn a_create_is_cancelled_when_the_connection_of_its_host_ends() {
    let Creating {
        host,
        plugin,
        line,
        channel,
        create,
    } = Creating::with(Behavior::Waits, pending()).await;

    create.abort();
    drop((create, channel));
    // A host that connects again keeps the plugin alive. So the end of the plugin cancels nothing here.
    let _again = line.connect(Some(HOST)).await;

    host.resource.until("create is cancelled").await;
    assert!(!plugin.running.is_finished());
}

#[tokio::test]
async fn the_plugin_waits_for_a_create_but_ends_before_the_host_kills_it() {
    let mut creating = Creating::with(Behavior::Insists, pending()).await;
    creating.ask_to_end().await;

    let asked = Instant::now();
    tokio::time::pause();
    let ended = timeout(PATIENCE, &mut creating.plugin.running).await;
    ended.unwrap().unwrap().unwrap();

    assert!(asked.elapsed() > PATIENCE / 2);
    assert!(!exists(&creating.line.address));
    assert!(!creating.create.is_finished());
}

#[tokio::test]
async fn the_plugin_also_waits_for_a_create_that_the_host_gave_up() {
    let mut creating = Creating::with(Behavior::Insists, pending()).await;
    creating.give_up().await;
    creating.ask_to_end().await;

    tokio::time::pause();
    let too_early = timeout(PATIENCE / 2, &mut creating.plugin.running).await;
    assert!(too_early.is_err(), "the plugin ended during a create");
    creating.host.resource.release.notify_one();
    let ended = timeout(PATIENCE, &mut creating.plugin.running).await;

    ended.unwrap().unwrap().unwrap();
    assert_eq!(creating.host.resource.calls(), ["create waits", "create"]);
}
