//! The provider's binary, started without a host.

use assert_cmd::Command;

use terraform_plugin_testing::plugin_process::{COOKIE, LONG_ENOUGH};
use terraform_provider_acr::SOURCE_ADDRESS;

fn plugin() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terraform-provider-acr"));
    command.env_remove(COOKIE.0).timeout(LONG_ENOUGH);
    command
}

fn refusal(command: &mut Command) -> String {
    let output = command.assert().code(1).stdout("").get_output().clone();
    text(output.stderr)
}

/// The output, without the address that a publisher of the provider chooses.
fn text(output: Vec<u8>) -> String {
    let text = String::from_utf8(output).unwrap();
    text.replace(SOURCE_ADDRESS, "<address>")
}

/// The message to a host. It is on stderr, and on stdout in place of the handshake line.
fn refusal_to_the_host(command: &mut Command) -> String {
    let host = command.env(COOKIE.0, COOKIE.1);
    let output = host.assert().code(1).get_output().clone();
    let [stdout, stderr] = [output.stdout, output.stderr].map(text);
    assert_eq!(stdout, stderr);
    assert_eq!(stdout.matches(['\n', '|']).count(), 1);
    stderr
}

#[test]
fn a_direct_start_explains_how_to_use_the_provider() {
    insta::assert_snapshot!(refusal(&mut plugin()), @r"
    This is the provider <address>. Terraform and OpenTofu start it.
    To use it, add it to required_providers in a configuration and run `terraform init`.
    To debug it, start it with --debug and follow the instructions.
    ");
}

#[test]
fn the_version_and_the_help_are_printed_without_a_host() {
    for arguments in [["--version"], ["--help"]] {
        let output = plugin().args(arguments).assert().code(0).stderr("");
        let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
        let version = concat!(
            "terraform-provider-acr ",
            env!("CARGO_PKG_VERSION"),
            " (plugin protocol 6)\n"
        );
        assert!(text.starts_with(version), "{text}");
        assert_eq!(text.contains("--debug"), arguments == ["--help"]);
    }
}

#[test]
fn another_magic_cookie_is_treated_as_no_cookie() {
    let message = refusal(plugin().env(COOKIE.0, "chocolate"));

    assert_eq!(message, refusal(&mut plugin()));
}

#[test]
fn an_invalid_client_certificate_is_an_error() {
    let message = refusal_to_the_host(plugin().env("PLUGIN_CLIENT_CERT", "nonsense"));

    insta::assert_snapshot!(message, @"The provider <address> could not be started: could not set up TLS: PLUGIN_CLIENT_CERT contains no PEM certificate: no items found.");
}

#[test]
fn a_socket_that_can_not_be_created_is_an_error() {
    let message = refusal_to_the_host(plugin().env("PLUGIN_UNIX_SOCKET_DIR", "/nonexistent"));

    let (message, path) = message.split_once(" at path ").unwrap();
    insta::assert_snapshot!(message, @"The provider <address> could not be started: could not open a socket in /nonexistent: No such file or directory (os error 2)");
    assert!(path.ends_with(". Set TMPDIR to a writable directory with a short path.\n"));
}

#[test]
fn a_plugin_for_debugging_prints_its_error_only_to_stderr() {
    let message = refusal(
        plugin()
            .arg("--debug")
            .env("PLUGIN_UNIX_SOCKET_DIR", "/nonexistent"),
    );

    assert!(message.contains("could not open a socket in /nonexistent"));
}
