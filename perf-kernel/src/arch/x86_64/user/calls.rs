//! System calls.

use multios_core::sync::Scheduler;

use super::area::UserArea;
use super::process::Process;
use super::{machine, messages, signals};
use crate::arch::x86_64::chill;
use crate::platform::{Ending, UserProcess};

/// Does nothing and returns 1.
pub(super) const NULL: usize = 0;
/// Ends the program, with a status and two words that it leaves behind.
pub(super) const EXIT: usize = 1;
/// Copies the words at an address, at most [`SUM_WORDS_MAX`], and returns their sum.
pub(super) const SUM: usize = 2;
/// Lets the other threads of its CPU run that are as urgent, and returns 0.
pub(super) const YIELD: usize = 3;
/// Says where messages lie, and how many bytes may.
pub(super) const BUFFER: usize = 4;
/// Sends a message through a handle and waits for its answer.
pub(super) const CALL: usize = 5;
/// Answers the caller, and receives through a handle.
pub(super) const REPLY: usize = 6;
/// Receives through a handle.
pub(super) const RECEIVE: usize = 7;
/// Chills the CPU, where the program may, and returns 0.
pub(super) const CHILL: usize = 12;
/// Says what a signal does: nothing special (0), nothing at all (1), or a call of a function, which returns to another.
pub(super) const SIGNAL_ACTION: usize = 8;
/// Blocks signals and no others; returns which were blocked before.
pub(super) const SIGNAL_MASK: usize = 9;
/// Sends a signal: to oneself (0), or to one of those that it may be sent to.
pub(super) const SIGNAL_SEND: usize = 10;
/// Goes on where a signal came, with the frame that the stack pointer leads to.
pub(super) const SIGNAL_RETURN: usize = 11;
/// What a call returns that failed or does not exist.
pub(super) const FAILED: u64 = u64::MAX;

/// The program goes on with RAX alone.
const VALUE: i64 = 0;
/// The program goes on with two more words, and with vector registers that are clear.
const WITH_WORDS: i64 = 1;
/// The program has ended.
pub(super) const OVER: i64 = -1;
/// As [`WITH_WORDS`], and there may be signals, which come first.
const WITH_SIGNALS: i64 = -2;
/// The program goes on with a frame of its own.
pub(super) const WITH_FRAME: i64 = -3;

const SUM_WORDS_MAX: usize = 64;

/// What a system call leaves: in RAX and RDX.
#[repr(C)]
pub(super) struct Outcome {
    value: u64,
    /// [`VALUE`]; [`WITH_WORDS`] if the area has more words of the result and other threads may have run; or one
    /// of the others. The assembly looks at the sign first.
    kind: i64,
}

impl Outcome {
    #[inline]
    pub(super) const fn value(value: u64) -> Self {
        Self { value, kind: VALUE }
    }

    /// The same for a call after which there may be signals to look at.
    #[inline]
    pub(super) fn with_signals(area: &UserArea, value: u64) -> Self {
        Waited::with_signals(area, value, [0; 2]).0
    }
}

/// What a system call leaves that may have waited: all vector registers are cleared, since another program may have used
/// them meanwhile.
pub(super) struct Waited(Outcome);

impl Waited {
    /// Two words as well.
    #[inline]
    pub(super) fn with_words(area: &UserArea, value: u64, words: [u64; 2]) -> Self {
        area.set_words(words);
        Self(Outcome { value, kind: WITH_WORDS })
    }

    /// The same with the value 0 and the words that the CPU's area has already.
    #[inline]
    pub(super) const fn with_words_of_area() -> Self {
        Self(Outcome { value: 0, kind: WITH_WORDS })
    }

    /// The same where there may be signals to look at.
    #[inline]
    pub(super) fn with_signals(area: &UserArea, value: u64, words: [u64; 2]) -> Self {
        area.set_words(words);
        Self(Outcome { value, kind: WITH_SIGNALS })
    }
}

/// The right to stop the calling thread, which a system call has as long as it owes a [`Waited`].
#[derive(Clone, Copy)]
pub(super) struct MayWait(());

/// Does the work of a system call that may wait.
#[expect(clippy::inline_always, reason = "it is there for its types alone")]
#[inline(always)]
pub(super) fn may_wait(work: impl FnOnce(MayWait) -> Waited) -> Outcome {
    work(MayWait(())).0
}

/// A system call, with its arguments. Interrupts are off.
pub(super) type Call = extern "sysv64" fn(u64, u64, u64, u64, u64) -> Outcome;

/// How many there are, from 0 on.
pub(super) const COUNT: usize = 13;

/// All of them, each at its number, for the assembly, which calls them.
pub(super) static CALLS: [Call; COUNT] = {
    let mut calls: [Call; COUNT] = [null; COUNT];
    calls[EXIT] = exit;
    calls[SUM] = sum;
    calls[YIELD] = yield_now;
    calls[BUFFER] = messages::set_buffer;
    calls[CALL] = messages::call;
    calls[REPLY] = messages::reply;
    calls[RECEIVE] = messages::receive;
    calls[CHILL] = chill;
    calls[SIGNAL_ACTION] = signals::set_action;
    calls[SIGNAL_MASK] = signals::set_mask;
    calls[SIGNAL_SEND] = signals::send;
    calls[SIGNAL_RETURN] = signal_return;
    calls
};

/// Without a frame, so that it costs nothing but the way in and out.
#[unsafe(naked)]
extern "sysv64" fn null(_: u64, _: u64, _: u64, _: u64, _: u64) -> Outcome {
    core::arch::naked_asm!("mov eax, 1", "xor edx, edx", "ret")
}

extern "sysv64" fn exit(status: u64, first: u64, second: u64, _: u64, _: u64) -> Outcome {
    if let Some(process) = UserArea::current().process() {
        process.end(Ending::Exited([status, first, second]));
    }
    Outcome { value: 0, kind: OVER }
}

extern "sysv64" fn yield_now(_: u64, _: u64, _: u64, _: u64, _: u64) -> Outcome {
    may_wait(|may_wait| {
        if let Some(threads) = machine::threads() {
            threads.waiting(may_wait).yield_now();
        }
        let area = UserArea::current();
        match area.process() {
            Some(process) if process.signals.get().is_some() => Waited::with_signals(area, 0, [0; 2]),
            _ => Waited::with_words(area, 0, [0; 2]),
        }
    })
}

extern "sysv64" fn signal_return(_: u64, _: u64, _: u64, _: u64, _: u64) -> Outcome {
    Outcome { value: 0, kind: WITH_FRAME }
}

/// Not for every program: it takes milliseconds, which others wait.
extern "sysv64" fn chill(_: u64, _: u64, _: u64, _: u64, _: u64) -> Outcome {
    if !UserArea::current().process().is_some_and(Process::may_chill) {
        return Outcome::value(FAILED);
    }
    chill::chill();
    Outcome::value(0)
}

extern "sysv64" fn sum(address: u64, words: u64, _: u64, _: u64, _: u64) -> Outcome {
    Outcome::value(sum_of(address, words).unwrap_or(FAILED))
}

fn sum_of(address: u64, words: u64) -> Option<u64> {
    let mut copied = [0; SUM_WORDS_MAX * size_of::<u64>()];
    let length = usize::try_from(words).ok()?.checked_mul(size_of::<u64>())?;
    let copied = copied.get_mut(..length)?;
    UserArea::current().process()?.copy_in(address, copied).ok()?;
    let words = copied.chunks_exact(size_of::<u64>()).filter_map(|word| word.try_into().ok());
    Some(words.map(u64::from_le_bytes).fold(0, u64::wrapping_add))
}
