//! Answers as public reports quote them, and what a user reads about each.

use http::{Method, StatusCode};
use serde_json::{Value, json as value};

use crate::azure::error::Error;
use crate::azure::operation::{Operation, OperationKind};
use crate::azure::testing::{minute, registry, registry_client};
use crate::http::Response;
use crate::http::scripted_transport::{ScriptedTransport, json, reply};
use crate::provider::report;

const DEFINITION: &str =
    "/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c";
const ASSIGNMENT: &str = "/subscriptions/75475e1e-9643-4f3d-859e-055f4c31b458/providers/Microsoft.Authorization/policyAssignments/fd5e2cb3842d4eefbc857917";
const NO_TASKS: &str = "ACR Tasks requests for the registry contoso and 996aa28e-453d-4d51-a0a1-2b8d8376319e are not permitted. Please file an Azure support request at http://aka.ms/azuresupport for assistance.";
const NOT_IN_TIME: &str = include_str!("../../../tests/golden/storage-signature-expired.xml");

fn said(error: &Error) -> String {
    report::failure("Could not do it", error).detail
}

fn after(kind: OperationKind, answer: &Response) -> String {
    let id = match kind.plane() {
        crate::azure::operation::Plane::Registry(_) => {
            "contoso.azurecr.io/csscpolicies/patchpolicy:v1".to_owned()
        }
        _ => registry().task_id("cssc-scan-image"),
    };
    said(&Error::refused(&Operation::new(kind, id), answer))
}

fn arm(status: u16, code: &str, message: &str) -> Response {
    json(
        status,
        &value!({"error": {"code": code, "message": message}}),
    )
}

fn disallowed(message: &str, info: &Value) -> Response {
    json(
        403,
        &value!({"error": {
            "code": "RequestDisallowedByPolicy",
            "target": "cssc-scan-image",
            "message": message,
            "additionalInfo": [
                {"type": "PolicyViolation", "info": info},
                {"type": "Other", "info": {"policyAssignmentId": "/other"}},
            ],
        }}),
    )
}

/// Whether the text ends with Azure's words, without advice.
fn ends_with_azures_words(detail: &str) -> bool {
    !detail.contains("\n\n")
}

#[test]
fn azure_policys_assignment_and_definition_are_in_the_message() {
    let info = value!({
        "evaluationDetails": {"evaluatedExpressions": [{"path": "location", "operator": "NotIn"}]},
        "policyDefinitionId": DEFINITION,
        "policyDefinitionName": "e56962a6-4747-49cd-b67b-bf8b01975c4c",
        "policyDefinitionDisplayName": "Allowed locations",
        "policyDefinitionEffect": "Deny",
        "policyAssignmentId": ASSIGNMENT,
        "policyAssignmentName": "fd5e2cb3842d4eefbc857917",
        "policyAssignmentDisplayName": "Allow Central US and WEU only",
        "policySetDefinitionId": "/providers/Microsoft.Authorization/policySetDefinitions/s",
        "policySetDefinitionDisplayName": "Secure the environment",
    });
    let message = "Resource 'cssc-scan-image' was disallowed by policy. Reasons: 'Region'. See error details for policy resource IDs.";
    insta::assert_snapshot!(after(OperationKind::CreateTask, &disallowed(message, &info)), @"
    While creating task /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/cli_test_acrcssc000001/providers/Microsoft.ContainerRegistry/registries/cli000002/tasks/cssc-scan-image: Azure answered 403 Forbidden: RequestDisallowedByPolicy: Resource 'cssc-scan-image' was disallowed by policy. Reasons: 'Region'. See error details for policy resource IDs. (policy assignment 'Allow Central US and WEU only' /subscriptions/75475e1e-9643-4f3d-859e-055f4c31b458/providers/Microsoft.Authorization/policyAssignments/fd5e2cb3842d4eefbc857917, policy definition 'Allowed locations' /providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c, initiative 'Secure the environment' /providers/Microsoft.Authorization/policySetDefinitions/s)

    An Azure Policy assignment denies this request. Ask its owner for an exemption of the registry.
    ");
}

#[test]
fn a_policy_that_the_message_names_is_not_repeated() {
    let message = format!(
        "Resource 'cssc-scan-image' was disallowed by policy. Policy identifiers: '[{{\"policyAssignment\":{{\"name\":\"A\",\"id\":\"{ASSIGNMENT}\"}},\"policyDefinition\":{{\"name\":\"D\",\"id\":\"{DEFINITION}\"}}}}]'."
    );
    let info = value!({
        "policyDefinitionId": DEFINITION,
        "policyAssignmentId": ASSIGNMENT,
        "policyDefinitionDisplayName": "D",
    });
    let detail = after(OperationKind::CreateTask, &disallowed(&message, &info));
    assert_eq!(detail.matches(ASSIGNMENT).count(), 1, "{detail}");
    assert_eq!(detail.matches(DEFINITION).count(), 1, "{detail}");
}

#[test]
fn a_subscription_without_acr_tasks_gets_no_advice_about_roles() {
    for (status, kind) in [
        (400, OperationKind::QueueRun),
        (400, OperationKind::CreateTask),
        (403, OperationKind::QueueRun),
    ] {
        let detail = after(kind, &arm(status, "TasksOperationsNotAllowed", NO_TASKS));
        assert!(detail.contains(NO_TASKS), "{detail}");
        assert!(
            detail.contains("This subscription may not run ACR Tasks"),
            "{detail}"
        );
        assert!(!detail.to_lowercase().contains("role"), "{detail}");
        assert!(!detail.contains("schedule"), "{detail}");
        assert!(!detail.contains("run Terraform again"), "{detail}");
    }
}

#[test]
fn a_subscription_whose_registries_can_not_be_listed_needs_only_reader() {
    let message = "The client 'c' with object id 'o' does not have authorization to perform action \
                   'Microsoft.ContainerRegistry/registries/read' over scope '/subscriptions/s' or the \
                   scope is invalid. If access was recently granted, please refresh your credentials.";
    let operation = Operation::new(OperationKind::ListRegistries, "/subscriptions/s");
    let answer = arm(403, "AuthorizationFailed", message);
    let detail = said(&Error::refused(&operation, &answer));
    assert!(
        detail.contains(
            "az role assignment create --role \"Reader\" --assignee o --scope /subscriptions/s\n"
        ),
        "{detail}"
    );
    assert!(!detail.contains("Contributor"), "{detail}");
}

#[test]
fn where_azure_names_no_action_the_advice_names_the_one_role_of_the_operation() {
    let role = |kind: OperationKind| {
        let detail = after(kind, &arm(403, "AuthorizationFailed", "No."));
        let (_, advice) = detail.split_once("\n\n").unwrap();
        advice.to_owned()
    };
    insta::assert_snapshot!(
        [
            role(OperationKind::ListRegistries),
            role(OperationKind::ReadRun),
            role(OperationKind::ReadRunLog),
            role(OperationKind::CreateTask),
            role(OperationKind::CreateRoleAssignment),
        ].join("\n---\n"), @r"
    Assign the role Reader to the identity that runs Terraform. Azure names no permission, but this role allows the operation.
    ---
    Assign the role Reader to the identity that runs Terraform. Azure names no permission, but this role allows the operation.
    ---
    Assign the role Container Registry Tasks Contributor to the identity that runs Terraform. Azure names no permission, but this role allows the operation.
    ---
    Assign the role Container Registry Tasks Contributor to the identity that runs Terraform. Azure names no permission, but this role allows the operation.
    ---
    Assign the role Role Based Access Control Administrator to the identity that runs Terraform. Azure names no permission, but this role allows the operation.
    ");
}

#[test]
fn an_unfulfilled_condition_is_the_callers_own() {
    let message = |lacks: &str, action: &str| {
        format!(
            "The client 'c' with object id 'o' {lacks} to perform action \
             'Microsoft.Authorization/roleAssignments/{action}' over scope '/subscriptions/s' or the scope \
             is invalid. If access was recently granted, please refresh your credentials."
        )
    };
    let certain = "has an authorization with ABAC condition that is not fulfilled";
    let possible = "does not have authorization or an ABAC condition not fulfilled";
    let detail = |kind, lacks, action| {
        let said = after(
            kind,
            &arm(403, "AuthorizationFailed", &message(lacks, action)),
        );
        said.split_once("\n\n").unwrap().1.to_owned()
    };
    let create = OperationKind::CreateRoleAssignment;
    let delete = OperationKind::DeleteRoleAssignment;
    insta::assert_snapshot!(
        [
            detail(create, certain, "write"),
            detail(delete, certain, "delete"),
            detail(create, possible, "write"),
        ].join("\n---\n"), @r#"
    A role of the identity that runs Terraform allows Microsoft.Authorization/roleAssignments/write, but the condition of its role assignment does not. Change the condition so that the identity can assign the roles AcrPull, AcrPush and Container Registry Tasks Contributor to service principals, and remove them. On a registry with ABAC permissions, also allow Container Registry Repository Reader, Writer and Catalog Lister.
    ---
    A role of the identity that runs Terraform allows Microsoft.Authorization/roleAssignments/delete, but the condition of its role assignment does not. Change the condition so that the identity can assign the roles AcrPull, AcrPush and Container Registry Tasks Contributor to service principals, and remove them. On a registry with ABAC permissions, also allow Container Registry Repository Reader, Writer and Catalog Lister.
    ---
    If a role of the identity that runs Terraform allows Microsoft.Authorization/roleAssignments/write, the condition of its role assignment does not. Change the condition so that the identity can assign the roles AcrPull, AcrPush and Container Registry Tasks Contributor to service principals, and remove them. On a registry with ABAC permissions, also allow Container Registry Repository Reader, Writer and Catalog Lister.

    If no role allows it, a role is missing. Assign the role Role Based Access Control Administrator to the identity that runs Terraform:

      az role assignment create --role "Role Based Access Control Administrator" --assignee o --scope /subscriptions/s

    A new role assignment can take up to ten minutes to take effect.
    "#);
}

#[test]
fn a_405_of_a_registry_is_a_locked_repository() {
    let locked = |code: &str, message: &str| {
        json(
            405,
            &value!({"errors": [{"code": code, "message": message, "detail": {}}]}),
        )
    };
    for kind in [
        OperationKind::StoreManifest,
        OperationKind::DeleteRepository,
    ] {
        for answer in [
            locked("UNSUPPORTED", "The operation is unsupported."),
            locked("TAG_LOCKED", "The tag is locked."),
            locked(
                "REGISTRY_DISALLOWED_OPERATION",
                "The operation is disallowed on this registry, repository or image. View troubleshooting steps at https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation",
            ),
        ] {
            let detail = after(kind, &answer);
            assert!(
                detail.contains("--repository csscpolicies/patchpolicy --write-enabled true"),
                "{detail}"
            );
        }
    }
    let limit = "storage limit";
    let unsupported = locked("UNSUPPORTED", "The operation is unsupported.");
    assert!(!after(OperationKind::StoreManifest, &unsupported).contains(limit));
    let elsewhere = after(OperationKind::UpdateTask, &arm(405, "UNSUPPORTED", "No."));
    assert!(ends_with_azures_words(&elsewhere), "{elsewhere}");
}

#[tokio::test]
async fn a_403_of_blob_storage_is_a_signed_link_and_not_a_role() {
    let links = value!({"logLink": "https://logs.blob.example/logs/cf1/rawtext.log?sig=planted"});
    let refused = reply(403)
        .with("x-ms-request-id", "cc1439f1")
        .with_body(NOT_IN_TIME);
    let transport = ScriptedTransport::default()
        .on(Method::POST, "/runs/cf1/listLogSasUrl?", json(200, &links))
        .on(Method::GET, "/rawtext.log", refused);
    let mut log = registry_client(&transport).run_log("cf1");
    let error = log.read(&minute(), 0, 10).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::FORBIDDEN));
    insta::assert_snapshot!(said(&error), @"
    While downloading the log of run /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/cli_test_acrcssc000001/providers/Microsoft.ContainerRegistry/registries/cli000002/runs/cf1: Azure answered 403 Forbidden: AuthenticationFailed: Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature. (Signature not valid in the specified time frame: Start [Tue, 02 Aug 2022 13:54:43 GMT] - Expiry [Fri, 02 Aug 2024 21:54:43 GMT] - Current [Tue, 18 Feb 2025 22:26:23 GMT])
    Request ID: cc1439f1

    Blob storage checks the signed link that Azure issued, and no roles. Run Terraform again to get a new link. If the error persists, check that no proxy changes requests to blob storage.
    ");
}

#[test]
fn where_nothing_fits_there_is_no_advice() {
    let page = || reply(403).with_body("<html>Blocked by a gateway</html>");
    for (kind, answer) in [
        (
            OperationKind::CreateTask,
            arm(400, "InvalidRequestContent", "No."),
        ),
        (OperationKind::CreateTask, page()),
        (OperationKind::ReadRun, page()),
        (OperationKind::CreateTask, arm(403, "Blocked", "No.")),
        (OperationKind::ReadRegistry, reply(404).with_body("<html>")),
        (
            OperationKind::ReadManifest,
            json(
                404,
                &value!({"errors": [{"code": "NAME_UNKNOWN", "message": "repository name not known to registry"}]}),
            ),
        ),
        (
            OperationKind::CreateRoleAssignment,
            arm(
                409,
                "RoleAssignmentExists",
                "The role assignment already exists.",
            ),
        ),
        (OperationKind::UpdateTask, reply(405)),
    ] {
        let detail = after(kind, &answer);
        assert!(ends_with_azures_words(&detail), "{detail}");
    }
    let failed = Error::Failed {
        operation: Operation::new(OperationKind::CreateTask, "/tasks/x"),
        state: "Failed".to_owned(),
        code: "Quota".to_owned(),
        message: "Too many tasks.".to_owned(),
    };
    assert!(ends_with_azures_words(&said(&failed)));
}
