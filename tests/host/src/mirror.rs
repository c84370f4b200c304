//! A filesystem mirror, from which any host installs providers without network access.
//!
//! Development overrides would make `init` unnecessary, but every command warns about them. Hosts
//! before Terraform 1.15 cannot run `init` with them, and users do not install a provider that way.
//! A mirror tests the real path, with address, version, platform, and a lock file with checksums.

use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::host::Host;

/// The registry host names under which a host looks for a provider.
const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// A provider that a host can install.
#[derive(Clone, Debug)]
pub struct Provider {
    /// The address without a host name, `<namespace>/<type>`.
    source: String,
    version: String,
    /// The path of the binary.
    binary: PathBuf,
}

impl Provider {
    /// Returns the provider with a source address (`<host>/<namespace>/<type>`) and a binary.
    ///
    /// # Panics
    /// The address has another format.
    #[must_use]
    pub fn new(address: &str, binary: &Path) -> Self {
        let (_, source) = address.split_once('/').expect("a source address");
        Self {
            source: source.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            binary: binary.to_owned(),
        }
    }

    /// Sets the provider's version in the mirror. The default is the version of this repository.
    #[must_use]
    pub fn with_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// The provider's address without a host name, `<namespace>/<type>`.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The provider's full address, which includes the host's default registry.
    #[must_use]
    pub fn address(&self, host: &Host) -> String {
        format!("{}/{}", host.registry(), self.source)
    }

    /// The provider's version in the mirror.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Adds the provider to the mirror in `folder`.
    fn add_to(&self, folder: &Path) -> io::Result<()> {
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
        Ok(())
    }
}

/// Creates a mirror of the providers in `folder`. Returns the CLI configuration that makes the mirror the
/// only installation method.
pub(crate) fn lay_out(providers: &[&Provider], folder: &Path) -> io::Result<String> {
    for provider in providers {
        provider.add_to(folder)?;
    }
    Ok(format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = {folder:?}\n  }}\n}}\n"
    ))
}

/// The platform name that hosts use for this machine.
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
