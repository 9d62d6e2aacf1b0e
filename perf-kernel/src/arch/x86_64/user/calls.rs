//! System calls.

use multios_core::sync::Scheduler;

use super::area::UserArea;
use super::machine;
use crate::platform::{Ending, UserProcess};

/// Does nothing and returns 1.
pub(super) const NULL: u64 = 0;
/// Ends the program, with a status and two words that it leaves behind.
pub(super) const EXIT: u64 = 1;
/// Copies the words at an address, at most [`SUM_WORDS_MAX`], and returns their sum.
pub(super) const SUM: u64 = 2;
/// Lets the other threads of its CPU run that are as urgent, and returns 0.
pub(super) const YIELD: u64 = 3;
/// What a call returns that failed or does not exist.
pub(super) const FAILED: u64 = u64::MAX;

const SUM_WORDS_MAX: usize = 64;

/// What a system call leaves: in RAX and RDX.
#[repr(C)]
pub(super) struct Outcome {
    value: u64,
    /// 1 if the program has ended, else 0.
    is_over: u64,
}

impl Outcome {
    #[inline]
    const fn value(value: u64) -> Self {
        Self { value, is_over: 0 }
    }
}

/// What the assembly calls, with interrupts off.
pub(super) extern "sysv64" fn system_call(
    first: u64,
    second: u64,
    third: u64,
    _fourth: u64,
    _fifth: u64,
    number: u64,
) -> Outcome {
    if number == NULL {
        return Outcome::value(1);
    }
    other_call([first, second, third], number)
}

/// Apart, so that the null call costs no more with every other.
#[inline(never)]
fn other_call([first, second, third]: [u64; 3], number: u64) -> Outcome {
    match number {
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
    Outcome::value(0)
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
