//! What disturbed a boot, summed up as the benches end.

use alloc::vec::Vec;

use crate::platform::{InterferenceCounters, Platform};
use crate::wire::{BenchRecord, Interference, Probe};

/// What disturbed a boot so far.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    before: InterferenceCounters,
    /// What only benches know: gaps, and throttling, which is reported once.
    of_benches: Interference,
}

impl Ledger {
    /// A ledger that begins now.
    pub(super) fn begin(platform: &dyn Platform) -> Self {
        Self { before: platform.interference_counters(), of_benches: Interference::default() }
    }

    /// Takes up what a bench saw.
    pub(super) fn add(&mut self, record: &BenchRecord) {
        let (sum, bench) = (&mut self.of_benches, &record.interference);
        sum.gap_count = with(sum.gap_count, bench.gap_count, u64::saturating_add);
        sum.gap_ticks_max = with(sum.gap_ticks_max, bench.gap_ticks_max, u64::max);
        sum.is_throttled = with(sum.is_throttled, bench.is_throttled, |sum, bench| sum || bench);
    }

    /// The ledger of the boot, which ends now.
    pub(super) fn end(self, platform: &dyn Platform, probes: Vec<Probe>) -> Interference {
        let boot = platform.interference_counters().since(&self.before);
        let is_throttled = with(self.of_benches.is_throttled, boot.is_throttled, |sum, last| sum || last);
        Interference {
            gap_count: self.of_benches.gap_count,
            gap_ticks_max: self.of_benches.gap_ticks_max,
            is_throttled,
            probes,
            ..boot
        }
    }
}

/// Both values put together, or the one that is there.
fn with<T>(sum: Option<T>, value: Option<T>, join: impl Fn(T, T) -> T) -> Option<T> {
    match (sum, value) {
        (Some(sum), Some(value)) => Some(join(sum, value)),
        (sum, value) => sum.or(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::scripted::ScriptedPlatform;

    fn bench(interference: Interference) -> BenchRecord {
        let plan = crate::plan::Plan::quick();
        let selected = crate::suites::select(&plan).expect("the plan selects")[0];
        BenchRecord { interference, ..crate::measure::skipped(&selected, "a test".into()) }
    }

    #[test]
    fn gaps_add_up_and_counters_are_of_the_whole_boot() {
        let platform = ScriptedPlatform::default();
        platform.interference.set(InterferenceCounters { nmi_count: Some(5), ..Default::default() });
        let mut ledger = Ledger::begin(&platform);
        for (count, ticks_max) in [(2, 900), (3, 400)] {
            let gaps = Interference {
                gap_count: Some(count),
                gap_ticks_max: Some(ticks_max),
                is_throttled: Some(count == 2),
                nmi_count: Some(1),
                ..Interference::default()
            };
            ledger.add(&bench(gaps));
        }
        ledger.add(&bench(Interference::default()));
        platform.interference.set(InterferenceCounters { nmi_count: Some(9), ..Default::default() });
        let sum = ledger.end(&platform, Vec::new());
        assert_eq!((sum.gap_count, sum.gap_ticks_max), (Some(5), Some(900)));
        assert_eq!((sum.nmi_count, sum.is_throttled, sum.smi_count), (Some(4), Some(true), None));
    }
}
