//! What a plan reads from Azure: the preflight check, and the workflow that a create would find.

use terraform_plugin::framework::Context;
use terraform_plugin::model::Field;
use terraform_plugin::value::Value;

use crate::azure::{Error, RegistryId};
use crate::patching::Policy;
use crate::provider::common::registry_id;
use crate::provider::common::timeouts::{Operation, Timeouts};
use crate::provider::connection::Connection;
use crate::provider::registry_claims::RegistryClaims;
use crate::provider::report;
use crate::provider::workflow::config::Config;
use crate::provider::workflow::existing::{self, Existing};
use crate::provider::workflow::model::State;
use crate::provider::workflow::names;
use crate::provider::workflow::plan::Act;
use crate::provider::workflow::preflight::{self, Inspected, Known, Preflight};

const LOOK_UP: &str = "Could not look up the registry";

/// Reads the registry before a create and before a change of the policy. Reads nothing while the
/// registry or the provider block is unknown, or if `preflight` is `off`.
pub(super) async fn inspect(
    connection: &Connection,
    context: &Context,
    raw: &Value,
    config: &Config,
    prior: Option<&State>,
    act: Act,
) -> Inspected {
    let policy = config.policy();
    let another_policy =
        policy.as_ref().map(Policy::digest) != prior.and_then(|prior| prior.policy_digest.clone());
    let preflight = config.preflight.or(Preflight::Warn);
    let (true, Field::Known(id), Some(preflight)) = (
        connection.if_ready().is_some(),
        &config.registry_id,
        preflight,
    ) else {
        return Inspected::default();
    };
    let needed = act != Act::Update || (policy.is_some() && another_policy);
    let (true, Ok(parsed)) = (needed && preflight != Preflight::Off, id.parse()) else {
        return Inspected::default();
    };
    let timeout = Timeouts::of_config(raw.get(names::TIMEOUTS)).of(Operation::Read);
    let Ok(registry) = connection.registry(context, parsed, timeout) else {
        return Inspected::default();
    };
    let gone = connection.was_gone(id);
    let existing = async {
        match act {
            Act::Update => Ok(None),
            Act::Create | Act::Replace => existing::look(&registry).await,
        }
    };
    let known = match (act, prior) {
        (Act::Update, Some(prior)) => Known {
            registry: connection.take_registry(id),
            login_server: prior.login_server.as_deref(),
        },
        _ => Known::default(),
    };
    let inspected = preflight::inspect(&registry, known, policy.as_ref(), preflight);
    let (inspected, existing) = futures::join!(inspected, existing);
    let mut inspected = match inspected {
        Err(error) if error.is_gone() && gone => Inspected::default(),
        Err(error) if error.is_gone() => registry_id::not_found(id).into(),
        // No destroy works without a sign-in either.
        Err(error @ Error::SignIn(_)) => return report::failure(LOOK_UP, &error).into(),
        Err(error) => report::failure(LOOK_UP, &error).into(),
        Ok(inspected) => inspected,
    };
    if act != Act::Update {
        // If the tasks can't be listed, the apply reports it.
        consider(
            connection.claims(),
            existing.ok().flatten(),
            registry.id(),
            config,
            &mut inspected,
        );
    }
    inspected.with_way_out()
}

/// Adds what a plan that creates the workflow says about the existing one.
fn consider(
    claims: &RegistryClaims,
    existing: Option<Existing>,
    registry: &RegistryId,
    config: &Config,
    inspected: &mut Inspected,
) {
    let adopts = config.adopt_existing.or(false) == Some(true);
    let is_finished = existing.as_ref().is_some_and(|it| !it.is_unfinished);
    let planned = claims.plan(&registry.to_string(), adopts && is_finished);
    // The resource in the state may be the one that this plan replaces.
    inspected.is_claimed = planned.is_err();
    if let Some(existing) = existing
        && !inspected.is_claimed
    {
        inspected.start_time = existing.start_time.filter(|_| adopts);
        let finding = existing.finding(registry, adopts);
        inspected.findings.extend(finding);
    }
}
