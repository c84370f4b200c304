//! One change of a registry's workflow at a time, within this process.
//!
//! A registry has one workflow at most: where a configuration has two resources for it, the second is to
//! find the first one's, whole.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::azure::{Error, Operation, OperationKind, RegistryClient};

/// The locks, by the registries' ids in lower case.
#[derive(Debug, Default)]
pub(crate) struct RegistryLocks(Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>);

/// The right to change a registry's workflow, until this is dropped.
#[derive(Debug)]
pub(crate) struct RegistryGuard(
    #[expect(dead_code, reason = "held, and not looked at")] OwnedMutexGuard<()>,
);

impl RegistryLocks {
    /// Waits until nothing else in this process changes the registry's workflow.
    ///
    /// # Errors
    /// The budget is spent before.
    pub(crate) async fn lock(&self, registry: &RegistryClient) -> Result<RegistryGuard, Error> {
        let id = registry.id().to_string();
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(id.to_lowercase()).or_default())
        };
        tokio::select! {
            biased;
            guard = lock.lock_owned() => Ok(RegistryGuard(guard)),
            why = registry.budget().spent() => {
                Err(Error::stopped(&Operation::new(OperationKind::WaitForTurn, id), why))
            }
        }
    }
}
