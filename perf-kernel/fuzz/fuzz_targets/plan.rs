//! Any file as a plan: refused or read, never a panic; and a plan that was read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perf_kernel::plan::{pad, parse};

fuzz_target!(|file: &[u8]| {
    let Ok(plan) = parse(file) else { return };
    let text = toml::to_string(&plan).expect("a plan is TOML");
    if let Ok(padded) = pad(&text) {
        assert_eq!(parse(&padded), Ok(plan));
    }
});
