//! Switching between kernel threads.
//!
//! To the code around it a switch is an instruction that changes every register but three: RBX, which the compiler keeps
//! for itself, RBP and RSP. These and the control bits of MXCSR and the x87 control word, which no code may change
//! (System V ABI, AMD64 supplement, section 3.2.1), lie on the stopped stack; whatever else the code needs afterwards the
//! compiler has put there too. So a thread that calls leaves no other state behind, and saving more would keep what nobody
//! reads. One that an interrupt stops leaves everything behind: `vector_state` keeps that.

use core::arch::{asm, global_asm};
use core::ptr::NonNull;

/// Where a stopped thread's stack ends, with the registers that it goes on with above.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(super) struct Context(NonNull<u64>);

// SAFETY: names memory of one thread, which one CPU at a time uses.
unsafe impl Send for Context {}

// What lies on a stopped stack, from the lowest address: MXCSR and the x87 control word in one word, the address to go on
// at, RBX and RBP. A new thread has its argument and its function in place of the two. Backtraces end here, as RBP is zero.
global_asm!(
    ".pushsection .text.thread_context, \"ax\", @progbits",
    ".global thread_context_start",
    "thread_context_start:",
    "pop rdi",
    "pop rax",
    "xor ebp, ebp",
    "call rax",
    "ud2",
    ".popsection",
);

unsafe extern "sysv64" {
    // A label: never called, only its address is used.
    safe fn thread_context_start();
}

/// Masked exceptions and round to nearest, as after reset (Intel SDM volume 1, sections 10.2.3 and 8.1.5).
const CONTROL_WORDS: u64 = 0x037f << 32 | 0x1f80;
const WORDS: usize = 4;

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
        let frame = [CONTROL_WORDS, address(start as *const ()), argument as u64, function];
        // What begins the thread takes them all, which leaves the stack aligned as the call of the function needs it.
        // SAFETY: the caller says that the bytes below the top are there.
        let words = unsafe { top.cast::<[u64; WORDS]>().sub(1) };
        // SAFETY: as above, and the top's alignment is that of words.
        unsafe { words.write(frame) };
        Self(words.cast())
    }
}

/// Stops the calling thread, which `from` names from now on, and goes on with `to`, which is told `note`. Returns when
/// something switches to `from`, with its note; a new thread does not see the note.
///
/// # Safety
/// `to` names a stopped thread, with a stack that is still mapped, and is used once. `from` stays valid until the switch
/// back. Nothing may read what the compiler keeps per CPU over the switch.
#[expect(clippy::inline_always, reason = "who is stopped keeps only what it needs")]
#[inline(always)]
pub(super) unsafe fn switch(from: NonNull<Context>, to: Context, note: u64) -> u64 {
    let arrived;
    // SAFETY: the caller keeps the contract, and the registers come back as the module says.
    unsafe {
        asm!(
            "push rbp",
            "push rbx",
            "lea rcx, [rip + 2f]",
            "push rcx",
            "sub rsp, 8",
            "stmxcsr [rsp]",
            "fnstcw [rsp + 4]",
            "mov [rdi], rsp",
            "mov rsp, rsi",
            "ldmxcsr [rsp]",
            "fldcw [rsp + 4]",
            "add rsp, 8",
            "pop rcx",
            "jmp rcx",
            "2:",
            "pop rbx",
            "pop rbp",
            in("rdi") from.cast::<NonNull<u64>>().as_ptr(),
            in("rsi") to.0.as_ptr(),
            inlateout("rax") note => arrived,
            lateout("r12") _,
            lateout("r13") _,
            lateout("r14") _,
            lateout("r15") _,
            clobber_abi("sysv64"),
        );
    }
    arrived
}
