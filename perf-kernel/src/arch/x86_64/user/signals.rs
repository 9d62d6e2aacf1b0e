//! Signals of processes: the calls, and the way to handlers and back.

use core::sync::atomic::Ordering;
use core::{ptr, slice};

use spin::Mutex;

use super::area::UserArea;
use super::calls::{FAILED, Outcome};
use super::process::Process;
use super::{messages, signal_entry};
use crate::arch::x86_64::descriptors::{USER_CODE, USER_DATA};
use crate::arch::x86_64::signal_frame::{OnStack, Places, Segments, SignalFrame, signal_of_exception};
use crate::arch::x86_64::trap::TrapFrame;
use crate::arch::x86_64::vector_state::{image_bytes, make_valid};
use crate::kernel::ipc::PartyId;
use crate::kernel::signals::{
    Action, Handler, MemberId, Next, Signal, SignalError, SignalSet, SignalTable, Signals,
};
use crate::platform::{Ending, UserProcess};

/// A process that waits does so for messages.
type Table = SignalTable<Option<PartyId>>;

/// Those of all processes. Held with interrupts off, and never over a copy from or to a program.
static SIGNALS: Mutex<Table> = Mutex::new(Table::new());

/// What a handler is told in the place of a vector, of a signal that was sent.
const SENT: u64 = 256;
/// Those of user mode.
const SEGMENTS: Segments = [USER_CODE, USER_DATA];

/// The program goes on with clear vector and x87 registers, and the modes of the frame.
const CLEAR: u64 = 0;
/// With those of the image.
pub(super) const AS_STORED: u64 = 1;
/// It has ended.
const ENDED: u64 = 2;

/// What a program gets in RAX.
const fn code(error: SignalError) -> u64 {
    FAILED
        - match error {
            SignalError::NoTarget => 1,
            SignalError::Gone => 3,
            SignalError::NoSignal => 8,
            SignalError::NotUser => 9,
            SignalError::OutOfMemory => 10,
        }
}

/// Says what signal `number` does: the default (0), nothing (1), or the function at `entry`.
pub(super) extern "sysv64" fn set_action(number: u64, entry: u64, return_to: u64, _: u64, _: u64) -> Outcome {
    let set = || {
        let signal = Signal::new(number).ok_or(SignalError::NoSignal)?;
        let action = match entry {
            0 => Action::Default,
            1 => Action::Ignore,
            _ => Action::Handle(Handler::new(entry, return_to).ok_or(SignalError::NotUser)?),
        };
        with_own(|signals| signals.set_action(signal, action))?
    };
    Outcome::value(set().map_or_else(code, |()| 0))
}

/// Blocks the signals of `bits` and no others; those that came meanwhile come now.
pub(super) extern "sysv64" fn set_mask(bits: u64, _: u64, _: u64, _: u64, _: u64) -> Outcome {
    let before = with_own(|signals| signals.set_mask(bits));
    Outcome::with_signals(UserArea::current(), before.map_or_else(code, SignalSet::bits))
}

/// Sends signal `number` to the process that the caller names by `target`, and ends its wait if it waits.
///
/// All that run together are on one CPU: whoever is not the caller is stopped, and looks at its signals when it goes on.
pub(super) extern "sysv64" fn send(target: u64, number: u64, _: u64, _: u64, _: u64) -> Outcome {
    let area = UserArea::current();
    let sent = || {
        let signal = Signal::new(number).ok_or(SignalError::NoSignal)?;
        let member = member(area.process().ok_or(SignalError::Gone)?)?;
        SIGNALS.lock().send(member, target, signal)
    };
    match sent() {
        Err(error) => Outcome::value(code(error)),
        Ok(_) if target == 0 => Outcome::with_signals(area, 0),
        Ok(party) => {
            party.flatten().into_iter().for_each(messages::interrupt);
            Outcome::value(0)
        }
    }
}

fn with_own<T>(work: impl FnOnce(&mut Signals) -> T) -> Result<T, SignalError> {
    let member = member(UserArea::current().process().ok_or(SignalError::Gone)?)?;
    SIGNALS.lock().signals_mut(member).map(work).ok_or(SignalError::Gone)
}

/// Who `process` is for signals, from the first time that it has to do with them.
pub(super) fn member(process: &Process<'_>) -> Result<MemberId, SignalError> {
    if let Some(member) = process.signals.get() {
        return Ok(member);
    }
    let member = SIGNALS.lock().join(process.party.get())?;
    process.signals.set(Some(member));
    Ok(member)
}

/// Lets `process` send to `target`; by what it names that.
pub(super) fn allow(process: &Process<'_>, target: MemberId) -> Result<u64, SignalError> {
    let member = member(process)?;
    SIGNALS.lock().allow(member, target)
}

/// Gets `process` ready to run as a thread, woken as `party`. A signal that has come before it began ends it: it has no
/// handler yet.
pub(super) fn begin(process: &Process<'_>, party: Option<PartyId>) -> Option<Ending> {
    let member = process.signals.get()?;
    let mut table = SIGNALS.lock();
    table.set_wake(member, party);
    match table.signals_mut(member)?.take_next() {
        Next::End(signal) => Some(Ending::Signalled(signal.number())),
        Next::Nothing | Next::Call { .. } => None,
    }
}

/// Takes a process out that has ended.
#[inline]
pub(super) fn leave(process: &Process<'_>) {
    if let Some(member) = process.signals.take() {
        remove(member);
    }
}

#[cold]
fn remove(member: MemberId) {
    let mut table = SIGNALS.lock();
    table.leave(member);
    if table.is_empty() {
        // Its memory is whoever's who asked for it first.
        *table = Table::new();
    }
}

/// Forgets all signals, with the memory that they had: whoever used them never goes on.
pub(super) fn abandon() {
    // SAFETY: whoever held the lock never goes on.
    unsafe { SIGNALS.force_unlock() };
    core::mem::forget(core::mem::take(&mut *SIGNALS.lock()));
}

/// Has the handler of `process` called for the exception of `frame`, which touched `address`; `false` if it has none, or
/// has blocked the signal.
pub(super) fn take_fault(
    area: &UserArea,
    process: &Process<'_>,
    frame: &mut TrapFrame,
    address: u64,
) -> bool {
    let Some(member) = process.signals.get() else { return false };
    let signal = signal_of_exception(frame.vector);
    let is_handled = SIGNALS.lock().signals_mut(member).is_some_and(|signals| signals.handles_fault(signal));
    if !is_handled || !frame.is_from_user() {
        return false;
    }
    area.set_fault([signal.number().into(), frame.vector, address]);
    divert(area, frame);
    true
}

/// Has an interrupt out of user mode return by way of the program's signals, if some came meanwhile.
pub(in crate::arch::x86_64) fn before_user_mode(frame: &mut TrapFrame) {
    let area = UserArea::current();
    let Some(member) = area.process().and_then(|process| process.signals.get()) else { return };
    let is_ready = SIGNALS.lock().signals_mut(member).is_some_and(|signals| signals.is_ready());
    if is_ready {
        divert(area, frame);
    }
}

/// Sends the return of an interrupt or exception by way of [`deliver`], on the kernel stack of the program's thread.
fn divert(area: &UserArea, frame: &mut TrapFrame) {
    area.set_interrupted([frame.rip, frame.rflags, frame.rsp]);
    frame.resume_in_kernel(
        signal_entry::interrupted_address(),
        area.task_state.kernel_stack.load(Ordering::Relaxed),
    );
}

/// Makes of the frame what the program goes on with: as before, or in a handler. `image` has its vector and x87 registers;
/// null after a system call, which keeps none of them.
pub(super) extern "sysv64" fn deliver(on_stack: &mut OnStack, image: *const u8) -> u64 {
    let area = UserArea::current();
    let Some(process) = area.process() else { return ENDED };
    if image.is_null() {
        return go_on(area, process, on_stack, None);
    }
    let length = image_bytes(area.vector_components.load(Ordering::Relaxed));
    // SAFETY: the assembly gives an area that is larger and that nothing else uses.
    let image = unsafe { slice::from_raw_parts(image, length) };
    go_on(area, process, on_stack, Some(image))
}

/// Brings the frame at the program's stack pointer back, and what else is to be done for it. `image` is an area for its
/// vector and x87 registers.
pub(super) extern "sysv64" fn go_back(on_stack: &mut OnStack, image: *mut u8) -> u64 {
    let area = UserArea::current();
    let Some(process) = area.process() else { return ENDED };
    let components = area.vector_components.load(Ordering::Relaxed);
    // SAFETY: the assembly gives an area that is larger and that nothing else uses, and any bytes will do.
    let image = unsafe { slice::from_raw_parts_mut(image, image_bytes(components)) };
    let frame = &mut on_stack.frame;
    let Some(follow) = bring_back(process, frame, image) else { return end(process, Signal::SEGV) };
    let image = (follow > 0).then(|| {
        make_valid(image, components);
        &*image
    });
    let bits = frame.mask;
    let is_ready = with_own(|signals| {
        signals.set_mask(bits);
        signals.is_ready()
    });
    match is_ready {
        Ok(false) if image.is_some() => AS_STORED,
        Ok(false) => CLEAR,
        Ok(true) => go_on(area, process, on_stack, image),
        Err(_) => end(process, Signal::SEGV),
    }
}

/// Makes `frame` what the program has there, if that is a program's; how much of `image` came as well.
fn bring_back(process: &Process<'_>, frame: &mut SignalFrame, image: &mut [u8]) -> Option<usize> {
    let (place, has_interrupts) = (frame.rsp, frame.has_interrupts());
    let to = ptr::from_mut(frame).cast::<u8>();
    // SAFETY: a frame is words without gaps, and any bytes make one.
    let bytes = unsafe { slice::from_raw_parts_mut(to, size_of::<SignalFrame>()) };
    process.copy_in(place, bytes).ok()?;
    let follow = frame.check(has_interrupts, image.len() as u64, SEGMENTS).ok()?;
    if follow > 0 {
        process.copy_in(Places::vectors_of(place)?, image).ok()?;
    }
    usize::try_from(follow).ok()
}

/// Puts the frames of all signals on the program's stack that are to be handled, or ends it.
fn go_on(area: &UserArea, process: &Process<'_>, on_stack: &mut OnStack, image: Option<&[u8]>) -> u64 {
    let mut result = if image.is_some() { AS_STORED } else { CLEAR };
    let mut image = image.unwrap_or_default();
    let Some(member) = process.signals.get() else { return result };
    let mut fault = area.take_fault();
    loop {
        let mut table = SIGNALS.lock();
        let Some(signals) = table.signals_mut(member) else { return result };
        let (next, told) = match fault.take() {
            Some((signal, told)) => (signals.take_of_fault(signal), told),
            None => (signals.take_next(), [SENT, 0]),
        };
        let is_last = !signals.is_ready();
        drop(table);
        match next {
            Next::Nothing => return result,
            Next::End(signal) => return end(process, signal),
            Next::Call { signal, handler, mask } => {
                let call = Call { signal, handler, mask, told };
                if !call.push(process, on_stack, image) {
                    return end(process, Signal::SEGV);
                }
                // What a handler begins with is clear, and needs no room if another interrupts it.
                (result, image) = (CLEAR, &[]);
            }
        }
        if is_last {
            return result;
        }
    }
}

#[cold]
fn end(process: &Process<'_>, signal: Signal) -> u64 {
    process.end(Ending::Signalled(signal.number()));
    ENDED
}

/// A handler that is to be called.
struct Call {
    signal: Signal,
    handler: Handler,
    mask: SignalSet,
    told: [u64; 2],
}

impl Call {
    /// Puts what the program was at on its stack, and makes the frame begin the handler; whether the stack takes it.
    #[inline]
    fn push(&self, process: &Process<'_>, on_stack: &mut OnStack, image: &[u8]) -> bool {
        let vector_bytes = image.len() as u64;
        let Some(places) = Places::below(on_stack.frame.rsp, vector_bytes) else { return false };
        on_stack.return_to = self.handler.return_to();
        (on_stack.frame.mask, on_stack.frame.code_or_vector_bytes) = (self.mask.bits(), vector_bytes);
        let from = ptr::from_ref(on_stack).cast::<u8>();
        // SAFETY: it is words without gaps.
        let bytes = unsafe { slice::from_raw_parts(from, size_of::<OnStack>()) };
        if process.copy_out(places.return_to, bytes).is_err()
            || (vector_bytes > 0 && process.copy_out(places.vectors, image).is_err())
        {
            return false;
        }
        let entry = self.handler.entry();
        on_stack.frame.begin_handler(entry, places.return_to, self.signal, self.told, SEGMENTS);
        true
    }
}
