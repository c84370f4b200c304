//! Hosts that start a plugin and never connect, or that die.

use std::time::Duration;

use terraform_plugin::process::Mode;
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::protocol::generated::provider_client::ProviderClient;
use tokio::time::{pause, timeout};

use terraform_plugin_testing::plugin_process::{Plugin, environment, exists};
use terraform_plugin_testing::tls_identity::HOST;

/// In tokio's time, which advances automatically while it is paused.
const LONG: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_plugin_ends_if_no_host_connects() {
    let mut plugin = Plugin::start(Some(HOST));
    let line = plugin.line().await;

    pause();
    let ended = timeout(LONG, &mut plugin.running).await;

    ended.unwrap().unwrap().unwrap();
    assert!(!exists(&line.address));
}

#[tokio::test]
async fn a_refused_client_does_not_count_as_a_host() {
    let mut plugin = Plugin::start(Some(HOST));
    let line = plugin.line().await;
    let refused = line.encrypt(None, rustls::ALL_VERSIONS).await;

    pause();
    let ended = timeout(LONG, &mut plugin.running).await;

    ended.unwrap().unwrap().unwrap();
    drop(refused);
}

#[tokio::test]
async fn a_plugin_ends_after_its_host_has_died() {
    let mut plugin = Plugin::start(Some(HOST));
    let line = plugin.line().await;
    // The operating system closes the connections of a process that dies.
    drop(line.connect(Some(HOST)).await);

    pause();
    let ended = timeout(LONG, &mut plugin.running).await;

    ended.unwrap().unwrap().unwrap();
    assert!(!exists(&line.address));
}

#[tokio::test]
async fn a_plugin_continues_if_its_host_connects_again() {
    let mut plugin = Plugin::start(Some(HOST));
    let line = plugin.line().await;
    drop(line.connect(Some(HOST)).await);
    let _channel = line.connect(Some(HOST)).await;

    pause();
    let ended = timeout(LONG, &mut plugin.running).await;

    assert!(ended.is_err(), "{ended:?}");
}

#[tokio::test]
async fn a_plugin_continues_while_its_host_is_idle() {
    let mut plugin = Plugin::start(Some(HOST));
    let channel = plugin.line().await.connect(Some(HOST)).await;
    let mut provider = ProviderClient::new(channel);
    let request = pb::get_provider_schema::Request {};
    provider.get_provider_schema(request).await.unwrap();

    pause();
    let ended = timeout(LONG, &mut plugin.running).await;

    assert!(ended.is_err(), "{ended:?}");
}

#[tokio::test]
async fn a_plugin_for_reattaching_waits_without_a_time_limit() {
    let mut plugin = Plugin::start_in(Mode::Reattach, environment(None));
    plugin.stdout.until("'\n\n").await;

    pause();
    let ended = timeout(LONG, &mut plugin.running).await;

    assert!(ended.is_err(), "{ended:?}");
}
