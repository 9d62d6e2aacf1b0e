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
    // Labels: never called, only compared with.
    safe fn checked_rdmsr_fault();
    safe fn checked_wrmsr_fault();
    safe fn checked_rdpmc_fault();
    safe fn checked_load_fault();
    safe fn checked_failed();
}

/// Where to go on after an exception at `rip`; `None` if the instruction there must not fault.
pub(super) fn recovery(rip: u64) -> Option<u64> {
    let may_fault = [checked_rdmsr_fault, checked_wrmsr_fault, checked_rdpmc_fault, checked_load_fault];
    let failed: extern "sysv64" fn() = checked_failed;
    may_fault.iter().any(|label| address(*label) == Some(rip)).then(|| address(failed)).flatten()
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
