//! Boots or listens to the benchmark kernel, collects, checks, stores, compares and reports.

use std::process::ExitCode;

fn main() -> ExitCode {
    runner::cmd::main()
}
