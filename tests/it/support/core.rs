//! Terraform Core with this provider.

use std::sync::Arc;

use terraform_plugin::value::Value;
use terraform_plugin_testing::core::Core;
use terraform_plugin_testing::data_source::Source;
use terraform_provider_acr::provider::{AcrProvider, Environment};

use crate::support::wire::Wire;

/// The type of the resource.
const WORKFLOW: &str = "acr_continuous_patching_workflow";

/// Starts a Terraform Core with an empty state, whose provider runs in this environment.
pub(crate) async fn start_core(environment: Environment, wire: &Arc<Wire>) -> Core {
    start_core_with(environment, wire, Value::object::<String>([])).await
}

/// Starts a Terraform Core with these arguments in the provider block.
pub(crate) async fn start_core_with(
    environment: Environment,
    wire: &Arc<Wire>,
    arguments: Value,
) -> Core {
    let wire = Arc::clone(wire);
    Core::new(WORKFLOW, arguments, move || {
        let transport = Arc::clone(&wire) as _;
        Arc::new(AcrProvider::with_transport(environment.clone(), transport))
    })
    .await
}

/// The data source with this name.
pub(crate) fn data_source(name: &'static str) -> Source {
    Source::of(&AcrProvider::new(Environment::default()), name)
}
