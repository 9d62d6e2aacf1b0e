//! A platform for tests: everything that it tells is set by the test. The counter is the real one.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use multios_core::memory::{Frames, Heap};

use super::{
    Apart, Chiller, Disturbances, EventCounters, InterferenceCounters, Offence, Platform, ReferenceClock,
    SystemCounters,
};
use crate::arch::{counter, cpuid};
use crate::pmu::{Absence, Counts, Figure};
use crate::suites::Need;
use crate::units::{Bytes, Hertz};
use crate::wire::{Console, Firmware, Machine, Mode};

/// A machine as a test wants it.
pub(crate) struct ScriptedPlatform {
    /// What `mode` and `frequency` return; calibration sets it.
    pub(crate) clock: Cell<(Mode, Hertz)>,
    /// Frequencies that the reference clocks take the counter for.
    pub(crate) clocks: Vec<u64>,
    /// What the machine offers.
    pub(crate) offers: Vec<Need>,
    pub(crate) system: Cell<SystemCounters>,
    pub(crate) interference: Cell<InterferenceCounters>,
    pub(crate) disturbances: Cell<Disturbances>,
    /// Every call of `set_running_bench`.
    pub(crate) running: RefCell<Vec<Option<String>>>,
    pub(crate) heap: Heap,
    pub(crate) frames: spin::Mutex<Frames>,
    pub(crate) counters: Option<ScriptedCounters>,
    pub(crate) chiller: Option<ScriptedChiller>,
    pub(crate) is_process: bool,
    /// What the benches do wrong that run apart, in order; those after the last do nothing wrong.
    pub(crate) offences: RefCell<VecDeque<Option<Offence>>>,
}

impl Default for ScriptedPlatform {
    /// A quiet machine with two clocks that agree and nothing to offer.
    fn default() -> Self {
        Self {
            clock: Cell::new((Mode::Hardware, Hertz(1_000_000_000))),
            clocks: Vec::from([2_000_000_000, 2_000_100_000]),
            offers: Vec::new(),
            system: Cell::default(),
            interference: Cell::default(),
            disturbances: Cell::default(),
            running: RefCell::default(),
            offences: RefCell::default(),
            heap: Heap::new(),
            frames: spin::Mutex::new(Frames::empty()),
            counters: None,
            chiller: None,
            is_process: true,
        }
    }
}

impl Platform for ScriptedPlatform {
    fn is_process(&self) -> bool {
        self.is_process
    }

    fn describe_machine(&self) -> Machine {
        Machine {
            cpu: cpuid::describe(None),
            cpus_present: 1,
            cpus_started: 1,
            memory: Bytes(1 << 30),
            heap: Bytes(0),
            firmware: Firmware { kind: "linux".to_string(), vendor: "a test".to_string() },
            hypervisor: None,
            console: Console { kind: "stdout".to_string(), place: String::new() },
        }
    }

    fn reference_clocks(&self) -> Vec<Box<dyn ReferenceClock + '_>> {
        let clock = |hertz: &u64| Box::new(CounterAsClock { hertz: *hertz }) as Box<dyn ReferenceClock>;
        self.clocks.iter().map(clock).collect()
    }

    fn set_clock(&self, mode: Mode, frequency: Hertz) {
        self.clock.set((mode, frequency));
    }

    fn mode(&self) -> Mode {
        self.clock.get().0
    }

    fn frequency(&self) -> Hertz {
        self.clock.get().1
    }

    fn offers(&self, need: Need) -> Result<(), String> {
        let error = || alloc::format!("no {} in a test", need.name());
        self.offers.contains(&need).then_some(()).ok_or_else(error)
    }

    fn heap(&self) -> &Heap {
        &self.heap
    }

    fn frames(&self) -> &spin::Mutex<Frames> {
        &self.frames
    }

    fn cpus(&self) -> usize {
        1
    }

    fn run_on_cpus(&self, cpus: usize, work: &(dyn Fn(usize) + Sync)) -> Result<(), String> {
        if cpus > 1 {
            return Err("one CPU".to_string());
        }
        work(0);
        Ok(())
    }

    fn system_counters(&self) -> SystemCounters {
        self.system.get()
    }

    fn interference_counters(&self) -> InterferenceCounters {
        self.interference.get()
    }

    fn disturbances(&self) -> Disturbances {
        self.disturbances.get()
    }

    fn event_counters(&self) -> Result<&dyn EventCounters, Absence> {
        self.counters.as_ref().map(|counters| counters as &dyn EventCounters).ok_or(Absence::NoCounters)
    }

    fn chiller(&self) -> Result<&dyn Chiller, &'static str> {
        self.chiller.as_ref().map(|chiller| chiller as &dyn Chiller).ok_or("a process may not empty caches")
    }

    fn run_apart(&self, work: &mut dyn Apart) -> Result<(), Offence> {
        if let Some(Some(offence)) = self.offences.borrow_mut().pop_front() {
            return Err(offence);
        }
        work.run();
        work.keep();
        Ok(())
    }

    fn set_running_bench(&self, id: Option<&str>) {
        self.running.borrow_mut().push(id.map(ToString::to_string));
    }
}

/// Counters of two passes, one with cycles and instructions, one with branch misses. Every pass counts the next of
/// `counts`, or nothing when they are used up.
#[derive(Default)]
pub(crate) struct ScriptedCounters {
    pub(crate) counts: RefCell<Vec<Counts>>,
    /// Every pass that was begun and, as `None`, every end.
    pub(crate) calls: RefCell<Vec<Option<usize>>>,
}

impl EventCounters for ScriptedCounters {
    fn passes(&self) -> usize {
        2
    }

    fn figures(&self, pass: usize) -> Vec<Figure> {
        match pass {
            0 => Vec::from([Figure::Cycles, Figure::Instructions]),
            _ => Vec::from([Figure::BranchMisses]),
        }
    }

    fn taken(&self) -> usize {
        1
    }

    fn start(&self, pass: usize) {
        self.calls.borrow_mut().push(Some(pass));
    }

    fn stop(&self) -> Counts {
        self.calls.borrow_mut().push(None);
        let mut counts = self.counts.borrow_mut();
        if counts.is_empty() { Counts::default() } else { counts.remove(0) }
    }
}

/// Counts, takes its time, and does nothing else.
#[derive(Default)]
pub(crate) struct ScriptedChiller {
    pub(crate) chills: Cell<u64>,
    /// How long it takes.
    pub(crate) ticks: Cell<u64>,
}

impl Chiller for ScriptedChiller {
    fn how(&self) -> &'static str {
        "nothing"
    }

    fn chill(&self) {
        self.chills.set(self.chills.get() + 1);
        let begin = counter::now();
        while counter::now().since(begin).0 < self.ticks.get() {
            core::hint::spin_loop();
        }
    }

    fn chills(&self) -> u64 {
        self.chills.get()
    }
}

/// The counter itself, taken for a clock of a frequency that the test makes up.
struct CounterAsClock {
    hertz: u64,
}

impl ReferenceClock for CounterAsClock {
    fn name(&self) -> &'static str {
        "counter"
    }

    fn frequency(&self) -> Hertz {
        Hertz(self.hertz)
    }

    fn counter_bits(&self) -> u32 {
        64
    }

    fn read(&mut self) -> u64 {
        counter::now().0
    }
}
