//! Findings about the registry itself. Pure.

use crate::azure::registry::{Registry, RoleAssignmentMode};
use crate::provider::workflow::names;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::value::AttributePath;

/// Returns the findings about the registry. Most of them are errors with every value of `preflight`.
pub(crate) fn findings(registry: &Registry) -> Diagnostics {
    let here = || AttributePath::new(names::REGISTRY_ID);
    let mut findings = Diagnostics::new();
    findings.extend(state(registry).map(|finding| finding.at(here())));
    if registry.sku.eq_ignore_ascii_case("Classic") {
        findings.push(
            Diagnostic::error(
                "The registry's SKU does not support tasks",
                format!(
                    "{} has the SKU Classic. Tasks require Basic, Standard or Premium. Change the \
                     `sku` of the registry.",
                    registry.id.as_written()
                ),
            )
            .at(here()),
        );
    }
    if registry.is_network_restricted()
        && registry.network_rule_bypass_allowed_for_tasks != Some(true)
    {
        findings.push(
            Diagnostic::error(
                "The registry's network rules deny access to its tasks",
                format!(
                    "Network access to {} is restricted, and the bypass for ACR Tasks is off. The \
                     registry would deny its own tasks with 403. Set \
                     `network_rule_bypass_for_tasks_enabled = true` on its \
                     `azurerm_container_registry`. This provider never changes a registry.",
                    registry.id.as_written()
                ),
            )
            .at(here()),
        );
    }
    if registry.role_assignment_mode == RoleAssignmentMode::Abac {
        findings.push(
            Diagnostic::warning(
                format!(
                    "Continuous Patching is not supported on the ABAC registry {}",
                    registry.id.registry
                ),
                format!(
                    "{} has ABAC repository permissions. Microsoft documents Continuous Patching as \
                     unsupported on such registries. The provider assigns the roles that the tasks \
                     need there.",
                    registry.id.as_written()
                ),
            )
            .at(here()),
        );
    }
    findings
}

/// The finding about the provisioning state. A registry accepts everything unless it is being created or
/// deleted.
fn state(registry: &Registry) -> Option<Diagnostic> {
    let (id, state) = (registry.id.as_written(), &registry.provisioning_state);
    let is = |word: &str| state.eq_ignore_ascii_case(word);
    if is("") || is("Succeeded") {
        None
    } else if is("Creating") {
        Some(Diagnostic::error(
            "The registry is not ready",
            format!("The provisioning state of {id} is {state}. Apply again when it is Succeeded."),
        ))
    } else if is("Deleting") {
        Some(Diagnostic::error(
            "The registry is being deleted",
            format!(
                "The provisioning state of {id} is {state}. When the registry is gone, remove the \
                 workflow from the configuration, or choose another registry."
            ),
        ))
    } else {
        Some(Diagnostic::warning(
            format!(
                "The provisioning state of the registry {} is {state}",
                registry.id.registry
            ),
            format!(
                "The provisioning state of {id} is {state}, not Succeeded. The registry still accepts \
                 the workflow. Check the last change of the registry."
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::registry::PublicNetworkAccess;
    use crate::provider::workflow::preflight::rendered;
    use crate::workflow::fixture::REGISTRY;

    fn registry() -> Registry {
        Registry {
            id: REGISTRY.parse().unwrap(),
            name: "contoso".to_owned(),
            location: "westeurope".to_owned(),
            sku: "Premium".to_owned(),
            provisioning_state: "Succeeded".to_owned(),
            login_server: "contoso.azurecr.io".to_owned(),
            public_network_access: PublicNetworkAccess::Enabled,
            network_default_action: None,
            network_rule_bypass_allowed_for_tasks: None,
            role_assignment_mode: RoleAssignmentMode::Legacy,
            as_arm_audience_enabled: true,
        }
    }

    #[test]
    fn a_registry_that_can_run_tasks_has_no_findings() {
        assert_eq!(rendered(&findings(&registry())), "");
        let restricted = Registry {
            public_network_access: PublicNetworkAccess::Disabled,
            network_rule_bypass_allowed_for_tasks: Some(true),
            ..registry()
        };
        assert_eq!(rendered(&findings(&restricted)), "");
    }

    #[test]
    fn each_obstacle_of_a_registry_is_a_finding() {
        let worst = Registry {
            sku: "Classic".to_owned(),
            provisioning_state: "Creating".to_owned(),
            network_default_action: Some("Deny".to_owned()),
            role_assignment_mode: RoleAssignmentMode::Abac,
            ..registry()
        };
        insta::assert_snapshot!(rendered(&findings(&worst)), @"
        Error at registry_id: The registry is not ready
        The provisioning state of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Demo/providers/Microsoft.ContainerRegistry/registries/contoso is Creating. Apply again when it is Succeeded.
        ---
        Error at registry_id: The registry's SKU does not support tasks
        /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Demo/providers/Microsoft.ContainerRegistry/registries/contoso has the SKU Classic. Tasks require Basic, Standard or Premium. Change the `sku` of the registry.
        ---
        Error at registry_id: The registry's network rules deny access to its tasks
        Network access to /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Demo/providers/Microsoft.ContainerRegistry/registries/contoso is restricted, and the bypass for ACR Tasks is off. The registry would deny its own tasks with 403. Set `network_rule_bypass_for_tasks_enabled = true` on its `azurerm_container_registry`. This provider never changes a registry.
        ---
        Warning at registry_id: Continuous Patching is not supported on the ABAC registry contoso
        /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Demo/providers/Microsoft.ContainerRegistry/registries/contoso has ABAC repository permissions. Microsoft documents Continuous Patching as unsupported on such registries. The provider assigns the roles that the tasks need there.
        ");
    }

    #[test]
    fn only_a_registry_that_is_created_or_deleted_is_an_error() {
        let found = |state: &str| {
            let registry = Registry {
                provisioning_state: state.to_owned(),
                ..registry()
            };
            rendered(&findings(&registry))
        };
        assert_eq!(["", "succeeded"].map(found), ["", ""]);
        let states = ["Creating", "deleting", "Updating", "Failed", "Canceled"];
        insta::assert_snapshot!(states.map(found).join("\n===\n"), @"
        Error at registry_id: The registry is not ready
        The provisioning state of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Demo/providers/Microsoft.ContainerRegistry/registries/contoso is Creating. Apply again when it is Succeeded.
        ===
        Error at registry_id: The registry is being deleted
        The provisioning state of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Demo/providers/Microsoft.ContainerRegistry/registries/contoso is deleting. When the registry is gone, remove the workflow from the configuration, or choose another registry.
        ===
        Warning at registry_id: The provisioning state of the registry contoso is Updating
        The provisioning state of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Demo/providers/Microsoft.ContainerRegistry/registries/contoso is Updating, not Succeeded. The registry still accepts the workflow. Check the last change of the registry.
        ===
        Warning at registry_id: The provisioning state of the registry contoso is Failed
        The provisioning state of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Demo/providers/Microsoft.ContainerRegistry/registries/contoso is Failed, not Succeeded. The registry still accepts the workflow. Check the last change of the registry.
        ===
        Warning at registry_id: The provisioning state of the registry contoso is Canceled
        The provisioning state of /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Demo/providers/Microsoft.ContainerRegistry/registries/contoso is Canceled, not Succeeded. The registry still accepts the workflow. Check the last change of the registry.
        ");
    }
}
