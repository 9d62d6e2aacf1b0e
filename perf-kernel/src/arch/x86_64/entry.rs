//! The kernel's first instructions: what Rust code of this target takes for granted is switched on here.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::units::Ticks;

/// The counter at the kernel's first instruction, written by the code below before any Rust runs.
static ENTRY_TICKS: AtomicU64 = AtomicU64::new(0);

/// The counter at the kernel's first instruction.
#[must_use]
pub fn ticks() -> Ticks {
    Ticks(ENTRY_TICKS.load(Ordering::Relaxed))
}

// The loader enters here with the address of its boot information in RDI, which goes on to `_start` of
// `bootloader_api`. On its BIOS path CR4.OSFXSR is clear, and the first SSE instruction, which on this target may
// stand anywhere, would be an invalid opcode. Intel SDM volume 3, sections 2.5 (control registers), 2.6 (XCR0) and
// 15.1 (what AVX needs).
global_asm!(
    ".pushsection .text.kernel_entry, \"ax\", @progbits",
    ".global kernel_entry",
    "kernel_entry:",
    "rdtsc",
    "shl rdx, 32",
    "or rax, rdx",
    "mov [rip + {ticks}], rax",
    // Nothing here waits for an interrupt, and the firmware's handlers are gone.
    "cli",
    "cld",
    "mov rax, cr0",
    "and rax, {cr0_clear}",
    "or rax, {cr0_set}",
    "mov cr0, rax",
    "mov rax, cr4",
    "or rax, {cr4_sse}",
    "mov cr4, rax",
    // CPUID.1:ECX says whether there is XSAVE and AVX; leaf 1 also writes EBX, which holds nothing yet.
    "mov eax, 1",
    "xor ecx, ecx",
    "cpuid",
    "and ecx, {xsave_and_avx}",
    "cmp ecx, {xsave_and_avx}",
    "jne 2f",
    "mov rax, cr4",
    "or rax, {cr4_osxsave}",
    "mov cr4, rax",
    "xor ecx, ecx",
    "xor edx, edx",
    "mov eax, {xcr0}",
    "xsetbv",
    "2:",
    // Firmware may have left exceptions unmasked or another rounding mode.
    "fninit",
    "push {mxcsr}",
    "ldmxcsr [rsp]",
    "add rsp, 8",
    // Backtraces end at a frame pointer of zero.
    "xor ebp, ebp",
    "jmp _start",
    ".popsection",
    ticks = sym ENTRY_TICKS,
    // EM (bit 2) would make every SSE instruction an invalid opcode, TS (bit 3) a device-not-available exception.
    cr0_clear = const !((1_i64 << 2) | (1 << 3)),
    // MP (bit 1) goes with a present FPU; NE (bit 5) reports x87 errors as exception 16 instead of through the PIC.
    cr0_set = const (1 << 1) | (1 << 5),
    // OSFXSR (bit 9) allows SSE and FXSAVE, OSXMMEXCPT (bit 10) reports SIMD errors as exception 19.
    cr4_sse = const (1 << 9) | (1 << 10),
    // CPUID.1:ECX bit 26 is XSAVE, bit 28 is AVX.
    xsave_and_avx = const (1 << 26) | (1 << 28),
    // OSXSAVE (bit 18) allows XSETBV and XGETBV.
    cr4_osxsave = const 1 << 18,
    // x87 (bit 0, always set), XMM (bit 1) and the upper halves of YMM (bit 2).
    xcr0 = const 0b111,
    // The value after reset: all exceptions masked, round to nearest (section 10.2.3).
    mxcsr = const 0x1f80,
);
