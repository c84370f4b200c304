//! The provider laid out as a filesystem mirror, from which any host installs it without a network.
//!
//! Development overrides would spare the `init`, but every command warns of them, hosts before
//! Terraform 1.15 can't run `init` beside them, and nobody's users install a provider that way. A
//! mirror is the real path: address, version, platform, lock file with checksums.

use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::host::Host;

/// The one place where the source address stands.
const MAKEFILE: &str = include_str!("../../../GNUmakefile");

/// The registries under whose names a host may look for the provider.
const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// The provider's address without a host name, `<namespace>/<type>`.
///
/// # Panics
/// The makefile no longer says it.
#[must_use]
pub fn source() -> &'static str {
    MAKEFILE
        .lines()
        .find_map(|line| line.strip_prefix("SOURCE_ADDRESS := registry.terraform.io/"))
        .expect(
            "GNUmakefile has a line `SOURCE_ADDRESS := registry.terraform.io/<namespace>/<type>`",
        )
}

/// The provider's whole address, as a host completes it.
#[must_use]
pub fn address(host: &Host) -> String {
    format!("{}/{}", host.registry(), source())
}

/// The version under which the mirror offers the provider.
#[must_use]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Lays out a mirror in `folder` that offers the binary `provider`, and gives the CLI
/// configuration that makes it the only way to install anything.
pub(crate) fn lay_out(folder: &Path, provider: &Path) -> io::Result<String> {
    let (source, version) = (source(), version());
    for registry in REGISTRIES {
        let package = folder
            .join(registry)
            .join(source)
            .join(version)
            .join(platform());
        std::fs::create_dir_all(&package)?;
        symlink(
            provider,
            package.join(format!("terraform-provider-acr_v{version}")),
        )?;
    }
    Ok(format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = {folder:?}\n  }}\n}}\n"
    ))
}

/// This machine, as hosts name it.
fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}_{processor}")
}
