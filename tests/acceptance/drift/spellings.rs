//! An equal value in another spelling is no drift. A change that the configuration does not manage is no
//! drift either.

use azure_simulator::{IdCase, RegistryHandle, RegistrySpec};

use crate::drift::acts::{PATCH, SCAN, TRIGGER, edit, timers};
use crate::stage::{Stage, each, hosts};

/// Writes one value in another spelling.
type Respell = fn(&RegistryHandle<'_>);

/// The changes, by the name of the registry.
const SPELLINGS: &[(&str, Respell)] = &[
    ("policyorder", |registry| {
        _ = registry.push_policy(
            r#"{"repositories":[{"tags":["latest","3.11"],"repository":"python"},{"enabled":true,"repository":"node","tags":["22"]}],"version":"v1"}"#,
        );
    }),
    ("operatingsystem", |registry| {
        edit(registry, SCAN, |task| {
            task.properties.platform.as_mut().unwrap().os = "LINUX".into();
        });
    }),
    ("novalues", |registry| {
        edit(registry, SCAN, |task| {
            task.properties.step.as_mut().unwrap().values = None;
        });
    }),
    ("emptyvalues", |registry| {
        edit(registry, SCAN, |task| {
            task.properties.step.as_mut().unwrap().values = Some(Vec::new());
        });
    }),
    ("statuscase", |registry| {
        edit(registry, PATCH, |task| {
            task.properties.status = Some("enabled".into());
        });
        timers(registry, |timers| timers[0].status = Some("ENABLED".into()));
    }),
    ("nostatus", |registry| {
        edit(registry, TRIGGER, |task| task.properties.status = None);
        timers(registry, |timers| timers[0].status = None);
    }),
    ("tagsofothers", |registry| {
        edit(registry, TRIGGER, |task| {
            task.tags.insert("cost-center".into(), "7".into());
        });
    }),
    ("systemtask", |registry| {
        edit(registry, TRIGGER, |task| {
            task.properties.is_system_task = None
        });
    }),
    ("loginservercase", |registry| {
        edit(registry, SCAN, |task| {
            let credentials = task.properties.credentials.as_mut().unwrap();
            let custom = credentials.custom_registries.as_mut().unwrap();
            *custom = std::mem::take(custom)
                .into_iter()
                .map(|(host, login)| (host.to_uppercase(), login))
                .collect();
        });
    }),
];

#[tokio::test]
async fn other_spellings_of_an_equal_value_are_no_drift() {
    let names: Vec<&str> = SPELLINGS.iter().map(|(name, _)| *name).collect();
    let workflow = each(&names).replace(
        r#"["3.11"] }"#,
        "[\"3.11\", \"latest\"] }\n    \"node\" = { tags = [\"22\"] }",
    );
    for host in hosts() {
        let registries = names.iter().map(|name| RegistrySpec::new(name));
        let stage = Stage::with(host, registries, &workflow).await;
        stage.apply().await;
        for (name, respell) in SPELLINGS {
            respell(&stage.azure.registry(name));
        }
        assert_no_drift(&stage).await;
        stage.azure.turn(|knobs| knobs.respelled = true);
        for case in [IdCase::LowerGroup, IdCase::UpperGroup, IdCase::Lower] {
            stage.azure.turn(|knobs| knobs.id_case = case);
            assert_no_drift(&stage).await;
        }
        stage.destroy().await;
    }
}

#[tokio::test]
async fn another_minute_is_no_drift_if_start_time_is_omitted() {
    for host in hosts() {
        let workflow = each(&["contoso"]).replace("  start_time     = \"02:30\"\n", "");
        let stage = Stage::new(host, &workflow).await;
        stage.apply().await;
        timers(&stage.azure.registry("contoso"), |timers| {
            timers[0].schedule = "45 11 */7 * *".into();
        });
        stage.assert_no_changes().await;
        // The minute and hour stay when the schedule changes.
        stage.configure(&workflow.replace("\"7d\"", "\"14d\""));
        stage.apply().await;
        let trigger = stage.azure.registry("contoso").task(TRIGGER).unwrap();
        assert_eq!(trigger.timers()[0].schedule, "45 11 */14 * *");
        stage.assert_no_changes().await;
    }
}

async fn assert_no_drift(stage: &Stage) {
    stage.azure.mark();
    for options in [&[][..], &["-refresh-only"]] {
        let planned = stage.planned(options).await;
        assert!(planned.changes.is_empty(), "{:#?}", planned.changes);
        assert!(planned.drift.is_empty(), "{:#?}", planned.drift);
        assert_eq!(planned.finished.code, Some(0), "{}", planned.finished);
    }
    assert_eq!(stage.writes(), Vec::<String>::new());
}
