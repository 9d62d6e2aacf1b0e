//! Boots or listens to the benchmark kernel, collects, checks, stores, compares and reports.

#[cfg(feature = "host")]
pub mod analysis;
#[cfg(feature = "host")]
pub mod assess;
#[cfg(feature = "host")]
pub mod audit;
#[cfg(feature = "host")]
pub mod baseline;
#[cfg(feature = "host")]
pub mod bisect;
#[cfg(feature = "host")]
pub mod cmd;
#[cfg(feature = "host")]
pub mod collect;
pub mod config;
#[cfg(feature = "host")]
pub mod doctor;
#[cfg(feature = "host")]
pub mod exit_code;
#[cfg(feature = "host")]
pub mod gate;
#[cfg(feature = "host")]
pub mod history;
pub mod image;
#[cfg(feature = "host")]
pub mod layout;
#[cfg(feature = "host")]
pub mod live;
#[cfg(feature = "host")]
pub mod performance;
#[cfg(feature = "host")]
pub mod progress;
#[cfg(feature = "host")]
pub mod report;
#[cfg(all(test, feature = "host"))]
mod samples;
#[cfg(feature = "host")]
pub mod source;
#[cfg(feature = "host")]
pub mod store;
#[cfg(feature = "host")]
pub mod symbolise;
#[cfg(feature = "host")]
pub mod tracking;
#[cfg(feature = "host")]
pub mod watch;
