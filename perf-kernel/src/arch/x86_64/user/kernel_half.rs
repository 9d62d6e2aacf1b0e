//! The kernel's half of every address space, as the loader leaves it and as it is to be.
//!
//! The loader gives each page of the kernel's file the rights of its ELF segment: text to execute, constant data to
//! read, data to write, and what relocation has written to read again. Stack, boot information, framebuffer, ramdisk and the mapping of
//! physical memory are written and not executed. In the lower half it leaves the code and the descriptor table of its
//! own jump to the kernel.
//!
//! Spaces copy the entries of the first table when they are made. So that each has the stacks of all threads, those made
//! later included, the entry over their region is there from the beginning, with a table that is never given back.

use core::sync::atomic::AtomicU64;

use multios_core::memory::paging::PageHardware;

use super::tables::PhysicalTables;
use super::translations;
use crate::kernel::threads::stack_region::{PLACES, REGION_START, stack_of};
use crate::platform::KernelHalf;

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
/// In an entry of the third or second level: a large page, not a table.
const LARGE: u64 = 1 << 7;
const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
const PAGE_BYTES: u64 = 4096;
/// A bit that the processor does not look at.
const IGNORED: u64 = 1 << 9;

/// A table of the third level.
#[repr(C, align(4096))]
struct Table([AtomicU64; 512]);

/// That of the stacks, which lie below its first entry. The last one is not present and not zero: whoever gives empty
/// tables back takes this one for used.
static STACKS: Table = {
    let mut entries = [const { AtomicU64::new(0) }; 512];
    entries[511] = AtomicU64::new(IGNORED);
    Table(entries)
};
const _: () =
    assert!((stack_of(PLACES - 1).end - REGION_START) <= 1 << 30 && REGION_START.is_multiple_of(1 << 39));

/// Puts the table over the stacks of threads in its place.
pub(super) fn place_stacks(tables: PhysicalTables) {
    let root = translations::kernel_root();
    let virtual_address = (&raw const STACKS).expose_provenance() as u64;
    let physical_address = translate(tables, root, virtual_address).expect("the kernel's data is mapped");
    tables.store(root, index(REGION_START, 4), physical_address | PRESENT | WRITABLE);
}

/// The physical address of what the tables of `root` have at `address`.
fn translate(tables: PhysicalTables, root: u64, address: u64) -> Option<u64> {
    let mut table = root;
    for level in (1..=4).rev() {
        let entry = tables.load(table, index(address, level));
        if entry & PRESENT == 0 {
            return None;
        }
        if level == 1 || (level < 4 && entry & LARGE != 0) {
            let within = (PAGE_BYTES << (9 * (level - 1))) - 1;
            return Some(entry & ADDRESS & !within | address & within);
        }
        table = entry & ADDRESS;
    }
    None
}

/// The entry for `address` in a table of `level`, from 1 to 4.
const fn index(address: u64, level: u32) -> usize {
    (address >> (12 + 9 * (level - 1)) & 511) as usize
}

/// Takes the loader's leavings in the lower half away, and whatever right to a page the kernel is not to have.
pub(super) fn harden(tables: PhysicalTables) {
    let root = translations::kernel_root();
    for index in 0..256 {
        tables.store(root, index, 0);
    }
    walk(tables, root, &|page| {
        let page = page & !USER;
        if page & WRITABLE != 0 { page | NO_EXECUTE } else { page }
    });
    translations::forget_all();
}

/// Looks at every page.
pub(super) fn inspect(tables: PhysicalTables) -> KernelHalf {
    let root = translations::kernel_root();
    let mut half = walk(tables, root, &|page| page);
    let is_used = |index: &usize| tables.load(root, *index) & PRESENT != 0;
    half.lower_entries = (0..256).filter(is_used).count() as u64;
    half
}

/// Replaces every page's entry by what `change` makes of it, and says what was there before.
fn walk(tables: PhysicalTables, root: u64, change: &dyn Fn(u64) -> u64) -> KernelHalf {
    let mut half = KernelHalf::default();
    for index in 256..512 {
        let entry = tables.load(root, index);
        if entry & PRESENT != 0 {
            walk_table(tables, entry & ADDRESS, 3, &mut half, change);
        }
    }
    half
}

fn walk_table(
    tables: PhysicalTables,
    table: u64,
    level: u32,
    half: &mut KernelHalf,
    change: &dyn Fn(u64) -> u64,
) {
    for index in 0..512 {
        let entry = tables.load(table, index);
        if entry & PRESENT == 0 {
            continue;
        }
        if level > 1 && entry & LARGE == 0 {
            walk_table(tables, entry & ADDRESS, level - 1, half, change);
            continue;
        }
        let is_executable = entry & NO_EXECUTE == 0;
        half.executable_bytes += if is_executable { PAGE_BYTES << (9 * (level - 1)) } else { 0 };
        half.writable_and_executable_pages += u64::from(is_executable && entry & WRITABLE != 0);
        half.user_pages += u64::from(entry & USER != 0);
        let changed = change(entry);
        if changed != entry {
            tables.store(table, index, changed);
        }
    }
}
