//! A point to come back to: what runs beyond it may fault or panic, and costs only itself.

use core::arch::global_asm;
use core::fmt::{self, Write};
use core::ops::Range;
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use spin::{Mutex, MutexGuard};

use super::backtrace::Backtrace;
use super::descriptors::{KERNEL_CODE, KERNEL_DATA};
use super::exceptions::Site;
use super::processor::spin_until;
use super::trap::TrapFrame;
use super::{allocator, checked, counter, interrupts_off, per_cpu, shootdown, standby, user};
use crate::units::{Nanoseconds, Ticks};
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
/// A CPU has ended it, and notes why.
const CLAIMED: u8 = 2;
/// Why is noted, by another CPU than the first, which is to come to the point.
const NOTED: u8 = 3;
/// The first CPU has come to the point: what was left is being cleaned up.
const RECOVERING: u8 = 4;

/// How long the first CPU may wait for the CPU that ends something to note why, and for its call: some seconds at any
/// frequency.
const PATIENCE: Ticks = Ticks(20_000_000_000);

static STATE: AtomicU8 = AtomicU8::new(NONE);
/// The CPU that has ended it, once it says so.
static CLAIMER: AtomicU32 = AtomicU32::new(NOBODY);
const NOBODY: u32 = u32::MAX;
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
    // fn(stack, code segment, data segment, instruction) -> !
    ".global recovery_leave",
    "recovery_leave:",
    // Backtraces end here.
    "xor ebp, ebp",
    "push rdx",
    "push rdi",
    // Bit 1 of RFLAGS is always set; interrupts (bit 9), direction (bit 10) and AC (bit 18) are off.
    "push 2",
    "push rsi",
    "push rcx",
    // Lets non-maskable interrupts in again, if this comes from the handler of one (Intel SDM volume 3, section 6.7.1).
    "iretq",
    ".popsection",
    seal = const SEAL,
);

unsafe extern "sysv64" {
    fn recovery_call(work: extern "sysv64" fn(*mut ()), argument: *mut (), stack: *mut u64) -> u64;
    fn recovery_leave(stack: u64, code: u64, data: u64, instruction: u64) -> !;
    // A label: never called, only its address is used.
    safe fn recovery_resume();
}

/// There is no way back from now on: the boot ends.
pub(super) fn give_up() {
    STATE.store(NONE, Ordering::SeqCst);
}

/// Why something was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An exception, by its number.
    Exception(u8),
    /// A panic.
    Panic,
    /// It has run for longer than this.
    Overrun(Nanoseconds),
}

/// What is known of how something ended, noted where it happened and without memory of the heap.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Why.
    pub cause: Cause,
    /// The CPU that was there.
    pub cpu: u32,
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
    /// Stops the other CPUs, which may go on with threads that were left, until [`end`].
    ///
    /// # Panics
    /// Panics if one does not stop.
    pub fn stop_others(&self) {
        standby::stop_others();
        shootdown::abandon(self);
    }

    /// Takes the value of `lock`, held or not.
    pub fn seize<'a, T>(&self, lock: &'a Mutex<T>) -> MutexGuard<'a, T> {
        // SAFETY: whoever held it never goes on.
        unsafe { lock.force_unlock() };
        lock.lock()
    }
}

/// Runs `work` with allocations from the heap under test, in which nothing may be left from before that is still wanted, and
/// says how it ended if it did not return: it faulted, panicked or overran its deadline, on this CPU or on another. Then this
/// CPU is as it was, threads and locks apart, and the others are stopped: the caller cleans up, with interrupts off, and calls
/// [`end`].
///
/// # Panics
/// Panics if what it ended for is not known, or if another CPU does not stop.
pub fn run(work: &mut dyn FnMut()) -> (Result<(), Facts>, Over) {
    let mut work = work;
    CLAIMER.store(NOBODY, Ordering::SeqCst);
    STATE.store(ARMED, Ordering::SeqCst);
    // SAFETY: `run_work` takes the pointer for what it is, and does not keep it. What is on the stack beyond here is
    // forgotten, not dropped, if the work does not return, and nothing of it is used again.
    let has_returned = unsafe { recovery_call(run_work, (&raw mut work).cast(), STACK.as_ptr()) } != 0;
    if has_returned {
        allocator::use_kernel_heap();
        return (Ok(()), Over(()));
    }
    per_cpu::adopt_first();
    let over = Over(());
    // Before anything of theirs is touched, the heap that they allocate from included.
    over.stop_others();
    allocator::use_kernel_heap();
    user::leave();
    standby::end_interrupts();
    let facts = FACTS.lock().take();
    (Err(facts.expect("whoever ends something says why")), over)
}

/// What has run is cleaned up: a fault now is the kernel's. The other CPUs wait for work again.
///
/// # Panics
/// Panics if one does not.
pub fn end(_over: Over) {
    standby::release_others();
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
    if STATE.compare_exchange(ARMED, NONE, Ordering::SeqCst, Ordering::SeqCst).is_err() {
        // Another CPU has ended it at the last moment, and calls this one to the point.
        spin_until(PATIENCE, || false);
        panic!("the CPU that has ended a bench does not call");
    }
}

/// What becomes of something that has run for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overrun {
    /// It is ended.
    Ended,
    /// It may be ended, but not here.
    NotNow,
    /// It is over already.
    NothingRuns,
    /// What was kept at the point is gone.
    NoWayBack,
}

/// Goes back to the point as what runs beyond it has run for longer than `limit`.
pub(super) fn overrun(frame: &mut TrapFrame, limit: Nanoseconds) -> Overrun {
    if STATE.load(Ordering::SeqCst) != ARMED {
        return Overrun::NothingRuns;
    }
    if allocator::is_in_kernel_heap() {
        return Overrun::NotNow;
    }
    match claim() {
        Claim::Own(point) => {
            note_site(Cause::Overrun(limit), &Site::of(frame));
            leave_from(frame, point);
            Overrun::Ended
        }
        Claim::Others(_) => Overrun::NothingRuns,
        Claim::Refused => Overrun::NoWayBack,
    }
}

/// Goes back to the point from an exception, if something runs beyond one; whether that is so.
pub(super) fn divert(frame: &mut TrapFrame, cause: Cause, site: &Site) -> bool {
    if frame.vector == MACHINE_CHECK {
        return false;
    }
    match claim() {
        Claim::Own(point) => {
            note_site(cause, site);
            leave_from(frame, point);
        }
        Claim::Others(point) if is_noted() => leave_from(frame, point),
        Claim::Others(_) | Claim::Refused => return false,
    }
    true
}

/// Goes back to the point from a panic, if something runs beyond one; returns if nothing does.
pub fn divert_panic(words: fmt::Arguments<'_>, backtrace: Backtrace, stack: Range<u64>) {
    interrupts_off();
    let point = match claim() {
        Claim::Own(point) => {
            let (cpu, message) = (per_cpu::index(), Message::of(words));
            let at = counter::now();
            note(Facts { cause: Cause::Panic, cpu, registers: None, backtrace, stack, at, message });
            point
        }
        Claim::Others(point) if is_noted() => point,
        Claim::Others(_) | Claim::Refused => return,
    };
    let (instruction, stack) = way_out(point);
    // SAFETY: the first CPU goes to what `recovery_call` has kept there, once, as `claim` has found; another goes to its own
    // stack, of which nothing is used again.
    unsafe { recovery_leave(stack, KERNEL_CODE.into(), KERNEL_DATA.into(), instruction) }
}

/// Takes the first CPU, which handles a non-maskable interrupt, to the point if another has ended what it runs: whether it
/// goes there. `None` if it is not called.
pub(super) fn answer(frame: &mut TrapFrame) -> Option<bool> {
    if !waits_for_first() {
        return None;
    }
    // The call is repeated until it has left that heap.
    let goes = !allocator::is_in_kernel_heap();
    if goes {
        leave_from(frame, STACK.load(Ordering::SeqCst));
    }
    Some(goes)
}

/// Whether the first CPU is to come to the point.
pub(super) fn waits_for_first() -> bool {
    STATE.load(Ordering::SeqCst) == NOTED
}

/// Who may end what runs.
enum Claim {
    /// The calling CPU, which notes why: here is the stack of the point.
    Own(u64),
    /// Another has done so: here is the stack of the point.
    Others(u64),
    /// Nobody: nothing runs, or there is no way back.
    Refused,
}

/// Asks for the point. It is refused if what lies there is not what was kept, and to whoever changes the kernel's own heap,
/// which would stay locked.
fn claim() -> Claim {
    if allocator::is_in_kernel_heap() {
        return Claim::Refused;
    }
    let own = per_cpu::index();
    let point = STACK.load(Ordering::SeqCst);
    match STATE.compare_exchange(ARMED, CLAIMED, Ordering::SeqCst, Ordering::SeqCst) {
        Ok(_) => {
            CLAIMER.store(own, Ordering::SeqCst);
            if checked::load(point) == Some(SEAL ^ point) { Claim::Own(point) } else { Claim::Refused }
        }
        // The first CPU cleans up, and what goes wrong there is the kernel's fault.
        Err(RECOVERING) if own == 0 => Claim::Refused,
        Err(CLAIMED | NOTED | RECOVERING) if CLAIMER.load(Ordering::SeqCst) != own => Claim::Others(point),
        Err(_) => Claim::Refused,
    }
}

/// Waits until the CPU that has the claim has noted why; whether it has.
fn is_noted() -> bool {
    spin_until(PATIENCE, || matches!(STATE.load(Ordering::SeqCst), NOTED | RECOVERING))
}

/// Makes the calling CPU, which handles `frame`, go on where it is over with what ran.
fn leave_from(frame: &mut TrapFrame, point: u64) {
    let (instruction, stack) = way_out(point);
    frame.resume_in_kernel(instruction, stack);
    // Backtraces end here.
    frame.rbp = 0;
}

/// Where the calling CPU is over with what ran, and the stack there: the first at the point, others where they wait for it.
fn way_out(point: u64) -> (u64, u64) {
    match per_cpu::current() {
        Some(area) if area.index != 0 => standby::place(area),
        _ => {
            STATE.store(RECOVERING, Ordering::SeqCst);
            let resume: extern "sysv64" fn() = recovery_resume;
            ((resume as *const ()).addr() as u64, point)
        }
    }
}

fn note_site(cause: Cause, site: &Site) {
    let backtrace = site.backtrace();
    let (cpu, at) = (per_cpu::index(), counter::now());
    let (registers, stack) = (Some(site.registers), site.stack.clone());
    note(Facts { cause, cpu, registers, backtrace, stack, at, message: Message::of(format_args!("")) });
}

/// Keeps the facts, for the first CPU, which is called if this is another.
fn note(facts: Facts) {
    let is_first = facts.cpu == 0;
    // Only whoever has claimed the point comes here.
    *FACTS.lock() = Some(facts);
    if !is_first {
        STATE.store(NOTED, Ordering::SeqCst);
    }
}
