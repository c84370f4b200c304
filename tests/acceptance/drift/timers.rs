//! Changes to the trigger task's timer.

use azure_simulator::TimerTrigger;

use crate::drift::Drift;
use crate::drift::acts::{PATCH_TRIGGER, PUT_TRIGGER, timers};

pub(super) const DRIFTS: &[Drift] = &[
    Drift {
        registry: "schedule",
        change: |_, registry| {
            timers(registry, |timers| {
                timers[0].schedule = "30 2 */14 * *".into()
            })
        },
        shows: &["schedule", "schedule_cron"],
        repair: &[PATCH_TRIGGER],
    },
    Drift {
        registry: "minuteandhour",
        change: |_, registry| {
            timers(registry, |timers| {
                timers[0].schedule = "45 11 */7 * *".into()
            })
        },
        shows: &["schedule_cron", "start_time"],
        repair: &[PATCH_TRIGGER],
    },
    Drift {
        registry: "noschedule",
        change: |_, registry| timers(registry, |timers| timers[0].schedule = "0 0 * * 1".into()),
        shows: &["schedule", "schedule_cron", "start_time"],
        repair: &[PATCH_TRIGGER],
    },
    Drift {
        registry: "extratimer",
        change: |_, registry| {
            timers(registry, |timers| {
                timers.push(TimerTrigger {
                    name: "mine".into(),
                    schedule: "0 0 * * *".into(),
                    status: None,
                });
            })
        },
        shows: &["schedule", "schedule_cron", "start_time"],
        repair: &[PUT_TRIGGER],
    },
    Drift {
        registry: "renamedtimer",
        change: |_, registry| timers(registry, |timers| timers[0].name = "mine".into()),
        shows: &["schedule", "start_time"],
        repair: &[PUT_TRIGGER],
    },
    Drift {
        registry: "notimer",
        change: |_, registry| timers(registry, Vec::clear),
        shows: &["enabled", "schedule", "schedule_cron", "start_time"],
        repair: &[PUT_TRIGGER],
    },
    Drift {
        registry: "timerdisabled",
        change: |_, registry| {
            timers(registry, |timers| {
                timers[0].status = Some("Disabled".into())
            })
        },
        shows: &["enabled"],
        repair: &[PATCH_TRIGGER],
    },
];
