//! The start of other CPUs: INIT, and start-up twice (Intel SDM volume 3, section 8.4.4.1).

use alloc::boxed::Box;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use multios_core::memory::Frames;

use super::apic::{self, ApicAccess, ApicError, Destination, LocalApic, Message};
use super::descriptors::Descriptors;
use super::interrupt_table::InterruptTable;
use super::per_cpu::{self, CpuArea};
use super::trampoline::Trampoline;
use super::{PhysicalMemory, Ring0, halt, signals, stacks, user, work};
use crate::units::Nanoseconds;

pub use super::trampoline::LOW_PAGES;

const AFTER_INIT: Nanoseconds = Nanoseconds::from_milliseconds(10);
const BETWEEN_START_UPS: Nanoseconds = Nanoseconds(200_000);
/// How long a CPU may take from its start-up messages to saying that it runs.
const START_PATIENCE: Nanoseconds = Nanoseconds::from_milliseconds(1_000);

/// Why a CPU does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// There is no memory for it.
    #[error("find memory for its stacks")]
    OutOfMemory,
    /// The command that should start it was not taken.
    #[error("{0}")]
    Command(#[from] ApicError),
    /// It has not come.
    #[error("reach it: it did not say that it runs")]
    Silent,
}

/// Waits until a condition holds, at most so long; whether it holds.
pub type Wait<'a> = dyn FnMut(Nanoseconds, &dyn Fn() -> bool) -> bool + 'a;

/// Starts CPUs, one after the other.
#[derive(Debug)]
pub struct Starter {
    ring0: Ring0,
    apic: &'static LocalApic<ApicAccess>,
    memory: PhysicalMemory,
    trampoline: Trampoline,
    /// Stacks given so far: those of a CPU that did not come are not used again, as it may come late.
    stacks: u32,
}

/// What a CPU is handed.
pub(super) struct SetUp {
    ring0: Ring0,
    area: CpuArea,
    descriptors: Descriptors,
    interrupts: InterruptTable,
    has_started: AtomicBool,
}

/// Switches the local APIC of the first CPU on; `None` if there is none.
pub fn switch_on_first(ring0: Ring0, memory: &PhysicalMemory) -> Option<&'static LocalApic<ApicAccess>> {
    let apic = apic::detect(ring0, memory)?;
    apic.switch_on(signals::VECTORS)?;
    per_cpu::set_apic_id(apic.identity());
    Some(apic)
}

impl Starter {
    /// Prepares the pages at `low`, [`LOW_PAGES`] of usable memory below 640 KiB that nobody else uses; `None` if they
    /// are not that. The caller's own APIC is on.
    #[must_use]
    pub fn new(
        ring0: Ring0,
        apic: &'static LocalApic<ApicAccess>,
        memory: PhysicalMemory,
        low: &Range<u64>,
    ) -> Option<Self> {
        let trampoline = Trampoline::new(&memory, low)?;
        Some(Self { ring0, apic, memory, trampoline, stacks: 0 })
    }

    /// Starts the CPU with `apic_id` as number `index`, the next one free, with stacks of `frames`.
    ///
    /// # Errors
    /// Why it does not run. Its number is free then, and the CPU is left waiting for a start-up message.
    pub fn start(
        &mut self,
        index: u32,
        apic_id: u32,
        frames: &mut Frames,
        wait: &mut Wait<'_>,
    ) -> Result<(), StartError> {
        let place = self.stacks;
        self.stacks += 1;
        let stacks = stacks::map(&self.memory, frames, place).ok_or(StartError::OutOfMemory)?;
        let stack = stacks.kernel.end;
        let set_up: &'static SetUp = Box::leak(Box::new(SetUp {
            ring0: self.ring0,
            area: CpuArea::new(index, apic_id, stacks.kernel),
            descriptors: Descriptors::new(stacks.exceptions),
            interrupts: InterruptTable::new(),
            has_started: AtomicBool::new(false),
        }));
        let argument = u64::try_from(core::ptr::from_ref(set_up).expose_provenance()).unwrap_or(0);
        self.trampoline.prepare(stack, argument);
        let has_started = || set_up.has_started.load(Ordering::Acquire);
        let cpu = Destination::Cpu(apic_id);
        self.apic.send(cpu, Message::Init)?;
        wait(AFTER_INIT, &|| false);
        // A CPU that has come by the first is not waiting any more, and the second is lost on it.
        for _ in 0..2 {
            self.apic.send(cpu, Message::StartUp(self.trampoline.page()))?;
            wait(BETWEEN_START_UPS, &has_started);
        }
        if wait(START_PATIENCE, &has_started) {
            per_cpu::publish(&set_up.area);
            return Ok(());
        }
        // Wherever it is, it waits for a start-up message from here on.
        self.trampoline.withdraw();
        self.apic.send(cpu, Message::Init)?;
        Err(StartError::Silent)
    }
}

/// What another CPU does first in Rust: on its own stack, in the kernel's address space, with interrupts off.
pub(super) extern "sysv64" fn enter(set_up: &'static SetUp) -> ! {
    let code = set_up.descriptors.load(set_up.area.task_state());
    set_up.interrupts.load(code);
    per_cpu::adopt(&set_up.area);
    user::install_on_cpu(set_up.ring0);
    let Some(apic) = apic::local() else { halt() };
    // Another than the one that was called must not take its place.
    if apic.switch_on(signals::VECTORS).is_none() || apic.identity() != set_up.area.apic_id() {
        halt();
    }
    set_up.has_started.store(true, Ordering::Release);
    work::serve(&set_up.area)
}
