//! Routes of ARM: the resource, its api-versions, and the action that each method requires.

use http::Method;

use crate::wire::Call;

const REGISTRY_VERSIONS: &[&str] = &[
    "2019-05-01",
    "2021-09-01",
    "2022-12-01",
    "2023-01-01-preview",
    "2023-07-01",
    "2024-11-01-preview",
    "2025-03-01-preview",
    "2025-04-01",
    "2025-05-01-preview",
    "2025-06-01-preview",
    "2025-11-01",
    "2026-01-01-preview",
];
/// Cache rules exist only in later versions, and not in every preview.
const CACHE_RULE_VERSIONS: &[&str] = &[
    "2023-07-01",
    "2024-11-01-preview",
    "2025-03-01-preview",
    "2025-04-01",
    "2025-05-01-preview",
    "2025-06-01-preview",
    "2025-11-01",
    "2026-01-01-preview",
];
const TASK_VERSIONS: &[&str] = &["2019-06-01-preview", "2025-03-01-preview"];
const ROLE_ASSIGNMENT_VERSIONS: &[&str] = &["2022-04-01"];
const ROLE_DEFINITION_VERSIONS: &[&str] = &["2018-01-01-preview", "2022-04-01"];
const RESOURCES_VERSIONS: &[&str] = &[
    "2019-05-01",
    "2020-06-01",
    "2021-04-01",
    "2022-09-01",
    "2023-07-01",
    "2024-03-01",
    "2024-11-01",
];
const SUBSCRIPTION_VERSIONS: &[&str] = &["2016-06-01", "2020-01-01", "2021-01-01", "2022-12-01"];

/// A registry as named in a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) subscription: String,
    pub(crate) group: String,
    pub(crate) name: String,
}

/// A resource, or an action on one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resource {
    Subscription,
    Group(String),
    GroupDeletion(String),
    Registries { group: Option<String> },
    Registry(Place),
    CacheRules(Place),
    CacheRule(Place, String),
    Tasks(Place),
    Task(Place, String),
    TaskDetails(Place, String),
    ScheduleRun(Place),
    Runs(Place),
    Run(Place, String),
    CancelRun(Place, String),
    RunLog(Place, String),
    Operation(String),
    RoleAssignments { scope: String },
    RoleAssignment { scope: String, name: String },
    RoleDefinitions { scope: String },
    RoleDefinition { scope: String, name: String },
}

/// A known path of ARM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) subscription: String,
    pub(crate) resource: Resource,
}

impl Route {
    /// Parses a path. It ignores letter case, and keeps the case of names.
    pub(crate) fn parse(call: &Call) -> Option<Self> {
        let segments = call.segments();
        let lower: Vec<String> = segments
            .iter()
            .map(|segment| segment.to_lowercase())
            .collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let &["subscriptions", _, ..] = lower.as_slice() else {
            return None;
        };
        let subscription = segments[1].clone();
        if let Some(at) = lower
            .windows(2)
            .rposition(|pair| pair == ["providers", "microsoft.authorization"])
        {
            let scope = format!("/{}", segments[..at].join("/"));
            let resource = match &lower[at + 2..] {
                ["roleassignments"] => Resource::RoleAssignments { scope },
                ["roleassignments", _] => Resource::RoleAssignment {
                    scope,
                    name: segments[at + 3].clone(),
                },
                ["roledefinitions"] => Resource::RoleDefinitions { scope },
                ["roledefinitions", _] => Resource::RoleDefinition {
                    scope,
                    name: segments[at + 3].clone(),
                },
                _ => return None,
            };
            return Some(Self {
                subscription,
                resource,
            });
        }
        let resource = match &lower[2..] {
            [] => Resource::Subscription,
            ["resourcegroups", _] => Resource::Group(segments[3].clone()),
            ["operationresults", id] => Resource::GroupDeletion((*id).to_owned()),
            ["providers", "microsoft.containerregistry", "registries"] => {
                Resource::Registries { group: None }
            }
            [
                "providers",
                "microsoft.containerregistry",
                "locations",
                _,
                "operationresults",
                id,
            ] => Resource::Operation((*id).to_owned()),
            [
                "resourcegroups",
                _,
                "providers",
                "microsoft.containerregistry",
                "registries",
            ] => Resource::Registries {
                group: Some(segments[3].clone()),
            },
            [
                "resourcegroups",
                _,
                "providers",
                "microsoft.containerregistry",
                "registries",
                _,
                below @ ..,
            ] => {
                let place = Place {
                    subscription: subscription.clone(),
                    group: segments[3].clone(),
                    name: segments[7].clone(),
                };
                below_registry(place, below, &segments[8..])?
            }
            _ => return None,
        };
        Some(Self {
            subscription,
            resource,
        })
    }

    /// Returns the resource type in ARM's spelling.
    pub(crate) fn kind(&self) -> &'static str {
        match self.resource {
            Resource::Subscription => "subscriptions",
            Resource::Group(_) => "subscriptions/resourceGroups",
            Resource::GroupDeletion(_) => "subscriptions/operationresults",
            Resource::Registries { .. } | Resource::Registry(_) => "registries",
            Resource::CacheRules(_) | Resource::CacheRule(..) => "registries/cacheRules",
            Resource::Tasks(_) | Resource::Task(..) | Resource::TaskDetails(..) => {
                "registries/tasks"
            }
            Resource::ScheduleRun(_) => "registries/scheduleRun",
            Resource::Runs(_)
            | Resource::Run(..)
            | Resource::CancelRun(..)
            | Resource::RunLog(..) => "registries/runs",
            Resource::Operation(_) => "locations/operationResults",
            Resource::RoleAssignments { .. } | Resource::RoleAssignment { .. } => "roleAssignments",
            Resource::RoleDefinitions { .. } | Resource::RoleDefinition { .. } => "roleDefinitions",
        }
    }

    /// Returns the api-versions that the resource type supports.
    pub(crate) fn versions(&self) -> &'static [&'static str] {
        match self.kind() {
            "registries" => REGISTRY_VERSIONS,
            "registries/cacheRules" => CACHE_RULE_VERSIONS,
            "roleAssignments" => ROLE_ASSIGNMENT_VERSIONS,
            "roleDefinitions" => ROLE_DEFINITION_VERSIONS,
            "subscriptions" => SUBSCRIPTION_VERSIONS,
            "subscriptions/resourceGroups" | "subscriptions/operationresults" => RESOURCES_VERSIONS,
            _ => TASK_VERSIONS,
        }
    }

    /// Returns the operation name for the log, such as `tasks/write`, `runs/read` or `scheduleRun`.
    pub(crate) fn operation(&self, method: &Method) -> String {
        let kind = self.kind().rsplit('/').next().unwrap_or_default();
        match self.resource {
            Resource::ScheduleRun(_) => "scheduleRun".to_owned(),
            Resource::CancelRun(..) => "runs/cancel".to_owned(),
            Resource::RunLog(..) => "runs/listLogSasUrl".to_owned(),
            Resource::TaskDetails(..) => "tasks/listDetails".to_owned(),
            _ => format!("{kind}/{}", verb(method)),
        }
    }

    /// Returns whether the method on this resource is a write.
    pub(crate) fn changes(&self, method: &Method) -> bool {
        let only_looks = matches!(
            self.resource,
            Resource::TaskDetails(..) | Resource::RunLog(..)
        );
        !only_looks && verb(method) != "read"
    }

    /// Returns the action that the caller must be allowed to perform.
    pub(crate) fn action(&self, method: &Method) -> String {
        let namespace = match self.resource {
            Resource::RoleAssignments { .. }
            | Resource::RoleAssignment { .. }
            | Resource::RoleDefinitions { .. }
            | Resource::RoleDefinition { .. } => "Microsoft.Authorization",
            Resource::Subscription | Resource::Group(_) | Resource::GroupDeletion(_) => {
                "Microsoft.Resources"
            }
            _ => "Microsoft.ContainerRegistry",
        };
        let last = match self.resource {
            Resource::ScheduleRun(_) => "action",
            Resource::CancelRun(..) => "cancel/action",
            Resource::RunLog(..) => "listLogSasUrl/action",
            Resource::TaskDetails(..) => "listDetails/action",
            _ => verb(method),
        };
        format!("{namespace}/{}/{last}", self.kind())
    }

    /// Returns the scope at which the caller must be allowed to perform it.
    pub(crate) fn scope(&self) -> String {
        match &self.resource {
            Resource::RoleAssignments { scope }
            | Resource::RoleAssignment { scope, .. }
            | Resource::RoleDefinitions { scope }
            | Resource::RoleDefinition { scope, .. } => scope.clone(),
            Resource::Group(group) | Resource::Registries { group: Some(group) } => {
                format!(
                    "/subscriptions/{}/resourceGroups/{group}",
                    self.subscription
                )
            }
            Resource::Subscription
            | Resource::GroupDeletion(_)
            | Resource::Registries { group: None }
            | Resource::Operation(_) => {
                format!("/subscriptions/{}", self.subscription)
            }
            Resource::Registry(place)
            | Resource::CacheRules(place)
            | Resource::CacheRule(place, _)
            | Resource::Tasks(place)
            | Resource::Task(place, _)
            | Resource::TaskDetails(place, _)
            | Resource::ScheduleRun(place)
            | Resource::Runs(place)
            | Resource::Run(place, _)
            | Resource::CancelRun(place, _)
            | Resource::RunLog(place, _) => place.id(),
        }
    }
}

impl Place {
    /// Returns the registry's resource ID in the spelling of the path.
    pub(crate) fn id(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ContainerRegistry/registries/{}",
            self.subscription, self.group, self.name
        )
    }
}

fn below_registry(place: Place, lower: &[&str], segments: &[String]) -> Option<Resource> {
    Some(match lower {
        [] => Resource::Registry(place),
        ["cacherules"] => Resource::CacheRules(place),
        ["cacherules", _] => Resource::CacheRule(place, segments[1].clone()),
        ["tasks"] => Resource::Tasks(place),
        ["tasks", _] => Resource::Task(place, segments[1].clone()),
        ["tasks", _, "listdetails"] => Resource::TaskDetails(place, segments[1].clone()),
        ["schedulerun"] => Resource::ScheduleRun(place),
        ["runs"] => Resource::Runs(place),
        ["runs", _] => Resource::Run(place, segments[1].clone()),
        ["runs", _, "cancel"] => Resource::CancelRun(place, segments[1].clone()),
        ["runs", _, "listlogsasurl"] => Resource::RunLog(place, segments[1].clone()),
        _ => return None,
    })
}

fn verb(method: &Method) -> &'static str {
    match *method {
        Method::GET | Method::HEAD => "read",
        Method::DELETE => "delete",
        _ => "write",
    }
}
