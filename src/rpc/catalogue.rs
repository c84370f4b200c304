//! What a provider offers, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostics::Diagnostics;
use crate::framework::{Function, Provider, Resource};
use crate::rpc::faults;

/// Everything that a call can be about.
pub(crate) struct Catalogue {
    /// The managed resources.
    pub(crate) resources: BTreeMap<String, Arc<dyn Resource>>,
    /// The functions.
    pub(crate) functions: BTreeMap<String, Arc<dyn Function>>,
    /// Names that two things of one kind have, as messages call them.
    pub(crate) doubles: Vec<String>,
}

impl Catalogue {
    /// What this provider offers.
    pub(crate) fn of(provider: &dyn Provider) -> Self {
        let mut doubles = Vec::new();
        let resources = provider.resources().into_iter();
        let functions = provider.functions().into_iter();
        Self {
            resources: by_name(
                resources.map(|it| (it.type_name().to_owned(), it)),
                "resource",
                &mut doubles,
            ),
            functions: by_name(
                functions.map(|it| (it.name().to_owned(), it)),
                "function",
                &mut doubles,
            ),
            doubles,
        }
    }

    /// A managed resource.
    pub(crate) fn resource(&self, name: &str) -> Result<&Arc<dyn Resource>, Diagnostics> {
        find(&self.resources, "resource", name)
    }
}

fn by_name<T>(
    things: impl Iterator<Item = (String, T)>,
    kind: &str,
    doubles: &mut Vec<String>,
) -> BTreeMap<String, T> {
    let mut found = BTreeMap::new();
    for (name, thing) in things {
        if found.insert(name.clone(), thing).is_some() {
            doubles.push(format!("the {kind} {name:?}"));
        }
    }
    found
}

fn find<'a, T>(
    things: &'a BTreeMap<String, T>,
    kind: &str,
    name: &str,
) -> Result<&'a T, Diagnostics> {
    things
        .get(name)
        .ok_or_else(|| faults::unknown_type(kind, name))
}
