//! What is done with a local APIC.

use super::registers::{ApicRegisters, Command, Destination, Message, Register};
use crate::units::Ticks;

/// Reads of the delivery status until a command is given up. One is under way for a few bus cycles.
const STATUS_READS_MAX: u32 = 1_000_000;
/// Bit 16 of an entry of the local vector table: no interrupt comes from it.
const MASKED: u32 = 1 << 16;
/// Bits 18 and 17 of the timer's entry: the timer waits for a value of the time stamp counter.
const MODE_TSC_DEADLINE: u32 = 0b10 << 17;

/// Why a local APIC did not do as it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApicError {
    /// The command before never left.
    #[error("send a command: the one before it is still under way")]
    Busy,
}

/// The vectors that a local APIC raises by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vectors {
    /// For an interrupt that was withdrawn; its handler must not end it. Bits 3 to 0 are ones, as old APICs want it.
    pub spurious: u8,
    /// For a bit that is set in the error status.
    pub error: u8,
}

/// How many periods of the APIC's clock one count of its timer takes: the divide configuration register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Periods {
    /// One.
    One,
    /// Sixteen.
    Sixteen,
}

/// The error status (Intel SDM volume 3, section 10.5.3): 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Errors(pub u32);

impl Errors {
    /// Whether there is any.
    #[must_use]
    pub const fn is_any(self) -> bool {
        self.0 != 0
    }

    /// Whether a vector below 16 was sent, received or set up.
    #[must_use]
    pub const fn has_illegal_vector(self) -> bool {
        self.0 & (1 << 5 | 1 << 6) != 0
    }
}

/// The local APIC of whichever CPU calls: each has its own registers in the same place.
#[derive(Clone, Copy, Debug)]
pub struct LocalApic<R> {
    pub(super) registers: R,
}

impl<R: ApicRegisters> LocalApic<R> {
    /// The local APIC behind `registers`.
    pub const fn new(registers: R) -> Self {
        Self { registers }
    }

    /// Switches this CPU's on, with every source of its own but errors masked. The pin that carries non-maskable
    /// interrupts stays as the firmware has set it.
    pub fn enable(&self, vectors: Vectors) {
        /// Bit 8 of the spurious vector register: the APIC is on.
        const ENABLED: u32 = 1 << 8;
        /// Version register, bits 23 to 16: the highest entry of the local vector table.
        const ENTRY_MAX_SHIFT: u32 = 16;
        let registers = &self.registers;
        // Entries can be unmasked, and errors kept, only while the APIC is on (section 10.4.7.2).
        registers.write(Register::SpuriousVector, ENABLED | u32::from(vectors.spurious));
        // No interrupt is below this priority.
        registers.write(Register::TaskPriority, 0);
        registers.write(Register::LvtTimer, MASKED);
        registers.write(Register::LvtLint0, MASKED);
        let entry_max = registers.read(Register::Version) >> ENTRY_MAX_SHIFT & 0xff;
        if entry_max >= 4 {
            registers.write(Register::LvtPerformance, MASKED);
        }
        if entry_max >= 5 {
            registers.write(Register::LvtThermal, MASKED);
        }
        registers.write(Register::LvtError, u32::from(vectors.error));
        let _ = self.take_errors();
        // An interrupt that the firmware has left in service would hold back others.
        self.end_of_interrupt();
    }

    /// The identity of this CPU, by which others send to it.
    pub fn identity(&self) -> u32 {
        self.registers.identity()
    }

    /// Ends the interrupt that this CPU is in.
    pub fn end_of_interrupt(&self) {
        self.registers.write(Register::EndOfInterrupt, 0);
    }

    /// Ends all interrupts that this CPU is in, where nobody comes back to end them. One can interrupt another if its class
    /// of 16 vectors is higher (section 10.8.3.1), so that there are 16 at most; an end too many does nothing.
    pub fn end_all_interrupts(&self) {
        (0..16).for_each(|_| self.end_of_interrupt());
    }

    /// Sends `message`, after all stores before it.
    ///
    /// # Errors
    /// [`ApicError::Busy`] if an earlier command does not leave.
    pub fn send(&self, destination: Destination, message: Message) -> Result<(), ApicError> {
        // Two writes make a command of an xAPIC, and the second must not meet one that is under way.
        self.wait_until_sent()?;
        self.registers.command(Command::new(destination, message));
        Ok(())
    }

    /// Waits until the last command has left.
    ///
    /// # Errors
    /// [`ApicError::Busy`] if it does not.
    pub fn wait_until_sent(&self) -> Result<(), ApicError> {
        let has_left = (0..STATUS_READS_MAX).any(|_| !self.registers.is_sending());
        has_left.then_some(()).ok_or(ApicError::Busy)
    }

    /// What has gone wrong since the last call.
    pub fn take_errors(&self) -> Errors {
        // The write brings the register up to date (section 10.5.3).
        self.registers.write(Register::ErrorStatus, 0);
        Errors(self.registers.read(Register::ErrorStatus))
    }

    /// Raises `vector` once, when the timer has counted `count` down, which is not 0.
    pub fn start_timer(&self, vector: u8, periods: Periods, count: u32) {
        // Bits 3, 1 and 0 (section 10.5.4).
        let divide = match periods {
            Periods::One => 0b1011,
            Periods::Sixteen => 0b0011,
        };
        self.registers.write(Register::TimerDivide, divide);
        // Mode 00 is one-shot.
        self.registers.write(Register::LvtTimer, u32::from(vector));
        self.registers.write(Register::TimerInitialCount, count);
    }

    /// What is left of the count.
    pub fn timer_count(&self) -> u32 {
        self.registers.read(Register::TimerCurrentCount)
    }

    /// Raises `vector` once, when the time stamp counter reaches `deadline`; at once if it has. Only where CPUID
    /// promises the mode.
    pub fn start_deadline(&self, vector: u8, deadline: Ticks) {
        self.registers.write(Register::LvtTimer, MODE_TSC_DEADLINE | u32::from(vector));
        // A zero would disarm the timer, and that point is past.
        self.registers.set_deadline(deadline.0.max(1));
    }

    /// Stops the timer in either mode.
    pub fn stop_timer(&self) {
        let is_deadline = self.registers.read(Register::LvtTimer) & MODE_TSC_DEADLINE != 0;
        // Masked first: an interrupt that is due now is not raised any more.
        let mode = if is_deadline { MODE_TSC_DEADLINE } else { 0 };
        self.registers.write(Register::LvtTimer, mode | MASKED);
        if is_deadline {
            self.registers.set_deadline(0);
        } else {
            self.registers.write(Register::TimerInitialCount, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::super::scripted::{Event, Scripted};
    use super::*;

    const VECTORS: Vectors = Vectors { spurious: 0xff, error: 0xfe };

    #[test]
    fn enabling_switches_on_before_anything_is_unmasked_and_masks_what_raises_by_itself() {
        let apic = LocalApic::new(Scripted::with_entries(5));
        apic.enable(VECTORS);
        let events = apic.registers.events();
        assert_eq!(events[0], Event::Write(Register::SpuriousVector, 0x1ff));
        for entry in [Register::LvtTimer, Register::LvtLint0, Register::LvtPerformance, Register::LvtThermal]
        {
            assert_eq!(apic.registers.written(entry), Some(MASKED), "{entry:?}");
        }
        assert_eq!(apic.registers.written(Register::LvtError), Some(0xfe));
        assert_eq!(apic.registers.written(Register::TaskPriority), Some(0));
        assert_eq!(apic.registers.written(Register::EndOfInterrupt), Some(0));
    }

    #[test]
    fn entries_that_an_apic_does_not_have_are_not_written() {
        let apic = LocalApic::new(Scripted::with_entries(3));
        apic.enable(VECTORS);
        assert_eq!(apic.registers.written(Register::LvtPerformance), None);
        assert_eq!(apic.registers.written(Register::LvtThermal), None);
    }

    #[test]
    fn commands_are_encoded_as_the_manual_says() {
        let low = |message| Command::new(Destination::Cpu(3), message).low;
        assert_eq!(low(Message::Interrupt(0xf0)), 0x40f0);
        assert_eq!(low(Message::NonMaskable), 0x4400);
        assert_eq!(low(Message::Init), 0x4500);
        assert_eq!(low(Message::StartUp(0x9a)), 0x469a);
        let myself = Command::new(Destination::Myself, Message::Interrupt(0x31));
        assert_eq!((myself.destination, myself.low), (0, 0x4_4031));
    }

    #[test]
    fn a_command_waits_for_the_one_before_it() {
        let apic = LocalApic::new(Scripted::busy_for(3));
        assert_eq!(apic.send(Destination::Cpu(7), Message::Init), Ok(()));
        let command = Command { destination: 7, low: 0x4500 };
        assert_eq!(apic.registers.events(), vec![Event::Command(command)]);
        assert_eq!(apic.registers.status_reads(), 4);
    }

    #[test]
    fn a_command_that_never_leaves_is_an_error_and_nothing_is_written_over_it() {
        let apic = LocalApic::new(Scripted::busy_for(u32::MAX));
        assert_eq!(apic.send(Destination::Myself, Message::Interrupt(0x40)), Err(ApicError::Busy));
        assert!(apic.registers.events().is_empty());
    }

    #[test]
    fn errors_are_latched_by_a_write_before_they_are_read() {
        let apic = LocalApic::new(Scripted::with_entries(5));
        apic.registers.raise_errors(1 << 6);
        let errors = apic.take_errors();
        assert!(errors.is_any() && errors.has_illegal_vector());
        assert!(!apic.take_errors().is_any());
    }

    #[test]
    fn the_timer_is_set_up_before_its_count_starts_it() {
        let apic = LocalApic::new(Scripted::with_entries(5));
        apic.start_timer(0x50, Periods::Sixteen, 1_000);
        let events = [
            Event::Write(Register::TimerDivide, 0b0011),
            Event::Write(Register::LvtTimer, 0x50),
            Event::Write(Register::TimerInitialCount, 1_000),
        ];
        assert_eq!(apic.registers.events(), events);
        assert_eq!(apic.timer_count(), 1_000);
        apic.stop_timer();
        assert_eq!(apic.registers.written(Register::LvtTimer), Some(MASKED));
        assert_eq!(apic.timer_count(), 0);
    }

    #[test]
    fn a_deadline_is_armed_after_the_mode_and_zero_is_taken_for_the_past() {
        let apic = LocalApic::new(Scripted::with_entries(5));
        apic.start_deadline(0x50, Ticks(0));
        let events = [Event::Write(Register::LvtTimer, 1 << 18 | 0x50), Event::Deadline(1)];
        assert_eq!(apic.registers.events(), events);
        apic.stop_timer();
        assert_eq!(apic.registers.written(Register::LvtTimer), Some(1 << 18 | MASKED));
        assert_eq!(apic.registers.events().last(), Some(&Event::Deadline(0)));
    }

    #[test]
    fn registers_of_an_x2apic_are_those_of_the_page_by_sixteens() {
        assert_eq!(Register::Id.msr(), 0x802);
        assert_eq!(Register::EndOfInterrupt.msr(), 0x80b);
        assert_eq!(Register::ErrorStatus.msr(), 0x828);
        assert_eq!(Register::TimerDivide.msr(), 0x83e);
        assert_eq!(Register::SpuriousVector.offset(), 0xf0);
    }
}
