//! An address space of a program.

use core::ops::Range;

use super::entry::Entry;
use super::reservations::Reservations;
use super::{Access, FaultError, MapError, PageHardware, Touch};
use crate::memory::{FRAME_BYTES, FrameCache};

/// The first address that a program may have: nothing lies at address 0 and near it.
pub const USER_START: u64 = 0x1_0000;
/// The address behind the last one that a program may have. The last page of the lower half stays free: a SYSCALL at
/// its end would return to an address that is not canonical.
pub const USER_END: u64 = 0x0000_7fff_ffff_f000;

/// Entries of a table.
const ENTRIES: usize = 512;
/// The entries of the first table for the lower half; the kernel has the others.
const USER_ENTRIES: usize = ENTRIES / 2;
/// Of four levels, the last; its entries are pages.
const LAST: u32 = 1;
const LEVELS: u32 = 4;

/// What a space has of the machine's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpaceUsage {
    /// Frames that hold page tables.
    pub tables: u64,
    /// Frames that the program has.
    pub pages: u64,
}

/// The memory of a program: which pages it has and what it may do with them. The upper half is the kernel's, the same
/// in every space, and no program can use it.
///
/// It owns its frames, pages and tables alike, and gives all back when it is dropped. A table stays when its last page
/// goes: the next page there needs it again.
pub struct AddressSpace<'a, H: PageHardware> {
    hardware: H,
    frames: &'a FrameCache<'a>,
    root: u64,
    usage: SpaceUsage,
    /// From the lowest to behind the highest address that ever had a table; `None` before the first.
    extent: Option<Range<u64>>,
    reservations: Reservations,
}

impl<'a, H: PageHardware> AddressSpace<'a, H> {
    /// An empty space whose upper half is that of the table `kernel`. Entries of the first level are copied: those
    /// that the kernel adds to its own table later are missing here.
    ///
    /// # Errors
    /// No frame is free.
    pub fn new(hardware: H, frames: &'a FrameCache<'a>, kernel: u64) -> Result<Self, MapError> {
        let root = frames.lock().take().ok_or(MapError::OutOfFrames)?;
        hardware.clear(root);
        for index in USER_ENTRIES..ENTRIES {
            hardware.store(root, index, hardware.load(kernel, index));
        }
        let usage = SpaceUsage { tables: 1, pages: 0 };
        Ok(Self { hardware, frames, root, usage, extent: None, reservations: Reservations::new() })
    }

    /// The physical address of the first table.
    #[must_use]
    pub const fn root(&self) -> u64 {
        self.root
    }

    /// The frames that it has.
    #[must_use]
    pub const fn usage(&self) -> SpaceUsage {
        self.usage
    }

    /// Gives the program `range`, a range of whole pages, as zeros.
    ///
    /// # Errors
    /// The range is not free user memory, or frames are short. Nothing is mapped then.
    pub fn map(&mut self, range: Range<u64>, access: Access) -> Result<(), MapError> {
        check(&range)?;
        if let Some(address) = self.reservations.first_in(&range) {
            return Err(MapError::Occupied(address));
        }
        let mut at = range.start;
        while at < range.end {
            let end = end_of_table(at).min(range.end);
            let mapped = self.map_in_table(&mut at, end, access);
            if let Err(error) = mapped {
                self.release(range.start..at);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Promises the program `range`, a range of whole pages: each page is mapped, as zeros, when it is first touched.
    ///
    /// # Errors
    /// The range is not free user memory, or the heap is full.
    pub fn reserve(&mut self, range: Range<u64>, access: Access) -> Result<(), MapError> {
        check(&range)?;
        if let Some(address) = self.reservations.first_in(&range).or_else(|| self.first_mapped_in(&range)) {
            return Err(MapError::Occupied(address));
        }
        self.reservations.insert(range, access)
    }

    /// Takes `range`, a range of whole pages, from the program, as far as it has it. Returns the number of pages that
    /// were mapped.
    ///
    /// # Errors
    /// The range is not user memory, or the heap has no room to cut a reservation in two.
    pub fn unmap(&mut self, range: Range<u64>) -> Result<u64, MapError> {
        check(&range)?;
        self.reservations.remove(&range)?;
        Ok(self.release(range))
    }

    /// Takes the pages in `range` from the program, but keeps reservations: it gets zeros when it touches them again.
    /// Returns the number of pages that were mapped.
    ///
    /// # Errors
    /// The range is not user memory.
    pub fn discard(&mut self, range: Range<u64>) -> Result<u64, MapError> {
        check(&range)?;
        Ok(self.release(range))
    }

    /// Sets what the program may do with `range`, a range of whole pages, as far as it has it. Returns the number of
    /// pages that are mapped.
    ///
    /// # Errors
    /// The range is not user memory, or the heap has no room to cut a reservation in two.
    pub fn protect(&mut self, range: Range<u64>, access: Access) -> Result<u64, MapError> {
        check(&range)?;
        self.reservations.protect(&range, access)?;
        let mut pages = 0;
        self.each_table(&range, |hardware, table, indices, _| {
            for index in indices {
                let entry = Entry(hardware.load(table, index));
                if entry.is_present() {
                    // The processor's marks of use may get lost between load and store: nothing here reads them.
                    hardware.store(table, index, entry.with_access(access).0);
                    pages += 1;
                }
            }
        });
        if pages > 0 {
            self.hardware.invalidate(self.root, range);
        }
        Ok(pages)
    }

    /// The physical address behind the virtual `address`, and what the program may do there; `None` if no page is
    /// mapped.
    #[must_use]
    pub fn translate(&self, address: u64) -> Option<(u64, Access)> {
        if !(USER_START..USER_END).contains(&address) {
            return None;
        }
        let table = self.find_table(address).ok()?;
        let entry = Entry(self.hardware.load(table, index_at(address, LAST)));
        entry.is_present().then(|| (entry.address() + address % FRAME_BYTES, entry.access()))
    }

    /// Maps the reserved page at `address` after a page fault there.
    ///
    /// # Errors
    /// The program may not do that, or frames are short.
    pub fn resolve(&mut self, address: u64, touch: Touch) -> Result<(), FaultError> {
        if let Some((_, access)) = self.translate(address) {
            // Another thread was first, or the processor had an old entry cached.
            return if access.allows(touch) { Ok(()) } else { Err(FaultError::Denied) };
        }
        let access = self.reservations.at(address).ok_or(FaultError::NotMapped)?;
        if !access.allows(touch) {
            return Err(FaultError::Denied);
        }
        let mut page = address - address % FRAME_BYTES;
        let end = page + FRAME_BYTES;
        self.map_in_table(&mut page, end, access).map_err(|_| FaultError::OutOfFrames)
    }

    /// Maps pages from `at`, which follows, to `end` in the same last table.
    fn map_in_table(&mut self, at: &mut u64, end: u64, access: Access) -> Result<(), MapError> {
        let table = self.make_table(*at)?;
        self.extend(*at..end);
        let mut hand = self.frames.lock();
        let first = index_at(*at, LAST);
        for index in first..ENTRIES {
            if *at >= end {
                break;
            }
            if Entry(self.hardware.load(table, index)).is_present() {
                return Err(MapError::Occupied(*at));
            }
            let frame = hand.take().ok_or(MapError::OutOfFrames)?;
            self.hardware.clear(frame);
            self.hardware.store(table, index, Entry::page(frame, access).0);
            self.usage.pages += 1;
            *at += FRAME_BYTES;
        }
        Ok(())
    }

    /// Unmaps the pages in `range` and gives their frames back once no processor can reach them.
    fn release(&mut self, range: Range<u64>) -> u64 {
        let mut pages = 0;
        self.each_table(&range, |hardware, table, indices, _| {
            for index in indices {
                let entry = Entry(hardware.load(table, index));
                if entry.is_present() {
                    hardware.store(table, index, entry.leaving().0);
                    pages += 1;
                }
            }
        });
        if pages == 0 {
            return 0;
        }
        self.hardware.invalidate(self.root, range.clone());
        let mut hand = self.frames.lock();
        self.each_table(&range, |hardware, table, indices, _| {
            for index in indices {
                let entry = Entry(hardware.load(table, index));
                if entry != Entry::ABSENT {
                    hand.give(entry.address());
                    hardware.store(table, index, Entry::ABSENT.0);
                }
            }
        });
        self.usage.pages -= pages;
        pages
    }

    fn first_mapped_in(&self, range: &Range<u64>) -> Option<u64> {
        let mut first = None;
        self.each_table(range, |hardware, table, mut indices, at| {
            let skipped = indices.position(|index| Entry(hardware.load(table, index)).is_present());
            first = first.or(skipped.map(|pages| at + pages as u64 * FRAME_BYTES));
        });
        first
    }

    /// Calls `visit` with each last table in `range`, the indices of the range in it, and the address of the first.
    #[inline]
    fn each_table(&self, range: &Range<u64>, mut visit: impl FnMut(&H, u64, Range<usize>, u64)) {
        let mut at = range.start;
        while at < range.end {
            match self.find_table(at) {
                Ok(table) => {
                    let end = end_of_table(at).min(range.end);
                    // The last page of the part, as the end may be the next table's first.
                    visit(&self.hardware, table, index_at(at, LAST)..index_at(end - 1, LAST) + 1, at);
                    at = end;
                }
                Err(level) => at = (at | (size_of_entry(level) - 1)) + 1,
            }
        }
    }

    /// The last table for `address`, or the level whose entry is absent.
    #[inline]
    fn find_table(&self, address: u64) -> Result<u64, u32> {
        let mut table = self.root;
        for level in (LAST + 1..=LEVELS).rev() {
            let entry = Entry(self.hardware.load(table, index_at(address, level)));
            if !entry.is_present() {
                return Err(level);
            }
            table = entry.address();
        }
        Ok(table)
    }

    /// The last table for `address`, made if need be.
    fn make_table(&mut self, address: u64) -> Result<u64, MapError> {
        if let Ok(table) = self.find_table(address) {
            return Ok(table);
        }
        // A table that was made before frames ran out is found, and freed, through the extent.
        self.extend(address..address + 1);
        let mut table = self.root;
        for level in (LAST + 1..=LEVELS).rev() {
            let index = index_at(address, level);
            let mut entry = Entry(self.hardware.load(table, index));
            if !entry.is_present() {
                let frame = self.frames.lock().take().ok_or(MapError::OutOfFrames)?;
                self.hardware.clear(frame);
                entry = Entry::table(frame);
                self.hardware.store(table, index, entry.0);
                self.usage.tables += 1;
            }
            table = entry.address();
        }
        Ok(table)
    }

    /// Makes the extent reach over `range`.
    fn extend(&mut self, range: Range<u64>) {
        let extent = self.extent.get_or_insert_with(|| range.clone());
        *extent = extent.start.min(range.start)..extent.end.max(range.end);
    }

    /// Gives back what the entries of `table` for `extent` lead to. The first entry is for `base`.
    fn free_below(&self, table: u64, level: u32, base: u64, extent: &Range<u64>) {
        let bytes = size_of_entry(level);
        let last = base + (bytes * ENTRIES as u64 - 1);
        let (start, end) = (extent.start.max(base), (extent.end - 1).min(last));
        for index in index_at(start, level)..=index_at(end, level) {
            let entry = Entry(self.hardware.load(table, index));
            if !entry.is_present() {
                continue;
            }
            if level > LAST {
                self.free_below(entry.address(), level - 1, base + bytes * index as u64, extent);
            }
            self.frames.lock().give(entry.address());
        }
    }
}

impl<H: PageHardware> Drop for AddressSpace<'_, H> {
    fn drop(&mut self) {
        self.hardware.retire(self.root);
        if let Some(extent) = self.extent.take() {
            self.free_below(self.root, LEVELS, 0, &extent);
        }
        self.frames.lock().give(self.root);
    }
}

/// Refuses what is not a range of whole pages of user memory.
const fn check(range: &Range<u64>) -> Result<(), MapError> {
    let Range { start, end } = *range;
    if start >= end || !start.is_multiple_of(FRAME_BYTES) || !end.is_multiple_of(FRAME_BYTES) {
        return Err(MapError::NotPages { start, end });
    }
    if start < USER_START || end > USER_END {
        return Err(MapError::NotUser { start, end });
    }
    Ok(())
}

/// Bytes that an entry of `level` stands for.
const fn size_of_entry(level: u32) -> u64 {
    FRAME_BYTES << (9 * (level - LAST))
}

/// The first address behind the last table that `address` is in.
const fn end_of_table(address: u64) -> u64 {
    (address | (size_of_entry(LAST + 1) - 1)) + 1
}

/// The index of `address` in its table of `level`.
#[expect(clippy::cast_possible_truncation, reason = "below 512")]
const fn index_at(address: u64, level: u32) -> usize {
    (address / size_of_entry(level) % ENTRIES as u64) as usize
}
