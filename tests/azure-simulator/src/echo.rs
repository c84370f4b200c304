//! Stale reads after a write, because Azure is eventually consistent.
//!
//! An echo is the old state that reads still return. Writes always use the current state. Echoes expire after
//! a number of reads instead of a time, so that no test has to sleep.

use std::collections::BTreeMap;

use crate::access::RoleAssignment;
use crate::registry::RegistrySpec;
use crate::repository::{Repository, Tag};
use crate::state::World;
use crate::task::Task;

/// The echoes of all kinds of reads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Echoes {
    pub(crate) tasks: Echo<Task>,
    pub(crate) task_lists: Echo<Task>,
    /// By principal: new identities that reads of their tasks do not show yet.
    pub(crate) identities: Echo<()>,
    /// By name: deleted assignments that reads still return.
    pub(crate) assignments: Echo<RoleAssignment>,
    pub(crate) assignment_lists: Echo<RoleAssignment>,
    pub(crate) registries: Echo<RegistrySpec>,
    pub(crate) tags: Echo<Tag>,
    /// Deleted repositories that reads still return.
    pub(crate) repositories: Echo<Repository>,
}

/// The old states of one kind of object, and the number of reads that still return each of them.
#[derive(Debug, Clone)]
pub(crate) struct Echo<T>(BTreeMap<String, (Option<T>, u32)>);

impl<T> Default for Echo<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Clone> Echo<T> {
    /// Keeps the state before a write for the next reads.
    ///
    /// If an older echo exists, reads keep returning that one.
    pub(crate) fn keep(&mut self, key: &str, before: Option<T>, looks: u32) {
        if looks > 0 {
            let echo = self.0.entry(key.to_owned()).or_insert((before, 0));
            echo.1 = echo.1.max(looks);
        }
    }

    /// Returns what a read shows: the echo if one exists, otherwise `truth`.
    pub(crate) fn see(&self, key: &str, truth: Option<T>) -> Option<T> {
        self.0.get(key).map_or(truth, |(before, _)| before.clone())
    }

    /// Returns whether an echo exists.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Returns the old state in an echo, if the object existed.
    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.0.get(key).and_then(|(before, _)| before.as_ref())
    }

    /// Counts a read and returns whether an echo existed.
    pub(crate) fn fade(&mut self, key: &str) -> bool {
        let Some((_, looks)) = self.0.get_mut(key) else {
            return false;
        };
        *looks -= 1;
        if *looks == 0 {
            self.0.remove(key);
        }
        true
    }

    /// Ends an echo: reads return the current state.
    pub(crate) fn end(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Ends all echoes below a prefix.
    fn end_below(&mut self, prefix: &str) {
        self.0.retain(|key, _| !key.starts_with(prefix));
    }

    /// Returns the keys of the echoes below a prefix.
    pub(crate) fn keys(&self, prefix: &str) -> Vec<String> {
        let below = self.0.keys().filter(|key| key.starts_with(prefix));
        below.cloned().collect()
    }
}

/// Returns the key of an object in a registry. Registry names ignore letter case.
pub(crate) fn key(registry: &str, below: &str) -> String {
    format!("{}/{below}", registry.to_lowercase())
}

impl World {
    /// Keeps echoes of a task before a write.
    pub(crate) fn echo_task(&mut self, registry: &str, name: &str) {
        let name = name.to_lowercase();
        let key = key(registry, &name);
        let found = self.registry(registry);
        let before = found.and_then(|found| found.tasks.get(&name)).cloned();
        let (looks, list_looks) = (
            self.knobs.stale_task_looks,
            self.knobs.stale_task_list_looks,
        );
        self.echoes.tasks.keep(&key, before.clone(), looks);
        self.echoes.task_lists.keep(&key, before, list_looks);
    }

    /// Keeps an echo of a role assignment before a change.
    pub(crate) fn echo_assignment(&mut self, name: &str) {
        let mut known = self.role_assignments.iter();
        let found = known.find(|known| known.name.eq_ignore_ascii_case(name));
        let looks = self.knobs.stale_assignment_list_looks;
        self.echoes
            .assignment_lists
            .keep(&name.to_lowercase(), found.cloned(), looks);
    }

    /// Keeps an echo of a tag before a push.
    pub(crate) fn echo_tag(&mut self, registry: &str, repository: &str, tag: &str) {
        let found = self
            .registry(registry)
            .and_then(|found| found.repositories.get(repository));
        let before = found.and_then(|found| found.tags.get(tag)).cloned();
        let key = key(registry, &format!("{repository}/{tag}"));
        self.echoes
            .tags
            .keep(&key, before, self.knobs.stale_tag_looks);
    }

    /// Deletes a repository. Reads can still return it for a while.
    pub(crate) fn remove_repository(&mut self, registry: &str, name: &str) {
        let found = self.registry_mut(registry);
        let removed = found.and_then(|found| found.repositories.remove(name));
        let key = key(registry, name);
        self.echoes.tags.end_below(&format!("{key}/"));
        if removed.is_some() {
            self.echoes.repositories.end(&key);
        }
        if let Some(removed) = removed.filter(|removed| !removed.manifests.is_empty()) {
            let looks = self.knobs.repository_deletion_looks;
            self.echoes.repositories.keep(&key, Some(removed), looks);
        }
    }

    /// Returns a repository as reads see it, possibly a deleted one. A new push ends that.
    pub(crate) fn visible_repository(&self, registry: &str, name: &str) -> Option<&Repository> {
        let found = self.registry(registry)?.repositories.get(name);
        found
            .filter(|found| !found.manifests.is_empty())
            .or_else(|| self.echoes.repositories.get(&key(registry, name)))
            .or(found)
    }

    /// Returns the names of deleted repositories that reads still return.
    pub(crate) fn lingering_repositories(&self, registry: &str) -> Vec<String> {
        let prefix = key(registry, "");
        let keys = self.echoes.repositories.keys(&prefix).into_iter();
        keys.map(|key| key[prefix.len()..].to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_returns_the_old_state_until_its_reads_run_out() {
        let mut echo = Echo::default();
        echo.keep("a", Some(1), 2);
        for expected in [Some(1), Some(1), Some(2), Some(2)] {
            assert_eq!(echo.see("a", Some(2)), expected);
            echo.fade("a");
        }
    }

    #[test]
    fn a_second_write_extends_the_oldest_echo() {
        let mut echo = Echo::default();
        echo.keep("a", None, 1);
        echo.keep("a", Some(1), 2);
        assert!(echo.fade("a"));
        assert_eq!(echo.see("a", Some(2)), None);
        assert!(echo.fade("a") && !echo.fade("a"));
    }

    #[test]
    fn zero_reads_keep_no_echo() {
        let mut echo = Echo::default();
        echo.keep("a", Some(1), 0);
        assert_eq!(echo.see("a", None), None);
    }
}
