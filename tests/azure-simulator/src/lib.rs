//! A local Azure for tests and the demo, on loopback and as strict as the real services.
//!
//! It simulates Entra ID, Azure Resource Manager (ARM) and the data plane of Azure Container Registry.
//!
//! [`Simulator::start`] runs it in its own thread until it is dropped. Clients reach it in two ways:
//!
//! - Through its proxy (`HTTPS_PROXY`). Entra, ARM, the registries, GitHub and Azure DevOps have their real
//!   names there. The proxy refuses all other hosts.
//! - Directly at its endpoint, where Entra and ARM share one address.
//!
//! In both cases the client must trust the simulator's certificate authority, for example through
//! `SSL_CERT_FILE`. A third port serves the managed identity endpoints and the Azure CLI in plain HTTP. Those
//! two run on the client's own machine.

mod access;
mod acr;
mod admin;
mod arm;
mod az;
mod certificate;
mod change;
mod cli;
mod cloud;
mod compress;
mod dispatch;
mod echo;
mod entra;
mod fault;
mod handle;
mod hold;
mod jwt;
mod knobs;
mod listen;
mod log;
mod managed_identity;
mod oidc;
mod options;
mod pipeline;
mod proxy;
mod registry;
mod repository;
mod resource_group;
pub mod roles;
mod round_trips;
mod run;
mod runner;
mod secrets;
mod selection;
mod server;
mod simulator;
mod snapshot;
mod state;
mod storage;
mod task;
mod throttle;
mod tls;
mod tokens;
mod wire;

pub use crate::access::RoleAssignment;
pub use crate::az::AzState;
pub use crate::certificate::{AppCertificate, PFX_PASSWORD, Pfx};
pub use crate::change::Change;
pub use crate::cli::{CliCreate, CliError, CliStep, Generation, GroupCase};
pub use crate::cloud::Cloud;
pub use crate::entra::ApplicationHandle;
pub use crate::fault::Fault;
pub use crate::handle::RegistryHandle;
pub use crate::hold::Release;
pub use crate::jwt::SigningKey;
pub use crate::knobs::{IdCase, Knobs};
pub use crate::log::Entry;
pub use crate::managed_identity::ManagedIdentity;
pub use crate::oidc::{FederatedCredential, Oidc};
pub use crate::options::{CLIENT_ID, CLIENT_SECRET, Options, SUBSCRIPTION, TENANT};
pub use crate::registry::RegistrySpec;
pub use crate::repository::Fate;
pub use crate::round_trips::longest_chain;
pub use crate::run::{Run, RunStatus};
pub use crate::simulator::Simulator;
pub use crate::snapshot::Snapshot;
pub use crate::task::{
    AgentConfiguration, BaseImageTrigger, Credentials, CustomRegistry, Identity, Platform,
    Progress, SetValue, SourceRegistry, SourceRepository, SourceTrigger, Step, Task,
    TaskProperties, TimerTrigger, Trigger,
};
