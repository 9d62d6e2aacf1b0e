//! Takes a plan through a boot: from `hello` to `end`.

mod boot;
mod cold;
mod counters;
mod greeting;
mod ledger;
mod note;
mod probes;
mod progress;
mod subject;

pub use boot::{boot, linger, resume};
pub use greeting::{Identity, fingerprint, greet};
pub use note::Note;
pub use progress::{NoProgress, Progress};
pub use subject::{Subject, Subjects, Suites, measure};

#[cfg(test)]
mod tests;
