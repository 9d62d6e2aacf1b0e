//! The dashboard: machines, runs, comparisons, histories and findings in a browser, and runs as they happen.
//!
//! Pages are made here and need no script but for live progress. docs/dashboard.md says who may do what, and why.

mod api;
mod assets;
mod change;
mod connection;
mod error;
mod events;
mod gate;
mod host;
mod link;
mod login;
mod pages;
mod progress;
mod query;
mod reading;
mod routes;
mod server;
mod session;
mod shared;
mod token;
mod triage;

pub use server::{Dashboard, DashboardOptions, ServeError};
pub use token::{Token, TokenError};
