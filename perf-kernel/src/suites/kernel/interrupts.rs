//! Interrupts that CPUs send.

use alloc::format;

use crate::measure::{BenchError, Bencher, Expected};
use crate::platform::Interrupts;

/// A sample is the time from just before this CPU is told to interrupt itself to the first instruction of the handler.
pub(super) fn latency(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let interrupts = means(bencher)?;
    let before = interrupts.complaints();
    let sample = || {
        let ticks = interrupts.interrupt_caller().map(|ticks| ticks.0);
        ticks.ok_or_else(|| BenchError::Failed("the CPU was not interrupted exactly once".into()))
    };
    // The first one finds the handler cold.
    sample()?;
    bencher.measure_values(sample)?;
    bencher.measure_cold(|chiller| {
        chiller.chill();
        sample()
    })?;
    refuse_complaints(interrupts, before)
}

/// An iteration interrupts the second CPU, which sleeps, and sees the answer of its handler.
pub(super) fn roundtrip(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let interrupts = means(bencher)?;
    let before = interrupts.complaints();
    bencher.measure(Expected::Each(1), || u64::from(interrupts.ask(1)))?;
    refuse_complaints(interrupts, before)
}

fn means<'a>(bencher: &Bencher<'a>) -> Result<&'a dyn Interrupts, BenchError> {
    let lacking = || BenchError::Skipped("the CPU has no local APIC that can be used".into());
    bencher.platform().interrupts().ok_or_else(lacking)
}

/// An interrupt went astray, or the hardware reported an error.
fn refuse_complaints(interrupts: &dyn Interrupts, before: u64) -> Result<(), BenchError> {
    match interrupts.complaints().saturating_sub(before) {
        0 => Ok(()),
        count => Err(BenchError::Failed(format!("{count} spurious interrupts and errors"))),
    }
}
