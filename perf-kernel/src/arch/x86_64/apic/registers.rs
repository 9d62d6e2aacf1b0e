//! The registers of a local APIC, and how one is reached.

/// A register by its offset in the page of an xAPIC (Intel SDM volume 3, table 10-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "registers are named as in the manual")]
#[repr(u16)]
pub enum Register {
    Id = 0x20,
    Version = 0x30,
    TaskPriority = 0x80,
    EndOfInterrupt = 0xb0,
    SpuriousVector = 0xf0,
    ErrorStatus = 0x280,
    LvtTimer = 0x320,
    LvtThermal = 0x330,
    LvtPerformance = 0x340,
    LvtLint0 = 0x350,
    LvtError = 0x370,
    TimerInitialCount = 0x380,
    TimerCurrentCount = 0x390,
    TimerDivide = 0x3e0,
}

impl Register {
    /// Its offset in the page of an xAPIC.
    #[must_use]
    pub const fn offset(self) -> u16 {
        self as u16
    }

    /// Its model-specific register in an x2APIC (Intel SDM volume 3, table 10-6).
    #[must_use]
    pub const fn msr(self) -> u32 {
        0x800 + (self as u32 >> 4)
    }
}

/// Who a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The CPU that sends it.
    Myself,
    /// The CPU with this APIC identity. An xAPIC has identities up to 254.
    Cpu(u32),
}

/// What a command does to its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// Raises the interrupt of a vector, 16 to 255.
    Interrupt(u8),
    /// Raises the non-maskable interrupt.
    NonMaskable,
    /// Puts the CPU into its state after reset, waiting for [`Message::StartUp`].
    Init,
    /// Starts a waiting CPU in real mode at the page with this number, below 256.
    StartUp(u8),
}

/// A value of the interrupt command register (Intel SDM volume 3, section 10.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// Who it is for; 0 where `low` names the sender.
    pub destination: u32,
    /// Bits 31 to 0.
    pub low: u32,
}

impl Command {
    /// The command that sends `message` to `destination`.
    #[must_use]
    pub const fn new(destination: Destination, message: Message) -> Self {
        /// Bits 19 and 18, the destination shorthand: the sender.
        const MYSELF: u32 = 0b01 << 18;
        /// Bit 14: asserted, as all messages but the INIT of long-gone processors are.
        const ASSERT: u32 = 1 << 14;
        let (destination, shorthand) = match destination {
            Destination::Myself => (0, MYSELF),
            Destination::Cpu(identity) => (identity, 0),
        };
        // Bits 10 to 8, the delivery mode, and bits 7 to 0, the vector.
        let message = match message {
            Message::Interrupt(vector) => vector as u32,
            Message::NonMaskable => 0b100 << 8,
            Message::Init => 0b101 << 8,
            Message::StartUp(page) => 0b110 << 8 | page as u32,
        };
        Self { destination, low: shorthand | ASSERT | message }
    }
}

/// Access to the registers of the local APIC of the CPU that calls.
pub trait ApicRegisters {
    /// Reads `register`.
    fn read(&self, register: Register) -> u32;

    /// Writes `register`.
    fn write(&self, register: Register, value: u32);

    /// The identity of this CPU: the whole register of an x2APIC, bits 31 to 24 of an xAPIC's.
    fn identity(&self) -> u32;

    /// Gives `command`, once the stores before it can be seen by its destination.
    fn command(&self, command: Command);

    /// Whether the last command is still on its way. An x2APIC has no such bit: its commands are always taken.
    fn is_sending(&self) -> bool;

    /// Writes `IA32_TSC_DEADLINE`, which the timer compares the time stamp counter with; 0 disarms it.
    fn set_deadline(&self, ticks: u64);
}
