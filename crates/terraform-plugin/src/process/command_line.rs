//! The arguments of a plugin's binary. A host passes none.

use std::ffi::OsString;

use crate::process::Binary;
use crate::process::handshake::PROTOCOL_VERSION;

/// What the arguments ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Serve the host that started the binary.
    Serve,
    /// Serve any host, for debugging.
    Debug,
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

impl Command {
    /// Reads the arguments, which exclude the binary's name. It ignores unknown arguments.
    pub(super) fn read(arguments: impl IntoIterator<Item = OsString>) -> Self {
        let mut commands = arguments.into_iter().filter_map(|argument| {
            // Providers in Go accept flags with one dash.
            match argument.to_str()? {
                "--debug" | "-debug" => Some(Self::Debug),
                "--help" | "-help" | "-h" => Some(Self::Help),
                "--version" | "-version" | "-v" => Some(Self::Version),
                _ => None,
            }
        });
        commands.next().unwrap_or(Self::Serve)
    }
}

/// The version in one line.
pub(super) fn version(binary: Binary) -> String {
    let Binary {
        address, version, ..
    } = binary;
    let name = address.rsplit('/').next().unwrap_or(address);
    format!("terraform-provider-{name} {version} (plugin protocol {PROTOCOL_VERSION})\n")
}

/// How to use the binary.
pub(super) fn help(binary: Binary) -> String {
    format!(
        "{}\n{}\n\
         Options:\n  \
           --debug    Serve any host, and print the variable that makes a host connect.\n  \
           --help     Print this text.\n  \
           --version  Print the version.\n",
        version(binary),
        introduction(binary.address)
    )
}

/// The answer to a start without a host.
pub(super) fn introduction(address: &str) -> String {
    format!(
        "This is the provider {address}. Terraform and OpenTofu start it.\n\
         To use it, add it to required_providers in a configuration and run `terraform \
         init`.\nTo debug it, start it with --debug and follow the instructions.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_one_or_two_dashes_and_other_arguments_are_ignored() {
        let read = |arguments: &[&str]| Command::read(arguments.iter().map(OsString::from));
        assert_eq!(read(&[]), Command::Serve);
        assert_eq!(read(&["other", "--verbose"]), Command::Serve);
        assert_eq!(read(&["other", "-debug"]), Command::Debug);
        assert_eq!(read(&["--version", "--help"]), Command::Version);
        assert_eq!(read(&["-h"]), Command::Help);
    }
}
