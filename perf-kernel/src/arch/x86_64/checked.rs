//! Accesses that may fault: an exception at one of them makes it fail instead of ending the kernel.

use core::arch::global_asm;

// Each function has one instruction that may fault, and a place to go on at if it does, where it returns 0.
global_asm!(
    ".pushsection .text.checked, \"ax\", @progbits",
    // fn(index: u32, value: *mut u64) -> bool
    ".global checked_rdmsr",
    "checked_rdmsr:",
    "mov ecx, edi",
    ".global checked_rdmsr_fault",
    "checked_rdmsr_fault:",
    "rdmsr",
    "shl rdx, 32",
    "or rax, rdx",
    "mov [rsi], rax",
    "mov eax, 1",
    "ret",
    // fn(index: u32, low: u32, high: u32) -> bool
    ".global checked_wrmsr",
    "checked_wrmsr:",
    "mov ecx, edi",
    "mov eax, esi",
    ".global checked_wrmsr_fault",
    "checked_wrmsr_fault:",
    "wrmsr",
    "mov eax, 1",
    "ret",
    // fn(selector: u32, value: *mut u64) -> bool
    ".global checked_rdpmc",
    "checked_rdpmc:",
    "mov ecx, edi",
    ".global checked_rdpmc_fault",
    "checked_rdpmc_fault:",
    "rdpmc",
    "shl rdx, 32",
    "or rax, rdx",
    "mov [rsi], rax",
    "mov eax, 1",
    "ret",
    // fn(address: u64, value: *mut u64) -> bool
    ".global checked_load",
    "checked_load:",
    ".global checked_load_fault",
    "checked_load_fault:",
    "mov rax, [rdi]",
    "mov [rsi], rax",
    "mov eax, 1",
    "ret",
    // fn(to: *mut u8, from: *const u8, length: usize) -> bool
    ".global checked_copy",
    "checked_copy:",
    "mov rcx, rdx",
    "shr rcx, 3",
    ".global checked_copy_words_fault",
    "checked_copy_words_fault:",
    "rep movsq",
    "mov ecx, edx",
    "and ecx, 7",
    ".global checked_copy_bytes_fault",
    "checked_copy_bytes_fault:",
    "rep movsb",
    "mov eax, 1",
    "ret",
    // The same for memory of user mode on a processor with SMAP (Intel SDM volume 3, section 4.6.1): AC is set only in
    // here, and cleared whether or not the copy faults.
    ".global checked_copy_user",
    "checked_copy_user:",
    "stac",
    "call checked_copy",
    "clac",
    "ret",
    // fn() -> bool
    ".global checked_invalid_opcode",
    "checked_invalid_opcode:",
    ".global checked_invalid_opcode_fault",
    "checked_invalid_opcode_fault:",
    "ud2",
    "xor eax, eax",
    "ret",
    ".global checked_taken",
    "checked_taken:",
    "mov eax, 1",
    "ret",
    ".global checked_failed",
    "checked_failed:",
    "xor eax, eax",
    "ret",
    ".popsection",
);

unsafe extern "sysv64" {
    fn checked_rdmsr(index: u32, value: *mut u64) -> bool;
    fn checked_wrmsr(index: u32, low: u32, high: u32) -> bool;
    fn checked_rdpmc(selector: u32, value: *mut u64) -> bool;
    fn checked_load(address: u64, value: *mut u64) -> bool;
    fn checked_copy(to: *mut u8, from: *const u8, length: usize) -> bool;
    fn checked_copy_user(to: *mut u8, from: *const u8, length: usize) -> bool;
    fn checked_invalid_opcode() -> bool;
    // Labels: never called, only compared with.
    safe fn checked_rdmsr_fault();
    safe fn checked_wrmsr_fault();
    safe fn checked_rdpmc_fault();
    safe fn checked_load_fault();
    safe fn checked_copy_words_fault();
    safe fn checked_copy_bytes_fault();
    safe fn checked_invalid_opcode_fault();
    safe fn checked_failed();
    safe fn checked_taken();
}

/// Where to go on after a general protection or page fault at `rip`; `None` if the instruction there must not fault.
pub(super) fn recovery(rip: u64) -> Option<u64> {
    let may_fault: [extern "sysv64" fn(); 6] = [
        checked_rdmsr_fault,
        checked_wrmsr_fault,
        checked_rdpmc_fault,
        checked_load_fault,
        checked_copy_words_fault,
        checked_copy_bytes_fault,
    ];
    let failed: extern "sysv64" fn() = checked_failed;
    may_fault.iter().any(|label| address(*label) == Some(rip)).then(|| address(failed)).flatten()
}

/// Where to go on after an invalid opcode at `rip`; `None` if the instruction there must be known. An emulator may not know
/// RDPMC at all.
pub(super) fn recovery_of_invalid_opcode(rip: u64) -> Option<u64> {
    if address(checked_invalid_opcode_fault) == Some(rip) {
        return address(checked_taken);
    }
    recovery(rip)
}

/// Whether `rip` is in a copy, which may touch pages of user mode that are not there yet.
pub(super) fn is_copying(rip: u64) -> bool {
    [checked_copy_words_fault, checked_copy_bytes_fault].iter().any(|label| address(*label) == Some(rip))
}

/// Executes UD2; whether its exception was taken.
#[must_use]
pub(super) fn take_invalid_opcode() -> bool {
    // SAFETY: UD2 raises an exception, which the handler returns from, and does nothing else.
    unsafe { checked_invalid_opcode() }
}

/// Copies `length` bytes between the kernel's memory and that of user mode, unless a page is missing or not allowed,
/// when a part may have been copied.
///
/// # Safety
/// The one of the two that is the kernel's is valid for `length` bytes, and the other is user memory to its end. The
/// processor has SMAP and it is on if `has_smap`.
pub(super) unsafe fn copy_user(to: *mut u8, from: *const u8, length: usize, has_smap: bool) -> bool {
    if has_smap {
        // SAFETY: the caller answers for the ranges, and the exception handler makes a fault return false.
        unsafe { checked_copy_user(to, from, length) }
    } else {
        // SAFETY: the caller answers for the ranges, and the exception handler makes a fault return false.
        unsafe { checked_copy(to, from, length) }
    }
}

fn address(label: extern "sysv64" fn()) -> Option<u64> {
    u64::try_from((label as *const ()).addr()).ok()
}

/// Reads the model-specific register `index`; `None` if the processor refuses.
pub(super) fn read_msr(index: u32) -> Option<u64> {
    let mut value = 0;
    // SAFETY: RDMSR changes nothing, and the exception handler makes a refusal return false.
    let is_read = unsafe { checked_rdmsr(index, &raw mut value) };
    is_read.then_some(value)
}

/// Writes the model-specific register `index`; `None` if the processor refuses.
///
/// # Safety
/// What the register then does breaks no rule of Rust.
pub(super) unsafe fn write_msr(index: u32, value: u64) -> Option<()> {
    let [b0, b1, b2, b3, b4, b5, b6, b7] = value.to_le_bytes();
    let low = u32::from_le_bytes([b0, b1, b2, b3]);
    let high = u32::from_le_bytes([b4, b5, b6, b7]);
    // SAFETY: the caller answers for the effect, and the exception handler makes a refusal return false.
    let is_written = unsafe { checked_wrmsr(index, low, high) };
    is_written.then_some(())
}

/// Reads the performance counter that `selector` names; `None` if the processor refuses.
pub(super) fn read_counter(selector: u32) -> Option<u64> {
    let mut value = 0;
    // SAFETY: RDPMC changes nothing, and the exception handler makes a refusal return false.
    let is_read = unsafe { checked_rdpmc(selector, &raw mut value) };
    is_read.then_some(value)
}

/// Reads the eight bytes at `address`, wherever it points; `None` if nothing readable is there.
#[must_use]
pub fn load(address: u64) -> Option<u64> {
    let mut value = 0;
    // SAFETY: a load changes no memory, and the exception handler makes a fault return false.
    let is_loaded = unsafe { checked_load(address, &raw mut value) };
    is_loaded.then_some(value)
}
