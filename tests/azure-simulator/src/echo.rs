//! What reads still show after a write: Azure is consistent only in the end.
//!
//! Services decide by what is true, and show what the echoes still say. Echoes fade with looks, not with time, so that
//! no test has to sleep.

use std::collections::BTreeMap;

use crate::access::RoleAssignment;
use crate::registry::RegistrySpec;
use crate::repository::{Repository, Tag};
use crate::state::World;
use crate::task::Task;

/// The echoes of every kind of read.
#[derive(Debug, Default)]
pub(crate) struct Echoes {
    pub(crate) tasks: Echo<Task>,
    pub(crate) task_lists: Echo<Task>,
    /// By principal: the identities that their tasks don't show yet.
    pub(crate) identities: Echo<()>,
    /// By name: the deleted ones that linger.
    pub(crate) assignments: Echo<RoleAssignment>,
    pub(crate) assignment_lists: Echo<RoleAssignment>,
    pub(crate) registries: Echo<RegistrySpec>,
    pub(crate) tags: Echo<Tag>,
    /// The deleted ones that linger.
    pub(crate) repositories: Echo<Repository>,
}

/// What things of one kind were before they were written, and for how many looks that still shows.
#[derive(Debug)]
pub(crate) struct Echo<T>(BTreeMap<String, (Option<T>, u32)>);

impl<T> Default for Echo<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Clone> Echo<T> {
    /// Notes a write: the next looks show what was there before, or, if older echoes still sound, what they say.
    pub(crate) fn keep(&mut self, key: &str, before: Option<T>, looks: u32) {
        if looks > 0 {
            let echo = self.0.entry(key.to_owned()).or_insert((before, 0));
            echo.1 = echo.1.max(looks);
        }
    }

    /// What a look sees of something of which this is true.
    pub(crate) fn see(&self, key: &str, truth: Option<T>) -> Option<T> {
        self.0.get(key).map_or(truth, |(before, _)| before.clone())
    }

    /// What an echo says of something that was there before.
    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.0.get(key).and_then(|(before, _)| before.as_ref())
    }

    /// Notes a look, and says whether it met an echo.
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

    /// Lets something be seen as it is.
    pub(crate) fn end(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Lets everything below a prefix be seen as it is.
    fn end_below(&mut self, prefix: &str) {
        self.0.retain(|key, _| !key.starts_with(prefix));
    }

    /// What still sounds below a prefix.
    pub(crate) fn keys(&self, prefix: &str) -> Vec<String> {
        let below = self.0.keys().filter(|key| key.starts_with(prefix));
        below.cloned().collect()
    }
}

/// The key of something in a registry; names have no letter case there.
pub(crate) fn key(registry: &str, below: &str) -> String {
    format!("{}/{below}", registry.to_lowercase())
}

impl World {
    /// Notes that a task is about to be written.
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

    /// Notes that a tag is about to be pointed at another manifest.
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

    /// Takes a repository away; readers may see it for a while.
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

    /// A repository as readers see it: a deleted one that lingers too, unless something has been pushed to it again.
    pub(crate) fn visible_repository(&self, registry: &str, name: &str) -> Option<&Repository> {
        let found = self.registry(registry)?.repositories.get(name);
        found
            .filter(|found| !found.manifests.is_empty())
            .or_else(|| self.echoes.repositories.get(&key(registry, name)))
            .or(found)
    }

    /// The names of a registry's repositories that are gone and linger.
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
    fn an_echo_says_what_was_until_its_looks_are_used_up() {
        let mut echo = Echo::default();
        echo.keep("a", Some(1), 2);
        for expected in [Some(1), Some(1), Some(2), Some(2)] {
            assert_eq!(echo.see("a", Some(2)), expected);
            echo.fade("a");
        }
    }

    #[test]
    fn a_second_write_prolongs_the_oldest_echo() {
        let mut echo = Echo::default();
        echo.keep("a", None, 1);
        echo.keep("a", Some(1), 2);
        assert!(echo.fade("a"));
        assert_eq!(echo.see("a", Some(2)), None);
        assert!(echo.fade("a") && !echo.fade("a"));
    }

    #[test]
    fn without_looks_there_is_no_echo() {
        let mut echo = Echo::default();
        echo.keep("a", Some(1), 0);
        assert_eq!(echo.see("a", None), None);
    }
}
