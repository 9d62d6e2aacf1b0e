//! One side of an image with two builds: the suites and subsystems of one, run on the other's platform.
//!
//! This file is compiled once for each side. The module around it says what `harness` is, the library that takes the
//! boot through, and which build the side is: `subject`, its suites, and `subsystems`, which they measure. Both sides go
//! through the same code here, so that it favours none.

extern crate alloc;

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use core::ops::Range;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::subsystems::memory::{Frames, Heap};
use super::{harness, subject};
use harness::arch::sides;
use subject::platform::{Disturbances, InterferenceCounters, SystemCounters};
use subject::units::Hertz;
use subject::wire::{Machine, Mode};

/// The physical memory that a side's frame allocator believes in: it hands out addresses and never touches them.
const FRAMES: Range<u64> = 0x1_0000_0000..0x1_4000_0000;

/// One side: its heap, its frames, its suites. Both begin at a page, so that their locks and lists lie alike in cache
/// lines and sets: where they did not, equal code differed by 8 % between the sides.
#[repr(align(4096))]
pub(crate) struct Side {
    name: harness::wire::Side,
    heap: Heap,
    frames: spin::Once<spin::Mutex<Frames>>,
}

impl Side {
    /// A side without memory.
    pub(crate) const fn new(name: harness::wire::Side) -> Self {
        Self { name, heap: Heap::new(), frames: spin::Once::new() }
    }

    /// Gives the side its memory, once.
    pub(crate) fn claim(&'static self, memory: &'static mut [MaybeUninit<u8>]) {
        if self.heap.claim_static(memory) {
            sides::set_heap(self.name, &self.heap);
        }
        sides::serve(self.name, || {
            let frames = || Frames::new(&[FRAMES]).unwrap_or_else(|_| Frames::empty());
            self.frames.call_once(|| spin::Mutex::new(frames()));
        });
    }

    /// Runs a bench of the side's suites and gives its record as JSON, in the side's own heap.
    fn measure(&self, conditions: &harness::measure::Conditions<'_>, id: &str) -> Result<String, String> {
        let frames = self.frames.get().ok_or("the side has no memory")?;
        let text = toml::to_string(conditions.plan).map_err(|error| error.to_string())?;
        let plan = subject::plan::parse(text.as_bytes()).map_err(|error| error.to_string())?;
        let clock = twin(conditions.clock)?;
        let mode = twin(&conditions.clock.mode)?;
        let platform = SidePlatform { host: conditions.platform, side: self, frames, mode };
        let selected = subject::suites::select(&plan).map_err(|error| error.to_string())?;
        let selected = selected.iter().find(|selected| selected.id() == id).ok_or("no such bench")?;
        let conditions = subject::measure::Conditions {
            platform: &platform,
            plan: &plan,
            clock: &clock,
            counter: subject::measure::CounterKind::detect(),
        };
        let record = subject::run::measure(&conditions, selected);
        serde_json::to_string(&record).map_err(|error| error.to_string())
    }
}

impl harness::run::Subject for Side {
    fn run(
        &self,
        conditions: &harness::measure::Conditions<'_>,
        selected: &harness::suites::Selected,
    ) -> harness::wire::BenchRecord {
        let id = selected.id();
        let measured = sides::serve(self.name, || self.measure(conditions, &id));
        let record = measured.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
        record.unwrap_or_else(|reason| harness::wire::BenchRecord {
            reason: Some(reason),
            ..harness::wire::BenchRecord::new(id, harness::wire::Status::Failed)
        })
    }
}

/// The same value as a type of the other library: both are built from one source.
fn twin<To: DeserializeOwned>(value: &impl Serialize) -> Result<To, String> {
    let text = serde_json::to_string(value).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

/// The machine as the suites of one side see it: that of the boot, with the side's own heap and frames.
struct SidePlatform<'a> {
    host: &'a dyn harness::platform::Platform,
    side: &'a Side,
    frames: &'a spin::Mutex<Frames>,
    mode: Mode,
}

impl subject::platform::Platform for SidePlatform<'_> {
    fn is_process(&self) -> bool {
        self.host.is_process()
    }

    fn describe_machine(&self) -> Machine {
        twin(&self.host.describe_machine()).expect("both libraries are built from one source")
    }

    /// None: the boot has calibrated the clock for both sides.
    fn reference_clocks(&self) -> Vec<Box<dyn subject::platform::ReferenceClock + '_>> {
        Vec::new()
    }

    fn set_clock(&self, _mode: Mode, _frequency: Hertz) {}

    fn mode(&self) -> Mode {
        self.mode
    }

    fn frequency(&self) -> Hertz {
        Hertz(self.host.frequency().0)
    }

    fn offers(&self, need: subject::suites::Need) -> Result<(), String> {
        use harness::suites::Need as Known;
        use subject::suites::Need;
        self.host.offers(match need {
            Need::Ring0 => return Err("two builds in one image share the machine's tables".to_string()),
            Need::Smp => Known::Smp,
            Need::Disk => Known::Disk,
            Need::Nic => Known::Nic,
            Need::Aperf => Known::Aperf,
            Need::Thermal => Known::Thermal,
            Need::Rapl => Known::Rapl,
        })
    }

    fn heap(&self) -> &Heap {
        &self.side.heap
    }

    fn frames(&self) -> &spin::Mutex<Frames> {
        self.frames
    }

    fn cpus(&self) -> usize {
        self.host.cpus()
    }

    fn run_on_cpus(&self, cpus: usize, work: &(dyn Fn(usize) + Sync)) -> Result<(), String> {
        self.host.run_on_cpus(cpus, work)
    }

    fn system_counters(&self) -> SystemCounters {
        let found = self.host.system_counters();
        SystemCounters {
            cpu_time_ns: found.cpu_time_ns,
            io_bytes: found.io_bytes,
            context_switches: found.context_switches,
            interrupts: found.interrupts,
            // An older build may have fewer counters, and a newer one more.
            ..SystemCounters::default()
        }
    }

    fn interference_counters(&self) -> InterferenceCounters {
        let found = self.host.interference_counters();
        InterferenceCounters {
            smi_count: found.smi_count,
            nmi_count: found.nmi_count,
            is_throttled: found.is_throttled,
            aperf: found.aperf,
            mperf: found.mperf,
            steal_ns: found.steal_ns,
        }
    }

    fn disturbances(&self) -> Disturbances {
        let found = self.host.disturbances();
        Disturbances {
            smi: found.smi,
            nmi: found.nmi,
            context_switches: found.context_switches,
            steals: found.steals,
            interrupts: found.interrupts,
        }
    }

    fn set_running_bench(&self, id: Option<&str>) {
        self.host.set_running_bench(id);
    }
}
