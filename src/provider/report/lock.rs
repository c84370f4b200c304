//! The advice after a registry refused to change or to read a locked repository, tag or manifest.

use http::StatusCode;

use crate::azure::acr::Right;
use crate::azure::error::Refusal;
use crate::azure::operation::Plane;
use crate::provider::report::advice::Advice;
use crate::provider::report::missing_right;

/// The code for a locked repository and for a full registry. The source is Azure's article "Troubleshoot
/// push operation errors".
const DISALLOWED: &str = "REGISTRY_DISALLOWED_OPERATION";

/// Returns the advice if the registry's data plane answered that something is locked.
pub(super) fn advice(refusal: &Refusal) -> Option<Advice> {
    let operation = &refusal.operation;
    let Plane::Registry(right) = operation.kind.plane() else {
        return None;
    };
    // With another status, `UNSUPPORTED` is about the request.
    let is_locked = match refusal.code.as_str() {
        DISALLOWED | "TAG_LOCKED" => true,
        "UNSUPPORTED" => refusal.status == StatusCode::METHOD_NOT_ALLOWED,
        _ => false,
    };
    if !is_locked {
        return None;
    }
    let (registry, repository) = missing_right::registry_and_repository(&operation.id);
    let full = match right {
        Right::Push if refusal.code == DISALLOWED => {
            ", or the registry has reached its storage limit"
        }
        Right::Push | Right::Pull | Right::ListTags | Right::Delete => "",
    };
    let unlock = match right {
        Right::Push | Right::Delete => "--write-enabled true --delete-enabled true",
        Right::Pull | Right::ListTags => "--read-enabled true --list-enabled true",
    };
    Some(Advice::complete(format!(
        "The repository, or a tag or manifest in it, is locked{full}. Unlock the repository, then run \
         Terraform again:\n\n  az acr repository update --name {registry} --repository {repository} \
         {unlock}\n\nTo unlock a tag, replace `--repository` with `--image {repository}:<tag>`. To unlock \
         a manifest, use `--image {repository}@<digest>`."
    )))
}
