//! The means to run programs on this machine.

use alloc::boxed::Box;

use multios_core::memory::paging::MapError;
use multios_core::memory::{FrameCache, Frames};
use spin::Mutex;

use super::kernel_half;
use super::process::Process;
use super::shared_page::SpaceOfOnePage;
use super::tables::PhysicalTables;
use crate::arch::PhysicalMemory;
use crate::arch::x86_64::checked;
use crate::platform::{KernelHalf, Program, SharedPage, UserMode, UserProcess};

/// Frames at hand and where they are mapped. User mode is set up.
pub struct UserMachine<'a> {
    tables: PhysicalTables,
    frames: FrameCache<'a>,
}

impl<'a> UserMachine<'a> {
    /// Programs on `frames` of `memory`, which nobody else uses and the heap has no part of.
    #[must_use]
    pub const fn new(memory: &PhysicalMemory, frames: &'a Mutex<Frames>) -> Self {
        Self { tables: PhysicalTables::new(memory), frames: FrameCache::new(frames) }
    }
}

impl UserMode for UserMachine<'_> {
    fn start(&self, program: Program) -> Result<Box<dyn UserProcess + '_>, MapError> {
        Ok(Box::new(Process::new(self.tables, &self.frames, program)?))
    }

    fn shared_page(&self) -> Result<Box<dyn SharedPage + '_>, MapError> {
        Ok(Box::new(SpaceOfOnePage::new(self.tables, &self.frames)?))
    }

    fn take_invalid_opcode(&self) -> bool {
        checked::take_invalid_opcode()
    }

    fn kernel_half(&self) -> KernelHalf {
        kernel_half::inspect(self.tables)
    }
}
