//! Reads the container registry. The provider never changes it.

use serde::Deserialize;

use crate::azure::id::InvalidRegistryId;
use crate::azure::{Error, Operation, OperationKind, RegistryClient, RegistryId, arm};

/// The stable API version that has `roleAssignmentMode` and `networkRuleBypassAllowedForTasks`.
pub(super) const API_VERSION: &str = "2025-11-01";

/// A container registry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Wire")]
pub(crate) struct Registry {
    /// The resource ID, in the case that Azure returns.
    pub(crate) id: RegistryId,
    /// The name.
    pub(crate) name: String,
    /// The home region.
    pub(crate) location: String,
    /// The SKU: `Basic`, `Standard`, `Premium` or `Classic`.
    pub(crate) sku: String,
    /// The provisioning state, such as `Succeeded`. Empty if Azure gave none.
    pub(crate) provisioning_state: String,
    /// The host of the data plane.
    pub(crate) login_server: String,
    /// Whether public network access is enabled.
    pub(crate) public_network_access: PublicNetworkAccess,
    /// The default action of the network rules, `Allow` or `Deny`. `None` if there is no rule set.
    pub(crate) network_default_action: Option<String>,
    /// Whether ACR Tasks bypass the network rules. `None` if Azure doesn't say.
    pub(crate) network_rule_bypass_allowed_for_tasks: Option<bool>,
    /// The role assignment mode for repositories.
    pub(crate) role_assignment_mode: RoleAssignmentMode,
    /// Whether the data plane also accepts Resource Manager tokens.
    pub(crate) as_arm_audience_enabled: bool,
}

/// The public network access of a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublicNetworkAccess {
    /// Enabled, subject to the network rules.
    Enabled,
    /// Disabled.
    Disabled,
}

/// The role assignment mode of a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoleAssignmentMode {
    /// Classic roles such as AcrPull and AcrPush.
    Legacy,
    /// ABAC roles with repository conditions. The classic roles grant nothing on repositories here.
    Abac,
}

impl Registry {
    /// Whether network access is restricted, so that ACR Tasks need the bypass.
    #[must_use]
    pub(crate) fn is_network_restricted(&self) -> bool {
        let denied = |action: &String| action.eq_ignore_ascii_case("Deny");
        self.public_network_access == PublicNetworkAccess::Disabled
            || self.network_default_action.as_ref().is_some_and(denied)
    }
}

impl RegistryClient {
    /// Reads the registry.
    ///
    /// # Errors
    /// Not found, or any request error.
    pub(crate) async fn get(&self) -> Result<Registry, Error> {
        let operation = Operation::new(OperationKind::ReadRegistry, self.id.to_string());
        let url = arm::url(self.azure.cloud(), &operation.id, API_VERSION, &[]);
        self.azure.arm_get(&self.budget, &operation, url).await
    }
}

#[derive(Deserialize)]
struct Wire {
    id: String,
    name: String,
    location: String,
    sku: Sku,
    properties: Properties,
}

#[derive(Deserialize)]
struct Sku {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    #[serde(default)]
    provisioning_state: String,
    login_server: String,
    public_network_access: Option<String>,
    network_rule_set: Option<NetworkRuleSet>,
    network_rule_bypass_allowed_for_tasks: Option<bool>,
    role_assignment_mode: Option<String>,
    policies: Option<Policies>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NetworkRuleSet {
    default_action: Option<String>,
}

#[derive(Deserialize)]
struct Policies {
    #[serde(rename = "azureADAuthenticationAsArmPolicy")]
    as_arm: Option<Policy>,
}

#[derive(Deserialize)]
struct Policy {
    status: Option<String>,
}

impl TryFrom<Wire> for Registry {
    type Error = InvalidRegistryId;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        let it = wire.properties;
        let is =
            |text: Option<String>, word: &str| text.is_some_and(|it| it.eq_ignore_ascii_case(word));
        let as_arm = it.policies.and_then(|policies| policies.as_arm);
        Ok(Self {
            id: wire.id.parse()?,
            name: wire.name,
            location: wire.location,
            sku: wire.sku.name,
            provisioning_state: it.provisioning_state,
            login_server: it.login_server,
            public_network_access: if is(it.public_network_access, "Disabled") {
                PublicNetworkAccess::Disabled
            } else {
                PublicNetworkAccess::Enabled
            },
            network_default_action: it.network_rule_set.and_then(|rules| rules.default_action),
            network_rule_bypass_allowed_for_tasks: it.network_rule_bypass_allowed_for_tasks,
            role_assignment_mode: if is(it.role_assignment_mode, "AbacRepositoryPermissions") {
                RoleAssignmentMode::Abac
            } else {
                RoleAssignmentMode::Legacy
            },
            as_arm_audience_enabled: !is(as_arm.and_then(|policy| policy.status), "disabled"),
        })
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json as value;

    use super::*;
    use crate::azure::testing::{registry, registry_client};
    use crate::http::scripted_transport::{ScriptedTransport, json, recorded};

    #[tokio::test]
    async fn reads_the_recorded_registry() {
        let answer = recorded(include_str!(
            "../../tests/golden/recorded/registry-get.json"
        ));
        let transport =
            ScriptedTransport::default().on(Method::GET, "/registries/cli000002", answer);
        let read = registry_client(&transport).get().await.unwrap();
        assert_eq!(
            transport.story(),
            [format!(
                "GET https://management.azure.com{}?api-version=2025-11-01",
                registry()
            )]
        );
        assert_eq!(read.sku, "Basic");
        assert_eq!(read.login_server, "cli000002.azurecr.io");
        assert_eq!(read.role_assignment_mode, RoleAssignmentMode::Legacy);
        assert_eq!(read.network_rule_bypass_allowed_for_tasks, None);
        assert!(read.as_arm_audience_enabled && !read.is_network_restricted());
    }

    #[tokio::test]
    async fn reads_a_restricted_abac_registry() {
        let answer = value!({
            "id": registry().to_string(), "name": "x", "location": "westeurope", "sku": {"name": "Premium"},
            "properties": {
                "loginServer": "x-abc.azurecr.io",
                "publicNetworkAccess": "Enabled",
                "networkRuleSet": {"defaultAction": "Deny", "ipRules": []},
                "networkRuleBypassAllowedForTasks": true,
                "roleAssignmentMode": "AbacRepositoryPermissions",
                "policies": {"azureADAuthenticationAsArmPolicy": {"status": "disabled"}},
            },
        });
        let transport = ScriptedTransport::default().on(Method::GET, "/", json(200, &answer));
        let read = registry_client(&transport).get().await.unwrap();
        assert_eq!(read.role_assignment_mode, RoleAssignmentMode::Abac);
        assert_eq!(read.network_rule_bypass_allowed_for_tasks, Some(true));
        assert!(read.is_network_restricted() && !read.as_arm_audience_enabled);
    }

    #[tokio::test]
    async fn a_registry_with_an_invalid_id_is_an_error() {
        let answer = value!({
            "id": "/x", "name": "x", "location": "westeurope", "sku": {"name": "Premium"},
            "properties": {"loginServer": "x.azurecr.io"},
        });
        let transport = ScriptedTransport::default().on(Method::GET, "/", json(200, &answer));
        let read = registry_client(&transport).get().await;
        assert!(matches!(read, Err(Error::Decode { .. })), "{read:?}");
    }
}
