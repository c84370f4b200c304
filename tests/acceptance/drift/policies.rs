//! Changes to the policy.

use crate::drift::Drift;
use crate::drift::acts::{PUSH_FIRST_POLICY, PUSH_POLICY};

pub(super) const DRIFTS: &[Drift] = &[
    Drift {
        registry: "othertags",
        change: |_, registry| {
            _ = registry.push_policy(r#"{"version":"v1","tag-convention":"incremental","repositories":[{"repository":"python","tags":["3.12"],"enabled":true}]}"#)
        },
        shows: &["policy_digest", "repositories/python/tags"],
        repair: PUSH_POLICY,
    },
    Drift {
        registry: "otherrepository",
        change: |_, registry| {
            _ = registry.push_policy(r#"{"version":"v1","tag-convention":"incremental","repositories":[{"repository":"python","tags":["3.11"]},{"repository":"node","tags":["22"]}]}"#)
        },
        shows: &["policy_digest", "repositories/node"],
        repair: PUSH_POLICY,
    },
    Drift {
        registry: "repositorydisabled",
        change: |_, registry| {
            _ = registry.push_policy(r#"{"version":"v1","tag-convention":"incremental","repositories":[{"repository":"python","tags":["3.11"],"enabled":false}]}"#)
        },
        shows: &["policy_digest", "repositories/python/enabled"],
        repair: PUSH_POLICY,
    },
    Drift {
        registry: "otherconvention",
        change: |_, registry| {
            _ = registry.push_policy(r#"{"version":"v1","tag-convention":"floating","repositories":[{"repository":"python","tags":["3.11"]}]}"#)
        },
        shows: &["policy_digest", "tag_convention"],
        repair: PUSH_POLICY,
    },
    Drift {
        registry: "policyunreadable",
        change: |_, registry| _ = registry.push_policy("not a policy"),
        shows: &["policy_digest", "repositories", "tag_convention"],
        repair: PUSH_POLICY,
    },
    Drift {
        registry: "policydeleted",
        change: |_, registry| _ = registry.remove_policy(),
        shows: &["policy_digest", "repositories", "tag_convention"],
        repair: PUSH_FIRST_POLICY,
    },
];
