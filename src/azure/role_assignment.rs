//! Reads, creates and deletes role assignments at a registry.

use http::Method;
use serde::{Deserialize, Serialize};

use crate::azure::id::{ids_equal, role_assignment_id};
use crate::azure::{Error, Operation, OperationKind, RegistryClient, arm};
use crate::http::Request;

const API_VERSION: &str = "2022-04-01";

/// A role assignment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub(crate) struct RoleAssignment {
    /// The resource ID.
    pub(crate) id: String,
    /// The name, a GUID.
    pub(crate) name: String,
    /// The principal that has the role. Azure omits it for some deleted principals.
    pub(crate) principal_id: Option<String>,
    /// The full ID of the role definition.
    pub(crate) role_definition_id: String,
    /// The scope at which the role applies.
    pub(crate) scope: String,
    /// The principal type, such as `ServicePrincipal`, if Azure gives it.
    pub(crate) principal_type: Option<String>,
    /// The condition that narrows the role. Most assignments have none.
    pub(crate) condition: Option<String>,
}

impl RoleAssignment {
    /// Whether this principal has the role.
    pub(crate) fn is_of(&self, principal: &str) -> bool {
        let own = self.principal_id.as_deref();
        own.is_some_and(|own| own.eq_ignore_ascii_case(principal))
    }
}

/// The body of a PUT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoleAssignmentBody {
    /// The principal that gets the role.
    pub(crate) principal_id: String,
    /// The full ID of the role definition.
    pub(crate) role_definition_id: String,
    /// The principal type. With it, Azure skips the lookup that fails until a new identity has
    /// replicated.
    pub(crate) principal_type: PrincipalType,
}

/// The type of principal that gets a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum PrincipalType {
    /// An application or a managed identity.
    ServicePrincipal,
}

impl RegistryClient {
    /// Lists the role assignments at exactly this scope. It removes inherited ones, which Azure also
    /// lists.
    ///
    /// # Errors
    /// Not found if the scope doesn't exist, or any request error.
    pub(crate) async fn list_role_assignments(&self) -> Result<Vec<RoleAssignment>, Error> {
        let scope = self.id.to_string();
        let operation = Operation::new(OperationKind::ListRoleAssignments, scope.as_str());
        let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments");
        let url = arm::url(
            self.azure.cloud(),
            &id,
            API_VERSION,
            &[("$filter", "atScope()")],
        );
        let mut all: Vec<RoleAssignment> = self
            .azure
            .arm_list(&self.budget, &operation, url, |_| false)
            .await?;
        all.retain(|assignment| ids_equal(&assignment.scope, &scope));
        Ok(all)
    }

    /// Returns the role assignment with this name, whatever its principal, or `None` if it doesn't exist.
    pub(crate) async fn get_role_assignment_opt(
        &self,
        name: &str,
    ) -> Result<Option<RoleAssignment>, Error> {
        let id = role_assignment_id(&self.id.to_string(), name);
        let operation = Operation::new(OperationKind::ReadRoleAssignment, id);
        let url = arm::url(self.azure.cloud(), &operation.id, API_VERSION, &[]);
        arm::found(self.azure.arm_get(&self.budget, &operation, url).await)
    }

    /// Creates a role assignment. The name is a GUID, and the same name again is the same assignment.
    ///
    /// # Errors
    /// [`Error::code`] distinguishes them: `RoleAssignmentExists`, `RoleAssignmentUpdateNotPermitted`,
    /// `PrincipalNotFound` and `AuthorizationFailed`.
    pub(crate) async fn put_role_assignment(
        &self,
        name: &str,
        body: &RoleAssignmentBody,
    ) -> Result<RoleAssignment, Error> {
        #[derive(Serialize)]
        struct Put<'a> {
            properties: &'a RoleAssignmentBody,
        }

        let id = role_assignment_id(&self.id.to_string(), name);
        let operation = Operation::new(OperationKind::CreateRoleAssignment, id);
        let url = arm::url(self.azure.cloud(), &operation.id, API_VERSION, &[]);
        let request = Request::new(Method::PUT, url).json(&Put { properties: body });
        let answer = self.azure.arm(&self.budget, &operation, request).await?;
        arm::decode(&operation, &answer)
    }

    /// Deletes a role assignment by ID. A missing one is not an error.
    pub(crate) async fn delete_role_assignment(&self, id: &str) -> Result<(), Error> {
        let operation = Operation::new(OperationKind::DeleteRoleAssignment, id);
        let url = arm::url(self.azure.cloud(), id, API_VERSION, &[]);
        self.azure.arm_delete(&self.budget, &operation, url).await?;
        Ok(())
    }
}

#[derive(Deserialize)]
struct Wire {
    id: String,
    name: String,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    principal_id: Option<String>,
    role_definition_id: String,
    scope: String,
    principal_type: Option<String>,
    condition: Option<String>,
}

impl From<Wire> for RoleAssignment {
    fn from(wire: Wire) -> Self {
        Self {
            id: wire.id,
            name: wire.name,
            principal_id: wire.properties.principal_id,
            role_definition_id: wire.properties.role_definition_id,
            scope: wire.properties.scope,
            principal_type: wire.properties.principal_type,
            condition: wire.properties.condition.filter(|it| !it.trim().is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json as value};

    use super::*;
    use crate::azure::testing::{registry, registry_client};
    use crate::http::scripted_transport::{ScriptedTransport, absent, json, reply};

    const NAME: &str = "4d396699-cc25-49d3-b4c5-30611ef874a5";

    fn assignment(scope: &str) -> Value {
        value!({
            "id": role_assignment_id(scope, NAME),
            "name": NAME,
            "type": "Microsoft.Authorization/roleAssignments",
            "properties": {
                "principalId": "p-1",
                "roleDefinitionId": "/r-1",
                "scope": scope,
                "principalType": "ServicePrincipal",
            },
        })
    }

    #[tokio::test]
    async fn lists_only_role_assignments_at_the_registry_itself() {
        let scope = registry().to_string();
        let above = "/subscriptions/00000000-0000-0000-0000-000000000000";
        let foreign = value!({"name": "x", "properties": {"principalId": null}});
        let page = value!({
            "value": [assignment(above), foreign, assignment(&scope.to_uppercase())],
        });
        let transport =
            ScriptedTransport::default().on(Method::GET, "/roleAssignments", json(200, &page));
        let listed = registry_client(&transport)
            .list_role_assignments()
            .await
            .unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].principal_id.as_deref(), Some("p-1"));
        assert_eq!(
            transport.story(),
            [format!(
                "GET https://management.azure.com{scope}/providers/Microsoft.Authorization\
                 /roleAssignments?api-version=2022-04-01&$filter=atScope()"
            )]
        );
    }

    #[tokio::test]
    async fn creates_a_role_assignment_with_its_principal_type() {
        let registry = registry();
        let scope = registry.to_string();
        let transport = ScriptedTransport::default().on(
            Method::PUT,
            "/roleAssignments/",
            json(201, &assignment(&scope)),
        );
        let role = "7f951dda-4ed3-4680-a7ca-43fe172d538d";
        let body = RoleAssignmentBody {
            principal_id: "p-1".to_owned(),
            role_definition_id: format!(
                "/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{role}",
                registry.subscription_id
            ),
            principal_type: PrincipalType::ServicePrincipal,
        };
        let azure = registry_client(&transport);
        let given = azure.put_role_assignment(NAME, &body).await.unwrap();
        assert_eq!(given.name, NAME);
        insta::assert_snapshot!(
            String::from_utf8_lossy(&transport.requests()[0].body),
            @r#"{"properties":{"principalId":"p-1","roleDefinitionId":"/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Authorization/roleDefinitions/7f951dda-4ed3-4680-a7ca-43fe172d538d","principalType":"ServicePrincipal"}}"#
        );
    }

    #[tokio::test]
    async fn a_principal_that_is_not_replicated_is_an_error_with_its_code() {
        let refusal =
            value!({"error": {"code": "PrincipalNotFound", "message": "Principal p-1 …"}});
        let transport =
            ScriptedTransport::default().on(Method::PUT, "/roleAssignments/", json(400, &refusal));
        let body = RoleAssignmentBody {
            principal_id: "p-1".to_owned(),
            role_definition_id: "/r-1".to_owned(),
            principal_type: PrincipalType::ServicePrincipal,
        };
        let azure = registry_client(&transport);
        let error = azure.put_role_assignment(NAME, &body).await.unwrap_err();
        assert_eq!(error.code(), Some("PrincipalNotFound"));
    }

    #[tokio::test(start_paused = true)]
    async fn deleting_a_missing_role_assignment_is_not_an_error() {
        let transport = ScriptedTransport::default()
            .on(Method::DELETE, "/roleAssignments/", reply(204))
            .twice(
                Method::DELETE,
                "/roleAssignments/",
                absent("RoleAssignmentNotFound"),
            );
        let azure = registry_client(&transport);
        let id = role_assignment_id("/s", NAME);
        azure.delete_role_assignment(&id).await.unwrap();
        azure.delete_role_assignment(&id).await.unwrap();
        transport.assert_done();
    }
}
