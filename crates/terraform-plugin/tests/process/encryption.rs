//! Mutual TLS: the plugin accepts only its host.

use std::io;

use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use terraform_plugin_testing::plugin_process::{Line, Plugin, in_time};
use terraform_plugin_testing::tls_identity::{HOST, IMPOSTOR, Identity, STRANGER};

/// The preface of an HTTP/2 client, with an empty SETTINGS frame.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Connects and reads the plugin's first frame. With TLS 1.3, a client learns only from the first
/// answer whether the server accepts it.
async fn greet(
    line: &Line,
    client: Option<Identity>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> io::Result<Vec<u8>> {
    let mut stream = line.encrypt(client, versions).await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    stream.write_all(GREETING).await?;
    let mut frame = vec![0; 9];
    in_time(stream.read_exact(&mut frame)).await?;
    Ok(frame)
}

async fn refusal(client: Option<Identity>) -> String {
    let mut plugin = Plugin::start(Some(HOST));
    let line = plugin.line().await;

    let error = greet(&line, client, rustls::ALL_VERSIONS)
        .await
        .unwrap_err();

    // The host can still connect after the refused client.
    greet(&line, Some(HOST), rustls::ALL_VERSIONS)
        .await
        .unwrap();
    error.to_string()
}

#[tokio::test]
async fn the_host_connects_with_tls_1_3() {
    let mut plugin = Plugin::start(Some(HOST));
    let line = plugin.line().await;

    let frame = greet(&line, Some(HOST), &[&TLS13]).await.unwrap();

    assert_eq!(frame[3], 4, "SETTINGS comes first");
}

#[tokio::test]
async fn tls_1_2_is_refused() {
    let mut plugin = Plugin::start(Some(HOST));
    let line = plugin.line().await;

    let refused = greet(&line, Some(HOST), &[&TLS12]).await.unwrap_err();

    insta::assert_snapshot!(refused, @"received fatal alert: ProtocolVersion");
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    insta::assert_snapshot!(refusal(None).await, @"received fatal alert: CertificateRequired");
}

#[tokio::test]
async fn a_client_with_another_certificate_is_refused() {
    insta::assert_snapshot!(refusal(Some(STRANGER)).await, @"received fatal alert: AccessDenied");
}

#[tokio::test]
async fn a_client_with_the_host_certificate_but_another_key_is_refused() {
    insta::assert_snapshot!(refusal(Some(IMPOSTOR)).await, @"received fatal alert: DecryptError");
}

#[tokio::test]
async fn a_plain_text_client_is_refused() {
    let mut plugin = Plugin::start(Some(HOST));
    let line = plugin.line().await;
    let mut socket = tokio::net::UnixStream::connect(&line.address)
        .await
        .unwrap();

    socket.write_all(GREETING).await.unwrap();
    let mut answer = Vec::new();
    let read = in_time(socket.read_to_end(&mut answer));
    read.await.unwrap();

    // A TLS alert (21) or nothing, but no HTTP/2 frame.
    assert!(answer.is_empty() || answer[0] == 21, "{answer:?}");
}
