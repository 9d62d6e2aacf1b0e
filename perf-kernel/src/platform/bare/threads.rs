//! The threads of this kernel.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

use multios_core::memory::Frames;
use multios_core::sync::{Deadline, Priority, Scheduler, Wake};
use spin::{Mutex, Once};

use crate::arch::bare_threads::BareHardware;
use crate::arch::device_interrupts::DeviceVector;
use crate::arch::recovery::Over;
use crate::arch::signals::{self, ThreadHandlers};
use crate::arch::thread_system::{Hardware, ThreadSystem};
use crate::arch::{PhysicalMemory, Ring0, counter};
use crate::kernel::threads::{CpuSet, ThreadId};
use crate::platform::Runner;
use crate::units::Hertz;

/// Threads at a time, the boot's own included.
const THREADS_MAX: usize = 1024;

static MEANS: Once<(Ring0, PhysicalMemory, &'static Mutex<Frames>)> = Once::new();
static THREADS: Once<ThreadSystem<BareHardware>> = Once::new();

/// Says what threads are made with.
pub(super) fn prepare(ring0: Ring0, memory: PhysicalMemory, frames: &'static Mutex<Frames>) {
    MEANS.call_once(|| (ring0, memory, frames));
}

fn with_threads(handle: fn(&'static ThreadSystem<BareHardware>)) {
    if let Some(threads) = THREADS.get() {
        handle(threads);
    }
}

/// Sets the threads up, with a counter of `frequency` for their deadlines, so that nothing of them lies where benches allocate.
pub(super) fn set_up(frequency: Hertz) {
    let Some((ring0, memory, frames)) = MEANS.get() else { return };
    THREADS.call_once(|| {
        let hardware = BareHardware::new(*ring0, *memory, frames, frequency);
        let threads = ThreadSystem::new(hardware, THREADS_MAX);
        threads.reset();
        threads
    });
    signals::set_thread_handlers(ThreadHandlers {
        on_timer: || with_threads(ThreadSystem::on_timer),
        on_reschedule: || with_threads(ThreadSystem::on_reschedule),
        on_device: |thread| {
            if let Some(threads) = THREADS.get() {
                threads.on_device(thread);
            }
        },
    });
}

/// What threads and stacks a bench has left behind, in a few words; `None` if there are none.
pub(super) fn left_behind() -> Option<String> {
    let threads = THREADS.get()?;
    let (usage, stacks) = (threads.usage(), threads.hardware().stacks().usage());
    let others = usage.alive.saturating_sub(threads.hardware().cpus()) + usage.ended;
    (others > 0 || stacks.mapped > 0).then(|| format!("{others} threads and {} stacks", stacks.mapped))
}

/// Forgets all threads and stacks, which are over; their memory is not given back here.
pub(super) fn abandon(over: &Over) {
    if let Some(threads) = THREADS.get() {
        threads.abandon(over);
        threads.hardware().abandon_timers(over);
        threads.hardware().stacks().abandon(over);
    }
}

/// The threads, once some were asked for.
pub(super) fn started() -> Option<&'static ThreadSystem<BareHardware>> {
    THREADS.get()
}

/// Stops the calling thread, as [`DeviceVector::wait`] says, until `deadline`, a value of the counter; whether it did.
pub(super) fn wait_for_device(vector: &DeviceVector, seen: u64, deadline: u64) -> bool {
    let Some(threads) = THREADS.get().filter(|threads| threads.usage().alive > 0) else { return false };
    let park = || threads.park(Some(Deadline(deadline))) == Wake::Unparked;
    vector.wait(seen, || threads.current(), park)
}

/// Starts threads of this kernel, all as urgent as the boot's own.
pub struct KernelRunner(&'static ThreadSystem<BareHardware>);

impl KernelRunner {
    /// The threads, with a counter of `frequency` for their deadlines; `None` before the machine is known.
    pub(in crate::platform) fn get(frequency: Hertz) -> Option<Self> {
        set_up(frequency);
        let threads = THREADS.get()?;
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
        self.0.spawn(Priority::NORMAL, CpuSet::one(self.0.cpu()), work).map_err(|error| error.to_string())
    }

    fn spawn_anywhere(&self, work: Box<dyn FnOnce() -> u64 + Send>) -> Result<ThreadId, String> {
        self.0.spawn(Priority::NORMAL, CpuSet::ALL, work).map_err(|error| error.to_string())
    }

    fn preemptibly(&self, work: &mut dyn FnMut()) {
        self.0.preemptibly(work);
    }

    fn lateness(&self, deadline: Deadline) -> Option<u64> {
        counter::now().0.checked_sub(deadline.0)
    }

    fn join(&self, thread: ThreadId) -> Result<u64, String> {
        self.0.join(thread).map_err(|error| error.to_string())
    }

    fn clean_up(&self) -> Result<(), String> {
        let stacks = self.0.hardware().stacks();
        stacks.trim();
        let (threads, stacks) = (self.0.usage(), stacks.usage());
        // Later benches find the heap as if there had been no threads.
        let is_over = self.0.reset();
        let is_clean = is_over && stacks.mapped == 0 && stacks.used == 0;
        is_clean.then_some(()).ok_or_else(|| format!("threads are left behind: {threads:?}, {stacks:?}"))
    }
}
