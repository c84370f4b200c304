//! A run that can't measure must fail, so that a table never hides a failure.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command.args(arguments).output().unwrap()
}

#[test]
fn a_missing_provider_fails_the_run_and_writes_no_page() {
    let folder = std::env::temp_dir().join("bench-without-a-provider.md");
    let output = folder.to_str().unwrap();
    for part in ["startup", "latency", "fleet"] {
        let run = run(&[part, "--provider", "/nonexistent", "--output", output]);
        assert!(!run.status.success() && run.stdout.is_empty(), "{part}");
        assert!(!folder.exists());
    }
}

#[test]
fn an_unknown_part_fails_the_run() {
    let run = run(&["speed"]);
    assert!(!run.status.success());
    let error = String::from_utf8(run.stderr).unwrap();
    assert!(error.contains("speed is not one of"), "{error}");
}
