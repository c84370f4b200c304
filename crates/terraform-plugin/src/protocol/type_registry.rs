//! The resources, data sources, list resources, actions and functions of a provider by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostics::Diagnostics;
use crate::framework::{Action, DataSource, Function, ListResource, Provider, Resource};
use crate::protocol::protocol_diagnostics;

/// Types of one kind by name.
pub(crate) type Named<T> = BTreeMap<String, Arc<T>>;

/// Everything that a provider offers.
pub(crate) struct TypeRegistry {
    /// The managed resources.
    pub(crate) resources: Named<dyn Resource>,
    /// The data sources.
    pub(crate) data_sources: Named<dyn DataSource>,
    /// The list resources.
    pub(crate) list_resources: Named<dyn ListResource>,
    /// The actions.
    pub(crate) actions: Named<dyn Action>,
    /// The functions.
    pub(crate) functions: Named<dyn Function>,
    /// Quoted names that appear twice in one kind.
    pub(crate) duplicates: Vec<String>,
}

impl TypeRegistry {
    /// Collects everything that a provider offers.
    pub(crate) fn of(provider: &dyn Provider) -> Self {
        let mut duplicates = Vec::new();
        let all = &mut duplicates;
        Self {
            resources: by_name(all, provider.resources(), |it| it.type_name()),
            data_sources: by_name(all, provider.data_sources(), |it| it.type_name()),
            list_resources: by_name(all, provider.list_resources(), |it| it.type_name()),
            actions: by_name(all, provider.actions(), |it| it.type_name()),
            functions: by_name(all, provider.functions(), |it| it.name()),
            duplicates,
        }
    }

    /// Finds a managed resource.
    pub(crate) fn resource(&self, name: &str) -> Result<&Arc<dyn Resource>, Diagnostics> {
        find(&self.resources, "resource", name)
    }

    /// Finds a data source.
    pub(crate) fn data_source(&self, name: &str) -> Result<&Arc<dyn DataSource>, Diagnostics> {
        find(&self.data_sources, "data source", name)
    }

    /// Finds a list resource.
    pub(crate) fn list_resource(&self, name: &str) -> Result<&Arc<dyn ListResource>, Diagnostics> {
        find(&self.list_resources, "list resource", name)
    }

    /// Finds an action.
    pub(crate) fn action(&self, name: &str) -> Result<&Arc<dyn Action>, Diagnostics> {
        find(&self.actions, "action", name)
    }
}

fn by_name<T: ?Sized>(
    duplicates: &mut Vec<String>,
    things: Vec<Arc<T>>,
    name: impl Fn(&T) -> &str,
) -> Named<T> {
    let mut found = BTreeMap::new();
    for thing in things {
        let name = name(&thing).to_owned();
        if found.insert(name.clone(), thing).is_some() {
            duplicates.push(format!("{name:?}"));
        }
    }
    found
}

fn find<'a, T: ?Sized>(
    things: &'a Named<T>,
    kind: &str,
    name: &str,
) -> Result<&'a Arc<T>, Diagnostics> {
    things
        .get(name)
        .ok_or_else(|| protocol_diagnostics::unknown_type(kind, name))
}
