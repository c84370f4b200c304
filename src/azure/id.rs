//! Azure resource IDs. Azure compares them case-insensitively, and so does this module.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The resource ID of a container registry.
///
/// It displays the fixed segments in their canonical case and the other segments as written. IDs that
/// differ only in case are equal. Code that hashes an ID must use [`RegistryId::as_written`].
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct RegistryId {
    /// The subscription ID, a GUID, as written.
    pub(crate) subscription_id: String,
    /// The resource group, as written.
    pub(crate) resource_group: String,
    /// The registry's name, as written.
    pub(crate) registry: String,
    /// The whole ID as written, including the fixed segments.
    as_written: String,
}

/// The error for a text that is not a container registry resource ID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a container registry resource ID: {problem}. Expected \
     /subscriptions/<subscription ID>/resourceGroups/<resource group>\
     /providers/Microsoft.ContainerRegistry/registries/<registry>"
)]
pub(crate) struct InvalidRegistryId {
    /// The text.
    pub(crate) text: String,
    /// What is wrong with it.
    pub(crate) problem: &'static str,
}

impl RegistryId {
    /// Builds an ID from its parts.
    ///
    /// # Errors
    /// If a part is not valid.
    pub(crate) fn new(
        subscription_id: &str,
        resource_group: &str,
        registry: &str,
    ) -> Result<Self, InvalidRegistryId> {
        let as_written = canonical(subscription_id, resource_group, registry);
        Self::checked(subscription_id, resource_group, registry, as_written)
    }

    /// Parses an ID. The fixed segments may have any case.
    ///
    /// # Errors
    /// If the text has another shape. The error shows the expected shape.
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
            return Err(invalid(match problem_of_name(text) {
                None => "it looks like a registry name",
                Some(_) => "it has the wrong number of segments",
            }));
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
            return Err(invalid("a fixed segment is wrong"));
        }
        Self::checked(subscription_id, resource_group, registry, text.to_owned())
    }

    /// Returns the ID exactly as the user or Resource Manager wrote it.
    #[must_use]
    pub(crate) fn as_written(&self) -> &str {
        &self.as_written
    }

    /// Returns the ID in every case that Resource Manager may have used for it, including this one. The
    /// name of a role assignment is a case-sensitive hash of an ID.
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
            // Some Azure services return only this segment in lower case.
            texts.push(text.replacen("/resourceGroups/", "/resourcegroups/", 1));
            texts.push(text);
        }
        texts.sort();
        texts.dedup();
        // Some letters become several in upper case, which can make a name too long.
        texts.iter().filter_map(|text| text.parse().ok()).collect()
    }

    /// Returns the ID of one of the registry's tasks, in this ID's case.
    #[must_use]
    pub(crate) fn task_id_as_written(&self, name: &str) -> String {
        format!("{}/tasks/{name}", self.as_written)
    }

    /// Returns the ID of one of the registry's tasks.
    #[must_use]
    pub(crate) fn task_id(&self, name: &str) -> String {
        format!("{self}/tasks/{name}")
    }

    /// Returns the ID of one of the registry's runs.
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

/// Returns what is wrong with a subscription ID.
#[must_use]
pub(crate) fn problem_of_subscription(id: &str) -> Option<&'static str> {
    let is_guid = id.len() == 36 && uuid::Uuid::try_parse(id).is_ok();
    (!is_guid).then_some("the subscription ID is not a GUID")
}

/// Returns what is wrong with a resource group name.
#[must_use]
pub(crate) fn problem_of_group(name: &str) -> Option<&'static str> {
    let may_stand = |c: char| c.is_alphanumeric() || "-_.()".contains(c);
    if name.is_empty() || name.chars().count() > 90 {
        Some("a resource group name has 1 to 90 characters")
    } else if !name.chars().all(may_stand) || name.ends_with('.') {
        Some("a resource group name has letters, digits and -_.(), and does not end with a dot")
    } else {
        None
    }
}

fn problem_of_name(registry: &str) -> Option<&'static str> {
    if !(5..=50).contains(&registry.len()) {
        Some("a registry name has 5 to 50 characters")
    } else if !registry.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Some("a registry name has only letters and digits")
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

/// Whether two IDs are equal, ignoring case.
#[must_use]
pub(crate) fn ids_equal(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}

/// Returns the last segment of an ID: the name of a task, a run or a role assignment.
#[must_use]
pub(crate) fn name_of(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// Returns the ID of a role assignment at a scope.
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
    fn displays_fixed_segments_in_canonical_case() {
        let id = RegistryId::parse(&ID.replace("resourceGroups", "resourcegroups")).unwrap();
        assert_eq!(id.to_string(), ID);
        assert_eq!(
            id.task_id("cssc-scan-image"),
            format!("{ID}/tasks/cssc-scan-image")
        );
    }

    #[test]
    fn keeps_and_stores_an_id_as_written() {
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
    fn spellings_cover_every_case_that_azure_uses() {
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
    fn ids_are_equal_ignoring_case() {
        let one = RegistryId::parse(ID).unwrap();
        let other = RegistryId::parse(&ID.to_uppercase()).unwrap();
        assert_eq!(one, other);
        assert_eq!(HashSet::from([one, other]).len(), 1);
        assert!(ids_equal("/A/é", "/a/É"));
        assert!(!ids_equal("/a", "/a/"));
    }

    #[test]
    fn an_invalid_id_is_an_error_with_the_expected_shape() {
        let problem = |text: &str| RegistryId::parse(text).unwrap_err().problem;
        assert_eq!(problem("contoso"), "it looks like a registry name");
        assert_eq!(
            problem(&format!("{ID}/")),
            "it has the wrong number of segments"
        );
        assert_eq!(
            problem(&format!("{ID}/tasks/x")),
            "it has the wrong number of segments"
        );
        assert_eq!(
            problem(&ID.replace("registries", "things")),
            "a fixed segment is wrong"
        );
        assert_eq!(
            problem(&ID.replace("0000-", "")),
            "the subscription ID is not a GUID"
        );
        assert_eq!(
            problem(&ID.replace("Demo", "")),
            "a resource group name has 1 to 90 characters"
        );
        assert_eq!(
            problem(&ID.replace("contoso", "con-toso")),
            "a registry name has only letters and digits"
        );
        insta::assert_snapshot!(
            RegistryId::parse("contoso").unwrap_err(),
            @r#""contoso" is not a container registry resource ID: it looks like a registry name. Expected /subscriptions/<subscription ID>/resourceGroups/<resource group>/providers/Microsoft.ContainerRegistry/registries/<registry>"#
        );
    }

    #[test]
    fn the_name_of_a_role_assignment_is_its_last_segment() {
        let id = role_assignment_id(ID, "4d396699-cc25-49d3-b4c5-30611ef874a5");
        assert_eq!(name_of(&id), "4d396699-cc25-49d3-b4c5-30611ef874a5");
    }
}
