//! What happened in a benchmark's history: change points with type, place, size and identity.
//!
//! [`Detector::analyse`] looks at a whole history, [`History::append`] follows one as it grows and reports every finding
//! that comes, moves, changes its kind or goes. The method, its sources and its measured quality are in
//! docs/methodology-history.md.

mod abrupt;
mod budget;
mod cut;
mod dependence;
mod detector;
mod draft;
mod drift;
mod exact;
mod measure;
#[cfg(test)]
pub(crate) mod noise;
pub(crate) mod pairs;
pub(crate) mod rank;
mod run;
mod seed;
mod segment;
mod series;
mod shape;
mod state;
mod table;
pub(crate) mod tail;
mod tracker;
mod types;

pub use budget::Budget;
pub use detector::{Detector, changes};
pub use exact::{ExactHistory, ExactState};
pub use state::HistoryState;
pub use table::{TableError, read_table};
pub use tracker::History;
pub use types::{Certainty, Event, Finding, FindingId, Interval, Key, Kind, Point, Size, Span};
