//! Everything that a client was trusted with, so that a test can look for it where it must not be.

use std::collections::BTreeSet;

use crate::simulator::Simulator;
use crate::state::World;

impl Simulator {
    /// Client secrets, the password and the lines of private keys, request tokens, assertions, the signatures of links, and
    /// every token that was ever issued.
    #[must_use]
    pub fn secrets(&self) -> BTreeSet<String> {
        all(&self.world())
    }
}

fn all(world: &World) -> BTreeSet<String> {
    let mut secrets = world.seen.clone();
    secrets.extend(world.tokens.texts().cloned());
    secrets.extend(
        world
            .applications
            .iter()
            .flat_map(|known| known.confidential()),
    );
    secrets.extend(world.issuer.confidential());
    secrets.insert(world.identities.confidential());
    secrets.extend(world.links.signatures().cloned());
    secrets
}
