//! Changes made in the portal or with the Azure CLI, and the writes that repair them.

use azure_simulator::{RegistryHandle, Simulator, Task, TimerTrigger};
use http::Method;
use serde_json::Value;

pub(super) const TRIGGER: &str = "cssc-trigger-workflow";
pub(super) const SCAN: &str = "cssc-scan-image";
pub(super) const PATCH: &str = "cssc-patch-image";

pub(super) const PATCH_TRIGGER: &str = "PATCH tasks/cssc-trigger-workflow";
pub(super) const PATCH_SCAN: &str = "PATCH tasks/cssc-scan-image";
pub(super) const PATCH_PATCH: &str = "PATCH tasks/cssc-patch-image";
pub(super) const PUT_TRIGGER: &str = "PUT tasks/cssc-trigger-workflow";
pub(super) const PUT_SCAN: &str = "PUT tasks/cssc-scan-image";
pub(super) const PUT_PATCH: &str = "PUT tasks/cssc-patch-image";
pub(super) const GRANT: &str = "PUT roleAssignments";
pub(super) const REVOKE: &str = "DELETE roleAssignments";
pub(super) const START_UPLOAD: &str = "POST uploads";
pub(super) const UPLOAD: &str = "PUT uploads";
pub(super) const PUSH_MANIFEST: &str = "PUT manifests/v1";
/// The policy's layer, and the manifest that names it and the empty config, which the registry has already.
pub(super) const PUSH_POLICY: &[&str] = &[START_UPLOAD, PUSH_MANIFEST, UPLOAD];
/// The policy's layer, the empty config, and the manifest that names them.
pub(super) const PUSH_FIRST_POLICY: &[&str] =
    &[START_UPLOAD, START_UPLOAD, PUSH_MANIFEST, UPLOAD, UPLOAD];

/// The ID of a deleted principal.
pub(super) const NOBODY: &str = "5a5a5a5a-0000-4000-8000-00000000dead";

/// Changes a task.
pub(super) fn edit(registry: &RegistryHandle<'_>, task: &str, edit: impl FnOnce(&mut Task)) {
    assert!(registry.task(task).is_some(), "task {task} not found");
    registry.edit_task(task, edit);
}

/// Edits the timers of the trigger task.
pub(super) fn timers(registry: &RegistryHandle<'_>, change: impl FnOnce(&mut Vec<TimerTrigger>)) {
    edit(registry, TRIGGER, |task| {
        change(&mut task.properties.trigger.as_mut().unwrap().timer_triggers);
    });
}

/// Deletes a task as the portal does, which keeps its role assignments.
pub(super) fn delete(registry: &RegistryHandle<'_>, task: &str) {
    assert!(registry.delete_task(task), "task {task} not found");
}

/// Sends a Resource Manager request outside the provider.
pub(super) fn request(
    azure: &Simulator,
    method: Method,
    path: &str,
    api_version: &str,
    body: Option<&Value>,
) {
    let address = format!("{path}?api-version={api_version}");
    let (status, answer) = azure.behind_the_scenes(method, &address, body);
    assert!((200..300).contains(&status), "{address}: {answer}");
}

/// Deletes the assignments of a role at a registry, and returns their names.
pub(super) fn revoke(azure: &Simulator, registry: &RegistryHandle<'_>, role: &str) -> Vec<String> {
    let scope = registry.id();
    let mut found = azure.role_assignments();
    found.retain(|assignment| assignment.scope == scope && assignment.role == role);
    assert!(!found.is_empty(), "no assignment of {role} at {scope}");
    for assignment in &found {
        request(azure, Method::DELETE, &assignment.id(), "2022-04-01", None);
    }
    found
        .into_iter()
        .map(|assignment| assignment.name)
        .collect()
}
