//! Signals of processes, for the tests of them: what one costs, and what programs can do with them.

mod cases;
mod delivery;
mod preemption;
mod rules;

pub(super) use delivery::delivery;
pub(super) use preemption::preemption;
pub(super) use rules::rules;
