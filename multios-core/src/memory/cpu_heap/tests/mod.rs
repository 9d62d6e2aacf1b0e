//! Tests of the heap as a whole.

mod behaviour;
mod checks;
mod failing;
mod ground;
mod model;
mod stress;
