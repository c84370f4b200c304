//! Hosts that start a plugin and don't connect.

use std::time::Duration;

use terraform_plugin::process::Mode;
use terraform_plugin::protocol::generated as pb;
use terraform_plugin::protocol::generated::provider_client::ProviderClient;
use tokio::time::{pause, timeout};

use terraform_plugin_testing::plugin_process::{Plugin, environment, exists};
use terraform_plugin_testing::tls_identity::HOST;

/// In tokio's time, which passes by itself once it is paused.
const LONG: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_plugin_to_which_no_host_connects_ends_by_itself() {
    let mut plugin = Plugin::start(Some(HOST));
    let line = plugin.line().await;

    pause();
    let ended = timeout(LONG, &mut plugin.running).await;

    ended.unwrap().unwrap().unwrap();
    assert!(!exists(&line.address));
}

#[tokio::test]
async fn whoever_is_refused_is_no_host() {
    let mut plugin = Plugin::start(Some(HOST));
    let line = plugin.line().await;
    let refused = line.encrypt(None, rustls::ALL_VERSIONS).await;

    pause();
    let ended = timeout(LONG, &mut plugin.running).await;

    ended.unwrap().unwrap().unwrap();
    drop(refused);
}

#[tokio::test]
async fn a_plugin_goes_on_while_its_host_is_silent() {
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
async fn a_plugin_to_be_debugged_waits_for_as_long_as_it_takes() {
    let mut plugin = Plugin::start_in(Mode::Reattach, environment(None));
    plugin.stdout.until("'\n\n").await;

    pause();
    let ended = timeout(LONG, &mut plugin.running).await;

    assert!(ended.is_err(), "{ended:?}");
}
