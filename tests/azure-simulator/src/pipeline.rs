//! The three tasks of continuous patching (select, scan, patch), with the log lines that clients parse.
//!
//! The outcome of a run is computed when it ends, from the policy and the images at that moment. Its rights
//! are those that had propagated when it was queued.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use jiff::Timestamp;

use crate::registry::Registry;
use crate::repository::Fate;
use crate::run::Run;
use crate::selection::{LIMIT, Policy};
use crate::state::World;
use crate::task::Task;

pub(crate) const TRIGGER: &str = "cssc-trigger-workflow";
pub(crate) const SCAN: &str = "cssc-scan-image";
pub(crate) const PATCH: &str = "cssc-patch-image";
const POLICY_REPOSITORY: &str = "csscpolicies/patchpolicy";
const POLICY_TAG: &str = "v1";

/// The outcome of a run.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) log: String,
    /// The error of a failed run.
    pub(crate) error: Option<String>,
    /// The runs that it queues, each with its task and values.
    pub(crate) queues: Vec<(&'static str, BTreeMap<String, String>)>,
    /// The repository and tag of the image that it pushes.
    pub(crate) pushes: Option<(String, String)>,
}

/// The rights of a task on its registry.
#[derive(Debug)]
struct Rights {
    data: BTreeSet<&'static str>,
    schedule: bool,
}

impl World {
    /// Stores a policy document as the Azure CLI does.
    pub(crate) fn push_policy(&mut self, registry: &str, document: &str) {
        self.push_policy_titled(registry, "continuouspatching.json", document);
    }

    /// Stores a policy document with a file name as the layer's title.
    pub(crate) fn push_policy_titled(&mut self, registry: &str, title: &str, document: &str) {
        let now = self.now();
        self.echo_tag(registry, POLICY_REPOSITORY, POLICY_TAG);
        if let Some(found) = self.registry_mut(registry) {
            let repository = found
                .repositories
                .entry(POLICY_REPOSITORY.to_owned())
                .or_default();
            repository.push_artifact(POLICY_TAG, title, document, now);
        }
    }

    /// Deletes the policy's repository.
    pub(crate) fn remove_policy(&mut self, registry: &str) {
        self.remove_repository(registry, POLICY_REPOSITORY);
    }

    /// Returns the outcome of a run that ends now.
    pub(crate) fn outcome(&self, registry: &Registry, task: &Task, run: &Run) -> Outcome {
        let rights = self.rights(registry, task, run.created);
        match task.name.to_lowercase().as_str() {
            TRIGGER => trigger(registry, &rights),
            SCAN => scan(registry, &rights, &run.values),
            PATCH => patch(registry, &rights, &run.values),
            _ => Outcome {
                log: "The simulator does not implement this task.\n".to_owned(),
                ..Outcome::default()
            },
        }
    }

    /// Returns the rights of a run, by the roles that had propagated when it was queued.
    ///
    /// If the task's credentials name its identity, the identity's roles apply. Otherwise the task uses the
    /// registry's default login, unless `loginMode` is `None`. Only registries without ABAC have that login,
    /// and network rules always block it.
    fn rights(&self, registry: &Registry, task: &Task, queued: Timestamp) -> Rights {
        let credentials = task.properties.credentials.clone().unwrap_or_default();
        let source = credentials.source_registry.unwrap_or_default();
        let servers = credentials.custom_registries.unwrap_or_default();
        let own = servers
            .iter()
            .find(|(server, _)| server.eq_ignore_ascii_case(&registry.login_server()));
        let is_system =
            |identity: Option<&String>| identity.is_some_and(|identity| identity == "[system]");
        let by_identity = is_system(source.identity.as_ref())
            || own.is_some_and(|(_, own)| is_system(own.identity.as_ref()));
        let principal = task.principal_id();
        let data = match principal {
            _ if registry.spec.restricted && !(by_identity && registry.spec.tasks_bypass) => {
                BTreeSet::new()
            }
            Some(principal) if by_identity => self.data_rights(principal, registry, queued),
            _ if by_identity
                || registry.spec.abac
                || source.login_mode.as_deref() == Some("None") =>
            {
                BTreeSet::new()
            }
            _ => ["pull", "push", "metadata_read", "catalog"].into(),
        };
        let action = "Microsoft.ContainerRegistry/registries/scheduleRun/action";
        let schedule =
            principal.is_some_and(|principal| self.may(principal, action, &registry.id(), queued));
        Rights { data, schedule }
    }
}

/// Inserts the ID of the next queued run into a log.
pub(crate) fn with_queued(log: &str, id: &str) -> String {
    log.replacen(QUEUED, &format!("WARNING: Queued a run with ID: {id}"), 1)
}

/// Returns the part of a log that read number `look` shows.
///
/// `looks` is the number of reads before the last one. The part ends before the line of the first queued run.
pub(crate) fn begun(log: &str, look: u32, looks: u32) -> &str {
    let before = log.find(QUEUED).map_or(log, |end| &log[..end]);
    let count = before.lines().count() as u64;
    let shown = (count * u64::from(look)).div_ceil(u64::from(looks) + 1);
    let end = before
        .split_inclusive('\n')
        .take(usize::try_from(shown).unwrap_or(usize::MAX))
        .map(str::len)
        .sum();
    &before[..end]
}

/// The placeholder in a log for the line of a queued run.
const QUEUED: &str = "\u{0}queued";

fn trigger(registry: &Registry, rights: &Rights) -> Outcome {
    let mut log = "Validating filter...\n".to_owned();
    if !rights.data.contains("pull") || !rights.data.contains("catalog") {
        return unauthorized(log, registry, POLICY_REPOSITORY, "pull");
    }
    let document = registry
        .repositories
        .get(POLICY_REPOSITORY)
        .and_then(|repository| repository.last_layer(POLICY_TAG));
    let Some(document) = document else {
        return failed(
            log,
            &format!("failed to fetch {POLICY_REPOSITORY}:{POLICY_TAG}: not found"),
        );
    };
    let policy = match Policy::parse(document) {
        Ok(policy) => policy,
        Err(why) => return failed(log, &format!("the filter is not valid: {why}")),
    };
    let there = registry.repositories.iter();
    let tags = there
        .map(|(name, repository)| (name.clone(), repository.tags.keys().cloned().collect()))
        .collect();
    let selection = policy.select(&tags);
    let _ = writeln!(
        log,
        "Configured Tag Convention:  {}",
        policy.convention.as_str()
    );
    for missing in &selection.not_found {
        let _ = writeln!(log, "{missing} is not found");
    }
    log.push_str(if selection.images.is_empty() {
        "No matching repository and tag found!\n"
    } else {
        "Listing repositories and tags matching the filter with corresponding latest patch tag (if present):\n\
         Repo,Tag,LatestPatchTag\n"
    });
    for image in &selection.images {
        let _ = writeln!(
            log,
            "{},{},{}",
            image.repository,
            image.tag,
            image.latest_patch.as_deref().unwrap_or("N/A")
        );
    }
    let count = selection.images.len();
    let _ = writeln!(log, "Matches found: {count}");
    if count > LIMIT {
        return failed(
            log,
            &format!(
                "{count} images match the policy, but a run accepts at most {LIMIT}. Nothing is scanned. Name fewer repositories or tags in the policy."
            ),
        );
    }
    if !rights.schedule && count > 0 {
        return unauthorized_to_queue(log, registry, SCAN);
    }
    if count == 0 {
        log.push_str("No image matches the policy, so there is nothing to scan.\n");
    }
    let mut outcome = Outcome::default();
    for image in &selection.images {
        if let Err(why) = can_queue(registry, SCAN) {
            return failed(log, &why);
        }
        let values = BTreeMap::from([
            ("SOURCE_REPOSITORY".to_owned(), image.repository.clone()),
            (
                "SOURCE_IMAGE_TAG".to_owned(),
                image
                    .latest_patch
                    .clone()
                    .unwrap_or_else(|| image.tag.clone()),
            ),
            ("SOURCE_IMAGE_ORIGINAL_TAG".to_owned(), image.tag.clone()),
            (
                "SOURCE_IMAGE_NEWPATCH_TAG".to_owned(),
                policy.convention.next(image),
            ),
        ]);
        let _ = writeln!(log, "{QUEUED}");
        outcome.queues.push((SCAN, values));
    }
    if count > 0 {
        let _ = writeln!(log, "Queued {count} of {count} scans.");
    }
    outcome.log = log;
    outcome
}

fn scan(registry: &Registry, rights: &Rights, values: &BTreeMap<String, String>) -> Outcome {
    let value = |name: &str| values.get(name).cloned().unwrap_or_default();
    let (repository, tag) = (value("SOURCE_REPOSITORY"), value("SOURCE_IMAGE_TAG"));
    let (original, patch) = (
        value("SOURCE_IMAGE_ORIGINAL_TAG"),
        value("SOURCE_IMAGE_NEWPATCH_TAG"),
    );
    let mut log = format!("Scanning repo: {repository}, Tag:{tag}, OriginalTag:{original}\n");
    if !rights.data.contains("pull") {
        return unauthorized(log, registry, &repository, "pull");
    }
    let image = format!("{repository}:{tag}");
    if registry
        .repositories
        .get(&repository)
        .is_none_or(|found| !found.tags.contains_key(&tag))
    {
        return failed(log, &format!("unable to find the specified image {image}"));
    }
    let fate = registry.fates.get(&image).copied().unwrap_or(Fate::Clean);
    let found = match fate {
        Fate::ScanFails => return failed(log, &format!("trivy: unable to scan {image}")),
        Fate::EndOfLife => {
            let _ = writeln!(
                log,
                "PATCHING will be skipped as EOSL is true for image {image}"
            );
            return Outcome {
                log,
                ..Outcome::default()
            };
        }
        Fate::Clean => 0,
        Fate::Vulnerable(found) => found,
        Fate::PatchFails => 1,
    };
    let _ = writeln!(log, "Total OS vulnerabilities found -> {found}");
    if found == 0 {
        let _ = writeln!(
            log,
            "PATCHING will be skipped as no vulnerability found in the image {image}"
        );
        return Outcome {
            log,
            ..Outcome::default()
        };
    }
    if !rights.schedule {
        return unauthorized_to_queue(log, registry, PATCH);
    }
    if let Err(why) = can_queue(registry, PATCH) {
        return failed(log, &why);
    }
    let _ = writeln!(log, "{QUEUED}");
    let _ = writeln!(
        log,
        "PATCHING task scheduled for image {image}, new patch tag will be {original}-{patch}"
    );
    let values = BTreeMap::from([
        ("SOURCE_REPOSITORY".to_owned(), repository),
        ("SOURCE_IMAGE_TAG".to_owned(), original),
        ("SOURCE_IMAGE_NEWPATCH_TAG".to_owned(), patch),
    ]);
    Outcome {
        log,
        queues: vec![(PATCH, values)],
        ..Outcome::default()
    }
}

fn patch(registry: &Registry, rights: &Rights, values: &BTreeMap<String, String>) -> Outcome {
    let value = |name: &str| values.get(name).cloned().unwrap_or_default();
    let (repository, tag, patch) = (
        value("SOURCE_REPOSITORY"),
        value("SOURCE_IMAGE_TAG"),
        value("SOURCE_IMAGE_NEWPATCH_TAG"),
    );
    let mut log = String::new();
    if patch.parse::<u32>().is_ok_and(|number| number > 999) {
        return failed(
            log,
            &format!("patch tag {patch} of {repository}:{tag} is above the limit of 999"),
        );
    }
    let _ = writeln!(
        log,
        "Patching OS vulnerabilities for image {repository}:{tag}"
    );
    if !rights.data.contains("pull") || !rights.data.contains("push") {
        return unauthorized(log, registry, &repository, "push");
    }
    let image = format!("{repository}:{tag}");
    if registry
        .repositories
        .get(&repository)
        .is_none_or(|found| !found.tags.contains_key(&tag))
    {
        return failed(log, &format!("unable to find the specified image {image}"));
    }
    if registry.is_cache(&repository) {
        let why = format!("{repository} is fed by a cache rule, and nobody can push to it");
        return failed(log, &why);
    }
    if registry.fates.get(&image) == Some(&Fate::PatchFails) {
        return failed(log, &format!("copa: unable to patch {image}"));
    }
    let patched = format!("{tag}-{patch}");
    let _ = writeln!(
        log,
        "Patched image pushed to {}/{repository}:{patched}",
        registry.login_server()
    );
    Outcome {
        log,
        pushes: Some((repository, patched)),
        ..Outcome::default()
    }
}

fn can_queue(registry: &Registry, task: &str) -> Result<(), String> {
    match registry.tasks.get(task) {
        None => Err(format!("The task {task} was not found.")),
        Some(found) if !found.enabled() => Err(format!("The task {task} is disabled.")),
        Some(_) => Ok(()),
    }
}

fn unauthorized(log: String, registry: &Registry, repository: &str, action: &str) -> Outcome {
    let server = registry.login_server();
    failed(
        log,
        &format!(
            "{server}/{repository}: unauthorized: the task's identity may not {action}, or is not allowed access"
        ),
    )
}

fn unauthorized_to_queue(log: String, registry: &Registry, task: &str) -> Outcome {
    let action = "Microsoft.ContainerRegistry/registries/scheduleRun/action";
    let id = registry.id();
    failed(
        log,
        &format!(
            "(AuthorizationFailed) The client does not have authorization to perform action '{action}' over scope '{id}', needed to run {task}"
        ),
    )
}

fn failed(mut log: String, why: &str) -> Outcome {
    let _ = writeln!(log, "ERROR: {why}");
    Outcome {
        log,
        error: Some(format!("failed to run step: {why}")),
        ..Outcome::default()
    }
}
