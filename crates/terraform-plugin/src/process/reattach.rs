//! Instructions for `--debug`: how a host reattaches to a running plugin.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::process::address::Address;
use crate::process::handshake::PROTOCOL_VERSION;

/// The value of `TF_REATTACH_PROVIDERS`, by the provider's source address.
type Providers<'a> = BTreeMap<&'a str, Reattach<'a>>;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reattach<'a> {
    protocol: &'static str,
    protocol_version: u8,
    pid: u32,
    /// Must be true. Otherwise Terraform assumes protocol version 0 and crashes.
    test: bool,
    addr: Addr<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Addr<'a> {
    network: String,
    string: &'a str,
}

/// The instructions for the user, with the variable quoted for a shell.
///
/// # Errors
/// The JSON can't be written.
pub(super) fn instructions(
    provider: &str,
    pid: u32,
    address: &Address,
) -> Result<String, serde_json::Error> {
    let reattach = Reattach {
        protocol: "grpc",
        protocol_version: PROTOCOL_VERSION,
        pid,
        test: true,
        addr: Addr {
            network: address.network.to_string(),
            string: &address.location,
        },
    };
    let value = serde_json::to_string(&Providers::from([(provider, reattach)]))?;
    Ok(format!(
        "The provider is running. Press Ctrl-C to stop it. To use it, run Terraform or OpenTofu \
         with\n\n\
         \tTF_REATTACH_PROVIDERS='{}'\n",
        value.replace('\'', r"'\''")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::address::Network;

    #[test]
    fn the_instructions_quote_the_variable_for_a_shell() {
        let address = Address {
            network: Network::Unix,
            location: "/run/user's/plugin1".to_owned(),
        };

        let text = instructions("registry.terraform.io/acme/cloud", 42, &address).unwrap();

        insta::assert_snapshot!(text, @r#"
        The provider is running. Press Ctrl-C to stop it. To use it, run Terraform or OpenTofu with

        	TF_REATTACH_PROVIDERS='{"registry.terraform.io/acme/cloud":{"Protocol":"grpc","ProtocolVersion":6,"Pid":42,"Test":true,"Addr":{"Network":"unix","String":"/run/user'\''s/plugin1"}}}'
        "#);
    }
}
