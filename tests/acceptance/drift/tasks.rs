//! Changes to the tasks, except their timers.

use azure_simulator::{BaseImageTrigger, SetValue};
use http::Method;
use serde_json::json;

use crate::drift::Drift;
use crate::drift::acts::{
    GRANT, PATCH, PATCH_PATCH, PATCH_SCAN, PATCH_TRIGGER, PUT_PATCH, PUT_TRIGGER, REVOKE, SCAN,
    TRIGGER, edit, request, timers,
};

pub(super) const DRIFTS: &[Drift] = &[
    Drift {
        registry: "triggerdisabled",
        change: |_, registry| {
            edit(registry, TRIGGER, |task| {
                task.properties.status = Some("Disabled".into())
            })
        },
        shows: &["tasks/cssc-trigger-workflow/status"],
        repair: &[PATCH_TRIGGER],
    },
    Drift {
        registry: "baseimagetrigger",
        change: |_, registry| {
            edit(registry, TRIGGER, |task| {
                let trigger = task.properties.trigger.as_mut().unwrap();
                trigger.base_image_trigger = Some(BaseImageTrigger {
                    base_image_trigger_type: "Runtime".into(),
                    update_trigger_endpoint: None,
                    update_trigger_payload_type: None,
                    status: Some("Enabled".into()),
                    name: "mine".into(),
                });
            })
        },
        shows: &["tasks/cssc-trigger-workflow/status"],
        repair: &[PUT_TRIGGER],
    },
    Drift {
        registry: "scandisabled",
        change: |_, registry| {
            edit(registry, SCAN, |task| {
                task.properties.status = Some("disabled".into())
            })
        },
        shows: &["tasks/cssc-scan-image/status"],
        repair: &[PATCH_SCAN],
    },
    Drift {
        registry: "definition",
        change: |_, registry| {
            edit(registry, SCAN, |task| {
                task.properties.step.as_mut().unwrap().encoded_task_content =
                    "dmVyc2lvbjogdjEuMS4wCnN0ZXBzOgogIC0gY21kOiBiYXNoIGVjaG8gbWluZQo=".into();
            })
        },
        shows: &["tasks/cssc-scan-image/definition"],
        repair: &[PATCH_SCAN],
    },
    Drift {
        registry: "values",
        change: |_, registry| {
            edit(registry, PATCH, |task| {
                let value = SetValue {
                    name: "SOURCE_REPOSITORY".into(),
                    value: "mine".into(),
                    is_secret: None,
                };
                task.properties.step.as_mut().unwrap().values = Some(vec![value]);
            })
        },
        shows: &["tasks/cssc-patch-image/status"],
        repair: &[PATCH_PATCH],
    },
    Drift {
        registry: "identity",
        change: |azure, registry| {
            let task = format!("{}/tasks/{PATCH}", registry.id());
            let body = json!({"identity": {"type": "None"}});
            request(
                azure,
                Method::PATCH,
                &task,
                "2025-03-01-preview",
                Some(&body),
            );
        },
        shows: &[
            "role_assignments/cssc-patch-image/AcrPush",
            "role_assignments/orphan",
            "tasks/cssc-patch-image/principal_id",
            "tasks/cssc-patch-image/status",
        ],
        repair: &[REVOKE, PATCH_PATCH, GRANT, GRANT],
    },
    Drift {
        registry: "credentials",
        change: |_, registry| edit(registry, SCAN, |task| task.properties.credentials = None),
        shows: &["tasks/cssc-scan-image/status"],
        repair: &[PATCH_SCAN],
    },
    Drift {
        registry: "loginserver",
        change: |_, registry| {
            edit(registry, SCAN, |task| {
                task.properties
                    .credentials
                    .as_mut()
                    .unwrap()
                    .custom_registries = None;
            })
        },
        shows: &["tasks/cssc-scan-image/status"],
        repair: &[PATCH_SCAN],
    },
    Drift {
        registry: "loginmode",
        change: |_, registry| {
            edit(registry, SCAN, |task| {
                let credentials = task.properties.credentials.as_mut().unwrap();
                credentials.source_registry.as_mut().unwrap().login_mode = Some("Default".into());
            })
        },
        shows: &["tasks/cssc-scan-image/status"],
        repair: &[PATCH_SCAN],
    },
    Drift {
        registry: "operatingsystem",
        change: |_, registry| {
            edit(registry, PATCH, |task| {
                task.properties.platform.as_mut().unwrap().os = "windows".into();
            })
        },
        shows: &["tasks/cssc-patch-image/status"],
        repair: &[PATCH_PATCH],
    },
    Drift {
        registry: "architecture",
        change: |_, registry| {
            edit(registry, PATCH, |task| {
                task.properties.platform.as_mut().unwrap().architecture = Some("arm64".into());
            })
        },
        shows: &["tasks/cssc-patch-image/status"],
        repair: &[PATCH_PATCH],
    },
    Drift {
        registry: "timeout",
        change: |_, registry| edit(registry, PATCH, |task| task.properties.timeout = Some(600)),
        shows: &["tasks/cssc-patch-image/status"],
        repair: &[PATCH_PATCH],
    },
    Drift {
        registry: "cpucount",
        change: |_, registry| {
            edit(registry, PATCH, |task| {
                task.properties.agent_configuration.as_mut().unwrap().cpu = 4
            })
        },
        shows: &["tasks/cssc-patch-image/status"],
        repair: &[PATCH_PATCH],
    },
    Drift {
        registry: "tagremoved",
        change: |_, registry| edit(registry, PATCH, |task| _ = task.tags.remove("cssc")),
        shows: &["tasks/cssc-patch-image/status"],
        repair: &[PATCH_PATCH],
    },
    Drift {
        registry: "tagchanged",
        change: |_, registry| {
            edit(registry, PATCH, |task| {
                _ = task.tags.insert("cssc".into(), "false".into())
            })
        },
        shows: &["tasks/cssc-patch-image/status"],
        repair: &[PATCH_PATCH],
    },
    Drift {
        registry: "provisioning",
        change: |_, registry| edit(registry, PATCH, |task| task.progress.ends_as = "Failed"),
        shows: &["tasks/cssc-patch-image/status"],
        repair: &[PUT_PATCH],
    },
    Drift {
        registry: "severalatonce",
        change: |_, registry| {
            timers(registry, |timers| {
                timers[0].schedule = "30 2 */14 * *".into()
            });
            edit(registry, TRIGGER, |task| {
                task.properties.timeout = Some(600)
            });
            edit(registry, TRIGGER, |task| _ = task.tags.remove("cssc"));
        },
        shows: &[
            "schedule",
            "schedule_cron",
            "tasks/cssc-trigger-workflow/status",
        ],
        repair: &[PATCH_TRIGGER],
    },
];
