//! What Core keeps of a resource, what it plans for it, and diagnostics as it reads them.

use terraform_plugin::protocol::generated as pb;
use terraform_plugin::schema::Block;
use terraform_plugin::value::{Value, msgpack};

/// A resource in a state file.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The attributes.
    pub state: Value,
    /// Null where the host doesn't know identities.
    pub identity: Value,
    pub(crate) private: Vec<u8>,
    /// Its create has failed: the next apply replaces it.
    pub tainted: bool,
}

/// What to do about a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is as it should be.
    Nothing,
    /// Core creates the resource.
    Create,
    /// It changes in place.
    Update,
    /// It is destroyed and made anew.
    Replace,
}

/// A plan for the resource.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What becomes of the resource.
    pub action: Action,
    /// The state that is planned.
    pub planned: Value,
    /// What the provider has to say about it.
    pub said: Vec<pb::Diagnostic>,
    pub(crate) identity: Value,
    pub(crate) private: Vec<u8>,
}

/// Whether one of them is an error.
pub fn has_error(diagnostics: &[pb::Diagnostic]) -> bool {
    errors(diagnostics).next().is_some()
}

/// The errors among them.
pub fn errors(diagnostics: &[pb::Diagnostic]) -> impl Iterator<Item = &pb::Diagnostic> {
    diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity() == pb::diagnostic::Severity::Error)
}

/// An object of this shape for the wire, with null for what it leaves out.
pub fn wire(block: &Block, object: &Value) -> Option<pb::DynamicValue> {
    let msgpack = msgpack::encode(&block.complete(object.clone()), &block.value_type());
    Some(pb::DynamicValue {
        msgpack: msgpack.unwrap(),
        json: vec![],
    })
}
