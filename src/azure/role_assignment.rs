//! Role assignments at a registry.

use http::Method;
use serde::{Deserialize, Serialize};

use crate::azure::id::{ids_equal, role_assignment_id};
use crate::azure::{Error, Operation, OperationKind, RegistryClient, arm};
use crate::http::Request;

const API_VERSION: &str = "2022-04-01";

/// A role that a principal has at a scope.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub(crate) struct RoleAssignment {
    /// Its id.
    pub(crate) id: String,
    /// Its name, a GUID.
    pub(crate) name: String,
    /// Who has the role.
    pub(crate) principal_id: String,
    /// The full id of the role.
    pub(crate) role_definition_id: String,
    /// Where the role counts.
    pub(crate) scope: String,
    /// Such as `ServicePrincipal`, where Azure says so.
    pub(crate) principal_type: Option<String>,
}

/// What a PUT sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoleAssignmentBody {
    /// Who gets the role.
    pub(crate) principal_id: String,
    /// The full id of the role.
    pub(crate) role_definition_id: String,
    /// Naming the type spares Azure the look-up that fails while a new identity replicates.
    pub(crate) principal_type: PrincipalType,
}

/// What kind of principal gets a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum PrincipalType {
    /// An application or a managed identity.
    ServicePrincipal,
}

impl RegistryClient {
    /// The role assignments at exactly this scope: not those above it, which the service lists too.
    ///
    /// # Errors
    /// Not found when the scope isn't there, among the usual ones.
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
        let mut all: Vec<RoleAssignment> =
            self.azure.arm_list(&self.budget, &operation, url).await?;
        all.retain(|assignment| ids_equal(&assignment.scope, &scope));
        Ok(all)
    }

    /// The assignment of this name, whosever it is; `None` where there is none.
    pub(crate) async fn get_role_assignment_opt(
        &self,
        name: &str,
    ) -> Result<Option<RoleAssignment>, Error> {
        let id = role_assignment_id(&self.id.to_string(), name);
        let operation = Operation::new(OperationKind::ReadRoleAssignment, id);
        let url = arm::url(self.azure.cloud(), &operation.id, API_VERSION, &[]);
        arm::found(self.azure.arm_get(&self.budget, &operation, url).await)
    }

    /// Gives a role. The name is a GUID; the same name again is the same assignment.
    ///
    /// # Errors
    /// Told apart by their [`Error::code`]: `RoleAssignmentExists`, `RoleAssignmentUpdateNotPermitted`,
    /// `PrincipalNotFound`, `AuthorizationFailed`.
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

    /// Takes a role away, by the assignment's id. One that isn't there is fine.
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
    principal_id: String,
    role_definition_id: String,
    scope: String,
    principal_type: Option<String>,
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
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json as value};

    use super::*;
    use crate::azure::testing::{registry, registry_client};
    use crate::http::scripted_transport::{ScriptedTransport, json, reply};

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
    async fn only_the_assignments_of_the_registry_itself_are_listed() {
        let scope = registry().to_string();
        let above = "/subscriptions/00000000-0000-0000-0000-000000000000";
        let page = value!({"value": [assignment(above), assignment(&scope.to_uppercase())]});
        let transport =
            ScriptedTransport::default().on(Method::GET, "/roleAssignments", json(200, &page));
        let listed = registry_client(&transport)
            .list_role_assignments()
            .await
            .unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].principal_id, "p-1");
        assert_eq!(
            transport.story(),
            [format!(
                "GET https://management.azure.com{scope}/providers/Microsoft.Authorization\
                 /roleAssignments?api-version=2022-04-01&$filter=atScope()"
            )]
        );
    }

    #[tokio::test]
    async fn a_role_is_given_with_the_type_of_its_principal() {
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
    async fn a_principal_that_has_not_arrived_yet_is_told_by_its_code() {
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

    #[tokio::test]
    async fn an_assignment_that_is_gone_is_deleted() {
        let transport = ScriptedTransport::default()
            .on(Method::DELETE, "/roleAssignments/", reply(204))
            .on(Method::DELETE, "/roleAssignments/", reply(404));
        let azure = registry_client(&transport);
        let id = role_assignment_id("/s", NAME);
        azure.delete_role_assignment(&id).await.unwrap();
        azure.delete_role_assignment(&id).await.unwrap();
        transport.assert_done();
    }
}
