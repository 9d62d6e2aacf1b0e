//! The command line.

mod arguments;
mod audit;
mod baseline;
mod bisect;
mod check;
mod compare;
mod compare_sides;
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
