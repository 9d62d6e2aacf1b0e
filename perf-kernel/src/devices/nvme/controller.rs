//! Starting and stopping a controller (NVM Express Base Specification 1.4, section 7.6).

use multios_core::storage::BlockError;

use super::queue::{Command, ENTRIES, QueueError, QueuePair};
use crate::devices::access::{DeviceRegisters, DmaMemory, DmaRegion, Time, wait};
use crate::units::Nanoseconds;

// Section 3.1.
const CAPABILITIES_LOW: usize = 0x00;
const CAPABILITIES_HIGH: usize = 0x04;
const MASK_SET: usize = 0x0c;
const CONFIGURATION: usize = 0x14;
const STATUS: usize = 0x1c;
const ADMIN_SIZES: usize = 0x24;
const ADMIN_COMMANDS: usize = 0x28;
const ADMIN_ANSWERS: usize = 0x30;

const STATUS_READY: u32 = 1;
const STATUS_FATAL: u32 = 1 << 1;
/// Enabled, with commands of 64 bytes, answers of 16, pages of 4 KiB and the NVM command set.
const CONFIGURATION_RUNNING: u32 = 1 | 6 << 16 | 4 << 20;

const ADMIN_PATIENCE: Nanoseconds = Nanoseconds::from_milliseconds(5_000);

/// A controller that runs, with its queue for administration.
pub(super) struct Controller<R, T, M: DmaRegion> {
    pub(super) registers: R,
    pub(super) time: T,
    admin: QueuePair<M>,
    ready_patience: Nanoseconds,
    doorbell_bytes: usize,
}

impl<R: DeviceRegisters, T: Time, M: DmaRegion> Controller<R, T, M> {
    /// Resets and starts the controller.
    pub(super) fn start<D>(mut registers: R, time: T, memory: &D) -> Result<Self, BlockError>
    where
        D: DmaMemory<Region = M>,
    {
        let low = registers.read(CAPABILITIES_LOW);
        let high = registers.read(CAPABILITIES_HIGH);
        if low == u32::MAX {
            return Err(BlockError::Malformed("its registers read as ones"));
        }
        let [_, _, _, timeout] = low.to_le_bytes();
        let (command_sets, page_bits_min) = (high >> 5 & 0xff, 12 + (high >> 16 & 0xf));
        if command_sets & 1 == 0 || page_bits_min != 12 || low & 0xffff < u32::from(ENTRIES) - 1 {
            return Err(BlockError::Malformed("it has no pages of 4 KiB, or no such command set or queues"));
        }
        // In steps of half a second; some devices say 0 and take a moment all the same.
        let ready_patience = Nanoseconds::from_milliseconds(u64::from(timeout.max(2)) * 500);
        let doorbell_bytes = 4 << (high & 0xf);
        let admin = QueuePair::new(memory, 0, doorbell_bytes).ok_or(BlockError::Malformed(NO_MEMORY))?;
        let mut controller = Self { registers, time, admin, ready_patience, doorbell_bytes };
        // It may run already, on queues of the firmware.
        if !controller.stop() {
            return Err(BlockError::Timeout);
        }
        let size = u32::from(ENTRIES) - 1;
        // Where there are messages of their own, they are not masked here (section 3.1.3).
        if controller.time.message().is_none() {
            controller.registers.write(MASK_SET, u32::MAX);
        }
        controller.registers.write(ADMIN_SIZES, size << 16 | size);
        controller.write_address(ADMIN_COMMANDS, controller.admin.commands_address());
        controller.write_address(ADMIN_ANSWERS, controller.admin.answers_address());
        controller.registers.write(CONFIGURATION, CONFIGURATION_RUNNING);
        if !controller.wait_for_status(STATUS_READY) {
            // Whoever drops it stops it, or leaks what it may write to.
            return Err(controller.abandon(BlockError::Timeout));
        }
        Ok(controller)
    }

    /// Bytes from doorbell to doorbell.
    pub(super) const fn doorbell_bytes(&self) -> usize {
        self.doorbell_bytes
    }

    /// Whether the controller says that it has failed for good (section 3.1.6).
    pub(super) fn is_fatal(&mut self) -> bool {
        let status = self.registers.read(STATUS);
        status == u32::MAX || status & STATUS_FATAL != 0
    }

    /// Runs a command of administration.
    pub(super) fn administer(&mut self, command: &Command) -> Result<u32, BlockError> {
        let Self { registers, time, admin, .. } = self;
        let result = admin.run(registers, time, ADMIN_PATIENCE, command);
        result.map_err(|error| self.explain(error))
    }

    /// The error for users of the disk.
    pub(super) fn explain(&mut self, error: QueueError) -> BlockError {
        match error {
            QueueError::Status(code) => BlockError::Refused { code },
            QueueError::Stray => BlockError::Malformed("it answered another command"),
            QueueError::Timeout if self.is_fatal() => BlockError::Malformed("it says that it has failed"),
            QueueError::Timeout => BlockError::Timeout,
        }
    }

    /// Stops it, so that it leaves memory alone. Says whether it did.
    pub(super) fn stop(&mut self) -> bool {
        self.registers.write(CONFIGURATION, 0);
        self.wait_for_status(0)
    }

    /// Stops it, gives the memory of its queue back if it did stop, and returns `error`.
    pub(super) fn abandon(self, error: BlockError) -> BlockError {
        self.release();
        error
    }

    /// Stops it for good. Says whether it did: if not, no memory that it knows of may be used again.
    pub(super) fn release(mut self) -> bool {
        let has_stopped = self.stop();
        if !has_stopped {
            self.admin.leak();
        }
        has_stopped
    }

    fn wait_for_status(&mut self, ready: u32) -> bool {
        let Self { registers, time, ready_patience, .. } = self;
        let mut is_fatal = false;
        let arrived = wait(time, *ready_patience, || {
            let status = registers.read(STATUS);
            is_fatal = ready != 0 && status & STATUS_FATAL != 0;
            is_fatal || status & STATUS_READY == ready
        });
        arrived && !is_fatal
    }

    fn write_address(&mut self, register: usize, address: u64) {
        let [a, b, c, d, e, f, g, h] = address.to_le_bytes();
        self.registers.write(register, u32::from_le_bytes([a, b, c, d]));
        self.registers.write(register + 4, u32::from_le_bytes([e, f, g, h]));
    }
}

/// What is said where no memory is left for a driver.
pub(super) const NO_MEMORY: &str = "no memory is left for its queues";
