//! The interrupt descriptor table: one gate a vector, each to a stub of its own.

use core::arch::global_asm;

use spin::Once;
use x86_64::VirtAddr;
use x86_64::instructions::tables::lidt;
use x86_64::structures::DescriptorTablePointer;
use x86_64::structures::gdt::SegmentSelector;

use super::descriptors::ExceptionStack;
use super::{exceptions, non_maskable, signals};

/// Vectors of the processor itself; the others are for devices.
pub(super) const EXCEPTIONS: u64 = 32;
const NON_MASKABLE: u64 = 2;
const TIMED: u64 = signals::TIMED as u64;
const VECTORS: usize = 256;
const STUB_BYTES: u64 = 16;

// One stub a vector pushes the error code, where the processor has not, and the vector. The common part makes a
// `TrapFrame` of the stack. FXSAVE keeps x87 and XMM registers: the handler is compiled for SSE2 and touches no upper
// halves of YMM. R12 is kept by the called function.
global_asm!(
    ".pushsection .text.exceptions, \"ax\", @progbits",
    ".balign 16",
    ".global exception_stubs",
    "exception_stubs:",
    ".set exception_vector, 0",
    ".rept 256",
    ".balign 16",
    // The vectors for which the processor pushes an error code, as bits.
    ".if (exception_vector < 32) & ((0x60227d00 >> (exception_vector & 31)) & 1)",
    ".else",
    "pushq $0",
    ".endif",
    "pushq $exception_vector",
    "jmp exception_common",
    ".set exception_vector, exception_vector + 1",
    ".endr",
    // The stub of one vector reads the counter before it does anything that takes time.
    ".balign 16",
    ".global exception_timed_stub",
    "exception_timed_stub:",
    "pushq %rax",
    "pushq %rdx",
    "rdtsc",
    "shlq $32, %rdx",
    "orq %rdx, %rax",
    "movq %rax, {timed_ticks}(%rip)",
    "popq %rdx",
    "popq %rax",
    "pushq $0",
    "pushq ${timed}",
    "exception_common:",
    // Out of user mode, its GS base gives way to the kernel's; the code segment stands above vector, error code and RIP.
    "testb $3, 24(%rsp)",
    "jz 2f",
    "swapgs",
    "2:",
    "pushq %rax",
    "pushq %rbx",
    "pushq %rcx",
    "pushq %rdx",
    "pushq %rsi",
    "pushq %rdi",
    "pushq %rbp",
    "pushq %r8",
    "pushq %r9",
    "pushq %r10",
    "pushq %r11",
    "pushq %r12",
    "pushq %r13",
    "pushq %r14",
    "pushq %r15",
    "cld",
    // AC (bit 18 of RFLAGS) may have come from user mode, and would let the kernel touch user memory by mistake (Intel
    // SDM volume 3, section 4.6.1). CLAC is not on every processor.
    "pushfq",
    "andl $0xfffbffff, (%rsp)",
    "popfq",
    "movq %rsp, %rdi",
    "movq %rsp, %r12",
    "subq $512, %rsp",
    "andq $-16, %rsp",
    "fxsave64 (%rsp)",
    "callq {dispatch}",
    "fxrstor64 (%rsp)",
    "movq %r12, %rsp",
    "popq %r15",
    "popq %r14",
    "popq %r13",
    "popq %r12",
    "popq %r11",
    "popq %r10",
    "popq %r9",
    "popq %r8",
    "popq %rbp",
    "popq %rdi",
    "popq %rsi",
    "popq %rdx",
    "popq %rcx",
    "popq %rbx",
    "popq %rax",
    "testb $3, 24(%rsp)",
    "jz 3f",
    "swapgs",
    "3:",
    // The vector and the error code.
    "addq $16, %rsp",
    "iretq",
    ".popsection",
    dispatch = sym exceptions::dispatch,
    timed_ticks = sym signals::TIMED_TICKS,
    timed = const signals::TIMED,
    options(att_syntax)
);

unsafe extern "sysv64" {
    // A label: never called, only its address is used.
    safe fn exception_stubs();
    safe fn exception_timed_stub();
}

/// A gate (Intel SDM volume 3, section 6.14.1).
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Gate(u128);

impl Gate {
    /// A present interrupt gate for ring 0, which keeps interrupts off in the handler.
    fn new(handler: u64, code: SegmentSelector, stack: Option<ExceptionStack>) -> Self {
        const PRESENT_INTERRUPT_GATE: u128 = 0x8e << 40;
        let handler = u128::from(handler);
        // The table counts stacks from 1; 0 stays on the stack that was interrupted.
        let stack = stack.map_or(0, |stack| u128::from(stack.index()) + 1);
        let offset = (handler & 0xffff) | ((handler >> 16) & 0xffff) << 48 | (handler >> 32) << 64;
        Self(offset | u128::from(code.0) << 16 | stack << 32 | PRESENT_INTERRUPT_GATE)
    }
}

#[repr(align(16))]
struct Table(#[expect(dead_code, reason = "the processor reads it")] [Gate; VECTORS]);

/// The last byte of the table.
const LIMIT: u16 = 0xfff;
const _: () = assert!(size_of::<Table>() == LIMIT as usize + 1);

/// The table of one CPU, which nobody changes once it is loaded.
pub(super) struct InterruptTable(Once<Table>);

impl InterruptTable {
    /// One that no CPU has loaded.
    pub(super) const fn new() -> Self {
        Self(Once::new())
    }

    /// Loads it on the CPU that calls, the only one to do so, with handlers that run in the segment `code`.
    pub(super) fn load(&'static self, code: SegmentSelector) {
        let table = self.0.call_once(|| Table::new(code));
        let pointer = DescriptorTablePointer { limit: LIMIT, base: VirtAddr::from_ptr(table) };
        // SAFETY: the table lives for good and its gates lead to the stubs above.
        unsafe { lidt(&pointer) };
    }
}

impl Table {
    fn new(code: SegmentSelector) -> Self {
        let first: extern "sysv64" fn() = exception_stubs;
        let first = (first as *const ()).addr() as u64;
        let timed: extern "sysv64" fn() = exception_timed_stub;
        let timed = (timed as *const ()).addr() as u64;
        let gate = |vector: usize| {
            let vector = vector as u64;
            let stub = match vector {
                NON_MASKABLE => non_maskable::stub_address(),
                TIMED => timed,
                vector => first + vector * STUB_BYTES,
            };
            Gate::new(stub, code, stack_of(vector))
        };
        Self(core::array::from_fn(gate))
    }
}

const fn stack_of(vector: u64) -> Option<ExceptionStack> {
    match vector {
        NON_MASKABLE => Some(ExceptionStack::NonMaskable),
        8 => Some(ExceptionStack::DoubleFault),
        13 => Some(ExceptionStack::GeneralProtection),
        14 => Some(ExceptionStack::PageFault),
        18 => Some(ExceptionStack::MachineCheck),
        0..EXCEPTIONS => Some(ExceptionStack::Fatal),
        _ => None,
    }
}
