//! Bounds the idle connections of a client over all hosts.
//!
//! reqwest keeps an idle connection to each host, and limits only how many there are per host. A refresh of a
//! thousand workflows talks to a thousand registries. So a new client replaces the old one after some hosts.
//! The old one closes its idle connections, as soon as its last request has ended.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// The hosts to which a client may have idle connections. An operation talks to four: Resource Manager, Entra,
/// the registry and its storage. Terraform runs ten operations at once.
pub(super) const HOSTS: usize = 100;

/// The client for the next request, and the hosts that it has had requests for.
#[derive(Debug)]
pub(super) struct HostPool<T>(Mutex<Current<T>>);

#[derive(Debug)]
struct Current<T> {
    client: T,
    hosts: HashSet<String>,
}

impl<T: Clone> HostPool<T> {
    /// Starts with a client that has no connections yet.
    pub(super) fn new(client: T) -> Self {
        let hosts = HashSet::new();
        Self(Mutex::new(Current { client, hosts }))
    }

    /// Returns the client for a request to `host`. Replaces it with a fresh one if it has had enough hosts. If
    /// there is no fresh one, the old one stays.
    pub(super) fn client_for(&self, host: &str, fresh: impl FnOnce() -> Option<T>) -> T {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !current.hosts.contains(host) {
            if current.hosts.len() == HOSTS
                && let Some(client) = fresh()
            {
                current.client = client;
                current.hosts.clear();
            }
            if current.hosts.len() < HOSTS {
                current.hosts.insert(host.to_owned());
            }
        }
        current.client.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_client_replaces_the_old_one_after_a_hundred_hosts() {
        let pool = HostPool::new(1);
        let ask = |host: usize, fresh| pool.client_for(&host.to_string(), || fresh);
        for host in 0..HOSTS {
            assert_eq!(ask(host, None), 1);
        }
        assert_eq!(ask(0, Some(2)), 1, "a known host needs no fresh client");
        assert_eq!(
            ask(HOSTS, None),
            1,
            "without a fresh client, the old one stays"
        );
        assert_eq!(ask(HOSTS, Some(2)), 2);
        assert_eq!(ask(0, None), 2);
    }
}
