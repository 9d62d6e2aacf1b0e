//! A page of user memory that several CPUs use.

use core::ops::Range;

use multios_core::memory::paging::{Access, AddressSpace, MapError};
use multios_core::memory::{FRAME_BYTES, FrameCache};
use spin::Mutex;
use x86_64::instructions::interrupts::without_interrupts;

use super::area::UserArea;
use super::tables::PhysicalTables;
use super::translations;
use crate::arch::x86_64::{checked, signals};
use crate::platform::SharedPage;
use crate::units::Ticks;

/// Where it lies.
const PAGE: Range<u64> = 0x40_0000..0x40_0000 + FRAME_BYTES;
/// How long a CPU waits for another: some seconds at any frequency.
const PATIENCE: Ticks = Ticks(20_000_000_000);

/// An address space of one page.
pub(super) struct SpaceOfOnePage<'a> {
    space: Mutex<AddressSpace<'a, PhysicalTables>>,
    root: u64,
}

impl<'a> SpaceOfOnePage<'a> {
    /// The space, without the page.
    ///
    /// # Errors
    /// Frames or heap are short.
    pub(super) fn new(tables: PhysicalTables, frames: &'a FrameCache<'a>) -> Result<Self, MapError> {
        let space = AddressSpace::new(tables, frames, translations::kernel_root())?;
        Ok(Self { root: space.root(), space: Mutex::new(space) })
    }
}

impl SharedPage for SpaceOfOnePage<'_> {
    fn map(&self) -> Result<(), MapError> {
        // Whoever has the space or the frames is not preempted.
        without_interrupts(|| self.space.lock().map(PAGE, Access::ReadWrite))
    }

    fn unmap(&self) -> Result<u64, MapError> {
        without_interrupts(|| self.space.lock().unmap(PAGE))
    }

    fn read(&self) -> Option<u64> {
        let mut word = 0_u64;
        let to = (&raw mut word).cast::<u8>();
        let from = core::ptr::without_provenance(usize::try_from(PAGE.start).ok()?);
        let is_copied = without_interrupts(|| {
            translations::switch_to(self.root);
            // SAFETY: the word has that many bytes, and the other range is user memory to its end.
            unsafe { checked::copy_user(to, from, size_of::<u64>(), UserArea::current().has_smap()) }
        });
        is_copied.then_some(word)
    }

    fn wait_until(&self, is_so: &dyn Fn() -> bool) -> bool {
        signals::wait_until(PATIENCE, &mut || is_so())
    }
}
