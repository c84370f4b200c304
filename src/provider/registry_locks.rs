//! Locks that allow one change to a registry's workflow at a time within this process.
//!
//! A registry has at most one workflow. If a configuration has two resources for the same registry, the
//! second must find the complete workflow of the first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::azure::{Error, Operation, OperationKind, RegistryClient};

/// The locks by lower-case registry ID.
#[derive(Debug, Default)]
pub(crate) struct RegistryLocks(Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>);

/// The held lock of a registry. Dropping it releases the lock.
#[derive(Debug)]
pub(crate) struct RegistryGuard(
    #[expect(dead_code, reason = "held until dropped")] OwnedMutexGuard<()>,
);

impl RegistryLocks {
    /// Waits until no other operation in this process changes the registry's workflow.
    ///
    /// # Errors
    /// If the budget is spent before that.
    pub(crate) async fn lock(&self, registry: &RegistryClient) -> Result<RegistryGuard, Error> {
        let id = registry.id().to_string();
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(id.to_lowercase()).or_default())
        };
        if let Ok(guard) = Arc::clone(&lock).try_lock_owned() {
            return Ok(RegistryGuard(guard));
        }
        tracing::info!(registry_id = %id, "waiting until another change to the registry ends");
        tokio::select! {
            biased;
            guard = lock.lock_owned() => Ok(RegistryGuard(guard)),
            why = registry.budget().spent() => {
                Err(Error::stopped(&Operation::new(OperationKind::WaitForTurn, id), why))
            }
        }
    }
}
