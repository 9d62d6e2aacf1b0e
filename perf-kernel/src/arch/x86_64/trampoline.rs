//! The way of another CPU from real mode to the kernel's address space.
//!
//! A CPU that is started begins in real mode at a page below 1 MiB (Intel SDM volume 3, section 8.4). The code there
//! runs with page tables of its own, beside it: those of the kernel with the first 2 MiB mapped one to one. It leaves
//! them for the kernel's as soon as it runs at the kernel's addresses, so that the kernel's may lie above 4 GiB, and
//! low memory is mapped for nobody else.

use core::arch::global_asm;
use core::mem::offset_of;
use core::ops::Range;
use core::ptr::NonNull;

use x86_64::registers::control::{Cr0, Cr3, Cr4, Cr4Flags, Efer, EferFlags};
use x86_64::registers::xcontrol::XCr0;

use super::PhysicalMemory;

/// Pages that the code, its parameters and its page tables take.
pub const LOW_PAGES: u64 = 4;

const PAGE_BYTES: u64 = 4096;
const TABLE_ENTRIES: usize = 512;
/// Where the parameters lie in the first page, behind the code.
const PARAMETERS: usize = 0xe00;

/// Selectors of the table in the parameters.
const CODE_32: u16 = 8;
const DATA: u16 = 16;
const CODE_64: u16 = 24;

/// What the code is told.
#[repr(C, packed)]
struct Parameters {
    segments: [u64; 4],
    segments_limit: u16,
    segments_base: u32,
    protected: u32,
    protected_selector: u16,
    long: u32,
    long_selector: u16,
    efer: u32,
    cr0: u32,
    low_cr3: u32,
    cr4: u64,
    cr3: u64,
    xcr0: u64,
    entry: u64,
    argument: u64,
    /// Taken by the CPU that uses it; 0 once it is.
    stack: u64,
}

const _: () = assert!((PARAMETERS + size_of::<Parameters>()) as u64 <= PAGE_BYTES);

// The three parts are copied to the page together and find what they need relative to it: by DS in real mode, by EBX
// from then on.
global_asm!(
    ".pushsection .text.trampoline, \"ax\", @progbits",
    ".balign 16",
    ".code16",
    ".global trampoline_begin",
    "trampoline_begin:",
    "cli",
    "cld",
    "movw %cs, %ax",
    "movw %ax, %ds",
    "xorl %ebx, %ebx",
    "movw %ax, %bx",
    "shll $4, %ebx",
    "lgdtl {segments_limit}",
    // PE (bit 0): protected mode.
    "movl %cr0, %eax",
    "orl $1, %eax",
    "movl %eax, %cr0",
    "ljmpl *{protected}",
    ".code32",
    ".global trampoline_protected",
    "trampoline_protected:",
    "movw ${data}, %ax",
    "movw %ax, %ds",
    "movw %ax, %es",
    "movw %ax, %ss",
    // PAE (bit 5), which long mode wants; the other bits come in long mode.
    "movl $(1 << 5), %eax",
    "movl %eax, %cr4",
    "movl {low_cr3}(%ebx), %eax",
    "movl %eax, %cr3",
    // IA32_EFER, of the first CPU: LME (bit 8), and NXE (bit 11), without which its page tables are invalid.
    "movl $0xc0000080, %ecx",
    "movl {efer}(%ebx), %eax",
    "xorl %edx, %edx",
    "wrmsr",
    // CR0 of the first CPU: with PG (bit 31) long mode begins; MP and NE, EM and TS are as in `entry`.
    "movl {cr0}(%ebx), %eax",
    "movl %eax, %cr0",
    "ljmpl *{long}(%ebx)",
    ".code64",
    ".global trampoline_long",
    "trampoline_long:",
    // The upper half is not defined after a switch of modes.
    "movl %ebx, %ebx",
    // CR4 of the first CPU: OSFXSR, OSXMMEXCPT and OSXSAVE are as in `entry`.
    "movq {cr4}(%rbx), %rax",
    "movq %rax, %cr4",
    // OSXSAVE (bit 18) allows XSETBV.
    "btl $18, %eax",
    "jnc 2f",
    "xorl %ecx, %ecx",
    "movl {xcr0}(%rbx), %eax",
    "movl {xcr0} + 4(%rbx), %edx",
    "xsetbv",
    "2:",
    // A CPU that comes too late finds that another has taken the stack, or that it was withdrawn.
    "xorl %eax, %eax",
    "xchgq %rax, {stack}(%rbx)",
    "testq %rax, %rax",
    "jz 3f",
    "movq %rax, %rsp",
    "movq {argument}(%rbx), %rdi",
    "movq {cr3}(%rbx), %rdx",
    "movq {entry}(%rbx), %rax",
    "jmpq *%rax",
    "3:",
    "cli",
    "hlt",
    "jmp 3b",
    ".global trampoline_end",
    "trampoline_end:",
    // From here on the code runs where it was linked.
    ".global trampoline_high",
    "trampoline_high:",
    "movq %rdx, %cr3",
    // As in `entry`.
    "fninit",
    "pushq ${mxcsr}",
    "ldmxcsr (%rsp)",
    "addq $8, %rsp",
    // Backtraces end at a frame pointer of zero.
    "xorl %ebp, %ebp",
    "callq {enter}",
    "ud2",
    ".popsection",
    segments_limit = const PARAMETERS + offset_of!(Parameters, segments_limit),
    protected = const PARAMETERS + offset_of!(Parameters, protected),
    long = const PARAMETERS + offset_of!(Parameters, long),
    efer = const PARAMETERS + offset_of!(Parameters, efer),
    cr0 = const PARAMETERS + offset_of!(Parameters, cr0),
    low_cr3 = const PARAMETERS + offset_of!(Parameters, low_cr3),
    cr4 = const PARAMETERS + offset_of!(Parameters, cr4),
    cr3 = const PARAMETERS + offset_of!(Parameters, cr3),
    xcr0 = const PARAMETERS + offset_of!(Parameters, xcr0),
    entry = const PARAMETERS + offset_of!(Parameters, entry),
    argument = const PARAMETERS + offset_of!(Parameters, argument),
    stack = const PARAMETERS + offset_of!(Parameters, stack),
    data = const DATA,
    // The value after reset: all exceptions masked, round to nearest (section 10.2.3).
    mxcsr = const 0x1f80,
    enter = sym super::startup::enter,
    options(att_syntax)
);

unsafe extern "sysv64" {
    // Labels: never called, only their addresses are used.
    safe fn trampoline_begin();
    safe fn trampoline_protected();
    safe fn trampoline_long();
    safe fn trampoline_end();
    safe fn trampoline_high();
}

fn address(label: extern "sysv64" fn()) -> u64 {
    (label as *const ()).addr() as u64
}

/// The page that CPUs start in.
#[derive(Debug)]
pub(super) struct Trampoline {
    start: NonNull<u8>,
    base: u32,
}

impl Trampoline {
    /// Prepares the pages at `low`, [`LOW_PAGES`] of usable memory that nobody else uses, whole and between the first
    /// page and 640 KiB; `None` if they are not.
    pub(super) fn new(memory: &PhysicalMemory, low: &Range<u64>) -> Option<Self> {
        const LOW_MEMORY: Range<u64> = PAGE_BYTES..0xa_0000;
        let bytes = low.end.checked_sub(low.start)?;
        let is_usable = memory.usable().any(|usable| usable.start <= low.start && low.end <= usable.end);
        let is_low = LOW_MEMORY.start <= low.start && low.end <= LOW_MEMORY.end;
        if bytes != LOW_PAGES * PAGE_BYTES || !low.start.is_multiple_of(PAGE_BYTES) || !is_usable || !is_low {
            return None;
        }
        let start = memory.pointer(low.start, usize::try_from(bytes).ok()?)?;
        let trampoline = Self { start, base: u32::try_from(low.start).ok()? };
        trampoline.copy_code();
        trampoline.fill_tables(memory)?;
        Some(trampoline)
    }

    /// The page's number, which a start-up message carries.
    pub(super) fn page(&self) -> u8 {
        u8::try_from(u64::from(self.base) / PAGE_BYTES).unwrap_or(u8::MAX)
    }

    /// Lets the next CPU that comes run on the stack that ends at `stack`, with `argument` for
    /// [`super::startup::enter`].
    pub(super) fn prepare(&self, stack: u64, argument: u64) {
        let offset = |label| {
            self.base.saturating_add(u32::try_from(address(label) - address(trampoline_begin)).unwrap_or(0))
        };
        let efer = Efer::read() & (EferFlags::SYSTEM_CALL_EXTENSIONS | EferFlags::NO_EXECUTE_ENABLE);
        let cr4 = Cr4::read();
        let has_xcr0 = cr4.contains(Cr4Flags::OSXSAVE);
        let (root, flags) = Cr3::read();
        let segments_at = u32::try_from(PARAMETERS).unwrap_or(0);
        let parameters = Parameters {
            // Flat, present, for ring 0: 32-bit code, data, 64-bit code.
            segments: [0, 0x00cf_9a00_0000_ffff, 0x00cf_9200_0000_ffff, 0x00af_9a00_0000_ffff],
            segments_limit: 31,
            segments_base: self.base + segments_at,
            protected: offset(trampoline_protected),
            protected_selector: CODE_32,
            long: offset(trampoline_long),
            long_selector: CODE_64,
            efer: low_half((efer | EferFlags::LONG_MODE_ENABLE).bits()),
            cr0: low_half(Cr0::read().bits()),
            low_cr3: self.base + low_half(PAGE_BYTES),
            cr4: cr4.bits(),
            cr3: root.start_address().as_u64() | flags.bits(),
            xcr0: if has_xcr0 { XCr0::read().bits() } else { 0 },
            entry: address(trampoline_high),
            argument,
            stack,
        };
        // SAFETY: the parameters lie in the first page.
        let place = unsafe { self.start.add(PARAMETERS) }.cast::<Parameters>();
        // SAFETY: the page is this object's, and no CPU reads there before it is sent a start-up message.
        unsafe { place.write_volatile(parameters) };
    }

    /// Sends whoever still comes to rest.
    pub(super) fn withdraw(&self) {
        // SAFETY: the parameters lie in the first page.
        let place = unsafe { self.start.add(PARAMETERS + offset_of!(Parameters, stack)) }.cast::<u64>();
        // SAFETY: the page is this object's; a CPU takes the stack by an exchange, before or after this store.
        unsafe { core::ptr::write_unaligned(place.as_ptr(), 0) };
    }

    fn copy_code(&self) {
        let code: extern "sysv64" fn() = trampoline_begin;
        let bytes = usize::try_from(address(trampoline_end) - address(code)).unwrap_or(0).min(PARAMETERS);
        // SAFETY: the code is that long and the page longer; the two do not overlap.
        unsafe {
            core::ptr::copy_nonoverlapping((code as *const ()).cast::<u8>(), self.start.as_ptr(), bytes)
        };
    }

    /// The page tables: the kernel's top level, and below its first entry the first 2 MiB as they are.
    fn fill_tables(&self, memory: &PhysicalMemory) -> Option<()> {
        /// Present (bit 0) and writable (bit 1).
        const TABLE: u64 = 0b11;
        /// A page of 2 MiB (bit 7).
        const LARGE: u64 = 1 << 7;
        let table = |page: u64| u64::from(self.base) + page * PAGE_BYTES;
        let root = Cr3::read().0.start_address().as_u64();
        let mut entry = [0; size_of::<u64>()];
        for index in 0..TABLE_ENTRIES {
            memory.read(root + (index * size_of::<u64>()) as u64, &mut entry)?;
            self.set_entry(1, index, if index == 0 { table(2) | TABLE } else { u64::from_le_bytes(entry) });
            self.set_entry(2, index, if index == 0 { table(3) | TABLE } else { 0 });
            self.set_entry(3, index, if index == 0 { LARGE | TABLE } else { 0 });
        }
        Some(())
    }

    fn set_entry(&self, page: usize, index: usize, value: u64) {
        // SAFETY: there are four pages of 512 entries.
        let place = unsafe { self.start.cast::<u64>().add(page * TABLE_ENTRIES + index) };
        // SAFETY: the page is this object's.
        unsafe { place.write_volatile(value) };
    }
}

fn low_half(value: u64) -> u32 {
    let [b0, b1, b2, b3, ..] = value.to_le_bytes();
    u32::from_le_bytes([b0, b1, b2, b3])
}
