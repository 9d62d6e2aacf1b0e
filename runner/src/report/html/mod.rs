//! A run as one HTML file that needs nothing else: no network, no script to be read.

mod bench;
mod bench_change;
mod bench_cold;
mod bench_history;
mod bench_samples;
mod bench_trust;
mod boots;
mod compared;
mod environment;
mod findings;
mod navigation;
mod overview;
mod page;
mod parts;
mod policy;
mod suites;
#[cfg(test)]
mod tests;
mod view;

pub use page::html;
