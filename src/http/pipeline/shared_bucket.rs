//! A neighbour that shares the server's token bucket, such as azurerm in the same run.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::future::join_all;
use http::Method;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::*;
use crate::http::Lane;
use crate::http::scripted_transport::reply;

/// Resource Manager's documented bucket for reads.
const CAPACITY: f64 = 250.0;
const PER_SECOND: f64 = 25.0;

const WORKERS: u32 = 40;
const READS_EACH: u32 = 10;

/// A server with one bucket for all its clients.
#[derive(Clone)]
struct SharedBucket(Arc<Mutex<Bucket>>);

struct Bucket {
    level: f64,
    at: Instant,
}

impl SharedBucket {
    fn full() -> Self {
        Self(Arc::new(Mutex::new(Bucket {
            level: CAPACITY,
            at: Instant::now(),
        })))
    }

    /// Takes one token, or returns how many seconds to wait for it.
    fn take(&self) -> Result<(), f64> {
        let mut bucket = self.0.lock().unwrap();
        let now = Instant::now();
        let refilled = (now - bucket.at).as_secs_f64() * PER_SECOND;
        // The added 1e-9 is for rounding.
        bucket.level = (bucket.level + refilled + 1e-9).min(CAPACITY);
        bucket.at = now;
        if bucket.level < 1.0 {
            return Err((1.0 - bucket.level) / PER_SECOND);
        }
        bucket.level -= 1.0;
        Ok(())
    }

    /// Takes all tokens at each tick.
    async fn drain(&self, duration: Duration, tick: Duration) {
        let end = Instant::now() + duration;
        while Instant::now() < end {
            while self.take().is_ok() {}
            tokio::time::sleep(tick).await;
        }
    }

    /// Takes some tokens a second, for three minutes.
    async fn drain_at(&self, per_second: u32) {
        let pause = Duration::from_secs(1) / per_second;
        for _ in 0..per_second * 180 {
            let _ = self.take();
            tokio::time::sleep(pause).await;
        }
    }
}

#[async_trait]
impl Transport for SharedBucket {
    async fn send(&self, _: Request) -> Result<Response, TransportError> {
        let taken = self.take();
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(match taken {
            Ok(()) => reply(200),
            Err(wait) => reply(429).with("retry-after", &wait.ceil().max(1.0).to_string()),
        })
    }
}

fn read() -> Request {
    let url = Url::parse("https://management.azure.com/subscriptions/x").unwrap();
    Request::new(Method::GET, url).lanes(vec![Lane {
        name: "reads of x".to_owned(),
        per_second: Some(PER_SECOND),
        is_closed_by: |_| true,
    }])
}

/// How long the reads took.
#[derive(Debug)]
struct Took {
    /// All reads together.
    all: Duration,
    /// The slowest one.
    slowest: Duration,
}

/// Reads while a neighbour uses the same bucket.
async fn reads_next_to(server: &SharedBucket, neighbour: impl Future<Output = ()>) -> Took {
    let pipeline = Pipeline::new(Arc::new(server.clone()));
    let budget = Budget::new(Duration::from_secs(3600), CancellationToken::new());
    let start = Instant::now();
    let worker = async || {
        let mut slowest = Duration::ZERO;
        for _ in 0..READS_EACH {
            let asked = Instant::now();
            pipeline.send(&budget, &read()).await.unwrap();
            slowest = slowest.max(asked.elapsed());
        }
        slowest
    };
    let workers = async {
        let slowest = join_all((0..WORKERS).map(|_| worker())).await;
        Took {
            all: start.elapsed(),
            slowest: slowest.into_iter().max().unwrap(),
        }
    };
    tokio::join!(workers, neighbour).0
}

#[tokio::test(start_paused = true)]
async fn reads_recover_within_a_minute_after_a_neighbour_stops() {
    for noise in [60, 120].map(Duration::from_secs) {
        for tick in [10, 40, 100, 500, 1000, 2000].map(Duration::from_millis) {
            let server = SharedBucket::full();
            let took = reads_next_to(&server, server.drain(noise, tick)).await;
            assert!(took.all < noise + Duration::from_secs(60), "{took:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_read_starves_next_to_a_neighbour_that_stays() {
    for per_second in [10, 20, 24] {
        let server = SharedBucket::full();
        let took = reads_next_to(&server, server.drain_at(per_second)).await;
        let slowest = took.slowest;
        assert!(slowest < Duration::from_secs(30), "{per_second}: {took:?}");
    }
}
