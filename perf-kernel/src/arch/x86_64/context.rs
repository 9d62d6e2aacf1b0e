//! Switching between kernel threads.
//!
//! A switch is an ordinary call: by the System V ABI (AMD64 supplement, section 3.2.1 and figure 3.4) a caller expects
//! nothing of the vector and x87 data registers after it, and of the rest only RBX, RBP, RSP, R12 to R15 and the control
//! bits of MXCSR and the x87 control word. So a thread that calls leaves no other state behind, and saving more would
//! keep what nobody reads. One that an interrupt stops leaves everything behind: `vector_state` keeps that.

use core::arch::global_asm;
use core::ptr::NonNull;

/// Where a stopped thread's stack ends, with the registers that it goes on with above.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(super) struct Context(NonNull<u64>);

// SAFETY: names memory of one thread, which one CPU at a time uses.
unsafe impl Send for Context {}

// What lies on a stopped stack, from the lowest address: MXCSR and the x87 control word in one word, R15, R14, R13, R12,
// RBX, RBP, and the address to go on at.
global_asm!(
    ".pushsection .text.thread_context, \"ax\", @progbits",
    // fn(from: *mut NonNull<u64>, to: NonNull<u64>)
    ".global thread_context_switch",
    "thread_context_switch:",
    "push rbp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "sub rsp, 8",
    "stmxcsr [rsp]",
    "fnstcw [rsp + 4]",
    "mov [rdi], rsp",
    "mov rsp, rsi",
    "ldmxcsr [rsp]",
    "fldcw [rsp + 4]",
    "add rsp, 8",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    // Where a new thread begins: RBX has the argument, R12 the function. Backtraces end here, as RBP is zero.
    ".global thread_context_start",
    "thread_context_start:",
    "mov rdi, rbx",
    "call r12",
    "ud2",
    ".popsection",
);

unsafe extern "sysv64" {
    fn thread_context_switch(from: *mut NonNull<u64>, to: NonNull<u64>);
    // A label: never called, only its address is used.
    safe fn thread_context_start();
}

/// Masked exceptions and round to nearest, as after reset (Intel SDM volume 1, sections 10.2.3 and 8.1.5).
const CONTROL_WORDS: u64 = 0x037f << 32 | 0x1f80;
const WORDS: usize = 8;

impl Context {
    /// The CPU's own thread, which is not stopped: the first switch fills it in.
    pub(super) const fn running() -> Self {
        Self(NonNull::dangling())
    }

    /// A thread that will call `function` with `argument` on the stack that ends at `top`.
    ///
    /// # Safety
    /// `top` is aligned to 16 bytes, and the 128 bytes below it are writable and used by nobody else.
    pub(super) unsafe fn new(
        top: NonNull<u8>,
        function: extern "sysv64" fn(usize) -> !,
        argument: usize,
    ) -> Self {
        let start: extern "sysv64" fn() = thread_context_start;
        let address = |function: *const ()| function.expose_provenance() as u64;
        let function = address(function as *const ());
        let frame = [CONTROL_WORDS, 0, 0, 0, function, argument as u64, 0, address(start as *const ())];
        // The return takes the last word, which leaves the stack aligned as the call of the function needs it.
        // SAFETY: the caller says that the bytes below the top are there.
        let words = unsafe { top.cast::<[u64; WORDS]>().sub(1) };
        // SAFETY: as above, and the top's alignment is that of words.
        unsafe { words.write(frame) };
        Self(words.cast())
    }
}

/// Stops the calling thread, which `from` names from now on, and goes on with `to`. Returns when something switches to
/// `from`.
///
/// # Safety
/// `to` names a stopped thread, with a stack that is still mapped, and is used once. `from` stays valid until the switch
/// back. Nothing may read what the compiler keeps per CPU over the call.
#[inline]
pub(super) unsafe fn switch(from: NonNull<Context>, to: Context) {
    // SAFETY: the caller keeps the contract; the function keeps to the ABI as the module says.
    unsafe { thread_context_switch(from.cast().as_ptr(), to.0) };
}
