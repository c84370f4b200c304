//! The handshake line.

use terraform_plugin::process::generated::Empty;
use terraform_plugin::process::generated::grpc_controller_client::GrpcControllerClient;
use terraform_plugin::process::{HostEnvironment, Mode, Network};

use terraform_plugin_testing::plugin_process::{ADDRESS, Plugin, environment, is_loopback};
use terraform_plugin_testing::tls_identity::HOST;

#[tokio::test]
async fn the_plugin_prints_only_the_handshake_line_to_stdout() {
    let mut plugin = Plugin::start(Some(HOST));
    let line = plugin.line().await;

    assert_eq!(line.text.matches('\n').count(), 1);
    let channel = line.connect(Some(HOST)).await;
    GrpcControllerClient::new(channel)
        .shutdown(Empty {})
        .await
        .unwrap();

    assert_eq!(plugin.stdout.rest().await, "");
}

#[tokio::test]
async fn the_certificate_has_no_padding_and_is_the_last_field() {
    // The length of a signature varies, so these certificates very likely cover every length modulo 3.
    for _ in 0..32 {
        let line = Plugin::start(Some(HOST)).line().await;

        assert!(!line.text.contains('='), "{}", line.text);
        assert_eq!(line.text.matches('|').count(), 5, "{}", line.text);
        assert!(line.certificate().len() > 50);
    }
}

#[tokio::test]
async fn a_host_without_a_certificate_gets_plain_text() {
    let mut plugin = Plugin::start(None);
    let line = plugin.line().await;

    assert!(line.text.ends_with("|grpc|\n"), "{}", line.text);
    let channel = line.connect_in_plain_text().await;
    GrpcControllerClient::new(channel)
        .shutdown(Empty {})
        .await
        .unwrap();
}

#[tokio::test]
async fn tcp_listens_on_loopback_in_the_port_range_of_the_host() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let environment = HostEnvironment {
        network: Network::Tcp,
        ports: port..=port,
        ..environment(None)
    };

    let mut plugin = Plugin::start_in(Mode::Hosted, environment);
    let line = plugin.line().await;

    assert!(line.text.starts_with("1|6|tcp|127.0.0.1:"), "{}", line.text);
    assert!(line.address.ends_with(&format!(":{port}")));
    assert!(is_loopback(&line.address));
    line.connect_in_plain_text().await;
}

#[tokio::test]
async fn an_invalid_client_certificate_is_an_error() {
    let environment = HostEnvironment {
        client_certificate: Some("nonsense".to_owned()),
        ..environment(None)
    };

    let mut plugin = Plugin::start_in(Mode::Hosted, environment);

    let error = plugin.end().await.unwrap_err();
    insta::assert_snapshot!(error, @"could not set up TLS");
    assert_eq!(plugin.stdout.rest().await, "");
}

#[tokio::test]
async fn reattach_uses_plain_text_even_with_a_client_certificate() {
    let mut plugin = Plugin::start_in(Mode::Reattach, environment(Some(HOST)));
    let text = plugin.stdout.until("'\n\n").await;

    let value = text
        .split_once("TF_REATTACH_PROVIDERS='")
        .and_then(|(_, rest)| rest.trim_end().strip_suffix('\''))
        .unwrap();
    let providers: serde_json::Value = serde_json::from_str(value).unwrap();
    let reattach = &providers[ADDRESS];
    assert_eq!(reattach["Protocol"], "grpc");
    assert_eq!(reattach["ProtocolVersion"], 6);
    assert_eq!(reattach["Pid"], std::process::id());
    assert_eq!(reattach["Test"], true);
    assert_eq!(reattach["Addr"]["Network"], "unix");

    let socket = reattach["Addr"]["String"].as_str().unwrap();
    let line = terraform_plugin_testing::plugin_process::Line::parse(&format!(
        "1|6|unix|{socket}|grpc|\n"
    ));
    line.connect_in_plain_text().await;
}
