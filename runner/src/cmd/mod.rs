//! The command line.

mod ab;
mod against;
mod arguments;
mod audit;
mod baseline;
mod bisect;
mod bisect_drive;
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
mod layout;
mod list;
mod measured;
mod output;
mod paired;
mod planning;
mod replay;
mod report;
mod revision;
mod run;
mod serve;
mod share;
mod show;
mod tracked;
mod watch;

pub use entry::main;
