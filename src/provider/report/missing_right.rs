//! Which right is missing, and which role brings it: what there is to grant after a 401 or 403.

use crate::azure::acr::Right;
use crate::azure::error::Refusal;
use crate::azure::operation::Plane;

/// What Resource Manager says when somebody may not do something. Its sentence is the same for every
/// service: `The client '…' with object id '…' does not have authorization to perform action '…' over
/// scope '…' or the scope is invalid.`
struct MissingRight<'a> {
    action: &'a str,
    scope: &'a str,
    object_id: Option<&'a str>,
    /// The identity has a role with the action, under a condition that isn't met.
    conditional: bool,
}

impl<'a> MissingRight<'a> {
    fn of(message: &'a str) -> Option<Self> {
        Some(Self {
            action: quoted(message, "perform action '")?,
            scope: quoted(message, "over scope '")?,
            object_id: quoted(message, "object id '"),
            conditional: message.contains("ABAC condition not fulfilled"),
        })
    }

    /// The role with the action that has the least beside it.
    fn role(&self) -> Option<&'static str> {
        let action = self.action.to_ascii_lowercase();
        let role = |part: &str| action.starts_with(part);
        if role("microsoft.authorization/roleassignments/") {
            Some("Role Based Access Control Administrator")
        } else if role("microsoft.containerregistry/registries/cacherules/") {
            Some("Reader")
        } else if role("microsoft.containerregistry/registries/") {
            Some("Container Registry Tasks Contributor")
        } else {
            None
        }
    }
}

/// What to grant after Resource Manager has refused, if it has said what is missing.
pub(super) fn in_resource_manager(refusal: &Refusal) -> Option<String> {
    let missing = MissingRight::of(&refusal.message)?;
    let action = missing.action;
    let scope = registry_of(missing.scope);
    if missing.conditional {
        return Some(format!(
            "The identity that runs Terraform has a role with {action}, under a condition that this \
             is not allowed by. Let the condition allow AcrPull, AcrPush and Container Registry Tasks \
             Contributor (on a registry with ABAC permissions also the roles Container Registry \
             Repository Reader, Writer and Catalog Lister) for service principals."
        ));
    }
    let Some(role) = missing.role() else {
        return Some(format!(
            "Grant the identity that runs Terraform a role with {action} on {scope}."
        ));
    };
    let assignee = missing.object_id.unwrap_or("<object ID>");
    Some(format!(
        "Grant the identity that runs Terraform the role {role}, which has {action}:\n\n  \
         az role assignment create --role \"{role}\" --assignee {assignee} --scope {scope}\n\n\
         It takes up to ten minutes until a new role assignment works."
    ))
}

/// What to grant after a registry itself has refused; [`None`] where somebody else has. A registry answers
/// so to an identity without the right as well as to one that it doesn't know.
pub(super) fn in_registry(plane: Plane, id: &str) -> Option<String> {
    let (classic, with_abac) = match plane {
        Plane::ResourceManager(_) | Plane::Other => return None,
        Plane::RegistrySignIn => {
            return Some(
                "Check that the registry belongs to the tenant signed in to, and that the identity \
                 that runs Terraform has a role for its repositories: to look at them AcrPull (on a \
                 registry with ABAC permissions Container Registry Repository Reader), to manage a \
                 workflow AcrPush and AcrDelete (Container Registry Repository Contributor)."
                    .to_owned(),
            );
        }
        Plane::Registry(Right::Push) => ("AcrPush", "Container Registry Repository Writer"),
        Plane::Registry(Right::Delete) => {
            ("AcrDelete", "Container Registry Repository Contributor")
        }
        Plane::Registry(Right::Pull | Right::ListTags) => {
            ("AcrPull", "Container Registry Repository Reader")
        }
    };
    let registry = registry_at(id);
    Some(format!(
        "Grant the identity that runs Terraform the role {classic} on the registry {registry} (with ABAC \
         permissions {with_abac}: there, Owner and Contributor let nobody into the repositories):\n\n  \
         az role assignment create --role \"{classic}\" --assignee <object ID> --scope $(az acr show --name \
         {registry} --query id --output tsv)\n\n\
         It takes up to ten minutes until a new role assignment works."
    ))
}

/// The name of the registry whose login server an id begins with. With a domain name label that has a
/// hash behind a hyphen.
fn registry_at(id: &str) -> &str {
    id.split(['.', '-', '/']).next().unwrap_or(id)
}

/// Whether a registry has refused because of where we are, not who.
pub(super) fn is_firewall(refusal: &Refusal) -> bool {
    refusal.code == "DENIED" && refusal.message.starts_with("client with IP")
}

/// The registry that an id is below: a role there does what one at the thing itself would, and stays
/// when the thing goes.
fn registry_of(scope: &str) -> &str {
    const TYPE: &str = "/microsoft.containerregistry/registries/";
    let Some(start) = scope.to_ascii_lowercase().find(TYPE) else {
        return scope;
    };
    let name = start + TYPE.len();
    scope[name..]
        .find('/')
        .map_or(scope, |end| &scope[..name + end])
}

fn quoted<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once('\'').map(|(quoted, _)| quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_granted_at_the_registry() {
        const REGISTRY: &str = "/subscriptions/s/resourceGroups/tasks/providers/Microsoft.ContainerRegistry/registries/r";
        for below in [
            "",
            "/tasks/cssc-scan-image",
            "/runs/ca1",
            "/providers/Microsoft.Authorization/roleAssignments/x",
        ] {
            assert_eq!(registry_of(&format!("{REGISTRY}{below}")), REGISTRY);
        }
    }

    #[test]
    fn a_login_server_tells_the_registry() {
        for id in [
            "contoso.azurecr.io/a/b",
            "contoso-abc123.azurecr.cn",
            "contoso",
        ] {
            assert_eq!(registry_at(id), "contoso");
        }
    }

    #[test]
    fn the_role_is_the_one_with_the_action() {
        let role = |action: &str| {
            let message = format!("to perform action '{action}' over scope '/x'");
            MissingRight::of(&message).unwrap().role()
        };
        assert_eq!(
            role("Microsoft.Authorization/roleAssignments/delete"),
            Some("Role Based Access Control Administrator")
        );
        assert_eq!(
            role("microsoft.containerregistry/registries/runs/cancel/action"),
            Some("Container Registry Tasks Contributor")
        );
        assert_eq!(
            role("Microsoft.ContainerRegistry/registries/cacheRules/read"),
            Some("Reader")
        );
        assert_eq!(role("Microsoft.Resources/subscriptions/read"), None);
    }
}
