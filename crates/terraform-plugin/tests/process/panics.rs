//! A panic that ends the process.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::framework::{ConfigureRequest, Context, Provider, Resource};
use terraform_plugin::process::{self, Binary};
use terraform_plugin::schema::Schema;
use terraform_plugin::value::Value;
use terraform_plugin_testing::plugin_process::{ADDRESS, COOKIE, in_time};
use tokio::process::Command;

const BINARY: Binary = Binary {
    address: ADDRESS,
    version: "1.2.3",
    crates: &[],
};

#[tokio::test]
async fn a_fatal_panic_is_reported_in_the_format_that_hosts_expect() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("panics::a_plugin_that_panics")
        .kill_on_drop(true)
        .output();
    let output = in_time(output).await.unwrap();

    let stderr = String::from_utf8(output.stderr).unwrap();
    let (log, crash) = stderr.split_once('\n').unwrap();
    let log: serde_json::Value = serde_json::from_str(log).unwrap();
    assert_eq!(log["@level"], "error");
    assert_eq!(log["@message"], "panicked: nothing to offer");
    assert!(
        crash.starts_with("panic: nothing to offer\n\nat crates"),
        "{crash}"
    );
}

#[test]
#[ignore = "runs in the process of another test"]
fn a_plugin_that_panics() {
    let cookie = (COOKIE.0.into(), COOKIE.1.into());
    let code = process::run(BINARY, Arc::new(Unsound), [], [cookie]);
    assert_eq!(code, ExitCode::from(2));
}

/// A provider whose panic ends the process.
struct Unsound;

#[async_trait]
impl Provider for Unsound {
    fn schema(&self) -> &Schema {
        unreachable!("the process ends before this call")
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        panic!("nothing to offer")
    }

    async fn validate_config(&self, _: &Context, _: &Value) -> Diagnostics {
        Diagnostics::default()
    }

    async fn configure(&self, _: &Context, _: ConfigureRequest) -> Diagnostics {
        Diagnostics::default()
    }
}
