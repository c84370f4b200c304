//! Changes by others at a chosen request, such as in the portal.

use http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arm;
use crate::state::World;
use crate::wire::{Call, Reply};

/// A change by others. A fault carries it out after the response of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Deletes a task with its identity. Its role assignments remain.
    DeleteTask {
        /// The name of the registry.
        registry: String,
        /// The name of the task.
        task: String,
    },
    /// Deletes the policy's repository.
    DeletePolicy {
        /// The name of the registry.
        registry: String,
    },
    /// Stores a policy document as the Azure CLI does.
    PushPolicy {
        /// The name of the registry.
        registry: String,
        /// The document.
        document: String,
    },
    /// Makes an ARM request.
    Arm {
        /// The method.
        method: String,
        /// The path with its `api-version`.
        address: String,
        /// The body.
        body: Option<Value>,
    },
}

impl Change {
    /// Deletes a task of a registry.
    #[must_use]
    pub fn delete_task(registry: &str, task: &str) -> Self {
        Self::DeleteTask {
            registry: registry.to_owned(),
            task: task.to_owned(),
        }
    }

    /// Deletes the policy of a registry.
    #[must_use]
    pub fn delete_policy(registry: &str) -> Self {
        Self::DeletePolicy {
            registry: registry.to_owned(),
        }
    }

    /// Stores the policy of a registry.
    #[must_use]
    pub fn push_policy(registry: &str, document: &str) -> Self {
        Self::PushPolicy {
            registry: registry.to_owned(),
            document: document.to_owned(),
        }
    }

    /// Makes an ARM request; `address` is a path with its `api-version`.
    #[must_use]
    pub fn arm(method: &Method, address: &str, body: Option<Value>) -> Self {
        Self::Arm {
            method: method.to_string(),
            address: address.to_owned(),
            body,
        }
    }
}

impl World {
    /// Carries out a change. A change of something that does not exist has no effect.
    pub(crate) fn carry_out(&mut self, change: &Change) {
        match change {
            Change::DeleteTask { registry, task } => {
                self.remove_task(registry, task);
            }
            Change::DeletePolicy { registry } => self.remove_policy(registry),
            Change::PushPolicy { registry, document } => self.push_policy(registry, document),
            Change::Arm {
                method,
                address,
                body,
            } => {
                let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
                let _ = self.behind_the_scenes(method, address, body.as_ref());
            }
        }
    }

    /// Makes an ARM request from outside the test, without a token and without an entry in the log.
    pub(crate) fn behind_the_scenes(
        &mut self,
        method: Method,
        address: &str,
        body: Option<&Value>,
    ) -> Result<Reply, Reply> {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let host = self.cloud.arm_host();
        let call = Call {
            method,
            host: host.to_owned(),
            authority: host.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
            body: body.map(ToString::to_string).unwrap_or_default().into(),
            begun: self.now(),
        };
        arm::behind_the_scenes(self, &call)
    }
}
