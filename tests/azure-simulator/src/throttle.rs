//! Throttling at the documented rates, by token buckets.
//!
//! ARM counts reads, writes and deletes of each principal in each subscription; a registry's data plane counts reads,
//! writes, deletes and sign-ins, of the registry as a whole and of each identity.
//! (<https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling>,
//! <https://learn.microsoft.com/azure/container-registry/container-registry-skus>)

use std::collections::HashMap;

use jiff::Timestamp;

use crate::knobs::Knobs;
use crate::registry::RegistrySpec;

/// The longest that anybody is told to wait: what never fills again is asked for once an hour.
const LONGEST_S: f64 = 3600.0;

/// What a request is counted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    Reads,
    Writes,
    Deletes,
    /// `/oauth2/…` of a registry.
    SignIns,
}

impl Class {
    /// What headers and the log call it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Deletes => "deletes",
            Self::SignIns => "sign-ins",
        }
    }
}

/// How much a bucket holds, and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limit {
    capacity: f64,
    per_second: f64,
}

impl Limit {
    /// What a principal may do in a subscription.
    pub(crate) fn arm(knobs: &Knobs, class: Class) -> Self {
        let (capacity, per_second) = match class {
            Class::Writes => (knobs.arm_writes, knobs.arm_writes_per_s),
            Class::Deletes => (knobs.arm_deletes, knobs.arm_deletes_per_s),
            Class::Reads | Class::SignIns => (knobs.arm_reads, knobs.arm_reads_per_s),
        };
        Self {
            capacity: f64::from(capacity),
            per_second: f64::from(per_second),
        }
    }

    /// What a full bucket holds.
    pub(crate) fn full(self) -> u64 {
        whole(self.capacity.max(1.0))
    }

    /// What may be done at a registry, by everybody and by each identity.
    pub(crate) fn registry(knobs: &Knobs, spec: &RegistrySpec, class: Class) -> [Self; 2] {
        let premium = spec.sku.eq_ignore_ascii_case("Premium");
        let (turned, all, each) = match (class, premium) {
            (Class::Reads, false) => (knobs.registry_reads_per_minute, 10_000, 5_000),
            (Class::Reads, true) => (knobs.registry_reads_per_minute, 20_000, 10_000),
            (Class::Writes, false) => (knobs.registry_writes_per_minute, 2_000, 1_000),
            (Class::Writes, true) => (knobs.registry_writes_per_minute, 4_000, 2_000),
            (Class::Deletes, false) => (knobs.registry_deletes_per_minute, 1_000, 1_000),
            (Class::Deletes, true) => (knobs.registry_deletes_per_minute, 4_000, 4_000),
            (Class::SignIns, false) => (knobs.registry_sign_ins_per_minute, 10_000, 10_000),
            (Class::SignIns, true) => (knobs.registry_sign_ins_per_minute, 20_000, 20_000),
        };
        [all, each].map(|documented| {
            let capacity = f64::from(turned.unwrap_or(documented));
            Self {
                capacity,
                per_second: capacity / 60.0,
            }
        })
    }
}

/// All buckets that were ever drawn from, by what they are for.
#[derive(Debug, Default)]
pub(crate) struct Buckets(HashMap<String, Bucket>);

#[derive(Debug, Clone, Copy)]
struct Bucket {
    level: f64,
    at: Timestamp,
}

impl Buckets {
    /// Takes one from each of the buckets, or none from any. Gives what the emptiest then holds.
    ///
    /// # Errors
    /// The whole seconds after which there is one in each.
    pub(crate) fn take(&mut self, wanted: &[(String, Limit)], now: Timestamp) -> Result<u64, u64> {
        let mut lowest = f64::INFINITY;
        let mut wait: f64 = 0.0;
        for (name, limit) in wanted {
            let level = self.fill(name, *limit, now);
            lowest = lowest.min(level);
            if level < 1.0 {
                wait = wait.max((1.0 - level) / limit.per_second);
            }
        }
        if wait > 0.0 {
            return Err(whole(wait.min(LONGEST_S).ceil().max(1.0)));
        }
        for (name, _) in wanted {
            if let Some(bucket) = self.0.get_mut(name) {
                bucket.level -= 1.0;
            }
        }
        Ok(whole((lowest - 1.0).floor()))
    }

    fn fill(&mut self, name: &str, limit: Limit, now: Timestamp) -> f64 {
        let bucket = self.0.entry(name.to_owned()).or_insert(Bucket {
            level: limit.capacity,
            at: now,
        });
        let passed = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        // A billionth more, so that a wait that was kept to the very second isn't lost to rounding.
        let level = bucket.level + passed * limit.per_second + 1e-9;
        *bucket = Bucket {
            level: level.min(limit.capacity),
            at: now.max(bucket.at),
        };
        bucket.level
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole numbers between nothing and a bucket's size"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const SLOW: Limit = Limit {
        capacity: 2.0,
        per_second: 0.5,
    };

    #[test]
    fn a_bucket_empties_and_says_honestly_when_to_come_back() {
        let mut buckets = Buckets::default();
        let start = Timestamp::UNIX_EPOCH;
        let take = |buckets: &mut Buckets, at: Timestamp| buckets.take(&[("a".into(), SLOW)], at);
        assert_eq!(take(&mut buckets, start), Ok(1));
        assert_eq!(take(&mut buckets, start), Ok(0));
        assert_eq!(take(&mut buckets, start), Err(2));
        let later = start + SignedDuration::from_secs(2);
        assert_eq!(take(&mut buckets, later), Ok(0));
        assert_eq!(take(&mut buckets, later), Err(2));
        let much_later = start + SignedDuration::from_secs(1000);
        assert_eq!(take(&mut buckets, much_later), Ok(1));
    }

    #[test]
    fn what_one_bucket_refuses_is_taken_from_no_other() {
        let mut buckets = Buckets::default();
        let now = Timestamp::UNIX_EPOCH;
        let both = [("all".to_owned(), SLOW), ("each".to_owned(), SLOW)];
        assert_eq!(buckets.take(&both[1..], now), Ok(1));
        assert_eq!(buckets.take(&both[1..], now), Ok(0));
        assert_eq!(buckets.take(&both, now), Err(2));
        assert_eq!(buckets.take(&both[..1], now), Ok(1));
    }

    #[test]
    fn a_premium_registry_takes_more() {
        let knobs = Knobs::default();
        let limit = |sku| {
            let spec = RegistrySpec::new("contoso").sku(sku);
            Limit::registry(&knobs, &spec, Class::Writes).map(|limit| limit.capacity)
        };
        assert_eq!(limit("Basic"), [2_000.0, 1_000.0]);
        assert_eq!(limit("Premium"), [4_000.0, 2_000.0]);
    }
}
