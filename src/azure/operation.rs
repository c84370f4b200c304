//! The operations that can fail, and the IDs that they act on. Code decides by an operation's kind, never
//! by its text.

use std::fmt;

use crate::azure::acr::Right;

/// An operation and its target, such as `creating task` and the task's ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The kind of operation.
    pub kind: OperationKind,
    /// The target: an Azure resource ID, or a repository as `<login server>/<repository>`.
    pub id: String,
}

/// The kind of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// Reads a cloud's endpoints.
    ReadMetadata,
    /// Gets a token from Entra ID.
    GetToken,
    /// Reads a registry.
    ReadRegistry,
    /// Lists the registries of a subscription or of a resource group.
    ListRegistries,
    /// Lists the cache rules of a registry.
    ListCacheRules,
    /// Lists the tasks of a registry.
    ListTasks,
    /// Reads a task.
    ReadTask,
    /// Creates or replaces a task.
    CreateTask,
    /// Waits until a task is ready.
    WaitForTask,
    /// Changes a task.
    UpdateTask,
    /// Deletes a task.
    DeleteTask,
    /// Waits until a task is gone.
    WaitForTaskDeletion,
    /// Lists the runs of a registry.
    ListRuns,
    /// Queues a run.
    QueueRun,
    /// Reads a run.
    ReadRun,
    /// Cancels a run.
    CancelRun,
    /// Gets the signed link to the log of a run.
    ReadRunLog,
    /// Reads the log of a run from blob storage with that link.
    DownloadRunLog,
    /// Lists the role assignments at a registry.
    ListRoleAssignments,
    /// Reads a role assignment.
    ReadRoleAssignment,
    /// Creates a role assignment.
    CreateRoleAssignment,
    /// Deletes a role assignment.
    DeleteRoleAssignment,
    /// Gets a token from a registry.
    SignInToRegistry,
    /// Lists the tags of a repository.
    ListTags,
    /// Deletes a repository.
    DeleteRepository,
    /// Reads a manifest.
    ReadManifest,
    /// Stores a manifest.
    StoreManifest,
    /// Reads a blob.
    ReadBlob,
    /// Reads a blob from blob storage with a signed link, to which the registry redirected.
    DownloadBlob,
    /// Checks whether a blob exists.
    LookUpBlob,
    /// Stores a blob.
    StoreBlob,
    /// Waits until no other resource of this process changes the registry. It sends no request.
    WaitForTurn,
}

/// The service that answers an operation, and can refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Plane {
    /// Azure Resource Manager.
    ResourceManager,
    /// A registry that issues a token.
    RegistrySignIn,
    /// A registry, for an operation that needs this permission on a repository.
    Registry(Right),
    /// Blob storage, behind a signed link of Azure. The link alone gives access.
    Storage,
    /// A service without roles, or no service.
    Other,
}

impl Operation {
    /// Creates an operation.
    pub fn new(kind: OperationKind, id: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.into(),
        }
    }
}

impl OperationKind {
    /// Every kind.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 32] = [
        Self::ReadMetadata,
        Self::GetToken,
        Self::ReadRegistry,
        Self::ListRegistries,
        Self::ListCacheRules,
        Self::ListTasks,
        Self::ReadTask,
        Self::CreateTask,
        Self::WaitForTask,
        Self::UpdateTask,
        Self::DeleteTask,
        Self::WaitForTaskDeletion,
        Self::ListRuns,
        Self::QueueRun,
        Self::ReadRun,
        Self::CancelRun,
        Self::ReadRunLog,
        Self::DownloadRunLog,
        Self::ListRoleAssignments,
        Self::ReadRoleAssignment,
        Self::CreateRoleAssignment,
        Self::DeleteRoleAssignment,
        Self::SignInToRegistry,
        Self::ListTags,
        Self::DeleteRepository,
        Self::ReadManifest,
        Self::StoreManifest,
        Self::ReadBlob,
        Self::DownloadBlob,
        Self::LookUpBlob,
        Self::StoreBlob,
        Self::WaitForTurn,
    ];

    /// Returns the service that answers this kind of operation.
    #[must_use]
    pub fn plane(self) -> Plane {
        match self {
            Self::ReadRegistry
            | Self::ListRegistries
            | Self::ListCacheRules
            | Self::ListTasks
            | Self::ReadTask
            | Self::CreateTask
            | Self::WaitForTask
            | Self::UpdateTask
            | Self::DeleteTask
            | Self::WaitForTaskDeletion
            | Self::ListRuns
            | Self::QueueRun
            | Self::ReadRun
            | Self::CancelRun
            | Self::ReadRunLog
            | Self::ListRoleAssignments
            | Self::ReadRoleAssignment
            | Self::CreateRoleAssignment
            | Self::DeleteRoleAssignment => Plane::ResourceManager,
            Self::SignInToRegistry => Plane::RegistrySignIn,
            Self::ListTags => Plane::Registry(Right::ListTags),
            Self::ReadManifest | Self::ReadBlob | Self::LookUpBlob => Plane::Registry(Right::Pull),
            Self::StoreManifest | Self::StoreBlob => Plane::Registry(Right::Push),
            Self::DeleteRepository => Plane::Registry(Right::Delete),
            Self::DownloadRunLog | Self::DownloadBlob => Plane::Storage,
            Self::ReadMetadata | Self::GetToken | Self::WaitForTurn => Plane::Other,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::ReadMetadata => "reading cloud metadata from",
            Self::GetToken => "getting a token for",
            Self::ReadRegistry => "reading registry",
            Self::ListRegistries => "listing registries in",
            Self::ListCacheRules => "listing cache rules of registry",
            Self::ListTasks => "listing tasks of registry",
            Self::ReadTask => "reading task",
            Self::CreateTask => "creating task",
            Self::WaitForTask => "waiting for task",
            Self::UpdateTask => "updating task",
            Self::DeleteTask => "deleting task",
            Self::WaitForTaskDeletion => "waiting for the deletion of task",
            Self::ListRuns => "listing runs of registry",
            Self::QueueRun => "queueing a run of task",
            Self::ReadRun => "reading run",
            Self::CancelRun => "cancelling run",
            Self::ReadRunLog => "reading the log of run",
            Self::DownloadRunLog => "downloading the log of run",
            Self::ListRoleAssignments => "listing role assignments of",
            Self::ReadRoleAssignment => "reading role assignment",
            Self::CreateRoleAssignment => "creating role assignment",
            Self::DeleteRoleAssignment => "deleting role assignment",
            Self::SignInToRegistry => "signing in to registry",
            Self::ListTags => "listing tags of",
            Self::DeleteRepository => "deleting repository",
            Self::ReadManifest => "reading manifest",
            Self::StoreManifest => "storing manifest",
            Self::ReadBlob => "reading blob",
            Self::DownloadBlob => "downloading blob",
            Self::LookUpBlob => "looking up blob",
            Self::StoreBlob => "storing blob",
            Self::WaitForTurn => "waiting for another change to registry",
        }
    }
}

impl fmt::Display for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_has_its_own_text() {
        let words: HashSet<String> = OperationKind::ALL.map(|kind| kind.to_string()).into();
        assert_eq!(words.len(), OperationKind::ALL.len());
        let kinds: HashSet<OperationKind> = OperationKind::ALL.into();
        assert_eq!(kinds.len(), OperationKind::ALL.len());
    }

    #[test]
    fn displays_the_kind_and_the_id() {
        let operation = Operation::new(OperationKind::WaitForTaskDeletion, "/t");
        assert_eq!(operation.to_string(), "waiting for the deletion of task /t");
    }
}
