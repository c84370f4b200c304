//! Connections whose other end no longer answers, as after a firewall has dropped them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use azure_simulator::{Options, Simulator};
use http::Method;
use terraform_provider_acr::http::client::{Client, ClientOptions, KeepAlive};
use terraform_provider_acr::http::{Budget, Pipeline, Request};
use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Less than the minute after which an attempt times out. It is far more than the pings need.
const LIMIT: Duration = Duration::from_secs(50);

/// A relay to a server. It can freeze its first connection.
struct Relay {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    freeze: Arc<Notify>,
    closed: Arc<Notify>,
}

impl Relay {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            freeze: Arc::default(),
            closed: Arc::default(),
        };
        let connections = Arc::clone(&relay.connections);
        let (freeze, closed) = (Arc::clone(&relay.freeze), Arc::clone(&relay.closed));
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let is_first = connections.fetch_add(1, Ordering::SeqCst) == 0;
                let (freeze, closed) = (Arc::clone(&freeze), Arc::clone(&closed));
                let mut server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        () = freeze.notified(), if is_first => {
                            // The connection stays open and swallows everything.
                            let mut bytes = [0; 1024];
                            while client.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
                            closed.notify_one();
                        }
                    }
                });
            }
        });
        relay
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Returns a pipeline through the relay, after one request has opened a connection.
async fn connected(azure: &Simulator, relay: &Relay) -> Pipeline {
    let client = Client::new(ClientOptions {
        user_agent: "test".to_owned(),
        https_proxy: Some(format!("http://{}", relay.address)),
        extra_ca_pem: Some(azure.ca_pem().into()),
        keep_alive: KeepAlive {
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
        },
        ..ClientOptions::default()
    });
    let pipeline = Pipeline::new(Arc::new(client.unwrap()));
    read(&pipeline).await;
    assert_eq!(relay.connections(), 1);
    pipeline
}

async fn read(pipeline: &Pipeline) {
    let url = "https://management.azure.com/metadata/endpoints?api-version=2022-09-01";
    let request = Request::new(Method::GET, url.parse().unwrap());
    let budget = Budget::new(LIMIT, CancellationToken::new());
    let answer = pipeline.send(&budget, &request).await.unwrap();
    assert_eq!(answer.status, 200);
}

async fn relay(azure: &Simulator) -> Relay {
    let server = azure.proxy_url();
    Relay::to(server.strip_prefix("http://").unwrap().to_owned()).await
}

#[tokio::test]
async fn a_request_on_a_frozen_connection_continues_on_a_new_one() {
    let azure = Simulator::start(Options::default()).unwrap();
    let relay = relay(&azure).await;
    let pipeline = connected(&azure, &relay).await;
    relay.freeze.notify_one();
    read(&pipeline).await;
    assert!(relay.connections() > 1);
}

#[tokio::test]
async fn a_frozen_connection_is_closed_while_it_is_idle() {
    let azure = Simulator::start(Options::default()).unwrap();
    let relay = relay(&azure).await;
    let pipeline = connected(&azure, &relay).await;
    relay.freeze.notify_one();
    tokio::time::timeout(LIMIT, relay.closed.notified())
        .await
        .unwrap();
    drop(pipeline);
}
