//! A provider laid out as a filesystem mirror, from which any host installs it without a network.
//!
//! Development overrides would spare the `init`, but every command warns of them, hosts before
//! Terraform 1.15 can't run `init` beside them, and nobody's users install a provider that way. A
//! mirror is the real path: address, version, platform, lock file with checksums.

use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::host::Host;

/// The registries under whose names a host may look for the provider.
const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// A provider to be installed.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its address without a host name, `<namespace>/<type>`.
    source: String,
    /// Its binary.
    binary: PathBuf,
}

impl Provider {
    /// The provider with this binary at this source address, `<host>/<namespace>/<type>`.
    ///
    /// # Panics
    /// The address has another shape.
    #[must_use]
    pub fn new(address: &str, binary: &Path) -> Self {
        let (_, source) = address.split_once('/').expect("a source address");
        Self {
            source: source.to_owned(),
            binary: binary.to_owned(),
        }
    }

    /// The provider's address without a host name, `<namespace>/<type>`.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The provider's whole address, as a host completes it.
    #[must_use]
    pub fn address(&self, host: &Host) -> String {
        format!("{}/{}", host.registry(), self.source)
    }

    /// The version under which the mirror offers the provider.
    #[must_use]
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// Lays out a mirror in `folder` that offers the provider, and gives the CLI configuration that
    /// makes it the only way to install anything.
    pub(crate) fn lay_out(&self, folder: &Path) -> io::Result<String> {
        let version = self.version();
        let name = self.source.rsplit('/').next().unwrap_or_default();
        for registry in REGISTRIES {
            let package = folder
                .join(registry)
                .join(&self.source)
                .join(version)
                .join(platform());
            std::fs::create_dir_all(&package)?;
            let binary = package.join(format!("terraform-provider-{name}_v{version}"));
            symlink(&self.binary, binary)?;
        }
        Ok(format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = {folder:?}\n  }}\n}}\n"
        ))
    }
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
