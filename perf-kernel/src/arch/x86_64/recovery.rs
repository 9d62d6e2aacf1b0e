//! A point to come back to: what runs beyond it may fault or panic, and costs only itself.

use core::arch::global_asm;
use core::fmt::{self, Write};
use core::ops::Range;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use spin::{Mutex, MutexGuard};

use super::backtrace::Backtrace;
use super::descriptors::{KERNEL_CODE, KERNEL_DATA};
use super::trap::TrapFrame;
use super::{allocator, checked, counter, interrupts_off, per_cpu, user};
use crate::units::Ticks;
use crate::wire::Registers;

/// Bytes of a panic's message that are kept.
const MESSAGE_BYTES: usize = 512;
const MACHINE_CHECK: u64 = 18;
/// In the lowest word of what is kept at the point, with the stack pointer in it: whoever has written over that must not be
/// believed.
const SEAL: u64 = 0x7065_7266_2d73_6561;

/// Nothing runs beyond a point.
const NONE: u8 = 0;
/// Something does, and may be ended.
const ARMED: u8 = 1;
/// It was ended, and what it has left is being cleaned up.
const RECOVERING: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(NONE);
static STACK: AtomicU64 = AtomicU64::new(0);
static FACTS: Mutex<Option<Facts>> = Mutex::new(None);

// `recovery_call` keeps what a called function must keep, with the modes of SSE and x87, on the stack, and notes where. It
// returns when the work does, or when `recovery_resume` is reached with that stack.
global_asm!(
    ".pushsection .text.recovery, \"ax\", @progbits",
    // fn(work: fn(argument), argument, stack: *mut u64) -> u64
    ".global recovery_call",
    "recovery_call:",
    "push rbp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "sub rsp, 24",
    "stmxcsr [rsp + 8]",
    "fnstcw [rsp + 16]",
    "movabs rax, {seal}",
    "xor rax, rsp",
    "mov [rsp], rax",
    "mov [rdx], rsp",
    "mov rax, rdi",
    "mov rdi, rsi",
    "call rax",
    "mov eax, 1",
    "jmp 2f",
    ".global recovery_resume",
    "recovery_resume:",
    "fninit",
    "xor eax, eax",
    "2:",
    "fldcw [rsp + 16]",
    "ldmxcsr [rsp + 8]",
    "add rsp, 24",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    // fn(stack, code segment, data segment) -> !
    ".global recovery_leave",
    "recovery_leave:",
    "push rdx",
    "push rdi",
    // Bit 1 of RFLAGS is always set; interrupts (bit 9), direction (bit 10) and AC (bit 18) are off.
    "push 2",
    "push rsi",
    "lea rax, [rip + recovery_resume]",
    "push rax",
    // Lets non-maskable interrupts in again, if this comes from the handler of one (Intel SDM volume 3, section 6.7.1).
    "iretq",
    ".popsection",
    seal = const SEAL,
);

unsafe extern "sysv64" {
    fn recovery_call(work: extern "sysv64" fn(*mut ()), argument: *mut (), stack: *mut u64) -> u64;
    fn recovery_leave(stack: u64, code: u64, data: u64) -> !;
    // A label: never called, only its address is used.
    safe fn recovery_resume();
}

/// Why something was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An exception, by its number.
    Exception(u8),
    /// A panic.
    Panic,
}

/// What is known of how something ended, noted where it happened and without memory of the heap.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Why.
    pub cause: Cause,
    /// The registers there; `None` for a panic.
    pub registers: Option<Registers>,
    /// Who had called the code there.
    pub backtrace: Backtrace,
    /// The stack that it was on.
    pub stack: Range<u64>,
    /// When.
    pub at: Ticks,
    /// What a panic said.
    pub message: Message,
}

/// The beginning of a text, without memory of the heap.
#[derive(Clone, Debug)]
pub struct Message {
    bytes: [u8; MESSAGE_BYTES],
    length: usize,
}

impl Message {
    /// The text of `words`, as far as it fits.
    #[must_use]
    pub fn of(words: fmt::Arguments<'_>) -> Self {
        let mut message = Self { bytes: [0; MESSAGE_BYTES], length: 0 };
        // What does not fit is left out.
        let _ = message.write_fmt(words);
        message
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MESSAGE_BYTES - self.length;
        let fits = text.floor_char_boundary(room.min(text.len()));
        self.bytes[self.length..self.length + fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.length += fits;
        if fits < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

/// Proof that what ran beyond the point is over: nothing of it goes on, on no thread and no CPU, whatever it held.
#[derive(Debug)]
pub struct Over(());

impl Over {
    /// Takes the value of `lock`, held or not.
    pub fn seize<'a, T>(&self, lock: &'a Mutex<T>) -> MutexGuard<'a, T> {
        // SAFETY: whoever held it never goes on.
        unsafe { lock.force_unlock() };
        lock.lock()
    }
}

/// Runs `work` with allocations from the heap under test, in which nothing may be left from before that is still wanted, and
/// says how it ended if it did not return: it faulted or panicked. Then this CPU is as it was,
/// threads and locks apart: the caller cleans up, with interrupts off, and calls [`end`].
///
/// # Panics
/// Panics if what it ended for is not known.
pub fn run(work: &mut dyn FnMut()) -> (Result<(), Facts>, Over) {
    let mut work = work;
    STATE.store(ARMED, Ordering::SeqCst);
    // SAFETY: `run_work` takes the pointer for what it is, and does not keep it. What is on the stack beyond here is
    // forgotten, not dropped, if the work does not return, and nothing of it is used again.
    let has_returned = unsafe { recovery_call(run_work, (&raw mut work).cast(), STACK.as_ptr()) } != 0;
    allocator::use_kernel_heap();
    if has_returned {
        return (Ok(()), Over(()));
    }
    user::leave();
    let facts = FACTS.lock().take();
    (Err(facts.expect("whoever ends something says why")), Over(()))
}

/// What has run is cleaned up: a fault now is the kernel's.
pub fn end(_over: Over) {
    STATE.store(NONE, Ordering::SeqCst);
}

/// Where the seal of the point lies.
#[cfg(feature = "fault-benches")]
pub(super) fn point() -> u64 {
    STACK.load(Ordering::SeqCst)
}

extern "sysv64" fn run_work(work: *mut ()) {
    // SAFETY: `run` passes this pointer, to what lives until it returns.
    let work = unsafe { &mut *work.cast::<&mut dyn FnMut()>() };
    allocator::use_bench_heap();
    work();
    // Before the stack is given up.
    STATE.store(NONE, Ordering::SeqCst);
}

/// Goes back to the point from an exception, if something runs beyond one; whether that is so.
pub(super) fn divert(frame: &mut TrapFrame, cause: Cause, registers: Registers, stack: Range<u64>) -> bool {
    if frame.vector == MACHINE_CHECK {
        return false;
    }
    let Some(point) = claim() else { return false };
    let backtrace = Backtrace::walk(frame.rbp, &stack, checked::load);
    let message = Message::of(format_args!(""));
    note(Facts { cause, registers: Some(registers), backtrace, stack, at: counter::now(), message });
    let resume: extern "sysv64" fn() = recovery_resume;
    frame.resume_in_kernel((resume as *const ()).addr() as u64, point);
    true
}

/// Goes back to the point from a panic, if something runs beyond one; returns if nothing does.
pub fn divert_panic(words: fmt::Arguments<'_>, backtrace: Backtrace, stack: Range<u64>) {
    interrupts_off();
    let Some(point) = claim() else { return };
    let message = Message::of(words);
    note(Facts { cause: Cause::Panic, registers: None, backtrace, stack, at: counter::now(), message });
    // SAFETY: `claim` has found what `recovery_call` has kept there, and gives it once.
    unsafe { recovery_leave(point, KERNEL_CODE.into(), KERNEL_DATA.into()) }
}

/// The stack of the point, if what lies there is what was kept. Only the first CPU runs beyond a point. While others work for
/// it there is no way back: they use what would be given away.
fn claim() -> Option<u64> {
    if per_cpu::index() != 0 || !per_cpu::is_first_alone() {
        return None;
    }
    STATE.compare_exchange(ARMED, RECOVERING, Ordering::SeqCst, Ordering::SeqCst).ok()?;
    let point = STACK.load(Ordering::SeqCst);
    (checked::load(point) == Some(SEAL ^ point)).then_some(point)
}

fn note(facts: Facts) {
    // Only whoever has claimed the point comes here.
    *FACTS.lock() = Some(facts);
}
