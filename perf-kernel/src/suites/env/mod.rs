//! Fixed probes of known cost, run first and last in every boot: they tell whether the machine changed under the run.

mod l1_load;
mod pause;
mod reference_loop;
mod spin_noise;
mod table;
mod timer_pair;

pub(crate) use l1_load::Chain;
pub(crate) use reference_loop::{RESULT as REFERENCE_RESULT, reference_loop};
pub(super) use table::SUITE;
