//! Deleted tasks and role assignments.

use azure_simulator::roles;

use crate::drift::Drift;
use crate::drift::acts::{
    GRANT, NOBODY, PATCH, PATCH_TRIGGER, PUSH_MANIFEST, PUT_PATCH, PUT_SCAN, PUT_TRIGGER, REVOKE,
    SCAN, START_UPLOAD, TRIGGER, UPLOAD, delete, revoke,
};

pub(super) const DRIFTS: &[Drift] = &[
    Drift {
        registry: "triggerdeleted",
        change: |_, registry| delete(registry, TRIGGER),
        shows: &[
            "role_assignments/cssc-trigger-workflow/AcrPull",
            "role_assignments/cssc-trigger-workflow/Container Registry Tasks Contributor",
            "role_assignments/orphan",
            "schedule",
            "schedule_cron",
            "start_time",
            "tasks/cssc-trigger-workflow",
        ],
        repair: &[REVOKE, REVOKE, PATCH_TRIGGER, GRANT, GRANT, PUT_TRIGGER],
    },
    Drift {
        registry: "scandeleted",
        change: |_, registry| delete(registry, SCAN),
        shows: &[
            "role_assignments/cssc-scan-image/AcrPull",
            "role_assignments/cssc-scan-image/Container Registry Tasks Contributor",
            "role_assignments/orphan",
            "tasks/cssc-scan-image",
        ],
        repair: &[REVOKE, REVOKE, GRANT, GRANT, PUT_SCAN],
    },
    Drift {
        registry: "patchdeleted",
        change: |_, registry| delete(registry, PATCH),
        shows: &[
            "role_assignments/cssc-patch-image/AcrPush",
            "role_assignments/orphan",
            "tasks/cssc-patch-image",
        ],
        repair: &[REVOKE, GRANT, PUT_PATCH],
    },
    Drift {
        registry: "alltasksdeleted",
        change: |_, registry| {
            [TRIGGER, SCAN, PATCH]
                .into_iter()
                .for_each(|task| delete(registry, task))
        },
        shows: &[
            "role_assignments/cssc-patch-image/AcrPush",
            "role_assignments/cssc-scan-image/AcrPull",
            "role_assignments/cssc-scan-image/Container Registry Tasks Contributor",
            "role_assignments/cssc-trigger-workflow/AcrPull",
            "role_assignments/cssc-trigger-workflow/Container Registry Tasks Contributor",
            "role_assignments/orphan",
            "schedule",
            "schedule_cron",
            "start_time",
            "tasks/cssc-patch-image",
            "tasks/cssc-scan-image",
            "tasks/cssc-trigger-workflow",
        ],
        repair: &[
            REVOKE,
            REVOKE,
            REVOKE,
            REVOKE,
            REVOKE,
            PATCH_TRIGGER,
            GRANT,
            GRANT,
            GRANT,
            GRANT,
            GRANT,
            PUT_PATCH,
            PUT_SCAN,
            PUT_TRIGGER,
        ],
    },
    Drift {
        registry: "onlyorphansleft",
        change: |_, registry| {
            [TRIGGER, SCAN, PATCH]
                .into_iter()
                .for_each(|task| delete(registry, task));
            registry.remove_policy();
        },
        shows: &[
            "policy_digest",
            "repositories",
            "role_assignments/cssc-patch-image/AcrPush",
            "role_assignments/cssc-scan-image/AcrPull",
            "role_assignments/cssc-scan-image/Container Registry Tasks Contributor",
            "role_assignments/cssc-trigger-workflow/AcrPull",
            "role_assignments/cssc-trigger-workflow/Container Registry Tasks Contributor",
            "role_assignments/orphan",
            "schedule",
            "schedule_cron",
            "start_time",
            "tag_convention",
            "tasks/cssc-patch-image",
            "tasks/cssc-scan-image",
            "tasks/cssc-trigger-workflow",
        ],
        repair: &[
            REVOKE,
            REVOKE,
            REVOKE,
            REVOKE,
            REVOKE,
            PATCH_TRIGGER,
            START_UPLOAD,
            START_UPLOAD,
            PUSH_MANIFEST,
            GRANT,
            GRANT,
            GRANT,
            GRANT,
            GRANT,
            PUT_PATCH,
            PUT_SCAN,
            PUT_TRIGGER,
            UPLOAD,
            UPLOAD,
        ],
    },
    Drift {
        registry: "roleremoved",
        change: |azure, registry| _ = revoke(azure, registry, roles::ACR_PUSH),
        shows: &["role_assignments/cssc-patch-image/AcrPush"],
        repair: &[GRANT],
    },
    Drift {
        registry: "roleofanidentitygone",
        change: |azure, registry| {
            for name in revoke(azure, registry, roles::ACR_PUSH) {
                azure.seed_role_assignment(Some(&name), &registry.id(), roles::ACR_PUSH, NOBODY);
            }
        },
        shows: &[
            "role_assignments/cssc-patch-image/AcrPush",
            "role_assignments/orphan",
        ],
        repair: &[REVOKE, GRANT],
    },
];
