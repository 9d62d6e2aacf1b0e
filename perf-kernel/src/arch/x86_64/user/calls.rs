//! System calls.

use multios_core::sync::Scheduler;

use super::area::UserArea;
use super::{machine, messages};
use crate::platform::{Ending, UserProcess};

/// Does nothing and returns 1.
pub(super) const NULL: u64 = 0;
/// Ends the program, with a status and two words that it leaves behind.
pub(super) const EXIT: u64 = 1;
/// Copies the words at an address, at most [`SUM_WORDS_MAX`], and returns their sum.
pub(super) const SUM: u64 = 2;
/// Lets the other threads of its CPU run that are as urgent, and returns 0.
pub(super) const YIELD: u64 = 3;
/// Says where messages lie, and how many bytes may.
pub(super) const BUFFER: u64 = 4;
/// Sends a message through a handle and waits for its answer.
pub(super) const CALL: u64 = 5;
/// Answers the caller, and receives through a handle.
pub(super) const REPLY: u64 = 6;
/// Receives through a handle.
pub(super) const RECEIVE: u64 = 7;
/// What a call returns that failed or does not exist.
pub(super) const FAILED: u64 = u64::MAX;

/// The program goes on with two more words, and with vector registers that are clear.
pub(super) const WITH_WORDS: u64 = 2;

const SUM_WORDS_MAX: usize = 64;

/// What a system call leaves: in RAX and RDX.
#[repr(C)]
pub(super) struct Outcome {
    value: u64,
    /// 1 if the program has ended, [`WITH_WORDS`] if the area has more words of the result and other threads may have run,
    /// else 0.
    is_over: u64,
}

impl Outcome {
    #[inline]
    const fn value(value: u64) -> Self {
        Self { value, is_over: 0 }
    }

    /// What a call leaves that may have waited: all vector registers are cleared, since another program may have used
    /// them meanwhile.
    #[inline]
    pub(super) fn with_words(area: &UserArea, value: u64, words: [u64; 2]) -> Self {
        area.set_words(words);
        Self { value, is_over: WITH_WORDS }
    }

    /// The same with the value 0 and the words that the CPU's area has already.
    #[inline]
    pub(super) const fn with_words_of_area() -> Self {
        Self { value: 0, is_over: WITH_WORDS }
    }
}

/// A call: five arguments and its number.
type Call = extern "sysv64" fn(u64, u64, u64, u64, u64, u64) -> Outcome;

/// The two that messages go through, so that they are reached by one jump.
static MESSAGES: [Call; 2] = [messages::call, messages::reply];

/// What the assembly calls, with interrupts off.
pub(super) extern "sysv64" fn system_call(
    first: u64,
    second: u64,
    third: u64,
    fourth: u64,
    fifth: u64,
    number: u64,
) -> Outcome {
    if number == NULL {
        return Outcome::value(1);
    }
    let place = usize::try_from(number.wrapping_sub(CALL)).unwrap_or(usize::MAX);
    match MESSAGES.get(place) {
        Some(call) => call(first, second, third, fourth, fifth, number),
        None => other_call(first, second, third, fourth, fifth, number),
    }
}

/// Apart, so that the null call costs no more with every other.
#[inline(never)]
extern "sysv64" fn other_call(
    first: u64,
    second: u64,
    third: u64,
    fourth: u64,
    fifth: u64,
    number: u64,
) -> Outcome {
    match number {
        RECEIVE => messages::exchange(first, second, third, RECEIVE),
        BUFFER => Outcome::value(messages::set_buffer(first, second)),
        YIELD => yield_now(),
        EXIT => exit([first, second, third]),
        SUM => Outcome::value(sum(first, second).unwrap_or(FAILED)),
        _ => Outcome::value(FAILED),
    }
}

#[cold]
fn exit(words: [u64; 3]) -> Outcome {
    if let Some(process) = UserArea::current().process() {
        process.end(Ending::Exited(words));
    }
    Outcome { value: 0, is_over: 1 }
}

fn yield_now() -> Outcome {
    if let Some(threads) = machine::threads() {
        threads.yield_now();
    }
    Outcome::with_words(UserArea::current(), 0, [0; 2])
}

#[cold]
fn sum(address: u64, words: u64) -> Option<u64> {
    let mut copied = [0; SUM_WORDS_MAX * size_of::<u64>()];
    let length = usize::try_from(words).ok()?.checked_mul(size_of::<u64>())?;
    let copied = copied.get_mut(..length)?;
    UserArea::current().process()?.copy_in(address, copied).ok()?;
    let words = copied.chunks_exact(size_of::<u64>()).filter_map(|word| word.try_into().ok());
    Some(words.map(u64::from_le_bytes).fold(0, u64::wrapping_add))
}
