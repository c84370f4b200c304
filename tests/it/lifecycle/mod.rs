//! The real provider against the simulator, from the first plan to the last destroy: when all goes
//! well, and when anything goes wrong.

mod acting;
mod clouds;
mod dry_run;
mod failures;
mod identity;
mod importing;
mod leftovers;
mod listing;
mod lookups;
mod others;
mod passing;
mod preflight;
mod rivals;
mod runs;
mod stage;
mod status;
mod throttling;
mod unknowns;
mod updating;
mod waiting;
mod whole_life;
