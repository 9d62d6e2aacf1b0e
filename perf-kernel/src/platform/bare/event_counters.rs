//! The performance counters of the benching CPU.

use alloc::vec::Vec;

use raw_cpuid::CpuIdReaderNative;
use spin::Mutex;

use crate::arch::PerformanceRegisters;
use crate::arch::recovery::Over;
use crate::platform::EventCounters;
use crate::pmu::{Absence, Counts, Figure, Pmu};

/// The counters of the CPU that this was made on. Benches are measured there: what their other CPUs do is not counted, the
/// shared cache apart.
pub(super) struct BareCounters(Mutex<Pmu<PerformanceRegisters>>);

impl BareCounters {
    /// Finds them and lets them count for a moment.
    pub(super) fn detect(registers: PerformanceRegisters) -> Result<Self, Absence> {
        Pmu::detect(&CpuIdReaderNative, registers).map(Mutex::new).map(Self)
    }
}

impl BareCounters {
    /// Stops what a bench that is over has left counting.
    pub(super) fn seize(&self, over: &Over) {
        over.seize(&self.0).stop();
    }
}

impl EventCounters for BareCounters {
    fn passes(&self) -> usize {
        self.0.lock().passes()
    }

    fn figures(&self, pass: usize) -> Vec<Figure> {
        self.0.lock().figures(pass).collect()
    }

    fn taken(&self) -> usize {
        self.0.lock().taken()
    }

    fn start(&self, pass: usize) {
        self.0.lock().start(pass);
    }

    fn stop(&self) -> Counts {
        self.0.lock().stop()
    }
}
