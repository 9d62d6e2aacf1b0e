//! Resetting the machine.

use super::tables::{ResetPlace, ResetRegister};
use super::witness::ClockRegisters;
use crate::arch::{PhysicalMemory, Ports, Ring0, counter, reset};
use crate::units::{Hertz, Nanoseconds};

/// How long a reset may take to come.
const PATIENCE: Nanoseconds = Nanoseconds::from_milliseconds(100);

/// What a machine can be reset with.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResetMeans {
    /// The right to it.
    pub(super) ring0: Ring0,
    /// Its memory.
    pub(super) memory: PhysicalMemory,
    /// What the firmware names.
    pub(super) register: Option<ResetRegister>,
}

impl ResetMeans {
    /// Resets the machine, whose counter runs at `frequency` at the most: each way that there is, one after the other.
    pub(super) fn reset(&self, frequency: Hertz) -> ! {
        let ports = Ports::new(self.ring0);
        let wait = || {
            let begin = counter::now();
            while counter::now().since(begin) < PATIENCE.to_ticks(frequency) {
                core::hint::spin_loop();
            }
        };
        reset::write_back_caches(self.ring0);
        if let Some(ResetRegister { place, value }) = self.register {
            match place {
                ResetPlace::Port(port) => ports.write_u8(port, value),
                ResetPlace::Memory(address) => {
                    if let Some(mut register) = self.memory.registers(address, 1) {
                        register.write_u8(0, value);
                    }
                }
            }
            wait();
        }
        reset_by_chipset(ports);
        wait();
        reset_by_keyboard_controller(ports);
        wait();
        reset::triple_fault(self.ring0)
    }
}

/// Bit 1 chooses a hard reset, and bit 2 going from 0 to 1 begins it (Intel ICH9 data sheet, section 13.7.5, RST_CNT).
fn reset_by_chipset(ports: Ports) {
    const RESET_CONTROL: u16 = 0xcf9;
    const HARD: u8 = 1 << 1;
    const BEGIN: u8 = 1 << 2;
    ports.write_u8(RESET_CONTROL, HARD);
    ports.write_u8(RESET_CONTROL, HARD | BEGIN);
}

/// Pulses the controller's output 0, which is wired to the reset line.
fn reset_by_keyboard_controller(ports: Ports) {
    const COMMAND: u16 = 0x64;
    const INPUT_FULL: u8 = 1 << 1;
    const PULSE_RESET: u8 = 0xfe;
    const STATUS_READS_MAX: u32 = 100_000;
    // One that does not take the command within that many reads is not there.
    let _ = (0..STATUS_READS_MAX).any(|_| ports.read_u8(COMMAND) & INPUT_FULL == 0);
    ports.write_u8(COMMAND, PULSE_RESET);
}

/// The real-time clock. Its index register holds the mask of non-maskable interrupts too, which stays off.
pub(super) struct ClockPorts(pub(super) Ports);

impl ClockRegisters for ClockPorts {
    fn read(&self, index: u8) -> u8 {
        self.0.write_u8(INDEX, index);
        self.0.read_u8(DATA)
    }

    fn write(&self, index: u8, value: u8) {
        self.0.write_u8(INDEX, index);
        self.0.write_u8(DATA, value);
    }
}

const INDEX: u16 = 0x70;
const DATA: u16 = 0x71;
