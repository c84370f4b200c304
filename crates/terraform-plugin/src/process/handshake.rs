//! The go-plugin handshake: the host sets environment variables, the plugin answers with one line.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustls::pki_types::CertificateDer;
use tracing::level_filters::LevelFilter;

use crate::process::address::{Address, Network};
use crate::process::hclog;

/// The variable by which Terraform and OpenTofu identify themselves to a plugin.
const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// The core protocol version of go-plugin.
const CORE_VERSION: u8 = 1;

/// The version of Terraform's plugin protocol. The plugin supports no other, so it ignores
/// `PLUGIN_PROTOCOL_VERSIONS`. A host that doesn't support this version reports the best error itself.
pub(super) const PROTOCOL_VERSION: u8 = 6;

/// The settings from the environment that a host sets.
#[derive(Clone, Debug)]
pub struct HostEnvironment {
    /// Whether a Terraform or OpenTofu host started the plugin.
    pub started_by_host: bool,
    /// The host's client certificate as PEM, or [`None`] if the host uses plain text.
    pub client_certificate: Option<String>,
    /// The kind of socket to listen on.
    pub network: Network,
    /// The allowed TCP ports. With `0..=0` the operating system chooses one.
    pub ports: RangeInclusive<u16>,
    /// Where a Unix socket may be.
    pub socket_directory: SocketDirectory,
    /// The group that may use a Unix socket, by name or ID. [`None`] allows only the current user.
    pub socket_group: Option<String>,
    /// The log level.
    pub log_level: LevelFilter,
}

/// Where a Unix socket may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketDirectory {
    /// Only in the directory that the host names. The host may see no other directory.
    Required(PathBuf),
    /// In the first of these directories that can hold a socket.
    FirstUsable(Vec<PathBuf>),
}

impl SocketDirectory {
    /// The directories to try, in order.
    pub(super) fn candidates(&self) -> &[PathBuf] {
        match self {
            Self::Required(directory) => std::slice::from_ref(directory),
            Self::FirstUsable(directories) => directories,
        }
    }

    /// Chooses the host's directory, or the temporary directory and the usual alternatives.
    fn choose(variables: &Variables) -> Self {
        let path = |variable| variables.get(variable).map(PathBuf::from);
        if let Some(directory) = path("PLUGIN_UNIX_SOCKET_DIR") {
            return Self::Required(directory);
        }
        let temporary = path("TMPDIR").unwrap_or_else(env::temp_dir);
        let others = ["/tmp", "/var/tmp"].map(PathBuf::from);
        let mut directories = vec![temporary];
        for other in path("XDG_RUNTIME_DIR").into_iter().chain(others) {
            if !directories.contains(&other) {
                directories.push(other);
            }
        }
        Self::FirstUsable(directories)
    }
}

/// An environment variable of the host is invalid.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EnvironmentError {
    /// The port is not a number from 0 to 65535.
    #[error("{variable} is `{value}`, which is not a port")]
    Port {
        /// The name of the variable.
        variable: &'static str,
        /// The value of the variable.
        value: String,
    },
    /// The port range is empty.
    #[error("PLUGIN_MIN_PORT {min} is greater than PLUGIN_MAX_PORT {max}")]
    Ports {
        /// The lowest port.
        min: u16,
        /// The highest port.
        max: u16,
    },
}

impl HostEnvironment {
    /// Reads the environment of the provider at `address` (`host/namespace/name`). As in Go, an
    /// empty variable counts as unset.
    ///
    /// # Errors
    /// The plugin listens on TCP, and the variables don't define a valid port range.
    pub fn read(
        address: &str,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, EnvironmentError> {
        let variables = Variables::new(variables);
        let network = Network::usual();
        Ok(Self {
            started_by_host: variables.text(COOKIE.0).as_deref() == Some(COOKIE.1),
            client_certificate: variables.text("PLUGIN_CLIENT_CERT"),
            network,
            ports: ports(network, &variables)?,
            socket_directory: SocketDirectory::choose(&variables),
            socket_group: variables.text("PLUGIN_UNIX_SOCKET_GROUP"),
            log_level: hclog::level(address, |variable| variables.text(variable)),
        })
    }
}

/// The handshake line, by which the host learns how to connect.
#[derive(Debug)]
pub(super) struct Handshake<'a> {
    /// The address of the plugin's socket.
    pub(super) address: &'a Address,
    /// The server certificate, or [`None`] for plain text.
    pub(super) certificate: Option<&'a CertificateDer<'static>>,
}

/// The certificate field is present even if it is empty. It has no padding, because Go reads it as raw
/// base64. It must be the last field: hosts before go-plugin 1.6 would read another field as a part of
/// the certificate.
impl fmt::Display for Handshake<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Address { network, location } = self.address;
        let certificate = self
            .certificate
            .map(|der| STANDARD_NO_PAD.encode(der))
            .unwrap_or_default();
        write!(
            f,
            "{CORE_VERSION}|{PROTOCOL_VERSION}|{network}|{location}|grpc|{certificate}"
        )
    }
}

/// The variables that are not empty.
struct Variables(HashMap<OsString, OsString>);

impl Variables {
    fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(
            variables
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        )
    }

    fn get(&self, variable: &str) -> Option<OsString> {
        self.0.get(&OsString::from(variable)).cloned()
    }

    fn text(&self, variable: &str) -> Option<String> {
        self.get(variable)
            .map(|value| value.to_string_lossy().into_owned())
    }
}

/// The allowed TCP ports. Hosts always set the variables, but only TCP uses them.
fn ports(network: Network, variables: &Variables) -> Result<RangeInclusive<u16>, EnvironmentError> {
    if network != Network::Tcp {
        return Ok(0..=0);
    }
    let port = |variable| match variables.text(variable) {
        None => Ok(0),
        Some(value) => value
            .parse()
            .map_err(|_| EnvironmentError::Port { variable, value }),
    };
    let (min, max) = (port("PLUGIN_MIN_PORT")?, port("PLUGIN_MAX_PORT")?);
    if min > max {
        return Err(EnvironmentError::Ports { min, max });
    }
    Ok(min..=max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<HostEnvironment, EnvironmentError> {
        HostEnvironment::read(
            "registry.terraform.io/acme/some-cloud",
            variables
                .iter()
                .map(|(name, value)| (name.into(), value.into())),
        )
    }

    fn ports(
        network: Network,
        variables: &[(&str, &str)],
    ) -> Result<RangeInclusive<u16>, EnvironmentError> {
        let variables = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        super::ports(network, &Variables::new(variables))
    }

    fn address() -> Address {
        Address {
            network: Network::Unix,
            location: "/run/plugin1".to_owned(),
        }
    }

    #[test]
    fn the_environment_of_a_host_is_read() {
        let environment = read(&[
            (COOKIE.0, COOKIE.1),
            ("PLUGIN_PROTOCOL_VERSIONS", "6,5"),
            ("PLUGIN_CLIENT_CERT", "-----BEGIN CERTIFICATE-----"),
            ("PLUGIN_UNIX_SOCKET_DIR", "/run/host"),
            ("PLUGIN_UNIX_SOCKET_GROUP", "plugins"),
            ("TF_LOG_PROVIDER_SOME_CLOUD", "debug"),
        ])
        .unwrap();

        assert!(environment.started_by_host);
        assert_eq!(
            environment.client_certificate.as_deref(),
            Some("-----BEGIN CERTIFICATE-----")
        );
        assert_eq!(
            environment.socket_directory,
            SocketDirectory::Required(PathBuf::from("/run/host"))
        );
        assert_eq!(environment.socket_group.as_deref(), Some("plugins"));
        assert_eq!(environment.log_level, LevelFilter::DEBUG);
    }

    #[test]
    fn an_empty_environment_has_no_host() {
        let environment = read(&[("PLUGIN_CLIENT_CERT", "")]).unwrap();

        assert!(!environment.started_by_host);
        assert_eq!(environment.client_certificate, None);
        assert!(matches!(
            environment.socket_directory,
            SocketDirectory::FirstUsable(_)
        ));
    }

    #[test]
    fn a_socket_is_tried_in_each_usual_temporary_directory_once() {
        let candidates = |variables: &[(&str, &str)]| {
            let directory = read(variables).unwrap().socket_directory;
            let paths = directory.candidates().iter();
            paths
                .map(|path| path.display().to_string())
                .collect::<Vec<_>>()
                .join(", ")
        };
        insta::assert_snapshot!(
            candidates(&[("TMPDIR", "/scratch"), ("XDG_RUNTIME_DIR", "/run/user/1000")]),
            @"/scratch, /run/user/1000, /tmp, /var/tmp"
        );
        insta::assert_snapshot!(
            candidates(&[("TMPDIR", "/tmp"), ("XDG_RUNTIME_DIR", "")]),
            @"/tmp, /var/tmp"
        );
        let required = [
            ("TMPDIR", "/scratch"),
            ("PLUGIN_UNIX_SOCKET_DIR", "/run/host"),
        ];
        insta::assert_snapshot!(candidates(&required), @"/run/host");
    }

    #[test]
    fn a_wrong_cookie_does_not_count_as_a_host() {
        let environment = read(&[(COOKIE.0, "chocolate")]).unwrap();

        assert!(!environment.started_by_host);
    }

    #[test]
    fn tcp_uses_the_port_range_of_the_host_or_any_port() {
        let named = [("PLUGIN_MIN_PORT", "10000"), ("PLUGIN_MAX_PORT", "25000")];

        assert_eq!(ports(Network::Tcp, &named).unwrap(), 10000..=25000);
        assert_eq!(ports(Network::Tcp, &[]).unwrap(), 0..=0);
    }

    #[test]
    fn an_invalid_port_range_is_an_error_only_for_tcp() {
        let backwards = [("PLUGIN_MIN_PORT", "2"), ("PLUGIN_MAX_PORT", "1")];
        let word = [("PLUGIN_MAX_PORT", "many")];

        for (refused, message) in [
            (
                &backwards[..],
                "PLUGIN_MIN_PORT 2 is greater than PLUGIN_MAX_PORT 1",
            ),
            (&word, "PLUGIN_MAX_PORT is `many`, which is not a port"),
        ] {
            let error = ports(Network::Tcp, refused).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert_eq!(ports(Network::Unix, refused).unwrap(), 0..=0);
        }
    }

    #[test]
    fn the_certificate_is_the_last_field_and_has_no_padding() {
        for length in 60..=62 {
            let der = CertificateDer::from(vec![0xfb; length]);
            let line = Handshake {
                address: &address(),
                certificate: Some(&der),
            }
            .to_string();

            let fields: Vec<&str> = line.split('|').collect();
            assert_eq!(fields[..5], ["1", "6", "unix", "/run/plugin1", "grpc"]);
            assert_eq!(fields.len(), 6);
            assert!(!fields[5].contains('='), "{line}");
            assert_eq!(STANDARD_NO_PAD.decode(fields[5]).unwrap(), der.as_ref());
        }
    }

    #[test]
    fn plain_text_leaves_the_last_field_empty() {
        let line = Handshake {
            address: &address(),
            certificate: None,
        };

        insta::assert_snapshot!(line, @"1|6|unix|/run/plugin1|grpc|");
    }
}
