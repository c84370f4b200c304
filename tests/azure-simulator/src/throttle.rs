//! Throttling with token buckets, at the documented rates.
//!
//! ARM limits reads, writes and deletes per principal and subscription. A registry's data plane limits reads,
//! writes, deletes and sign-ins, both for the whole registry and per identity.
//!
//! Sources:
//! - <https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling>
//! - <https://learn.microsoft.com/azure/container-registry/container-registry-skus>

use std::collections::HashMap;

use jiff::Timestamp;

use crate::knobs::Knobs;
use crate::registry::RegistrySpec;

/// The maximum `Retry-After` in seconds. A bucket that never refills also returns it.
const LONGEST_S: f64 = 3600.0;

/// The class under which a request is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    Reads,
    Writes,
    Deletes,
    /// Requests to `/oauth2/…` of a registry.
    SignIns,
}

impl Class {
    /// Returns the name in headers and in the log.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Deletes => "deletes",
            Self::SignIns => "sign-ins",
        }
    }
}

/// The capacity and the refill rate of a bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limit {
    capacity: f64,
    per_second: f64,
}

impl Limit {
    /// Returns the limit of a principal in a subscription.
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

    /// Returns the capacity, at least 1.
    pub(crate) fn full(self) -> u64 {
        whole(self.capacity.max(1.0))
    }

    /// Returns the limits of a registry: in total, and per identity.
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

/// The buckets by name.
#[derive(Debug, Default)]
pub(crate) struct Buckets(HashMap<String, Bucket>);

#[derive(Debug, Clone, Copy)]
struct Bucket {
    level: f64,
    at: Timestamp,
}

impl Buckets {
    /// Takes one token from every bucket, or none at all, and returns the lowest remaining level.
    ///
    /// # Errors
    /// The number of whole seconds until every bucket has a token.
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
        // The added 1e-9 keeps rounding from refusing a client that waited exactly as long as told.
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
    reason = "whole numbers between 0 and a bucket's capacity"
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
    fn an_empty_bucket_returns_the_exact_wait() {
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
    fn a_refused_request_draws_from_no_bucket() {
        let mut buckets = Buckets::default();
        let now = Timestamp::UNIX_EPOCH;
        let both = [("all".to_owned(), SLOW), ("each".to_owned(), SLOW)];
        assert_eq!(buckets.take(&both[1..], now), Ok(1));
        assert_eq!(buckets.take(&both[1..], now), Ok(0));
        assert_eq!(buckets.take(&both, now), Err(2));
        assert_eq!(buckets.take(&both[..1], now), Ok(1));
    }

    #[test]
    fn a_premium_registry_has_higher_limits() {
        let knobs = Knobs::default();
        let limit = |sku| {
            let spec = RegistrySpec::new("contoso").sku(sku);
            Limit::registry(&knobs, &spec, Class::Writes).map(|limit| limit.capacity)
        };
        assert_eq!(limit("Basic"), [2_000.0, 1_000.0]);
        assert_eq!(limit("Premium"), [4_000.0, 2_000.0]);
    }
}
