//! Takes a plan through a boot: from `hello` to `end`.

mod boot;
mod greeting;
mod ledger;
mod probes;
mod progress;

pub use boot::{boot, linger};
pub use greeting::{Identity, fingerprint, greet};
pub use progress::{NoProgress, Progress};

#[cfg(test)]
mod tests;
