//! The transport from a provider to the simulator. It uses real connections in paused time.
//!
//! Tests run in paused time, in which tokio skips every pause as soon as the runtime is idle. The runtime
//! is also idle while it waits for a response, so each request would time out at once. The transport
//! therefore stops time while a request is in flight. Retries and polling take no real time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use async_trait::async_trait;
use azure_simulator::Simulator;
use corpus::Change;
use http::HeaderValue;
use terraform_provider_acr::http::client::{Client, ClientOptions};
use terraform_provider_acr::http::{Request, Response, Transport, TransportError};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::support::fault_injection::{self, At, FaultInjector, TransportFault};

/// The transport of a provider under test.
pub(crate) struct Wire {
    client: Client,
    azure: Arc<Simulator>,
    traffic: Mutex<Traffic>,
}

struct Traffic {
    /// The time in which each request and its response travel.
    latency: Duration,
    /// The number of requests so far.
    sent: usize,
    /// The time of the last request.
    last: Instant,
    bell: Option<Bell>,
    injector: Option<FaultInjector>,
    /// By the number of the request.
    distortions: BTreeMap<usize, Vec<Distortion>>,
}

/// A change of a response on the way.
#[derive(Clone, Debug)]
pub(crate) struct Distortion {
    /// The header to change, or `None` for the body.
    pub(crate) header: Option<&'static str>,
    pub(crate) changes: Vec<Change>,
}

/// Signals that a request is about to be sent, and holds it.
struct Bell {
    at: usize,
    ring: oneshot::Sender<()>,
    go: oneshot::Receiver<()>,
}

/// The test's end of a bell.
pub(crate) struct Ringing {
    /// Receives when the request is about to be sent.
    pub(crate) rung: oneshot::Receiver<()>,
    /// Releases the request when it is dropped.
    pub(crate) go: oneshot::Sender<()>,
}

impl Wire {
    pub(crate) fn to(azure: &Arc<Simulator>) -> Arc<Self> {
        let client = Client::new(ClientOptions {
            user_agent: "lifecycle".to_owned(),
            https_proxy: Some(azure.proxy_url()),
            no_proxy: None,
            extra_ca_pem: Some(azure.ca_pem().into()),
            ..ClientOptions::default()
        });
        Arc::new(Self {
            client: client.unwrap(),
            azure: Arc::clone(azure),
            traffic: Mutex::new(Traffic {
                latency: Duration::ZERO,
                sent: 0,
                last: Instant::now(),
                bell: None,
                injector: None,
                distortions: BTreeMap::new(),
            }),
        })
    }

    /// Gives each request from now on a latency in paused time, also by the simulator's clock. So requests
    /// that are sent in parallel always overlap in the simulator's log.
    pub(crate) fn set_latency(&self, latency: Duration) {
        self.azure.hold_clock();
        let milliseconds = latency.as_millis().try_into().unwrap();
        self.azure.turn(|knobs| knobs.latency_ms = milliseconds);
        self.traffic.lock().unwrap().latency = latency;
    }

    /// Holds the `nth` request from now, counted from 1.
    pub(crate) fn ring_at(&self, nth: usize) -> Ringing {
        let (ring, rung) = oneshot::channel();
        let (go, held) = oneshot::channel();
        let mut traffic = self.traffic.lock().unwrap();
        traffic.bell = Some(Bell {
            at: traffic.sent + nth,
            ring,
            go: held,
        });
        Ringing { rung, go }
    }

    /// Injects a fault from now on.
    pub(crate) fn inject_fault(&self, fault: TransportFault, at: At) {
        self.traffic.lock().unwrap().injector = Some(FaultInjector::new(fault, at));
    }

    /// Stops injecting faults.
    pub(crate) fn clear_fault(&self) {
        self.traffic.lock().unwrap().injector = None;
    }

    /// Distorts the responses to these requests, which are counted from 1 and from now. Replaces earlier
    /// distortions.
    pub(crate) fn distort(&self, distortions: &[(usize, Distortion)]) {
        let mut traffic = self.traffic.lock().unwrap();
        let sent = traffic.sent;
        traffic.distortions.clear();
        for (nth, distortion) in distortions {
            let at = traffic.distortions.entry(sent + nth).or_default();
            at.push(distortion.clone());
        }
    }

    /// Counts a request, and returns the bell, the fault and the distortions for it. Advances the simulator's clock with
    /// paused time.
    fn count(&self, request: &Request) -> (Option<Bell>, Option<TransportFault>, Vec<Distortion>) {
        let mut traffic = self.traffic.lock().unwrap();
        let now = Instant::now();
        self.azure.advance(now - traffic.last);
        traffic.last = now;
        traffic.sent += 1;
        let sent = traffic.sent;
        let injector = traffic.injector.as_mut();
        let fault = injector.and_then(|it| it.fault_for(request));
        let distortions = traffic.distortions.remove(&sent).unwrap_or_default();
        let bell = traffic.bell.take_if(|bell| bell.at == sent);
        (bell, fault, distortions)
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let latency = self.traffic.lock().unwrap().latency;
        tokio::time::sleep(latency).await;
        let held = hold_time();
        let (bell, fault, distortions) = self.count(&request);
        if let Some(bell) = bell {
            // Fails if the test has dropped its end, which is no error.
            let _ = bell.ring.send(());
            let _ = bell.go.await;
        }
        if let Some(answer) = fault_injection::elsewhere(&request) {
            return Ok(answer);
        }
        match fault {
            Some(fault) => fault.inject(request, &self.client, held).await,
            None => {
                let mut response = self.client.send(request).await?;
                for distortion in &distortions {
                    distortion.apply(&mut response);
                }
                Ok(response)
            }
        }
    }
}

impl Distortion {
    fn apply(&self, response: &mut Response) {
        let Some(name) = self.header else {
            let mut body = response.body.to_vec();
            corpus::apply(&mut body, &self.changes);
            response.body = body.into();
            return;
        };
        let value = response.headers.get(name);
        let mut value = value.map_or_else(Vec::new, |value| value.as_bytes().to_vec());
        corpus::apply(&mut value, &self.changes);
        // A header that is not valid never arrives.
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            response.headers.insert(name, value);
        }
    }
}

/// Stops paused time until the result is dropped, because tokio does not skip time while blocking work runs.
fn hold_time() -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel();
    spawn_blocking(move || held.recv());
    release
}
