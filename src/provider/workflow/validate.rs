//! Offline validation: every rule that needs no network. It reports all findings at once, each at its
//! attribute. It skips unknown values.

use std::fmt::Display;

use crate::azure::RegistryId;
use crate::patching::name_rules::{check_repository, check_tag, check_tags_together};
use crate::patching::{Schedule, TagConvention, TimeOfDay};
use crate::provider::common::findings::{finding, text};
use crate::provider::common::{registry_id, timeouts};
use crate::provider::workflow::names;
use crate::provider::workflow::preflight::Preflight;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::model::Field;
use terraform_plugin::value::{AttributePath, Value};

/// Validates a configuration.
pub(super) fn validate(config: &Value) -> Diagnostics {
    let mut findings = Diagnostics::new();
    findings.extend(registry_id::validate(config));
    findings.extend(text::<Schedule>(
        config,
        names::SCHEDULE,
        "Invalid schedule",
        "Set a number of days from \"1d\" to \"30d\", such as \"7d\".",
    ));
    findings.extend(text::<TimeOfDay>(
        config,
        names::START_TIME,
        "Invalid start time",
        "Set hours and minutes in UTC with two digits each, such as \"02:30\".",
    ));
    findings.extend(tag_convention(config));
    findings.extend(text::<Preflight>(
        config,
        names::PREFLIGHT,
        "Invalid preflight",
        "Set \"warn\", \"error\" or \"off\".",
    ));
    let convention = Field::read(config.get(names::TAG_CONVENTION), convention);
    let convention = convention.or(TagConvention::default());
    findings.extend(repositories(config, convention, "remove the resource"));
    findings.extend(timeouts::validate(config));
    findings
}

/// Returns the finding about the tag convention.
pub(crate) fn tag_convention(config: &Value) -> Option<Diagnostic> {
    text::<TagConvention>(
        config,
        names::TAG_CONVENTION,
        "Invalid tag convention",
        "Set \"incremental\" or \"floating\", in lowercase.",
    )
}

/// Returns the findings about the repositories. `convention`, if known, decides the patch tags. `without`
/// is the advice for a configuration with no repositories. A summary names the registry if its ID is valid, because
/// one configuration can have many registries.
pub(crate) fn repositories(
    config: &Value,
    convention: Option<TagConvention>,
    without: &str,
) -> Vec<Diagnostic> {
    let Some(repositories) = config.get(names::REPOSITORIES).as_map() else {
        return Vec::new();
    };
    let here = AttributePath::new(names::REPOSITORIES);
    let id = registry(config);
    let registry = id.as_ref().map(|id| id.registry.as_str());
    let summary = |summary: &str| match registry {
        Some(registry) => format!("{summary} in {registry}"),
        None => summary.to_owned(),
    };
    if repositories.is_empty() {
        return vec![finding(
            &summary("No repositories"),
            &"a workflow needs at least one repository",
            &format!("Add a repository and its tags, or {without}."),
            here,
        )];
    }
    let host = registry.map(host);
    repositories
        .iter()
        .flat_map(|(name, repository)| {
            let here = here.clone().key(name);
            let absent = repository.is_null().then(|| {
                finding(
                    &summary("Invalid repository"),
                    &format!("{name:?} is null"),
                    "Set its tags, or remove the repository.",
                    here.clone(),
                )
            });
            let refused = check_repository(name, host.as_deref()).err().map(|problem| {
                finding(
                    &summary("Invalid repository"),
                    &problem,
                    "Use the repository name that the registry lists, without the login server and \
                     without a tag.",
                    here.clone(),
                )
            });
            let invalid = summary("Invalid tags");
            let tags = tags(repository.get(names::TAGS), convention, &invalid, &here);
            absent.into_iter().chain(refused).chain(tags)
        })
        .collect()
}

/// The findings about the tags of the repository at `here`. Hosts show the line of a map element, but none
/// of an attribute inside of it, so the findings are attached to the repository.
fn tags(
    tags: &Value,
    convention: Option<TagConvention>,
    summary: &str,
    here: &AttributePath,
) -> Vec<Diagnostic> {
    let Some(elements) = tags.as_elements() else {
        return Vec::new();
    };
    let known: Vec<&str> = elements.iter().filter_map(Value::as_str).collect();
    let advice = format!(
        "In {here}.{}, list the tags to patch, or [\"*\"] alone for every tag.",
        names::TAGS
    );
    let refuse = |problem: &dyn Display| finding(summary, problem, &advice, here.clone());
    let mut findings = Vec::new();
    if elements.iter().any(Value::is_null) {
        findings.push(refuse(&"a tag can't be null"));
    }
    if known.len() == elements.len() {
        let together = check_tags_together(known.iter().copied());
        findings.extend(together.err().map(|problem| refuse(&problem)));
    }
    findings.extend(known.iter().filter_map(|tag| {
        let problem = check_tag(tag, convention).err()?;
        Some(refuse(&problem))
    }));
    findings
}

fn registry(config: &Value) -> Option<RegistryId> {
    config.get(names::REGISTRY_ID).as_str()?.parse().ok()
}

/// The shortest login server that the registry can have. A domain name label makes it longer.
fn host(registry: &str) -> String {
    format!("{registry}.azurecr.io")
}

fn convention(value: &Value) -> Option<TagConvention> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::workflow::fixture::{config, config_with};

    fn repository(name: &str, tags: &[&str]) -> Value {
        let tags = Value::Set(tags.iter().map(|&tag| tag.into()).collect());
        Value::Map([(name.to_owned(), Value::object([(names::TAGS, tags)]))].into())
    }

    fn findings(config: &Value) -> String {
        validate(config)
            .iter()
            .map(|finding| {
                let path = finding.path.clone().unwrap_or_default();
                format!("{path}: {}\n  {}", finding.summary, finding.detail)
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_valid_configuration_has_no_findings() {
        assert_eq!(findings(&config()), "");
    }

    #[test]
    fn validation_reports_all_findings_at_their_attributes() {
        let bad = config_with([
            (names::REGISTRY_ID, "contoso".into()),
            (names::SCHEDULE, "weekly".into()),
            (names::START_TIME, "2:30".into()),
            (names::TAG_CONVENTION, "Floating".into()),
            (names::PREFLIGHT, "yes".into()),
            (
                names::REPOSITORIES,
                repository("Python", &["*", "1.0-1", "x-patched"]),
            ),
            (
                names::TIMEOUTS,
                Value::object([("create", Value::from("soon"))]),
            ),
        ]);
        insta::assert_snapshot!(findings(&bad), @r#"
        registry_id: Invalid registry ID
          "contoso" is not a container registry resource ID: it looks like a registry name. Expected /subscriptions/<subscription ID>/resourceGroups/<resource group>/providers/Microsoft.ContainerRegistry/registries/<registry>. Use the `id` of an `azurerm_container_registry`.
        schedule: Invalid schedule
          "weekly" is not a number of days followed by "d". Set a number of days from "1d" to "30d", such as "7d".
        start_time: Invalid start time
          "2:30" is not a time of day between "00:00" and "23:59". Set hours and minutes in UTC with two digits each, such as "02:30".
        tag_convention: Invalid tag convention
          "Floating" is neither "incremental" nor "floating". Set "incremental" or "floating", in lowercase.
        preflight: Invalid preflight
          "yes" is not a value of preflight. Set "warn", "error" or "off".
        repositories["Python"]: Invalid repository
          "Python" is not a valid repository name. It has path components separated by slashes. A component has lowercase letters and digits, separated by single dots, one or two underscores, or any number of hyphens. Use the repository name that the registry lists, without the login server and without a tag.
        repositories["Python"]: Invalid tags
          "*" means every tag and must be the only entry. In repositories["Python"].tags, list the tags to patch, or ["*"] alone for every tag.
        repositories["Python"]: Invalid tags
          "1.0-1" looks like a patch tag, because it ends in "-patched" or in "-0" to "-999". Name the tag to patch instead. In repositories["Python"].tags, list the tags to patch, or ["*"] alone for every tag.
        repositories["Python"]: Invalid tags
          "x-patched" looks like a patch tag, because it ends in "-patched" or in "-0" to "-999". Name the tag to patch instead. In repositories["Python"].tags, list the tags to patch, or ["*"] alone for every tag.
        timeouts.create: Invalid timeout
          "soon" is not a duration greater than zero. Use a duration such as "90s", "30m" or "1h30m".
        "#);
    }

    #[test]
    fn empty_repositories_and_tags_are_errors() {
        let no_repository = config_with([(names::REPOSITORIES, Value::Map([].into()))]);
        let no_tag = config_with([(names::REPOSITORIES, repository("python", &[]))]);
        insta::assert_snapshot!(format!("{}\n{}", findings(&no_repository), findings(&no_tag)), @r#"
        repositories: No repositories in contoso
          A workflow needs at least one repository. Add a repository and its tags, or remove the resource.
        repositories["python"]: Invalid tags in contoso
          At least one tag is required. ["*"] means every tag. In repositories["python"].tags, list the tags to patch, or ["*"] alone for every tag.
        "#);
    }

    #[test]
    fn a_null_repository_is_an_error() {
        let null = Value::Map([("python".to_owned(), Value::Null)].into());
        insta::assert_snapshot!(findings(&config_with([(names::REPOSITORIES, null)])), @r#"
        repositories["python"]: Invalid repository in contoso
          "python" is null. Set its tags, or remove the repository.
        "#);
    }

    #[test]
    fn unknown_values_are_not_validated() {
        let tags = Value::Set(vec!["*".into(), Value::Unknown]);
        let repository = Value::object([(names::TAGS, tags)]);
        let unknown = config_with([
            (names::REGISTRY_ID, Value::Unknown),
            (names::SCHEDULE, Value::Unknown),
            (names::START_TIME, Value::Unknown),
            (names::TAG_CONVENTION, Value::Unknown),
            (
                names::REPOSITORIES,
                Value::Map([("python".to_owned(), repository)].into()),
            ),
        ]);
        assert_eq!(findings(&unknown), "");
    }
}
