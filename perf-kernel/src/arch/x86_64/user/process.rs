//! A process: a program in its address space, run until it ends.

use core::cell::Cell;
use core::ops::Range;

use multios_core::memory::FRAME_BYTES;
use multios_core::memory::FrameCache;
use multios_core::memory::paging::{Access, AddressSpace, MapError, Touch, USER_END, USER_START};
use spin::Mutex;

use super::area::UserArea;
use super::tables::PhysicalTables;
use super::{entry, machine, messages, program_page, signals, translations};
use crate::arch::x86_64::signal_frame::INTERRUPT_FLAG;
use crate::arch::x86_64::{checked, keep_interrupts_out, restore_interrupts};
use crate::kernel::ipc::{EndpointId, Handle, IpcError, PartyId, Right};
use crate::kernel::signals::{MemberId, SignalError};
use crate::kernel::threads::ThreadId;
use crate::platform::{CopyError, Ending, PROGRAM_CODE as CODE, Program, UserProcess};

/// The stack, which grows as it is used. Between it and the code nothing is mapped.
const STACK: Range<u64> = 0x40_8000..0x41_0000;
/// RFLAGS of a program that begins without interrupts: bit 1 is always set.
const FLAGS: u64 = 1 << 1;
/// The lowest address of all that are not canonical.
const NOT_CANONICAL: u64 = 1 << 47;

/// Who a process is for messages, and what stops and wakes its thread.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) party: PartyId,
    pub(super) threads: machine::Waker,
}

/// A program in its address space.
pub(super) struct Process<'a> {
    space: Mutex<AddressSpace<'a, PhysicalTables>>,
    root: u64,
    /// Where its system calls have their stack, once it has been entered.
    pub(super) kernel_stack: Cell<u64>,
    /// Who it is for messages; `None` as long as it has no handle.
    pub(super) party: Cell<Option<PartyId>>,
    /// The same while it runs as a thread, which alone can wait.
    pub(super) member: Cell<Option<Member>>,
    /// Who it is for signals; `None` as long as it has nothing to do with them.
    pub(super) signals: Cell<Option<MemberId>>,
    /// Where the program has its messages, and how many bytes.
    pub(super) message_buffer: Cell<(u64, u64)>,
    /// Whether interrupts come in the program.
    pub(super) has_interrupts: Cell<bool>,
    entry: u64,
    ending: Cell<Option<Ending>>,
}

impl<'a> Process<'a> {
    /// A process that runs `program`.
    ///
    /// # Errors
    /// Frames or heap are short.
    pub(super) fn new(
        tables: PhysicalTables,
        frames: &'a FrameCache<'a>,
        program: Program,
    ) -> Result<Self, MapError> {
        let mut space = AddressSpace::new(tables, frames, translations::kernel_root())?;
        space.map(CODE..CODE + FRAME_BYTES, Access::ReadExecute)?;
        space.reserve(STACK, Access::ReadWrite)?;
        let (code, _) = space.translate(CODE).ok_or(MapError::OutOfFrames)?;
        let image = program_page::image();
        // SAFETY: the frame is the process's, mapped, larger than the image, and in nobody's use yet.
        unsafe { tables.pointer(code).copy_from_nonoverlapping(image.as_ptr(), image.len()) };
        let entry = entry_of(program);
        let (root, kernel_stack) = (space.root(), Cell::new(0));
        let (party, member, message_buffer) = (Cell::new(None), Cell::new(None), Cell::new((0, 0)));
        Ok(Self {
            root,
            kernel_stack,
            party,
            member,
            signals: Cell::new(None),
            has_interrupts: Cell::new(false),
            message_buffer,
            space: Mutex::new(space),
            entry,
            ending: Cell::new(None),
        })
    }

    /// Whether its program is one that may chill the CPU.
    pub(super) fn may_chill(&self) -> bool {
        [Program::TakeTurnsChilled, Program::CallChilled].map(entry_of).contains(&self.entry)
    }

    /// The root of its page tables.
    #[inline]
    pub(super) const fn root(&self) -> u64 {
        self.root
    }

    /// Notes how the program has ended.
    pub(super) fn end(&self, ending: Ending) {
        self.ending.set(Some(ending));
    }

    /// Brings the page at `address`, if the program was promised it; whether it may use it as it tried.
    pub(super) fn resolve(&self, address: u64, touch: Touch) -> bool {
        // Whoever holds the space was interrupted here, and would never let go.
        self.space.try_lock().is_some_and(|mut space| space.resolve(address, touch).is_ok())
    }

    #[inline]
    fn run_with(&self, arguments: [u64; 2], flags: u64) -> Ending {
        self.ending.set(None);
        translations::switch_to(self.root);
        let [first, second] = arguments;
        let (entry, kernel_stack) = (self.entry, self.kernel_stack.as_ptr());
        UserArea::current().with_process(self, || {
            // SAFETY: the tables are the process's, which the area now has, there is a process only where user mode is set
            // up, and the callers give flags of their own.
            unsafe { entry::user_enter(entry, STACK.end, first, second, kernel_stack, flags) };
        });
        // What it has made of its signals is over with the run.
        signals::leave(self);
        self.ending.take().expect("user mode is left by an ending")
    }

    /// Copies `length` bytes, if those at `address` are user memory.
    #[inline]
    fn copy(&self, address: u64, to: *mut u8, from: *const u8, length: usize) -> Result<(), CopyError> {
        let end = address.checked_add(length as u64).ok_or(CopyError::NotUser)?;
        if address < USER_START || end > USER_END {
            return Err(CopyError::NotUser);
        }
        translations::switch_to(self.root);
        let area = UserArea::current();
        let is_copied = area.with_process(self, || {
            // SAFETY: the callers below give a slice of the kernel's with its length, and the other range is user
            // memory to its end.
            unsafe { checked::copy_user(to, from, length, area.has_smap()) }
        });
        if is_copied { Ok(()) } else { Err(CopyError::Faulted) }
    }
}

/// Where `program` begins.
fn entry_of(program: Program) -> u64 {
    program_page::offset(program).map_or(NOT_CANONICAL, |offset| CODE + offset)
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        if let Some(party) = self.party.take() {
            messages::leave(party);
        }
        signals::leave(self);
    }
}

/// A pointer into user memory, which Rust knows nothing of.
#[inline]
fn user_pointer(address: u64) -> *mut u8 {
    core::ptr::without_provenance_mut(usize::try_from(address).unwrap_or(0))
}

impl UserProcess for Process<'_> {
    fn run(&mut self, arguments: [u64; 2]) -> Ending {
        self.run_with(arguments, FLAGS)
    }

    fn run_as_thread(&mut self, arguments: [u64; 2]) -> Ending {
        // User mode is the kernel's business with interrupts off alone, whether or not they come in the program.
        let has_interrupts = keep_interrupts_out();
        self.has_interrupts.set(has_interrupts);
        let threads = machine::threads();
        if let (Some(party), Some(threads)) = (self.party.get(), threads) {
            let me = threads.current();
            messages::with_parties(|parties| parties.set_wake(party, me));
            self.member.set(Some(Member { party, threads }));
        }
        let flags = if has_interrupts { FLAGS | INTERRUPT_FLAG } else { FLAGS };
        let ending =
            signals::begin(self, self.party.get()).unwrap_or_else(|| self.run_with(arguments, flags));
        self.has_interrupts.set(false);
        self.member.set(None);
        self.party.take().into_iter().for_each(messages::leave);
        signals::leave(self);
        // Another CPU may give its space back from here on.
        translations::switch_to(translations::kernel_root());
        restore_interrupts(has_interrupts);
        ending
    }

    fn create_endpoint(&mut self, right: Right) -> Result<EndpointId, IpcError> {
        messages::with_parties(|parties| {
            let party = self.party.get().unwrap_or_else(|| parties.join(ThreadId::NONE));
            self.party.set(Some(party));
            parties.create(party, right).map(|(endpoint, _)| endpoint)
        })
    }

    fn grant(&mut self, endpoint: EndpointId, right: Right) -> Result<Handle, IpcError> {
        messages::with_parties(|parties| {
            let party = self.party.get().unwrap_or_else(|| parties.join(ThreadId::NONE));
            self.party.set(Some(party));
            parties.grant(party, endpoint, right)
        })
    }

    fn signal_target(&mut self) -> Result<MemberId, SignalError> {
        signals::member(self)
    }

    fn allow_signals(&mut self, target: MemberId) -> Result<u64, SignalError> {
        signals::allow(self, target)
    }

    fn activate(&mut self) {
        translations::switch_to(self.root);
    }

    fn map(&mut self, range: Range<u64>, access: Access) -> Result<(), MapError> {
        self.space.get_mut().map(range, access)
    }

    fn reserve(&mut self, range: Range<u64>, access: Access) -> Result<(), MapError> {
        self.space.get_mut().reserve(range, access)
    }

    fn unmap(&mut self, range: Range<u64>) -> Result<u64, MapError> {
        self.space.get_mut().unmap(range)
    }

    fn discard(&mut self, range: Range<u64>) -> Result<u64, MapError> {
        self.space.get_mut().discard(range)
    }

    fn protect(&mut self, range: Range<u64>, access: Access) -> Result<u64, MapError> {
        self.space.get_mut().protect(range, access)
    }

    fn access(&self, address: u64) -> Option<Access> {
        self.space.lock().translate(address).map(|(_, access)| access)
    }

    fn copy_in(&self, address: u64, bytes: &mut [u8]) -> Result<(), CopyError> {
        self.copy(address, bytes.as_mut_ptr(), user_pointer(address), bytes.len())
    }

    fn copy_out(&self, address: u64, bytes: &[u8]) -> Result<(), CopyError> {
        self.copy(address, user_pointer(address), bytes.as_ptr(), bytes.len())
    }
}
