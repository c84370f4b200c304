//! Core's state of a resource, its plans, and helpers for diagnostics.

use terraform_plugin::protocol::generated as pb;
use terraform_plugin::schema::Block;
use terraform_plugin::value::{Value, msgpack};

/// A resource in a state file.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The attributes.
    pub state: Value,
    /// The identity. Null if the host doesn't support identities.
    pub identity: Value,
    pub(crate) private: Vec<u8>,
    /// Whether its create failed. The next apply replaces a tainted resource.
    pub tainted: bool,
}

/// The planned action for a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// No change.
    Nothing,
    /// Core creates the resource.
    Create,
    /// Core updates the resource in place.
    Update,
    /// Core destroys the resource and creates a new one.
    Replace,
}

/// A plan for the resource.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The planned action.
    pub action: Action,
    /// The planned state.
    pub planned: Value,
    /// The provider's diagnostics.
    pub said: Vec<pb::Diagnostic>,
    pub(crate) identity: Value,
    pub(crate) private: Vec<u8>,
}

/// Whether one of the diagnostics is an error.
pub fn has_error(diagnostics: &[pb::Diagnostic]) -> bool {
    errors(diagnostics).next().is_some()
}

/// The errors among the diagnostics.
pub fn errors(diagnostics: &[pb::Diagnostic]) -> impl Iterator<Item = &pb::Diagnostic> {
    diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity() == pb::diagnostic::Severity::Error)
}

/// Encodes an object of this schema. Omitted attributes become null.
pub fn wire(block: &Block, object: &Value) -> Option<pb::DynamicValue> {
    let msgpack = msgpack::encode(&block.complete(object.clone()), &block.value_type());
    Some(pb::DynamicValue {
        msgpack: msgpack.unwrap(),
        json: vec![],
    })
}
