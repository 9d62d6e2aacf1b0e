//! The command line.

mod against;
mod arguments;
mod audit;
mod baseline;
mod bisect;
mod check;
mod compare;
mod detect;
mod doctor;
mod entry;
mod failure;
mod findings;
mod history;
mod hosted;
mod interrupt;
mod list;
mod output;
mod planning;
mod replay;
mod report;
mod revision;
mod run;
mod serve;
mod session;
mod share;
mod show;
mod watch;

pub use entry::main;
