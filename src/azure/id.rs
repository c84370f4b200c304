//! Resource identifiers. Azure compares them without case, and so do we.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The id of a container registry.
///
/// It prints with the fixed segments in their canonical case and the others as they were written; it is
/// equal to any other spelling in another case. What hashes an id needs [`RegistryId::as_written`].
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct RegistryId {
    /// The subscription, a GUID, as it was written.
    pub(crate) subscription_id: String,
    /// The resource group, as it was written.
    pub(crate) resource_group: String,
    /// The registry's name, as it was written.
    pub(crate) registry: String,
    /// The whole, with the fixed segments as they were written too.
    as_written: String,
}

/// A text that isn't the id of a container registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not the id of a container registry ({problem}); expected \
     /subscriptions/<subscription id>/resourceGroups/<resource group>\
     /providers/Microsoft.ContainerRegistry/registries/<registry>"
)]
pub(crate) struct InvalidRegistryId {
    /// The text.
    pub(crate) text: String,
    /// What is wrong with it.
    pub(crate) problem: &'static str,
}

impl RegistryId {
    /// An id from its parts.
    ///
    /// # Errors
    /// When a part can't be what it should be.
    pub(crate) fn new(
        subscription_id: &str,
        resource_group: &str,
        registry: &str,
    ) -> Result<Self, InvalidRegistryId> {
        let as_written = canonical(subscription_id, resource_group, registry);
        Self::checked(subscription_id, resource_group, registry, as_written)
    }

    /// Reads an id: strict on its shape, tolerant on the case of the fixed segments.
    ///
    /// # Errors
    /// When it is anything else; the error shows the expected shape.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidRegistryId> {
        let invalid = |problem| InvalidRegistryId {
            text: text.to_owned(),
            problem,
        };
        let segments: Vec<_> = text.split('/').collect();
        let [
            "",
            subscriptions,
            subscription_id,
            groups,
            resource_group,
            providers,
            namespace,
            registries,
            registry,
        ] = segments[..]
        else {
            return Err(invalid("it has another number of segments"));
        };
        let fixed = [
            (subscriptions, "subscriptions"),
            (groups, "resourceGroups"),
            (providers, "providers"),
            (namespace, "Microsoft.ContainerRegistry"),
            (registries, "registries"),
        ];
        if fixed
            .iter()
            .any(|(is, expected)| !is.eq_ignore_ascii_case(expected))
        {
            return Err(invalid("a fixed segment is another word"));
        }
        Self::checked(subscription_id, resource_group, registry, text.to_owned())
    }

    /// The id letter by letter as it was given, be it by a user or by Resource Manager.
    #[must_use]
    pub(crate) fn as_written(&self) -> &str {
        &self.as_written
    }

    /// The id in every letter case in which Resource Manager may have spelled it at some time, this one
    /// among them. The names of role assignments are hashes that count letter case.
    #[must_use]
    pub(crate) fn spellings(&self) -> Vec<Self> {
        let lower = self.as_written.to_lowercase();
        let groups = [
            self.resource_group.clone(),
            self.resource_group.to_lowercase(),
            self.resource_group.to_uppercase(),
        ];
        let mut texts = vec![self.as_written.clone(), lower];
        for group in groups {
            let text = canonical(&self.subscription_id, &group, &self.registry);
            // Some services of Azure return this segment in lower case, and only this one.
            texts.push(text.replacen("/resourceGroups/", "/resourcegroups/", 1));
            texts.push(text);
        }
        texts.sort();
        texts.dedup();
        // Letters that become several in upper case may make a name too long.
        texts.iter().filter_map(|text| text.parse().ok()).collect()
    }

    /// The id of one of the registry's tasks, spelled like this id.
    #[must_use]
    pub(crate) fn task_id_as_written(&self, name: &str) -> String {
        format!("{}/tasks/{name}", self.as_written)
    }

    /// The id of one of the registry's tasks.
    #[must_use]
    pub(crate) fn task_id(&self, name: &str) -> String {
        format!("{self}/tasks/{name}")
    }

    /// The id of one of the registry's runs.
    #[must_use]
    pub(crate) fn run_id(&self, run: &str) -> String {
        format!("{self}/runs/{run}")
    }

    fn checked(
        subscription_id: &str,
        resource_group: &str,
        registry: &str,
        as_written: String,
    ) -> Result<Self, InvalidRegistryId> {
        let problem = problem_of_subscription(subscription_id)
            .or_else(|| problem_of_group(resource_group))
            .or_else(|| problem_of_name(registry));
        match problem {
            None => Ok(Self {
                subscription_id: subscription_id.to_owned(),
                resource_group: resource_group.to_owned(),
                registry: registry.to_owned(),
                as_written,
            }),
            Some(problem) => Err(InvalidRegistryId {
                text: as_written,
                problem,
            }),
        }
    }
}

fn canonical(subscription_id: &str, resource_group: &str, registry: &str) -> String {
    format!(
        "/subscriptions/{subscription_id}/resourceGroups/{resource_group}\
         /providers/Microsoft.ContainerRegistry/registries/{registry}"
    )
}

/// What is wrong with the id of a subscription, if anything is.
#[must_use]
pub(crate) fn problem_of_subscription(id: &str) -> Option<&'static str> {
    let is_guid = id.len() == 36 && uuid::Uuid::try_parse(id).is_ok();
    (!is_guid).then_some("the subscription id is not a GUID")
}

/// What is wrong with the name of a resource group, if anything is.
#[must_use]
pub(crate) fn problem_of_group(name: &str) -> Option<&'static str> {
    let may_stand = |c: char| c.is_alphanumeric() || "-_.()".contains(c);
    if name.is_empty() || name.chars().count() > 90 {
        Some("a resource group has 1 to 90 characters")
    } else if !name.chars().all(may_stand) || name.ends_with('.') {
        Some("a resource group has letters, digits, and -_.() with no dot at the end")
    } else {
        None
    }
}

fn problem_of_name(registry: &str) -> Option<&'static str> {
    if !(5..=50).contains(&registry.len()) {
        Some("a registry's name has 5 to 50 characters")
    } else if !registry.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Some("a registry's name has letters and digits only")
    } else {
        None
    }
}

impl fmt::Display for RegistryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&canonical(
            &self.subscription_id,
            &self.resource_group,
            &self.registry,
        ))
    }
}

impl fmt::Debug for RegistryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegistryId({self})")
    }
}

impl FromStr for RegistryId {
    type Err = InvalidRegistryId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for RegistryId {
    type Error = InvalidRegistryId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<RegistryId> for String {
    fn from(id: RegistryId) -> Self {
        id.as_written
    }
}

impl PartialEq for RegistryId {
    fn eq(&self, other: &Self) -> bool {
        ids_equal(&self.to_string(), &other.to_string())
    }
}

impl Eq for RegistryId {}

impl Hash for RegistryId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_string().to_lowercase().hash(state);
    }
}

/// Whether two ids name the same thing: equal without case.
#[must_use]
pub(crate) fn ids_equal(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}

/// The last segment of an id: the name of a task, of a run, or of a role assignment.
#[must_use]
pub(crate) fn name_of(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// The id of a role assignment at a scope.
#[must_use]
pub(crate) fn role_assignment_id(scope: &str, name: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const ID: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/Demo\
                      /providers/Microsoft.ContainerRegistry/registries/contoso";

    #[test]
    fn fixed_segments_get_their_case_and_the_users_keep_theirs() {
        let id = RegistryId::parse(&ID.replace("resourceGroups", "resourcegroups")).unwrap();
        assert_eq!(id.to_string(), ID);
        assert_eq!(
            id.task_id("cssc-scan-image"),
            format!("{ID}/tasks/cssc-scan-image")
        );
    }

    #[test]
    fn an_id_is_kept_and_stored_letter_by_letter() {
        let written = ID.replace("resourceGroups", "RESOURCEgroups");
        let id = RegistryId::parse(&written).unwrap();
        assert_eq!(id.as_written(), written);
        assert_eq!(id.task_id_as_written("t"), format!("{written}/tasks/t"));
        let stored = serde_json::to_string(&id).unwrap();
        assert_eq!(stored, format!("{written:?}"));
        let read: RegistryId = serde_json::from_str(&stored).unwrap();
        assert_eq!(read.as_written(), written);
        assert!(serde_json::from_str::<RegistryId>("\"contoso\"").is_err());
    }

    #[test]
    fn an_id_may_have_been_spelled_in_so_many_ways() {
        let id = RegistryId::parse(&ID.replace("0000", "abCD")).unwrap();
        let spellings = id.spellings();
        assert!(spellings.iter().all(|spelling| *spelling == id));
        let shown: Vec<&str> = spellings.iter().map(RegistryId::as_written).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        /subscriptions/abCDabCD-abCD-abCD-abCD-abCDabCDabCD/resourceGroups/DEMO/providers/Microsoft.ContainerRegistry/registries/contoso
        /subscriptions/abCDabCD-abCD-abCD-abCD-abCDabCDabCD/resourceGroups/Demo/providers/Microsoft.ContainerRegistry/registries/contoso
        /subscriptions/abCDabCD-abCD-abCD-abCD-abCDabCDabCD/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso
        /subscriptions/abCDabCD-abCD-abCD-abCD-abCDabCDabCD/resourcegroups/DEMO/providers/Microsoft.ContainerRegistry/registries/contoso
        /subscriptions/abCDabCD-abCD-abCD-abCD-abCDabCDabCD/resourcegroups/Demo/providers/Microsoft.ContainerRegistry/registries/contoso
        /subscriptions/abCDabCD-abCD-abCD-abCD-abCDabCDabCD/resourcegroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso
        /subscriptions/abcdabcd-abcd-abcd-abcd-abcdabcdabcd/resourcegroups/demo/providers/microsoft.containerregistry/registries/contoso
        ");
    }

    #[test]
    fn ids_are_equal_without_case() {
        let one = RegistryId::parse(ID).unwrap();
        let other = RegistryId::parse(&ID.to_uppercase()).unwrap();
        assert_eq!(one, other);
        assert_eq!(HashSet::from([one, other]).len(), 1);
        assert!(ids_equal("/A/é", "/a/É"));
        assert!(!ids_equal("/a", "/a/"));
    }

    #[test]
    fn other_shapes_are_refused_with_the_expected_one() {
        let problem = |text: &str| RegistryId::parse(text).unwrap_err().problem;
        assert_eq!(problem("contoso"), "it has another number of segments");
        assert_eq!(
            problem(&format!("{ID}/")),
            "it has another number of segments"
        );
        assert_eq!(
            problem(&format!("{ID}/tasks/x")),
            "it has another number of segments"
        );
        assert_eq!(
            problem(&ID.replace("registries", "things")),
            "a fixed segment is another word"
        );
        assert_eq!(
            problem(&ID.replace("0000-", "")),
            "the subscription id is not a GUID"
        );
        assert_eq!(
            problem(&ID.replace("Demo", "")),
            "a resource group has 1 to 90 characters"
        );
        assert_eq!(
            problem(&ID.replace("contoso", "con-toso")),
            "a registry's name has letters and digits only"
        );
        insta::assert_snapshot!(
            RegistryId::parse("contoso").unwrap_err(),
            @r#""contoso" is not the id of a container registry (it has another number of segments); expected /subscriptions/<subscription id>/resourceGroups/<resource group>/providers/Microsoft.ContainerRegistry/registries/<registry>"#
        );
    }

    #[test]
    fn a_role_assignment_is_named_by_its_last_segment() {
        let id = role_assignment_id(ID, "4d396699-cc25-49d3-b4c5-30611ef874a5");
        assert_eq!(name_of(&id), "4d396699-cc25-49d3-b4c5-30611ef874a5");
    }
}
