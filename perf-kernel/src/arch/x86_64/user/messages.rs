//! Messages between processes: carries out what the table of parties decides.

use alloc::vec::Vec;
use core::mem;

use multios_core::sync::{Deadline, Scheduler, Wake};
use spin::{Mutex, MutexGuard};

use super::area::UserArea;
use super::calls::{CALL, FAILED, MayWait, Outcome, RECEIVE, REPLY, Waited, may_wait};
use super::machine::{self, KernelThreads};
use super::process::{Member, Process};
use crate::arch::x86_64::thread_hand_over::Return;
use crate::kernel::ipc::{Delivery, Handle, Ipc, IpcError, IpcUsage, PartyId, Step};
use crate::kernel::threads::ThreadId;
use crate::platform::UserProcess;

/// Bytes of a message at most.
const MESSAGE_BYTES_MAX: usize = 4096;

/// A party is woken by its thread, once it has one; its buffer takes memory when the first message has bytes.
type Parties = Ipc<ThreadId, Vec<u8>>;

/// All parties. Held with interrupts off, and never over a copy from or to a program.
static PARTIES: Mutex<Parties> = Mutex::new(Ipc::new());

/// Why a call has no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MessageError {
    Ipc(IpcError),
    /// The program's own buffer is too small, or not there.
    Buffer,
    /// There is one, and a signal as well.
    Signalled(Delivery),
}

impl From<IpcError> for MessageError {
    fn from(error: IpcError) -> Self {
        Self::Ipc(error)
    }
}

impl MessageError {
    /// What the program gets in RAX: the numbers below that of all other failures.
    const fn code(self) -> u64 {
        FAILED
            - match self {
                Self::Ipc(IpcError::NoHandle) => 1,
                Self::Ipc(IpcError::NoRight) => 2,
                Self::Ipc(IpcError::Gone) => 3,
                Self::Ipc(IpcError::NoCaller) => 4,
                Self::Ipc(IpcError::TimedOut) => 5,
                Self::Buffer => 6,
                Self::Ipc(IpcError::Interrupted) => 7,
                Self::Signalled(_) => 0,
            }
    }
}

/// [`exchange`] with [`CALL`].
pub(super) extern "sysv64" fn call(
    handle: u64,
    bytes: u64,
    deadline: u64,
    first: u64,
    second: u64,
) -> Outcome {
    may_wait(|may_wait| {
        send(handle, bytes, deadline, [first, second], (CALL, Parties::call_at_once), may_wait)
    })
}

/// [`exchange`] with [`REPLY`].
pub(super) extern "sysv64" fn reply(
    handle: u64,
    bytes: u64,
    deadline: u64,
    first: u64,
    second: u64,
) -> Outcome {
    may_wait(|may_wait| {
        send(handle, bytes, deadline, [first, second], (REPLY, Parties::reply_at_once), may_wait)
    })
}

/// [`exchange`], by the short way of `at_once` if there are no bytes and no deadline, and it finds that the other side waits.
#[expect(clippy::inline_always, reason = "the arguments stay where the call has them")]
#[inline(always)]
fn send(
    handle: u64,
    bytes: u64,
    deadline: u64,
    words: [u64; 2],
    (number, at_once): (usize, impl FnOnce(&mut Parties, PartyId, Handle) -> Option<(PartyId, ThreadId)>),
    may_wait: MayWait,
) -> Waited {
    // From here they come into a message, or stay for a side that goes on at once.
    let area = UserArea::current();
    area.set_words(words);
    if bytes | deadline == 0
        && let Some(outcome) =
            exchange_words(area, may_wait, |parties, me| at_once(parties, me, Handle(at_most(handle))))
    {
        return outcome;
    }
    exchange(handle, bytes, deadline, number, may_wait)
}

/// [`exchange`] of two words and no bytes, without a deadline, if `decide` finds that the other side waits already; else
/// `None`, and nothing was done.
#[expect(clippy::inline_always, reason = "as above")]
#[inline(always)]
fn exchange_words(
    area: &UserArea,
    may_wait: MayWait,
    decide: impl FnOnce(&mut Parties, PartyId) -> Option<(PartyId, ThreadId)>,
) -> Option<Waited> {
    let me = Me::of(area, may_wait)?;
    let mut parties = PARTIES.try_lock().unwrap_or_else(|| PARTIES.lock());
    let (party, thread) = decide(&mut parties, me.party)?;
    Some(match me.threads.hand_back(thread, parties) {
        Ok(Return::HandedBack) => Waited::with_words_of_area(),
        Ok(Return::Woken) => go_on_to_wait(may_wait),
        Err(parties) => deliver_and_wait(parties, party, thread, may_wait),
    })
}

/// Brings the words of the area to `party`, lets its thread go on, and waits.
#[cold]
#[inline(never)]
fn deliver_and_wait(
    mut parties: MutexGuard<'_, Parties>,
    party: PartyId,
    thread: ThreadId,
    may_wait: MayWait,
) -> Waited {
    parties.deliver(party, UserArea::current().words());
    drop(parties);
    let Some(me) = Me::current(may_wait) else { return leave_result(Err(IpcError::Gone.into())) };
    let delivery = me.hand_over(thread, 0);
    leave_result(delivery.and_then(|delivery| me.received(delivery)))
}

/// Waits for good unless what is waited for has come.
#[inline(never)]
fn go_on_to_wait(may_wait: MayWait) -> Waited {
    let Some(me) = Me::current(may_wait) else { return leave_result(Err(IpcError::Gone.into())) };
    let outcome = match me.outcome(Wake::Unparked) {
        Some(outcome) => outcome.map_err(MessageError::from),
        None => me.wait(0),
    };
    leave_result(outcome.and_then(|delivery| me.received(delivery)))
}

/// [`exchange`] with [`RECEIVE`].
pub(super) extern "sysv64" fn receive(handle: u64, bytes: u64, deadline: u64, _: u64, _: u64) -> Outcome {
    may_wait(|may_wait| exchange(handle, bytes, deadline, RECEIVE, may_wait))
}

/// Sends, receives or both, as `number` says, which is [`CALL`], [`REPLY`] or [`RECEIVE`], and waits: until the counter is
/// at `deadline`, or for good if that is 0. `bytes` are sent from the program's buffer, and two words from the CPU's area.
/// The words of what comes are left in the area, and its bytes in the program's buffer; the result is the number of these,
/// or the code of the reason why not.
#[inline(never)]
fn exchange(handle: u64, bytes: u64, deadline: u64, number: usize, may_wait: MayWait) -> Waited {
    let handle = Handle(at_most(handle));
    let message = Delivery { words: UserArea::current().words(), length: at_most(bytes) };
    let result = match Me::current(may_wait) {
        Some(me) => me.exchange(number, handle, message, deadline),
        None => Err(IpcError::NoHandle.into()),
    };
    leave_result(result)
}

/// What the program gets.
fn leave_result(result: Result<Delivery, MessageError>) -> Waited {
    // The thread may have come to another CPU.
    let area = UserArea::current();
    match result {
        Ok(delivery) => Waited::with_words(area, delivery.length as u64, delivery.words),
        Err(MessageError::Signalled(delivery)) => {
            Waited::with_signals(area, delivery.length as u64, delivery.words)
        }
        // Not only if it was interrupted: the wait may have ended otherwise just before.
        Err(error) => Waited::with_signals(area, error.code(), [0; 2]),
    }
}

#[inline]
fn at_most(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The process that calls, in its thread.
struct Me<'p> {
    process: &'p Process<'static>,
    party: PartyId,
    threads: KernelThreads,
}

impl<'p> Me<'p> {
    /// That of the calling CPU; `None` if it was never given a handle, or does not run as a thread.
    #[inline]
    fn current(may_wait: MayWait) -> Option<Self> {
        Self::of(UserArea::current(), may_wait)
    }

    /// The same where the CPU's area is known.
    #[inline]
    fn of(area: &'p UserArea, may_wait: MayWait) -> Option<Self> {
        let process = area.process()?;
        let Member { party, threads } = process.member.get()?;
        Some(Self { process, party, threads: threads.waiting(may_wait) })
    }

    #[inline]
    fn exchange(
        &self,
        number: usize,
        handle: Handle,
        message: Delivery,
        deadline: u64,
    ) -> Result<Delivery, MessageError> {
        if message.length > 0 && number != RECEIVE {
            self.copy_in(message.length)?;
        }
        let mut woken = ThreadId::NONE;
        let mut note = |other| woken = other;
        let mut parties = PARTIES.lock();
        let step = match number {
            CALL => parties.call(self.party, handle, message),
            REPLY => parties.reply_and_receive(self.party, handle, message, &mut note),
            _ => parties.receive(self.party, handle, &mut note),
        };
        drop(parties);
        let delivery = match step {
            Ok(Step::HandOver(other)) => self.hand_over(other, deadline)?,
            step => {
                self.wake(woken);
                match step? {
                    Step::Done(delivery) => delivery,
                    Step::Wait | Step::HandOver(_) => self.wait(deadline)?,
                }
            }
        };
        self.received(delivery)
    }

    /// Brings the bytes of what came to the program.
    #[inline]
    fn received(&self, delivery: Delivery) -> Result<Delivery, MessageError> {
        if delivery.length > 0 {
            self.incoming(delivery)?;
        }
        Ok(delivery)
    }

    #[inline]
    fn wake(&self, thread: ThreadId) {
        if thread != ThreadId::NONE {
            self.threads.unpark(&thread);
            // Interrupts do not come here, but soon in the program.
            if self.process.has_interrupts.get() {
                self.threads.share_turns();
            }
        }
    }

    /// Waits, while `other` has what it waited for and goes on.
    #[inline(never)]
    fn hand_over(&self, other: ThreadId, deadline: u64) -> Result<Delivery, MessageError> {
        let handed_over = match at(deadline) {
            Some(deadline) => self.threads.hand_over_until(other, deadline),
            None => match self.threads.hand_over(other) {
                Some(Return::HandedBack) => {
                    return Ok(Delivery { words: UserArea::current().words(), length: 0 });
                }
                Some(Return::Woken) => Some(Wake::Unparked),
                None => None,
            },
        };
        match handed_over {
            Some(wake) => {
                if let Some(outcome) = self.outcome(wake) {
                    return Ok(outcome?);
                }
            }
            None => self.threads.unpark(&other),
        }
        self.wait(deadline)
    }

    #[inline(never)]
    fn wait(&self, deadline: u64) -> Result<Delivery, MessageError> {
        loop {
            let wake = self.threads.park(at(deadline));
            if let Some(outcome) = self.outcome(wake) {
                return Ok(outcome?);
            }
        }
    }

    /// What came of the wait, which ended like this.
    #[inline]
    fn outcome(&self, wake: Wake) -> Option<Result<Delivery, IpcError>> {
        let mut parties = PARTIES.lock();
        if wake == Wake::TimedOut {
            parties.cancel(self.party);
        }
        parties.take_outcome(self.party)
    }

    /// Brings the bytes of the message into the party's buffer.
    #[inline(never)]
    fn copy_in(&self, length: usize) -> Result<(), MessageError> {
        let (address, capacity) = self.process.message_buffer.get();
        if length as u64 > capacity || length > MESSAGE_BYTES_MAX {
            return Err(MessageError::Buffer);
        }
        let mut buffer = self.take_buffer();
        if buffer.is_empty() {
            buffer.try_reserve_exact(MESSAGE_BYTES_MAX).map_err(|_| MessageError::Buffer)?;
            buffer.resize(MESSAGE_BYTES_MAX, 0);
        }
        let copied = match buffer.get_mut(..length) {
            Some(bytes) => self.process.copy_in(address, bytes).map_err(|_| MessageError::Buffer),
            None => Err(MessageError::Buffer),
        };
        self.put_buffer(buffer);
        copied
    }

    /// Copies what came to the program. A caller whose message cannot be taken is told so.
    #[inline(never)]
    fn incoming(&self, delivery: Delivery) -> Result<(), MessageError> {
        let length = delivery.length;
        let (address, capacity) = self.process.message_buffer.get();
        let buffer = self.take_buffer();
        let fits = length as u64 <= capacity;
        let copied = buffer.get(..length).filter(|_| fits);
        let is_copied = copied.is_some_and(|bytes| self.process.copy_out(address, bytes).is_ok());
        self.put_buffer(buffer);
        if is_copied {
            return Ok(());
        }
        if length & Delivery::NOTED != 0 {
            let plain = Delivery { length: length & !Delivery::NOTED, ..delivery };
            return self.received(plain).and_then(|plain| Err(MessageError::Signalled(plain)));
        }
        let refused = PARTIES.lock().refuse(self.party);
        self.wake(refused.unwrap_or_default());
        Err(MessageError::Buffer)
    }

    fn take_buffer(&self) -> Vec<u8> {
        PARTIES.lock().buffer_mut(self.party).map(mem::take).unwrap_or_default()
    }

    fn put_buffer(&self, buffer: Vec<u8>) {
        if let Some(place) = PARTIES.lock().buffer_mut(self.party) {
            *place = buffer;
        }
    }
}

/// The end of a wait that a program asks for.
#[inline]
fn at(deadline: u64) -> Option<Deadline> {
    (deadline > 0).then_some(Deadline(deadline))
}

/// Takes note of the memory in which the program has its messages; each copy checks it.
pub(super) extern "sysv64" fn set_buffer(address: u64, capacity: u64, _: u64, _: u64, _: u64) -> Outcome {
    let Some(process) = UserArea::current().process() else { return Outcome::value(FAILED) };
    process.message_buffer.set((address, capacity));
    Outcome::value(0)
}

/// Ends the wait of `party`, if it waits, so that it looks at its signals.
pub(super) fn interrupt(party: PartyId) {
    let thread = PARTIES.lock().interrupt(party);
    if let (Some(thread), Some(threads)) = (thread, machine::threads()) {
        threads.unpark(thread);
        if UserArea::current().process().is_some_and(|process| process.has_interrupts.get()) {
            threads.share_turns();
        }
    }
}

/// Calls `work` with all parties.
pub(super) fn with_parties<T>(work: impl FnOnce(&mut Parties) -> T) -> T {
    work(&mut PARTIES.lock())
}

/// Takes a party out that has ended, and wakes whoever waits for what no longer comes.
pub(super) fn leave(party: PartyId) {
    let mut woken = Vec::new();
    let mut parties = PARTIES.lock();
    parties.leave(party, &mut |other| woken.push(other));
    if parties.usage() == IpcUsage::default() {
        // Its memory is whoever's who asked for it first.
        *parties = Ipc::new();
    }
    drop(parties);
    if let Some(threads) = machine::threads() {
        woken.into_iter().for_each(|thread| threads.unpark(thread));
    }
}

/// Forgets all parties, whatever they were at, with the memory that they had: whoever used them never goes on.
pub(super) fn abandon() {
    // SAFETY: whoever held the lock never goes on.
    unsafe { PARTIES.force_unlock() };
    mem::forget(mem::take(&mut *PARTIES.lock()));
}

/// What parties there are.
pub(super) fn usage() -> IpcUsage {
    PARTIES.lock().usage()
}
