//! What to tell the user of `--debug`: how a host finds a plugin that runs already.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::process::address::Address;
use crate::process::handshake::PROTOCOL_VERSION;

/// The value of the variable, by the provider's source address.
type Providers<'a> = BTreeMap<&'a str, Reattach<'a>>;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reattach<'a> {
    protocol: &'static str,
    protocol_version: u8,
    pid: u32,
    /// Without it Terraform takes the protocol for version 0, and crashes.
    test: bool,
    addr: Addr<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Addr<'a> {
    network: String,
    string: &'a str,
}

/// The instructions for the user, with the variable as a shell wants it.
///
/// # Errors
/// JSON can't be written.
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
        "The provider is running; Ctrl-C ends it. To use it, run Terraform or OpenTofu with\n\n\
         \tTF_REATTACH_PROVIDERS='{}'\n",
        value.replace('\'', r"'\''")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::address::Network;

    #[test]
    fn the_instructions_hold_the_variable_as_a_shell_takes_it() {
        let address = Address {
            network: Network::Unix,
            location: "/run/user's/plugin1".to_owned(),
        };

        let text = instructions("registry.terraform.io/acme/cloud", 42, &address).unwrap();

        insta::assert_snapshot!(text, @r#"
        The provider is running; Ctrl-C ends it. To use it, run Terraform or OpenTofu with

        	TF_REATTACH_PROVIDERS='{"registry.terraform.io/acme/cloud":{"Protocol":"grpc","ProtocolVersion":6,"Pid":42,"Test":true,"Addr":{"Network":"unix","String":"/run/user'\''s/plugin1"}}}'
        "#);
    }
}
