//! Managed objects: they refer to each other by handles, in cycles too, and those that nothing reaches any more are found
//! and taken back.
//!
//! The collector is generational: most objects die young, and a minor collection looks at the young ones, at the roots and
//! at the old objects that were changed since, and at nothing else. What survives it is old. A major collection looks at
//! all, in steps that end when their budget is spent, while the program goes on between them (marking by three colours:
//! Dijkstra, Lamport, Martin, Scholten, Steffens, "On-the-fly garbage collection", CACM 21(11), 1978; an object that is
//! changed after it was looked at is looked at again, as in G. L. Steele, "Multiprocessing compactifying garbage
//! collection", CACM 18(9), 1975). Objects do not move.
//!
//! No collection runs by itself: between two calls that collect, every handle that was good stays good. Over one, a handle
//! stays good if a root reaches its object. One that is no longer good names nothing, never another object.

mod chunks;
mod collector;
mod finalisers;
mod handle;
mod major;
mod minor;
#[cfg(test)]
mod model;
mod pauses;
mod space;
#[cfg(test)]
mod tests;

pub use collector::{Collector, GcUsage, Limits, Managed};
pub use handle::{Gc, Root, Weak};
pub use major::Progress;
pub use pauses::Pauses;
