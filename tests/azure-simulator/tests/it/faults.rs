//! Faults that hold a request or break its response, and copies of everything in Azure.

use azure_simulator::{Fault, Release};
use reqwest::Method;
use serde_json::Value;

use crate::client::{Azure, TASKS, task};

const SCAN: &str = "cssc-scan-image";

impl Azure {
    fn task_exists(&self) -> bool {
        self.simulator.registry("contoso").task(SCAN).is_some()
    }

    /// Puts a task while the fault holds the request, and returns the status, or `None` after a cut.
    async fn put_held(&self, fault: Fault, is_carried_out: bool, how: Release) -> Option<u16> {
        self.simulator.fault(fault);
        let path = format!("{}/tasks/{SCAN}", self.registry());
        let token = self.simulator.token("https://management.azure.com");
        let url = format!("https://management.azure.com{path}?{TASKS}");
        let request = self.http.put(url).bearer_auth(token).json(&task());
        let sent = tokio::spawn(request.send());
        while self.simulator.held() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(self.task_exists(), is_carried_out);
        self.simulator.release(how);
        let response = sent.await.unwrap();
        while self.simulator.held() > 0 {
            tokio::task::yield_now().await;
        }
        response.ok().map(|response| response.status().as_u16())
    }
}

fn on_task() -> Fault {
    Fault::on("PUT", "/tasks/")
}

#[tokio::test]
async fn a_held_request_is_carried_out_on_its_release() {
    let azure = Azure::new();
    let status = azure.put_held(on_task().hold(), false, Release::Answer);
    assert_eq!(status.await, Some(201));
    assert!(azure.task_exists());
}

#[tokio::test]
async fn a_held_request_that_is_cut_is_never_carried_out() {
    let azure = Azure::new();
    let status = azure.put_held(on_task().hold(), false, Release::Cut);
    assert_eq!(status.await, None);
    assert!(!azure.task_exists());
}

#[tokio::test]
async fn a_held_response_arrives_on_its_release() {
    let azure = Azure::new();
    let status = azure.put_held(on_task().hold_after(), true, Release::Answer);
    assert_eq!(status.await, Some(201));
}

#[tokio::test]
async fn a_fault_after_a_request_has_a_status_or_broken_json() {
    for (fault, status, is_carried_out) in [
        (on_task().status_after(503), 503, true),
        (on_task().garble(), 200, false),
        (on_task().garble_after(), 200, true),
    ] {
        let azure = Azure::new();
        azure.simulator.fault(fault);
        let put = azure.put_task(SCAN, task()).await;
        assert_eq!(put.status, status);
        assert_eq!(azure.task_exists(), is_carried_out);
        if status == 200 {
            assert!(serde_json::from_str::<Value>(&put.text).is_err());
            assert!(put.header("content-type").starts_with("application/json"));
        }
    }
}

#[tokio::test]
async fn a_snapshot_brings_back_everything_in_azure() {
    let azure = Azure::new();
    azure.task_principal(SCAN).await;
    let everything = |azure: &Azure| {
        let mut state = azure.simulator.state();
        state["time"] = Value::Null;
        state
    };
    let before = everything(&azure);
    let snapshot = azure.simulator.snapshot();
    let path = format!("{}/tasks/{SCAN}", azure.registry());
    azure.arm(Method::DELETE, &path, TASKS, None).await;
    azure.simulator.registry("contoso").push_policy("{}");
    assert_ne!(everything(&azure), before);
    azure.simulator.restore(&snapshot);
    assert_eq!(everything(&azure), before);
}
