use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json as value;
use tokio::time::Instant;

use super::*;
use crate::azure::credential::{Token, TokenSource};
use crate::azure::testing::{azure, minute};
use crate::azure::{AzureOptions, Credential, OperationKind};
use crate::http::scripted_transport::{ScriptedTransport, absent, json, reply};
use crate::http::{Pipeline, TransportErrorKind};

fn listing() -> Operation {
    Operation::new(OperationKind::ListTasks, "/things")
}

#[test]
fn a_query_encodes_spaces_as_percent_20() {
    let filter = [("$filter", "TaskName in ('a') and x eq 'b+c'")];
    let url = url(&Cloud::public(), "/things", "2022-04-01", &filter);
    assert_eq!(
        url.as_str(),
        "https://management.azure.com/things?api-version=2022-04-01\
         &$filter=TaskName%20in%20(%27a%27)%20and%20x%20eq%20%27b%2Bc%27"
    );
}

#[test]
fn keeps_the_path_of_an_endpoint() {
    let mut cloud = Cloud::public();
    cloud.resource_manager = Url::parse("https://localhost:8443/arm/").unwrap();
    let url = url(&cloud, "/things", "1", &[]);
    assert_eq!(
        url.as_str(),
        "https://localhost:8443/arm/things?api-version=1"
    );
}

#[tokio::test]
async fn requests_have_a_token_and_a_correlation_id() {
    let transport = ScriptedTransport::default().on(Method::GET, "/things", json(200, &value!({})));
    let azure = azure(&transport);
    let url = url(azure.cloud(), "/things", "1", &[]);
    let _: Value = azure.arm_get(&minute(), &listing(), url).await.unwrap();
    let headers = &transport.requests()[0].headers;
    assert_eq!(
        headers["authorization"],
        "Bearer token-for-https://management.azure.com/.default"
    );
    assert_eq!(headers["accept"], "application/json");
    assert_eq!(headers["x-ms-correlation-request-id"], "correlation-1");
}

#[tokio::test]
async fn reads_all_pages_of_a_list() {
    let page = |items: Value, next: &str| json(200, &value!({"value": items, "nextLink": next}));
    let next = "https://management.azure.com/things?page=2";
    let transport = ScriptedTransport::default()
        .on(Method::GET, "/things?page=2", page(value!([3]), ""))
        .on(Method::GET, "/things", page(value!([1, 2]), next));
    let azure = azure(&transport);
    let url = url(azure.cloud(), "/things", "1", &[]);
    let all: Vec<u32> = azure
        .arm_list(&minute(), &listing(), url, |_| true)
        .await
        .unwrap();
    assert_eq!(all, [1, 2, 3]);
}

#[tokio::test]
async fn a_next_link_to_a_page_that_was_read_is_an_error_that_names_it() {
    let page = |next: &str| json(200, &value!({"value": [1], "nextLink": next}));
    let transport = ScriptedTransport::default()
        .on(Method::GET, "/things?page=2", page("/things?api-version=1"))
        .on(Method::GET, "/things", page("/things?page=2"));
    let azure = azure(&transport);
    let url = url(azure.cloud(), "/things", "1", &[]);
    let error = azure
        .arm_list::<u32>(&minute(), &listing(), url, |_| true)
        .await
        .unwrap_err();
    insta::assert_snapshot!(error, @"listing tasks of registry /things: unexpected answer: its link to the next page leads to a page that was already read: https://management.azure.com/things?api-version=1");
    transport.assert_done();
}

#[tokio::test]
async fn a_next_link_to_another_host_is_an_error() {
    let page = value!({"value": [], "nextLink": "https://evil.example/things"});
    let transport = ScriptedTransport::default().on(Method::GET, "/things", json(200, &page));
    let azure = azure(&transport);
    let url = url(azure.cloud(), "/things", "1", &[]);
    let error = azure
        .arm_list::<u32>(&minute(), &listing(), url, |_| true)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Decode { .. }));
    assert_eq!(transport.requests().len(), 1);
}

#[tokio::test]
async fn a_rejected_token_is_renewed_once() {
    let transport = ScriptedTransport::default()
        .on(Method::PUT, "/things", reply(401))
        .on(Method::PUT, "/things", reply(201))
        .on(Method::PUT, "/things", reply(401))
        .on(Method::PUT, "/things", reply(401));
    let azure = azure(&transport);
    let put = || Request::new(Method::PUT, url(azure.cloud(), "/things", "1", &[]));
    let done = azure.arm(&minute(), &listing(), put()).await.unwrap();
    assert_eq!(done.status, 201);
    let refused = azure.arm(&minute(), &listing(), put()).await.unwrap_err();
    assert_eq!(refused.status(), Some(StatusCode::UNAUTHORIZED));
    transport.assert_done();
}

/// Reads role assignments, which answer with this 429 first. Returns how many seconds a read of the registry
/// waits after that.
async fn wait_after(refusal: Response) -> u64 {
    const REGISTRY: &str = "/subscriptions/s/providers/Microsoft.ContainerRegistry/registries/r";
    let assignments = format!("{REGISTRY}/providers/Microsoft.Authorization/roleAssignments");
    let transport = ScriptedTransport::default()
        .on(Method::GET, &assignments, refusal.with("retry-after", "40"))
        .on(Method::GET, &assignments, json(200, &value!({})))
        .on(Method::GET, REGISTRY, json(200, &value!({})));
    let azure = azure(&transport);
    let budget = minute();
    let operation = listing();
    let read = async |id: &str| {
        let url = url(azure.cloud(), id, "1", &[]);
        let start = Instant::now();
        azure
            .arm_get::<Value>(&budget, &operation, url)
            .await
            .unwrap();
        start.elapsed().as_secs()
    };
    let registry = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        read(REGISTRY).await
    };
    let (assignments, registry) = tokio::join!(read(&assignments), registry);
    assert_eq!(assignments, 40);
    registry
}

#[tokio::test(start_paused = true)]
async fn only_resource_managers_own_429_stops_the_reads_of_the_subscription() {
    let coded = |code: &str| json(429, &value!({"error": {"code": code, "message": "…"}}));
    assert_eq!(wait_after(coded("TooManyRequests")).await, 0);
    assert_eq!(wait_after(reply(429)).await, 0);
    assert_eq!(wait_after(coded("SubscriptionRequestsThrottled")).await, 39);
    let gateway = reply(429).with("x-ms-failure-cause", "gateway");
    assert_eq!(wait_after(gateway).await, 39);
}

/// Issues a new token for each fetch, such as `home-1`.
#[derive(Default)]
struct Numbered(AtomicU32);

#[async_trait]
impl TokenSource for Numbered {
    async fn fetch(&self, _: &Budget, tenant: Option<&str>, _: &str) -> Result<Token, Error> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let text = format!("{}-{number}", tenant.unwrap_or("home"));
        Ok(Token::lasting(Duration::from_secs(3600), Secret::new(text)))
    }
}

#[tokio::test]
async fn auxiliary_tokens_are_renewed_with_the_rejected_token() {
    let transport = ScriptedTransport::default()
        .on(Method::GET, "/things", reply(401))
        .on(Method::GET, "/things", json(200, &value!({})));
    let tenants = ["one".to_owned(), "two".to_owned()];
    let azure = Azure::new(AzureOptions {
        cloud: Cloud::public(),
        credential: Credential::new("a test", Arc::new(Numbered::default()))
            .with_auxiliary_tenants(&tenants),
        pipeline: Pipeline::new(Arc::new(transport.clone())),
        correlation_id: None,
    });
    let url = url(azure.cloud(), "/things", "1", &[]);
    let _: Value = azure.arm_get(&minute(), &listing(), url).await.unwrap();
    let tokens = transport.requests().into_iter().map(|request| {
        let header = |name| request.headers[name].to_str().unwrap().to_owned();
        [
            header("authorization"),
            header("x-ms-authorization-auxiliary"),
        ]
        .join(" | ")
    });
    insta::assert_snapshot!(tokens.collect::<Vec<_>>().join("\n"), @"
    Bearer home-1 | Bearer one-2, Bearer two-3
    Bearer home-4 | Bearer one-5, Bearer two-6
    ");
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_and_then_refused_write_may_have_been_done() {
    let refused_after = |kind| async move {
        let transport = ScriptedTransport::default()
            .fail(Method::PUT, "/things", kind)
            .on(Method::PUT, "/things", reply(403));
        let azure = azure(&transport);
        let request = Request::new(Method::PUT, url(azure.cloud(), "/things", "1", &[]));
        let refused = azure.arm(&minute(), &listing(), request).await;
        refused.unwrap_err().may_have_been_done()
    };
    assert!(refused_after(TransportErrorKind::Interrupted).await);
    assert!(!refused_after(TransportErrorKind::Connect).await);
}

#[tokio::test(start_paused = true)]
async fn the_outcome_stays_unknown_after_a_token_renewal() {
    let cut_and_refused = ScriptedTransport::default()
        .fail(Method::PUT, "/things", TransportErrorKind::Interrupted)
        .on(Method::PUT, "/things", reply(401));
    let transport = (0..20).fold(cut_and_refused, |transport, _| {
        transport.fail(Method::PUT, "/things", TransportErrorKind::Connect)
    });
    let azure = azure(&transport);
    let request = Request::new(Method::PUT, url(azure.cloud(), "/things", "1", &[]));
    let error = azure.arm(&minute(), &listing(), request).await.unwrap_err();
    assert!(matches!(&error, Error::Stopped { .. }) && error.may_have_been_done());
}

#[tokio::test(start_paused = true)]
async fn deleting_a_missing_resource_is_not_an_error() {
    let transport = ScriptedTransport::default()
        .twice(Method::DELETE, "/things", absent("ResourceNotFound"))
        .on(Method::DELETE, "/things", reply(409));
    let azure = azure(&transport);
    let url = url(azure.cloud(), "/things", "1", &[]);
    let gone = azure.arm_delete(&minute(), &listing(), url.clone()).await;
    assert_eq!(gone.unwrap().status, 404);
    let refused = azure.arm_delete(&minute(), &listing(), url).await;
    assert!(refused.unwrap_err().is_conflict());
}
