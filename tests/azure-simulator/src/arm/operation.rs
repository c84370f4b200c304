//! Long-running operations, as polled through the `Azure-AsyncOperation` header.

use std::collections::HashMap;

use serde_json::json;
use uuid::Uuid;

use crate::arm::error::no_such_operation;
use crate::arm::route::Place;
use crate::state::World;
use crate::wire::{Answer, Call, Reply};

/// The operations by ID, with the number of polls left and the final status.
#[derive(Debug, Clone, Default)]
pub(crate) struct Operations(HashMap<String, (u32, &'static str)>);

impl Operations {
    /// Starts an operation and returns its ID.
    pub(crate) fn begin(&mut self, looks: u32, ends_as: &'static str) -> String {
        let id = Uuid::new_v4().to_string();
        self.0.insert(id.clone(), (looks, ends_as));
        id
    }

    /// Counts a poll. Returns [`None`] while the operation continues, and then its final status.
    pub(crate) fn poll(&mut self, id: &str) -> Result<Option<&'static str>, Reply> {
        let (looks, ends_as) = self.0.get_mut(id).ok_or_else(|| no_such_operation(id))?;
        let under_way = *looks > 0;
        *looks = looks.saturating_sub(1);
        Ok((!under_way).then_some(*ends_as))
    }

    /// Starts an operation of a registry and returns the URL to poll.
    pub(crate) fn start(
        &mut self,
        call: &Call,
        place: &Place,
        location: &str,
        looks: u32,
        ends_as: &'static str,
    ) -> String {
        let id = self.begin(looks, ends_as);
        let version = call.param("api-version").unwrap_or_default();
        format!(
            "https://{}/subscriptions/{}/providers/Microsoft.ContainerRegistry/locations/{location}/operationResults/{id}?api-version={version}",
            call.authority, place.subscription
        )
    }
}

/// Returns the status of an operation. Each poll brings it one step closer to its end.
pub(crate) fn status(world: &mut World, call: &Call, id: &str) -> Answer {
    let ended = world.operations.poll(id)?;
    let status = ended.unwrap_or("InProgress");
    let mut body = json!({"id": call.path, "name": id, "status": status});
    if status == "Failed" {
        body["error"] = json!({"code": "TaskProvisioningFailed", "message": "The task could not be provisioned."});
    }
    let reply = Reply::json(200, &body);
    Ok(if ended.is_none() {
        reply.with("retry-after", "1")
    } else {
        reply
    })
}
