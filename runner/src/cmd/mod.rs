//! The command line.

mod ab;
mod arguments;
mod compare;
mod doctor;
mod entry;
mod failure;
mod hosted;
mod interrupt;
mod layout;
mod list;
mod output;
mod planning;
mod replay;
mod run;
mod session;
mod show;

pub use entry::main;
