//! A local APIC for tests: remembers what is done to it.

use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use super::registers::{ApicRegisters, Command, Register};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Write(Register, u32),
    Command(Command),
    Deadline(u64),
}

/// A local APIC made of memory.
#[derive(Debug, Default)]
pub(super) struct Scripted {
    entry_max: u32,
    busy_reads: Cell<u32>,
    status_reads: Cell<u32>,
    /// Errors that have happened, and those that the register shows.
    errors: Cell<(u32, u32)>,
    events: RefCell<Vec<Event>>,
}

impl Scripted {
    /// One whose local vector table has entries up to `entry_max`.
    pub(super) fn with_entries(entry_max: u32) -> Self {
        Self { entry_max, ..Self::default() }
    }

    /// One whose last command is under way for so many reads of its status.
    pub(super) fn busy_for(reads: u32) -> Self {
        Self { busy_reads: Cell::new(reads), ..Self::with_entries(5) }
    }

    /// Makes errors happen.
    pub(super) fn raise_errors(&self, errors: u32) {
        let (happened, shown) = self.errors.get();
        self.errors.set((happened | errors, shown));
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.events.borrow().clone()
    }

    pub(super) fn status_reads(&self) -> u32 {
        self.status_reads.get()
    }

    /// The last value that was written to `register`.
    pub(super) fn written(&self, register: Register) -> Option<u32> {
        self.events.borrow().iter().rev().find_map(|event| match event {
            Event::Write(written, value) if *written == register => Some(*value),
            _ => None,
        })
    }
}

impl ApicRegisters for Scripted {
    fn read(&self, register: Register) -> u32 {
        match register {
            Register::Version => self.entry_max << 16 | 0x14,
            Register::ErrorStatus => self.errors.get().1,
            Register::TimerCurrentCount => self.written(Register::TimerInitialCount).unwrap_or(0),
            other => self.written(other).unwrap_or(0),
        }
    }

    fn write(&self, register: Register, value: u32) {
        if register == Register::ErrorStatus {
            self.errors.set((0, self.errors.get().0));
        }
        self.events.borrow_mut().push(Event::Write(register, value));
    }

    fn identity(&self) -> u32 {
        3
    }

    fn command(&self, command: Command) {
        self.events.borrow_mut().push(Event::Command(command));
    }

    fn is_sending(&self) -> bool {
        self.status_reads.set(self.status_reads.get() + 1);
        let left = self.busy_reads.get();
        self.busy_reads.set(left.saturating_sub(1));
        left > 0
    }

    fn set_deadline(&self, ticks: u64) {
        self.events.borrow_mut().push(Event::Deadline(ticks));
    }
}
