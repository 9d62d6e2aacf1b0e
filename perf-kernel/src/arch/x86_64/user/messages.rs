//! Messages between processes: carries out what the table of parties decides.

use alloc::vec::Vec;
use core::mem;

use multios_core::sync::{Deadline, Scheduler, Wake};
use spin::Mutex;

use super::area::UserArea;
use super::calls::FAILED;
use super::machine::{self, KernelThreads};
use super::process::Process;
use crate::kernel::ipc::{Delivery, Handle, Ipc, IpcError, IpcUsage, PartyId, Step};
use crate::kernel::threads::ThreadId;
use crate::platform::UserProcess;

/// Bytes of a message at most.
const MESSAGE_BYTES_MAX: usize = 4096;

/// A party is woken by its thread, once it has one; its buffer takes memory when the first message has bytes.
type Parties = Ipc<Option<ThreadId>, Vec<u8>>;

/// All parties. Held with interrupts off, and never over a copy from or to a program.
static PARTIES: Mutex<Parties> = Mutex::new(Ipc::new());

/// Why a call has no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MessageError {
    Ipc(IpcError),
    /// The program's own buffer is too small, or not there.
    Buffer,
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
            }
    }
}

/// The arguments of a call that sends and waits.
#[derive(Clone, Copy)]
pub(super) struct Exchange {
    pub(super) handle: u64,
    /// Bytes to send from the buffer.
    pub(super) bytes: u64,
    /// The counter at which the wait ends; 0 waits for good.
    pub(super) deadline: u64,
    /// What travels in registers.
    pub(super) words: [u64; 2],
}

/// What a call that waits does before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Sends, to have an answer.
    Call,
    /// Answers the caller, then receives.
    Reply,
    /// Nothing: receives.
    Nothing,
}

/// Sends and waits; the words of what comes are left in the CPU's area, and its bytes in the program's buffer. Gives the
/// number of these, or the code of the reason why not.
pub(super) fn exchange(before: Before, exchange: &Exchange) -> u64 {
    let area = UserArea::current();
    area.set_words([0; 2]);
    let Some(process) = area.process() else { return FAILED };
    let (Some(party), Some(threads)) = (process.party.get(), machine::threads()) else {
        return MessageError::Ipc(IpcError::NoHandle).code();
    };
    let me = Me { process, party, threads };
    match me.exchange(before, exchange) {
        Ok(delivery) => {
            // The thread may have come to another CPU.
            UserArea::current().set_words(delivery.words);
            delivery.length as u64
        }
        Err(error) => error.code(),
    }
}

/// The process that calls, in its thread.
struct Me<'p> {
    process: &'p Process<'static>,
    party: PartyId,
    threads: KernelThreads,
}

impl Me<'_> {
    fn exchange(&self, before: Before, exchange: &Exchange) -> Result<Delivery, MessageError> {
        let handle = Handle(usize::try_from(exchange.handle).unwrap_or(usize::MAX));
        let step = match before {
            Before::Call => {
                let message = self.outgoing(exchange)?;
                PARTIES.lock().call(self.party, handle, message)?
            }
            Before::Reply => {
                let message = self.outgoing(exchange)?;
                let caller = PARTIES.lock().reply(self.party, message)?;
                self.wake(caller);
                self.receive(handle)?
            }
            Before::Nothing => self.receive(handle)?,
        };
        let delivery = match step {
            Step::Done(delivery) => delivery,
            Step::Wait => self.wait(exchange.deadline)?,
            Step::HandOver(other) => {
                self.wake(other);
                self.wait(exchange.deadline)?
            }
        };
        if delivery.length > 0 {
            self.incoming(delivery.length)?;
        }
        Ok(delivery)
    }

    fn receive(&self, handle: Handle) -> Result<Step<Option<ThreadId>>, MessageError> {
        let mut abandoned = None;
        let step = PARTIES.lock().receive(self.party, handle, &mut |other| abandoned = other);
        self.wake(abandoned);
        Ok(step?)
    }

    #[inline]
    fn wake(&self, thread: Option<ThreadId>) {
        if let Some(thread) = thread {
            self.threads.unpark(&thread);
        }
    }

    #[inline]
    fn wait(&self, deadline: u64) -> Result<Delivery, MessageError> {
        let deadline = (deadline > 0).then_some(Deadline(deadline));
        loop {
            let wake = self.threads.park(deadline);
            let mut parties = PARTIES.lock();
            if wake == Wake::TimedOut {
                parties.cancel(self.party);
            }
            if let Some(outcome) = parties.take_outcome(self.party) {
                return Ok(outcome?);
            }
        }
    }

    /// The message of the call, whose bytes are in the party's buffer.
    #[inline]
    fn outgoing(&self, exchange: &Exchange) -> Result<Delivery, MessageError> {
        if exchange.bytes > 0 {
            self.copy_in(exchange.bytes)?;
        }
        let length = usize::try_from(exchange.bytes).map_err(|_| MessageError::Buffer)?;
        Ok(Delivery { words: exchange.words, length })
    }

    #[inline(never)]
    fn copy_in(&self, bytes: u64) -> Result<(), MessageError> {
        let (address, capacity) = self.process.message_buffer.get();
        let length = usize::try_from(bytes).map_err(|_| MessageError::Buffer)?;
        if bytes > capacity || length > MESSAGE_BYTES_MAX {
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
    fn incoming(&self, length: usize) -> Result<(), MessageError> {
        let (address, capacity) = self.process.message_buffer.get();
        let buffer = self.take_buffer();
        let fits = length as u64 <= capacity;
        let copied = buffer.get(..length).filter(|_| fits);
        let is_copied = copied.is_some_and(|bytes| self.process.copy_out(address, bytes).is_ok());
        self.put_buffer(buffer);
        if is_copied {
            return Ok(());
        }
        let refused = PARTIES.lock().refuse(self.party);
        self.wake(refused.flatten());
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

/// Takes note of the memory in which the program has its messages; each copy checks it.
pub(super) fn set_buffer(address: u64, capacity: u64) -> u64 {
    let Some(process) = UserArea::current().process() else { return FAILED };
    process.message_buffer.set((address, capacity));
    0
}

/// Calls `work` with all parties.
pub(super) fn with_parties<T>(work: impl FnOnce(&mut Parties) -> T) -> T {
    work(&mut PARTIES.lock())
}

/// Takes a party out that has ended, and wakes whoever waits for what no longer comes.
pub(super) fn leave(party: PartyId) {
    let mut woken = Vec::new();
    let mut parties = PARTIES.lock();
    parties.leave(party, &mut |other| woken.extend(other));
    if parties.usage() == IpcUsage::default() {
        // Its memory is whoever's who asked for it first.
        *parties = Ipc::new();
    }
    drop(parties);
    if let Some(threads) = machine::threads() {
        woken.iter().for_each(|thread| threads.unpark(thread));
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
