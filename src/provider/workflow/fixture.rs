//! The state and the configuration of a workflow without drift, for tests.

use terraform_plugin::value::Value;

use crate::provider::workflow::model::State;
use crate::provider::workflow::names;
use crate::provider::workflow::private_data::PrivateData;
use crate::provider::workflow::state::refreshed;
use crate::workflow::fixture::REGISTRY;
use crate::workflow::observe::Observed;
use crate::workflow::ownership::find_owned;

/// Returns the configuration of `desired`.
pub(super) fn config() -> Value {
    let tags = Value::Set(vec!["latest".into(), "3.11".into()]);
    let repository = Value::object([(names::TAGS, tags), (names::ENABLED, Value::Null)]);
    Value::object([
        (names::REGISTRY_ID, Value::from(REGISTRY)),
        (names::SCHEDULE, "7d".into()),
        (names::START_TIME, "02:30".into()),
        (
            names::REPOSITORIES,
            Value::Map([("python".to_owned(), repository)].into()),
        ),
    ])
}

/// Returns [`config`] with some attributes replaced.
pub(super) fn config_with<const N: usize>(changes: [(&str, Value); N]) -> Value {
    let Value::Object(mut attributes) = config() else {
        unreachable!("it is an object");
    };
    attributes.extend(changes.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(attributes)
}

/// Returns the state after a refresh of `observed`.
pub(super) fn state(observed: &Observed) -> State {
    let before = State {
        enabled: true,
        ..State::imported(REGISTRY.to_owned())
    };
    again(observed, &before).expect("the workflow is there")
}

/// Returns the state after a refresh of `observed`, with the prior state `before`.
pub(super) fn again(observed: &Observed, before: &State) -> Option<State> {
    let owned = find_owned(observed, &before.recorded(&PrivateData::default()));
    refreshed(observed, &owned, before)
}
