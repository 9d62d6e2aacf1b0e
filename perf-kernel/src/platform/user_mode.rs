//! Programs in user mode, as the benches of the `kernel` suite see them.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use multios_core::memory::paging::{Access, MapError};

use crate::kernel::ipc::{EndpointId, Handle, IpcError, IpcUsage, Right};
use crate::kernel::signals::{MemberId, SignalError};

/// The means of the kernel to run programs. Frames that it keeps at hand go back when it is dropped.
pub trait UserMode {
    /// A new address space with `program` in it, ready to run.
    ///
    /// # Errors
    /// Frames or heap are short.
    fn start(&self, program: Program) -> Result<Box<dyn UserProcess + '_>, MapError>;

    /// A page in an address space of its own, which is not mapped yet.
    ///
    /// # Errors
    /// Frames or heap are short.
    fn shared_page(&self) -> Result<Box<dyn SharedPage + '_>, MapError>;

    /// Runs processes at the same time, each on a kernel thread of its own on the calling CPU, until all have ended.
    ///
    /// # Errors
    /// The reason in a few words why not all were started; those that were have ended.
    fn run_together(&self, parts: &mut [Part<'_>]) -> Result<Together, String>;

    /// What processes and endpoints there are for messages.
    fn messages_usage(&self) -> IpcUsage;

    /// Executes an invalid opcode in the kernel; whether its exception was taken and returned from.
    fn take_invalid_opcode(&self) -> bool;

    /// Looks at every page of the kernel's half of the address spaces.
    fn kernel_half(&self) -> KernelHalf;
}

/// A process, and the arguments that its program begins with.
pub struct Part<'p> {
    /// What runs.
    pub process: &'p mut dyn UserProcess,
    /// In RDI and RSI.
    pub arguments: [u64; 2],
}

/// What came of processes that ran at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Together {
    /// How each ended, in the order in which they were given.
    pub endings: Vec<Ending>,
    /// Switches between threads meanwhile.
    pub switches: u64,
}

/// A program in its address space. All that it has goes back when it is dropped.
pub trait UserProcess {
    /// Runs the program from its beginning until it exits or faults, with two arguments.
    fn run(&mut self, arguments: [u64; 2]) -> Ending;

    /// The same in a thread of its own, where other processes reach it by messages. Its handles are given back at its end.
    fn run_as_thread(&mut self, arguments: [u64; 2]) -> Ending;

    /// Gives it the first handle of a new endpoint.
    ///
    /// # Errors
    /// See [`IpcError`].
    fn create_endpoint(&mut self, right: Right) -> Result<EndpointId, IpcError>;

    /// Gives it its next handle, that of `endpoint`. The first is number 0.
    ///
    /// # Errors
    /// See [`IpcError`].
    fn grant(&mut self, endpoint: EndpointId, right: Right) -> Result<Handle, IpcError>;

    /// What others are allowed to send signals to, until its next run has ended.
    ///
    /// # Errors
    /// The heap is full.
    fn signal_target(&mut self) -> Result<MemberId, SignalError>;

    /// Lets it send signals to `target` until its next run has ended, and says by which number; the first is 1.
    ///
    /// # Errors
    /// See [`SignalError`].
    fn allow_signals(&mut self, target: MemberId) -> Result<u64, SignalError>;

    /// Makes its address space the one in use, as a run does, for the calls below. It stays in use until another is.
    fn activate(&mut self);

    /// Gives it the pages of `range`, as zeros.
    ///
    /// # Errors
    /// The range is not free user memory, or frames are short.
    fn map(&mut self, range: Range<u64>, access: Access) -> Result<(), MapError>;

    /// Promises it the pages of `range`, each as zeros when it is first touched.
    ///
    /// # Errors
    /// The range is not free user memory, or the heap is full.
    fn reserve(&mut self, range: Range<u64>, access: Access) -> Result<(), MapError>;

    /// Takes the pages of `range` from it; how many there were.
    ///
    /// # Errors
    /// The range is not user memory, or the heap is full.
    fn unmap(&mut self, range: Range<u64>) -> Result<u64, MapError>;

    /// Takes the pages of `range` from it, but not the promise of them; how many there were.
    ///
    /// # Errors
    /// The range is not user memory.
    fn discard(&mut self, range: Range<u64>) -> Result<u64, MapError>;

    /// Sets what it may do with the pages of `range`; how many are mapped.
    ///
    /// # Errors
    /// The range is not user memory, or the heap is full.
    fn protect(&mut self, range: Range<u64>, access: Access) -> Result<u64, MapError>;

    /// What it may do at `address`; `None` if no page is mapped there.
    fn access(&self, address: u64) -> Option<Access>;

    /// Copies what it has at `address` into `bytes`.
    ///
    /// # Errors
    /// It does not have all of that. What was copied of it is in `bytes`.
    fn copy_in(&self, address: u64, bytes: &mut [u8]) -> Result<(), CopyError>;

    /// Copies `bytes` to its `address`.
    ///
    /// # Errors
    /// It may not write all of that. A part may have been written.
    fn copy_out(&self, address: u64, bytes: &[u8]) -> Result<(), CopyError>;
}

/// Where programs look for memory that they are to be given.
pub const PROGRAM_DATA: u64 = 0x1000_0000;
/// Where the code of all programs lies.
pub const PROGRAM_CODE: u64 = 0x40_0000;
/// Where programs keep an account of signals: how many were noted, and of each its number, what it was told beside, and
/// the address.
pub const PROGRAM_NOTES: u64 = PROGRAM_DATA + 2048;

/// Functions of every program for signals to call; each has its place in the page of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramHandler {
    /// Where the others return to: it goes on where the signal came.
    GoBack,
    /// Adds one to the word at [`PROGRAM_DATA`].
    Count,
    /// Notes the signal at [`PROGRAM_NOTES`].
    Note,
    /// Notes the signal, and makes the program go on two bytes further; changes vector registers.
    Skip,
    /// Notes the signal, sends itself signal 12, and then notes number 100.
    Nest,
    /// Writes the word at [`PROGRAM_DATA`] + 1032 to the frame, at the place that the word before it says.
    Forge,
    /// Sets the word at [`PROGRAM_DATA`] + 8, and changes vector registers.
    Stop,
}

impl ProgramHandler {
    /// Bytes that each has.
    pub const BYTES: u64 = 64;

    /// Where it begins.
    #[must_use]
    pub const fn address(self) -> u64 {
        PROGRAM_CODE + Self::BYTES * self as u64
    }
}

/// A page of user memory that several CPUs use at the same time. What it takes goes back when it is dropped.
pub trait SharedPage: Sync {
    /// Maps it, as zeros.
    ///
    /// # Errors
    /// It is mapped already, or frames are short.
    fn map(&self) -> Result<(), MapError>;

    /// Takes it from every CPU; how many pages that were. When it returns, no CPU reads it any more.
    ///
    /// # Errors
    /// The heap is full.
    fn unmap(&self) -> Result<u64, MapError>;

    /// Reads its first word on the calling CPU, which has then cached where it is; `None` if it is not there.
    fn read(&self) -> Option<u64>;

    /// Waits until `is_so`, with interrupts on, so that the page can be taken from the calling CPU; whether it is so before
    /// some seconds are over.
    fn wait_until(&self, is_so: &dyn Fn() -> bool) -> bool;
}

/// What a process runs. All programs lie in one page of code; what each does with its two arguments stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Uses its stack and exits with the sum of its arguments.
    Exit,
    /// Makes as many null calls as the first argument says; exits with the sum of their results, and the counter before
    /// and after them.
    SystemCalls,
    /// Increments the first word of each of as many pages as the second argument says, from the address that the first
    /// is; exits with the sum of the words, and the counter before and after.
    TouchPages,
    /// Takes turns with another: yields twice, and then as often as the first argument says. Before each of these it adds
    /// the word at [`PROGRAM_DATA`] to every word of as many bytes as the second says, from the next page on. Exits with
    /// that word, and the counter before and after.
    TakeTurns,
    /// The same, but has the CPU chilled before what it times.
    TakeTurnsChilled,
    /// Has its messages at [`PROGRAM_DATA`]. Calls through its first handle once, and then as often as the first argument
    /// says, with as many bytes as the second says, and a word that counts down. Exits with the sum of what each answer's
    /// word is above its own, and the counter before and after.
    Call,
    /// The same, but has the CPU chilled before what it times.
    CallChilled,
    /// Has its messages at [`PROGRAM_DATA`]. Receives through its first handle, adds one to the word and to that at
    /// [`PROGRAM_DATA`], and answers with these and as many bytes as the second argument says, until nobody can call.
    /// Exits with the number of messages, and why it ended.
    Answer,
    /// Makes system calls whose RAX, RDI, RSI, RDX, R10 and R8 stand at [`PROGRAM_DATA`], and puts RAX in the place of the
    /// first of them, until that is zero. A negative RAX is no call: -1 executes UD2, with RDI in a vector register, which
    /// is the result; -2 gives the flags; -3 takes RDI as the stack pointer; -4 reads four bytes at RDI, by an
    /// instruction of two.
    Script,
    /// Has signal 10 counted at [`PROGRAM_DATA`] and sends it to itself once, and then as often as the first argument says.
    /// Exits with what these have counted, and the counter before and after.
    Signals,
    /// Counts at [`PROGRAM_DATA`] without a system call until signal 10 has come. Numbers that follow from the first argument
    /// are in R8 to R15, all XMM, and the upper halves of two YMM where there are such. Exits with the count, and how often
    /// one of them was not as before.
    Loop,
    /// Has the kernel add up words at the address that the first argument is, as many as the second says, and exits with
    /// what the call returns.
    SumWords,
    /// Reads the word at its first argument.
    Read,
    /// Jumps to its first argument.
    Jump,
    /// Never ends.
    Endless,
    /// Begins outside of its memory, at an address that is not canonical.
    BeginNowhere,
    /// Writes to its code.
    WriteCode,
    /// Runs what it has put on its stack.
    RunStack,
    /// Pushes without end.
    OverflowStack,
    /// Switches interrupts off.
    DisableInterrupts,
    /// Reads an I/O port.
    ReadPort,
    /// Executes UD2.
    InvalidOpcode,
    /// Divides by zero.
    Divide,
    /// Sets the flags that trap and that open user memory to the kernel, and makes a null call.
    SetFlags,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By the exit call: a status and two words that the program leaves behind.
    Exited([u64; 3]),
    /// By an exception.
    Faulted(UserFault),
    /// By the signal of this number.
    Signalled(u8),
}

/// An exception that ended a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserFault {
    /// Its number, 0 to 31.
    pub vector: u8,
    /// What the processor says of it; 0 for exceptions without.
    pub error_code: u64,
    /// The instruction.
    pub rip: u64,
    /// The address that was touched, of a page fault.
    pub address: Option<u64>,
}

/// Why memory of a program is not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// The range reaches out of user memory.
    #[error("reach what is not user memory")]
    NotUser,
    /// A page is missing or not allowed.
    #[error("touch a page")]
    Faulted,
}

/// What the kernel's half of the address spaces lets anybody do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KernelHalf {
    /// Bytes that can be executed.
    pub executable_bytes: u64,
    /// Pages that can be both written and executed.
    pub writable_and_executable_pages: u64,
    /// Pages that user mode can use.
    pub user_pages: u64,
    /// Entries of the lower half of the kernel's own tables, in which nothing is to be.
    pub lower_entries: u64,
}
