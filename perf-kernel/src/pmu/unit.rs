//! The counters of one processor at work.

use alloc::vec::Vec;

use raw_cpuid::CpuIdReader;
use thiserror::Error;

use super::counters::{Control, Counter, FIXED_CONTROL, Reading, select, selection};
use super::events::Figure;
use super::layout::{Global, Layout};
use super::passes::{self, Pass};
use super::registers::Registers;

/// Most counters that a pass needs: one for each figure, and two for one of them.
const PARTS_MAX: usize = Figure::ALL.len() + 1;
/// Turns of a loop over which a counter has to go up.
const LOOKS: usize = 1_000;

/// Why a machine has no counters.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Absence {
    /// Neither Intel's nor AMD's registers.
    #[error("the counters of this vendor are not known")]
    UnknownVendor,
    /// AMD has no events that every model has.
    #[error("the events of this model are not known")]
    UnknownModel,
    /// Intel's leaf 0x0A is missing or empty.
    #[error("CPUID lists no counters")]
    NoCounters,
    /// Every access faults.
    #[error("the processor or a hypervisor refuses access to the counters")]
    Refused,
    /// Firmware or a hypervisor had enabled them all.
    #[error("something else uses all counters")]
    AllTaken,
    /// The platform does not look for them, as a process does not.
    #[error("this platform looks for none")]
    NotAsked,
    /// Writes have no effect, as in an emulator that knows the registers but counts nothing.
    #[error("the counters stand still")]
    StandStill,
}

/// What was counted, by [`Figure`]; `None` where it was not, or where a counter overflowed or refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([Option<u64>; Figure::ALL.len()]);

impl Counts {
    /// The count of `figure`.
    #[must_use]
    pub const fn get(&self, figure: Figure) -> Option<u64> {
        self.0[figure as usize]
    }

    /// These counts with another one of `figure`.
    #[must_use]
    pub const fn with(mut self, figure: Figure, count: Option<u64>) -> Self {
        self.0[figure as usize] = count;
        self
    }
}

/// The performance counters of the processor that this is made and used on. After [`Pmu::detect`] nothing of it allocates.
#[derive(Debug)]
pub struct Pmu<R> {
    registers: R,
    global: Option<Global>,
    passes: Vec<Program>,
    taken: usize,
    running: Option<Running>,
}

/// What the registers are told for a pass.
#[derive(Clone, Debug)]
struct Program {
    pass: Pass,
    /// The counters of the parts, in their order, each with the setting that makes it count.
    settings: Vec<(Counter, u64)>,
}

/// A pass that counts.
#[derive(Clone, Copy, Debug)]
struct Running {
    pass: usize,
    /// What the register that enables all held before; zero if there is none.
    control: u64,
    before: Readings,
}

/// A reading for each part of a pass; `None` where it is refused.
type Readings = [Option<u64>; PARTS_MAX];

impl<R: Registers> Pmu<R> {
    /// Finds the counters that are free, plans passes, and looks whether they count.
    ///
    /// # Errors
    /// Why there is nothing to count with. Nothing is left enabled.
    pub fn detect<C: CpuIdReader>(cpuid: &C, registers: R) -> Result<Self, Absence> {
        let Layout { counters, global, measures, taken } = Layout::find(cpuid, &registers)?;
        let passes = passes::plan(&counters, &measures);
        let passes = passes.into_iter().map(|pass| program(&counters, pass)).collect();
        let mut pmu = Self { registers, global, passes, taken, running: None };
        pmu.start(0);
        for _ in 0..LOOKS {
            core::hint::spin_loop();
        }
        let counts = pmu.stop();
        let has_counted = Figure::ALL.iter().any(|figure| counts.get(*figure).is_some_and(|count| count > 0));
        if has_counted { Ok(pmu) } else { Err(Absence::StandStill) }
    }

    /// In how many passes all figures are counted; at least one.
    #[must_use]
    pub const fn passes(&self) -> usize {
        self.passes.len()
    }

    /// The figures that pass number `pass`, from 0, counts.
    pub fn figures(&self, pass: usize) -> impl Iterator<Item = Figure> {
        self.passes.get(pass).into_iter().flat_map(|program| &program.pass).map(|assigned| assigned.figure)
    }

    /// Counters that were in use by someone else and are left alone.
    #[must_use]
    pub const fn taken(&self) -> usize {
        self.taken
    }

    /// Begins to count what pass number `pass` counts. What a register refuses is absent in the end.
    pub fn start(&mut self, pass: usize) {
        self.stop();
        let Some(Program { settings, .. }) = self.passes.get(pass) else { return };
        let ours = global_bits(settings);
        let control = self.global.and_then(|global| self.registers.read(global.control)).unwrap_or(0);
        self.set_global(control & !ours);
        let mut is_counting = [false; PARTS_MAX];
        for ((counter, setting), is_counting) in settings.iter().zip(&mut is_counting) {
            *is_counting = self.registers.write(counter.value, 0).is_some()
                && set(&self.registers, counter, *setting).is_some()
                && has_taken(&self.registers, counter, *setting);
        }
        if let Some(global) = self.global {
            let _ = self.registers.write(global.clear, ours);
        }
        let is_enabled = self.set_global(control | ours);
        let mut before = read_all(&self.registers, settings);
        let settings = settings.iter().zip(is_counting);
        for (reading, ((counter, _), is_counting)) in before.iter_mut().zip(settings) {
            *reading = reading.filter(|_| is_counting && (is_enabled || counter.global_bit.is_none()));
        }
        self.running = Some(Running { pass, control, before });
    }

    /// Ends what [`Pmu::start`] began, and says what was counted in between. Nothing if nothing was begun.
    pub fn stop(&mut self) -> Counts {
        let Some(Running { pass, control, before }) = self.running.take() else { return Counts::default() };
        let Some(Program { pass, settings }) = self.passes.get(pass) else { return Counts::default() };
        let after = read_all(&self.registers, settings);
        let status = self.global.map(|global| self.registers.read(global.status));
        self.set_global(control & !global_bits(settings));
        for (counter, _) in settings {
            let _ = set(&self.registers, counter, 0);
        }
        self.set_global(control);
        let mut distances = Readings::default();
        let readings = settings.iter().zip(before).zip(after);
        for (distance, (((counter, _), before), after)) in distances.iter_mut().zip(readings) {
            let both = before.zip(after).filter(|_| has_stayed_within(counter, status));
            *distance = both.map(|(before, after)| counter.distance(before, after));
        }
        sum(pass, &distances)
    }

    /// Whether the register that enables all has taken `control`, or there is none.
    fn set_global(&self, control: u64) -> bool {
        self.global.is_none_or(|Global { control: register, .. }| {
            let is_written = self.registers.write(register, control).is_some();
            is_written && self.registers.read(register) == Some(control)
        })
    }
}

/// What makes the counters of `pass` count.
fn program(counters: &[Counter], pass: Pass) -> Program {
    /// Counts in ring 0 (bit 0) and in the others (bit 1); no interrupt, this thread only.
    const FIXED_IN_ALL_RINGS: u64 = 0b0011;
    let parts = pass.iter().flat_map(|assigned| &assigned.parts);
    let settings = parts.map(|(place, event)| {
        let counter = counters[*place];
        let setting = match counter.control {
            Control::Select { more, .. } => selection(*event, more),
            Control::Fixed { .. } => FIXED_IN_ALL_RINGS,
        };
        (counter, setting)
    });
    let settings = settings.collect();
    Program { pass, settings }
}

/// Gives `counter` its setting, and leaves the bits of others as they are.
fn set<R: Registers>(registers: &R, counter: &Counter, setting: u64) -> Option<()> {
    match counter.control {
        Control::Select { register, .. } => registers.write(register, setting),
        Control::Fixed { bit } => {
            let others = registers.read(FIXED_CONTROL)? & !(0xf << bit);
            registers.write(FIXED_CONTROL, others | setting << bit)
        }
    }
}

/// Whether `counter` has taken its setting: a hypervisor may drop what it does not offer without a word.
fn has_taken<R: Registers>(registers: &R, counter: &Counter, setting: u64) -> bool {
    /// Event, mask and enable bit. Bits of rings, threads and slices may read as what the processor makes of them.
    const COMPARED: u64 = 0xf << 32 | select::ENABLED | 0xffff;
    match counter.control {
        Control::Select { register, .. } => {
            registers.read(register).is_some_and(|value| value & COMPARED == setting & COMPARED)
        }
        Control::Fixed { bit } => {
            registers.read(FIXED_CONTROL).is_some_and(|value| value >> bit & 0xf == setting)
        }
    }
}

fn read_all<R: Registers>(registers: &R, settings: &[(Counter, u64)]) -> Readings {
    let mut readings = Readings::default();
    for (reading, (counter, _)) in readings.iter_mut().zip(settings) {
        *reading = match counter.reading {
            Reading::Rdpmc(selector) => registers.read_counter(selector),
            Reading::Register => registers.read(counter.value),
        };
    }
    readings
}

/// The bits of counters in the registers that are for all.
fn global_bits(settings: &[(Counter, u64)]) -> u64 {
    settings.iter().filter_map(|(counter, _)| counter.global_bit).fold(0, |bits, bit| bits | 1 << bit)
}

/// Whether `counter` has not overflowed, as far as it can be known. It began at zero: an overflow says that it went round
/// at least once, and nothing says how often. A counter that has no bit is taken to have gone round once at most.
fn has_stayed_within(counter: &Counter, status: Option<Option<u64>>) -> bool {
    match (counter.global_bit, status) {
        (Some(bit), Some(Some(status))) => status >> bit & 1 == 0,
        // Where the status is refused, an overflow could not be told.
        (Some(_), Some(None)) => false,
        (None, _) | (_, None) => true,
    }
}

/// The figures of a pass: each the sum over its events, or absent if one of them is.
fn sum(pass: &Pass, distances: &Readings) -> Counts {
    let mut left = distances.iter();
    pass.iter().fold(Counts::default(), |counts, assigned| {
        let mut parts = left.by_ref().take(assigned.parts.len());
        let sum = parts.try_fold(0_u64, |sum, part| Some(sum.saturating_add((*part)?)));
        // The harness alone takes cycles and instructions: a counter of them that shows none stands still.
        let is_never_zero = matches!(assigned.figure, Figure::Cycles | Figure::Instructions);
        let sum = sum.filter(|sum| *sum > 0 || !is_never_zero);
        // A sum that ended early leaves parts of this figure behind.
        parts.for_each(drop);
        counts.with(assigned.figure, sum)
    })
}
