//! The real provider against the simulator, from the first plan to the destroy, with and without faults.

mod actions;
mod adoption;
mod clouds;
mod consistency;
mod contradictions;
mod dry_run;
mod duplicate_resource;
mod end_to_end;
mod failures;
mod foreign_resources;
mod identity;
mod importing;
mod leftovers;
mod listing;
mod planned_values;
mod preflight;
mod round_trips;
mod run_immediately;
mod stage;
mod status;
mod throttling;
mod transaction;
mod transient_faults;
mod unknowns;
mod updating;
mod workflow_data_source;
