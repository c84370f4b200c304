//! All secrets that clients received, so that a test can search for leaks.

use std::collections::BTreeSet;

use crate::simulator::Simulator;
use crate::state::World;

impl Simulator {
    /// Returns every secret of this simulator.
    ///
    /// The secrets are client secrets, the PKCS#12 password, private key lines, request tokens, the
    /// `IDENTITY_HEADER`, assertions, link signatures, and every token ever issued.
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
