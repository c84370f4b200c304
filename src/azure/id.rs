//! Resource identifiers. Azure compares them without case, and so do we.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// The id of a container registry.
///
/// It prints with the fixed segments in their canonical case and the user's own as they were given;
/// it is equal to any other spelling in another case.
#[derive(Clone)]
pub struct RegistryId {
    /// The subscription, a GUID.
    pub subscription_id: String,
    /// The resource group.
    pub resource_group: String,
    /// The registry's name.
    pub registry: String,
}

/// A text that isn't the id of a container registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not the id of a container registry ({problem}); expected \
     /subscriptions/<subscription id>/resourceGroups/<resource group>\
     /providers/Microsoft.ContainerRegistry/registries/<registry>"
)]
pub struct InvalidRegistryId {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl RegistryId {
    /// An id from its parts.
    ///
    /// # Errors
    ///
    /// When a part can't be what it should be.
    pub fn new(
        subscription_id: &str,
        resource_group: &str,
        registry: &str,
    ) -> Result<Self, InvalidRegistryId> {
        let id = Self {
            subscription_id: subscription_id.to_owned(),
            resource_group: resource_group.to_owned(),
            registry: registry.to_owned(),
        };
        match id.problem() {
            None => Ok(id),
            Some(problem) => Err(InvalidRegistryId {
                text: id.to_string(),
                problem,
            }),
        }
    }

    /// Reads an id: strict on its shape, tolerant on the case of the fixed segments.
    ///
    /// # Errors
    ///
    /// When it is anything else; the error shows the expected shape.
    pub fn parse(text: &str) -> Result<Self, InvalidRegistryId> {
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
        Self::new(subscription_id, resource_group, registry).map_err(|error| invalid(error.problem))
    }

    /// The id of one of the registry's tasks.
    #[must_use]
    pub fn task_id(&self, name: &str) -> String {
        format!("{self}/tasks/{name}")
    }

    /// The id of one of the registry's runs.
    #[must_use]
    pub fn run_id(&self, run: &str) -> String {
        format!("{self}/runs/{run}")
    }

    fn problem(&self) -> Option<&'static str> {
        problem_of_subscription(&self.subscription_id)
            .or_else(|| problem_of_group(&self.resource_group))
            .or_else(|| problem_of_name(&self.registry))
    }
}

/// What is wrong with the id of a subscription, if anything is.
#[must_use]
pub fn problem_of_subscription(id: &str) -> Option<&'static str> {
    let is_guid = id.len() == 36 && uuid::Uuid::try_parse(id).is_ok();
    (!is_guid).then_some("the subscription id is not a GUID")
}

/// What is wrong with the name of a resource group, if anything is.
#[must_use]
pub fn problem_of_group(name: &str) -> Option<&'static str> {
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
        let Self {
            subscription_id,
            resource_group,
            registry,
        } = self;
        write!(
            f,
            "/subscriptions/{subscription_id}/resourceGroups/{resource_group}\
             /providers/Microsoft.ContainerRegistry/registries/{registry}"
        )
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
pub fn ids_equal(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}

/// The last segment of an id: the name of a task, of a run, or of a role assignment.
#[must_use]
pub fn name_of(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// The full id of a built-in role in a subscription.
#[must_use]
pub fn role_definition_id(subscription_id: &str, role: &str) -> String {
    format!(
        "/subscriptions/{subscription_id}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    )
}

/// The id of a role assignment at a scope.
#[must_use]
pub fn role_assignment_id(scope: &str, name: &str) -> String {
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
