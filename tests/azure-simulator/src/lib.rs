//! A local Azure for tests and the demo: Entra ID, ARM and the data plane of Azure Container Registry on loopback,
//! as strict as the real ones.
//!
//! [`Simulator::start`] runs it in a thread of its own until it is dropped. Clients reach it in two ways:
//!
//! - through its proxy (`HTTPS_PROXY`), where Entra, ARM, the registries, GitHub and Azure DevOps have their
//!   real names, and no other host exists;
//! - directly at its endpoint, where Entra and ARM share one address.
//!
//! Either way they must trust its certificate authority, for example by `SSL_CERT_FILE`. What a client asks on its own
//! machine, the managed identities' endpoints and the Azure CLI, is played in plain HTTP on a third port.

mod access;
mod acr;
mod admin;
mod arm;
mod az;
mod certificate;
mod cli;
mod cloud;
mod compress;
mod dispatch;
mod doors;
mod echo;
mod entra;
mod fault;
mod handle;
mod jwt;
mod knobs;
mod log;
mod managed_identity;
mod oidc;
mod options;
mod pipeline;
mod proxy;
mod registry;
mod repository;
pub mod roles;
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
pub use crate::cli::{CliCreate, CliError, CliStep, Generation, GroupCase};
pub use crate::cloud::Cloud;
pub use crate::entra::ApplicationHandle;
pub use crate::fault::Fault;
pub use crate::handle::RegistryHandle;
pub use crate::jwt::SigningKey;
pub use crate::knobs::{IdCase, Knobs};
pub use crate::log::Entry;
pub use crate::managed_identity::ManagedIdentity;
pub use crate::oidc::{FederatedCredential, Oidc};
pub use crate::options::{CLIENT_ID, CLIENT_SECRET, Options, SUBSCRIPTION, TENANT};
pub use crate::registry::RegistrySpec;
pub use crate::repository::Fate;
pub use crate::run::{Run, RunStatus};
pub use crate::simulator::Simulator;
pub use crate::task::{
    AgentConfiguration, Credentials, CustomRegistry, Identity, Platform, Progress, SetValue,
    SourceRegistry, Step, Task, TaskProperties, TimerTrigger, Trigger,
};
