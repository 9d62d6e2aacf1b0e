//! The program as a user or a script calls it.

#[path = "../src/samples.rs"]
mod samples;

#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/baselines.rs"]
mod baselines;
#[path = "cli/bisecting.rs"]
mod bisecting;
#[path = "cli/checking.rs"]
mod checking;
#[path = "cli/comparing.rs"]
mod comparing;
#[path = "cli/harness.rs"]
mod harness;
#[path = "cli/hosted.rs"]
mod hosted;
#[path = "cli/paired.rs"]
mod paired;
#[path = "cli/replaying.rs"]
mod replaying;
#[path = "cli/reporting.rs"]
mod reporting;
#[path = "cli/tracking.rs"]
mod tracking;
