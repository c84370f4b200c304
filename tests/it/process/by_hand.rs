//! The product's binary, started by somebody who isn't a host.

use assert_cmd::Command;

use terraform_plugin_testing::plugin_process::{COOKIE, LONG_ENOUGH};

fn plugin() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terraform-provider-acr"));
    command.env_remove(COOKIE.0).timeout(LONG_ENOUGH);
    command
}

fn refusal(command: &mut Command) -> String {
    let output = command.assert().code(1).stdout("").get_output().clone();
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn whoever_starts_it_by_hand_is_told_what_it_is() {
    insta::assert_snapshot!(refusal(&mut plugin()), @r"
    This is the provider registry.terraform.io/acrpatch/acr. Terraform and OpenTofu start it.
    To use it, add it to required_providers in a configuration and run `terraform init`.
    To debug it, start it with --debug and follow the instructions.
    ");
}

#[test]
fn another_cookie_is_as_good_as_none() {
    let told = refusal(plugin().env(COOKIE.0, "chocolate"));

    assert_eq!(told, refusal(&mut plugin()));
}

#[test]
fn a_certificate_that_is_none_is_explained() {
    let told = refusal(
        plugin()
            .env(COOKIE.0, COOKIE.1)
            .env("PLUGIN_CLIENT_CERT", "nonsense"),
    );

    insta::assert_snapshot!(told, @"The provider registry.terraform.io/acrpatch/acr could not be started: could not set up TLS: PLUGIN_CLIENT_CERT contains no PEM certificate: no items found.");
}

#[test]
fn a_socket_that_can_t_be_made_is_explained() {
    let told = refusal(
        plugin()
            .env(COOKIE.0, COOKIE.1)
            .env("PLUGIN_UNIX_SOCKET_DIR", "/nonexistent"),
    );

    let (told, _path) = told.split_once(" at path ").unwrap();
    insta::assert_snapshot!(told, @"The provider registry.terraform.io/acrpatch/acr could not be started: could not open a socket in /nonexistent: No such file or directory (os error 2)");
}
