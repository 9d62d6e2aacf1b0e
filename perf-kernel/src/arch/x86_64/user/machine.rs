//! The means to run programs on this machine.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::mem;

use multios_core::memory::paging::MapError;
use multios_core::memory::{FrameCache, Frames};
use multios_core::sync::{Priority, Scheduler};
use spin::{Mutex, Once};

use super::calls::MayWait;
use super::process::Process;
use super::shared_page::SpaceOfOnePage;
use super::tables::PhysicalTables;
use super::{kernel_half, messages};
use crate::arch::PhysicalMemory;
use crate::arch::x86_64::bare_threads::BareHardware;
use crate::arch::x86_64::checked;
use crate::arch::x86_64::thread_system::{Hardware, ThreadSystem, Work};
use crate::kernel::ipc::IpcUsage;
use crate::kernel::threads::{CpuSet, ThreadId};
use crate::platform::{Ending, KernelHalf, Part, Program, SharedPage, Together, UserMode, UserProcess};

/// The kernel's threads.
pub(super) type KernelThreads = &'static ThreadSystem<BareHardware>;
/// Gives the kernel's threads once there are any.
type ThreadsOf = fn() -> Option<KernelThreads>;

static THREADS: Once<KernelThreads> = Once::new();

/// The threads that processes run on, for whoever has no right to stop the calling one.
#[derive(Clone, Copy)]
pub(super) struct Waker(KernelThreads);

impl Waker {
    /// The calling thread.
    pub(super) fn current(self) -> ThreadId {
        self.0.current()
    }

    /// Gives `thread` its token.
    pub(super) fn unpark(self, thread: ThreadId) {
        self.0.unpark(&thread);
    }

    /// See `ThreadSystem::share_turns`.
    pub(super) fn share_turns(self) {
        self.0.share_turns();
    }

    /// All that threads can do.
    #[inline]
    pub(super) const fn waiting(self, _: MayWait) -> KernelThreads {
        self.0
    }
}

/// The threads that processes run on; `None` until some run at the same time.
#[inline]
pub(super) fn threads() -> Option<Waker> {
    THREADS.get().copied().map(Waker)
}

/// Frames at hand and where they are mapped. User mode is set up.
pub struct UserMachine<'a> {
    tables: PhysicalTables,
    threads: ThreadsOf,
    frames: FrameCache<'a>,
}

impl<'a> UserMachine<'a> {
    /// Programs on `frames` of `memory`, which nobody else uses and the heap has no part of; those that run at the same
    /// time on `threads`.
    #[must_use]
    pub const fn new(memory: &PhysicalMemory, frames: &'a Mutex<Frames>, threads: ThreadsOf) -> Self {
        Self { tables: PhysicalTables::new(memory), threads, frames: FrameCache::new(frames) }
    }
}

impl UserMode for UserMachine<'_> {
    fn start(&self, program: Program) -> Result<Box<dyn UserProcess + '_>, MapError> {
        Ok(Box::new(Process::new(self.tables, &self.frames, program)?))
    }

    fn shared_page(&self) -> Result<Box<dyn SharedPage + '_>, MapError> {
        Ok(Box::new(SpaceOfOnePage::new(self.tables, &self.frames)?))
    }

    fn run_together(&self, parts: &mut [Part<'_>]) -> Result<Together, String> {
        let threads = (self.threads)().ok_or("there are no threads yet")?;
        THREADS.call_once(|| threads);
        let before = threads.usage().switches;
        let mut endings = vec![None; parts.len()];
        let mut started = Vec::with_capacity(parts.len());
        let mut refusal = None;
        for (part, ending) in parts.iter_mut().zip(&mut endings) {
            let lent = Lent { process: part.process, arguments: part.arguments, ending };
            let work: Box<dyn FnOnce() -> u64 + Send + '_> = Box::new(move || lent.run());
            // SAFETY: what the work borrows outlives it: every thread is joined below.
            let work = unsafe { mem::transmute::<Box<dyn FnOnce() -> u64 + Send + '_>, Work>(work) };
            match threads.spawn(Priority::NORMAL, CpuSet::one(threads.hardware().cpu()), work) {
                Ok(thread) => started.push(thread),
                Err(error) => {
                    refusal = Some(error.to_string());
                    break;
                }
            }
        }
        for thread in started {
            threads.join(thread).expect("nobody else knows of the thread");
        }
        match refusal {
            Some(reason) => Err(reason),
            None => Ok(Together {
                endings: endings.into_iter().flatten().collect(),
                switches: threads.usage().switches - before,
            }),
        }
    }

    fn messages_usage(&self) -> IpcUsage {
        messages::usage()
    }

    fn take_invalid_opcode(&self) -> bool {
        checked::take_invalid_opcode()
    }

    fn kernel_half(&self) -> KernelHalf {
        kernel_half::inspect(self.tables)
    }
}

/// A process on a thread of its own.
struct Lent<'p> {
    process: &'p mut dyn UserProcess,
    arguments: [u64; 2],
    ending: &'p mut Option<Ending>,
}

// SAFETY: one thread at a time has it, whoever lent it waits for that thread, and what processes have in common is behind
// locks.
unsafe impl Send for Lent<'_> {}

impl Lent<'_> {
    /// Runs it to its end.
    fn run(self) -> u64 {
        *self.ending = Some(self.process.run_as_thread(self.arguments));
        0
    }
}
