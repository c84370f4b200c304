//! Drift outside the tables: a registry with another permissions mode, an unreadable policy, and a deleted
//! workflow or registry.

use azure_simulator::{Fault, RegistryHandle, RegistrySpec};
use serde_json::Value;

use crate::drift::acts::{GRANT, REVOKE, SCAN};
use crate::drift::address;
use crate::stage::{ADDRESS, Stage, WORKFLOW, each, hosts};

#[tokio::test]
async fn changed_permissions_mode_adds_new_roles_before_it_removes_old_roles() {
    const CLASSIC: [&str; 3] = [
        "role_assignments/cssc-patch-image/AcrPush",
        "role_assignments/cssc-scan-image/AcrPull",
        "role_assignments/cssc-trigger-workflow/AcrPull",
    ];
    const ABAC: [&str; 4] = [
        "role_assignments/cssc-patch-image/Container Registry Repository Writer",
        "role_assignments/cssc-scan-image/Container Registry Repository Reader",
        "role_assignments/cssc-trigger-workflow/Container Registry Repository Catalog Lister",
        "role_assignments/cssc-trigger-workflow/Container Registry Repository Reader",
    ];
    let mut shown = [&CLASSIC[..], &ABAC[..]].concat();
    shown.sort_unstable();
    for host in hosts() {
        let registries = [
            RegistrySpec::new("toabac"),
            RegistrySpec::new("toclassic").abac(),
        ];
        let stage = Stage::with(host, registries, &each(&["toabac", "toclassic"])).await;
        stage.apply().await;
        let reconfigure = |name: &'static str, spec: fn(RegistrySpec) -> RegistrySpec| {
            stage.azure.registry(name).reconfigure(spec);
        };
        reconfigure("toabac", RegistrySpec::abac);
        reconfigure("toclassic", |_| RegistrySpec::new("toclassic"));

        // A refresh records the existing role assignments. Only a plan shows that other roles are needed.
        let refresh = stage.planned(&["-refresh-only"]).await;
        assert_eq!(refresh.finished.code, Some(2));
        let plan = stage.planned(&[]).await;
        for name in ["toabac", "toclassic"] {
            let change = &plan.changes[&address(name)];
            assert_eq!(change.actions, "update");
            assert_eq!(change.attributes, shown);
        }
        stage.apply().await;
        let repair = |name| stage.writes_in_order(name);
        let (to_abac, to_classic) = (repair("toabac"), repair("toclassic"));
        assert_eq!(to_abac, [vec![GRANT; 4], vec![REVOKE; 3]].concat());
        assert_eq!(to_classic, [vec![GRANT; 3], vec![REVOKE; 4]].concat());
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn an_unreadable_policy_is_a_warning_with_its_digest_and_is_replaced() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        stage.azure.registry("contoso").push_policy("not a policy");
        let digest = policy_manifest(&stage);
        for options in [&[][..], &["-refresh-only"]] {
            let text = stage.planned(options).await.finished.text();
            assert!(
                text.contains("Warning: The policy in contoso can't be read"),
                "{text}"
            );
            assert!(text.contains(&digest), "no {digest} in {text}");
        }
        stage.apply().await;
        let policy = stage.azure.registry("contoso").policy().unwrap();
        assert_eq!(policy["repositories"][0]["repository"], "python");
        stage.assert_no_changes().await;
    }
}

#[tokio::test]
async fn a_deleted_workflow_is_created_again() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        let first = stage.azure.registry("contoso").task(SCAN).unwrap();
        remove_everything(&stage.azure.registry("contoso"));

        assert_gone(&stage).await;
        stage.apply().await;
        let second = stage.azure.registry("contoso").task(SCAN).unwrap();
        assert_ne!(first.identity, second.identity);
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn a_workflow_is_created_again_on_a_recreated_registry() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        remove_everything(&stage.azure.registry("contoso"));
        let gone = Fault::on("*", "(?i)/registries/contoso|^contoso");
        let gone = gone.times(u64::MAX).status(404).code("ResourceNotFound");
        stage.azure.fault(gone);

        assert_gone(&stage).await;
        stage.azure.mark();
        let failed = stage.workspace.try_apply().await.unwrap();
        let text = failed.ended_with(1).unwrap().text();
        assert!(text.contains("Registry not found"), "{text}");
        assert_eq!(stage.writes(), Vec::<String>::new());

        stage.azure.clear_faults();
        stage.apply().await;
        stage.assert_no_changes().await;
        stage.destroy().await;
    }
}

#[tokio::test]
async fn a_workflow_on_a_deleted_registry_is_destroyed_without_a_write() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        stage.apply().await;
        remove_everything(&stage.azure.registry("contoso"));
        let gone = Fault::on("*", "(?i)/registries/contoso|^contoso");
        let gone = gone.times(u64::MAX).status(404).code("ResourceNotFound");
        stage.azure.fault(gone);
        stage.azure.mark();
        stage.destroy().await;
        assert_eq!(stage.writes(), Vec::<String>::new());
    }
}

/// Asserts that a refresh reports the workflow as deleted and that a plan recreates it.
async fn assert_gone(stage: &Stage) {
    let refresh = stage.planned(&["-refresh-only"]).await;
    assert_eq!(refresh.finished.code, Some(2));
    assert_eq!(refresh.drift[ADDRESS].actions, "delete");
    let plan = stage.planned(&[]).await;
    assert_eq!(plan.changes[ADDRESS].actions, "create");
}

/// Deletes a whole workflow with the Azure CLI.
fn remove_everything(registry: &RegistryHandle<'_>) {
    registry.cli_delete().unwrap();
    assert!(registry.tasks().is_empty());
}

/// The digest of the manifest that holds the policy.
fn policy_manifest(stage: &Stage) -> String {
    let state = stage.azure.state();
    let repositories = &state["registries"][0]["repositories"];
    let tag = &repositories["csscpolicies/patchpolicy"]["tags"]["v1"];
    let Value::String(digest) = &tag["digest"] else {
        panic!("no policy in the registry");
    };
    digest.clone()
}
