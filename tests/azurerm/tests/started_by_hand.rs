//! The binary without a host. The acceptance tests of the workspace run it under real hosts.

use std::process::Command;

#[test]
fn started_by_hand_it_says_that_a_host_must_start_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_terraform-provider-azurerm"))
        .output()
        .expect("the binary is built");
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("hashicorp/azurerm"), "{text}");
    assert!(text.contains("Terraform and OpenTofu start it"), "{text}");
}
