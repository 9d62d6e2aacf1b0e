//! The threads of this kernel.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

use multios_core::memory::Frames;
use multios_core::sync::Priority;
use spin::{Mutex, Once};

use crate::arch::bare_threads::BareHardware;
use crate::arch::thread_system::ThreadSystem;
use crate::arch::{PhysicalMemory, Ring0};
use crate::kernel::threads::{CpuSet, ThreadId};
use crate::platform::Runner;
use crate::units::Hertz;

/// Threads at a time, the boot's own included.
const THREADS_MAX: usize = 1024;

static MEANS: Once<(Ring0, PhysicalMemory, &'static Mutex<Frames>)> = Once::new();
static THREADS: Once<ThreadSystem<BareHardware>> = Once::new();

/// Says what threads are made with. They are set up when the first is asked for.
pub(super) fn prepare(ring0: Ring0, memory: PhysicalMemory, frames: &'static Mutex<Frames>) {
    MEANS.call_once(|| (ring0, memory, frames));
}

/// The threads, once some were asked for.
pub(super) fn started() -> Option<&'static ThreadSystem<BareHardware>> {
    THREADS.get()
}

/// Starts threads of this kernel, all as urgent as the boot's own.
pub struct KernelRunner(&'static ThreadSystem<BareHardware>);

impl KernelRunner {
    /// The threads, with a counter of `frequency` for their deadlines; `None` before the machine is known.
    pub(in crate::platform) fn get(frequency: Hertz) -> Option<Self> {
        let (ring0, memory, frames) = MEANS.get()?;
        let threads =
            THREADS.call_once(|| ThreadSystem::new(BareHardware::new(*ring0, *memory, frames), THREADS_MAX));
        threads.hardware().set_frequency(frequency);
        threads.begin();
        Some(Self(threads))
    }
}

impl Runner for KernelRunner {
    type Scheduler = &'static ThreadSystem<BareHardware>;
    type Thread = ThreadId;

    fn scheduler(&self) -> Self::Scheduler {
        self.0
    }

    fn spawn(&self, work: Box<dyn FnOnce() -> u64 + Send>) -> Result<ThreadId, String> {
        self.0.spawn(Priority::NORMAL, CpuSet::ALL, work).map_err(|error| error.to_string())
    }

    fn join(&self, thread: ThreadId) -> Result<u64, String> {
        self.0.join(thread).map_err(|error| error.to_string())
    }

    fn clean_up(&self) -> Result<(), String> {
        let stacks = self.0.hardware().stacks();
        stacks.trim();
        let (threads, stacks) = (self.0.usage(), stacks.usage());
        // Later benches find the heap as if there had been no threads.
        let is_clean = self.0.reset() && stacks.mapped == 0 && stacks.used == 0;
        is_clean.then_some(()).ok_or_else(|| format!("threads are left behind: {threads:?}, {stacks:?}"))
    }
}
