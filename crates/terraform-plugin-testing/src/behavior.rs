//! What a scripted resource does, valid or invalid.

use terraform_plugin::value::Value;

/// The behavior of the resource.
#[derive(Clone, Debug)]
pub enum Behavior {
    /// Every call succeeds. `id` is unknown in a plan and "made" afterwards.
    Behaves,
    /// Every call panics. Create, update and delete record a partial object first.
    Panics,
    /// Create, update and delete record a partial object, and then fail.
    FailsHalfway,
    /// Every call fails without a record.
    FailsAtOnce,
    /// Plan, create, update, read, import and upgrade return this value.
    Returns(Value),
    /// Every call succeeds, but the identity panics.
    IdentityPanics,
    /// Create, update and delete record a partial object. Then every call returns an error without a
    /// diagnostic.
    FailsSilently,
    /// Create, update and delete record a partial object as a map. Then they return this value.
    RecordsThenReturns(Value),
    /// Create, update and delete wait for their release. If they are cancelled first, they record a
    /// partial object and fail.
    Waits,
    /// Create, update and delete wait for their release and ignore a cancellation.
    Insists,
}
