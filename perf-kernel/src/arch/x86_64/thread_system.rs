//! Threads of the kernel: carries out what the table of threads decides.

use core::mem;
use core::ptr::NonNull;
#[cfg(feature = "kernel")]
use core::sync::atomic::Ordering;
use core::sync::atomic::{AtomicU32, AtomicU64};
use core::time::Duration;

use multios_core::sync::{Deadline, Guarded, Priority, Scheduler, Wake};
use spin::mutex::{SpinMutex as Mutex, SpinMutexGuard as MutexGuard};

use super::context::{self, Context};
#[cfg(feature = "kernel")]
use super::recovery::Over;
pub use super::thread_hardware::{Hardware, Work};
use super::vector_state::Method;
use crate::kernel::threads::{
    Block, CpuSet, JoinError, Pick, SpawnError, Switch, ThreadId, Threads, ThreadsUsage, Unparked,
};

/// CPUs that threads can run on.
const CPUS_MAX: usize = 64;

/// What a thread runs with.
pub(super) struct Body<S> {
    pub(super) context: Context,
    /// `None` for the first thread of a CPU, whose stack is none of ours.
    stack: Option<S>,
    work: Option<Work>,
    has_interrupts: bool,
}

impl<S> Default for Body<S> {
    fn default() -> Self {
        Self { context: Context::running(), stack: None, work: None, has_interrupts: false }
    }
}

/// The threads of a kernel, as a handle for [`multios_core::sync`] when it lives for good.
///
/// One lock guards the table, over switches as well, so that nobody goes on with a thread whose registers are not yet
/// stored. It is held with interrupts off and never while a thread's own code runs.
pub struct ThreadSystem<H: Hardware> {
    pub(super) hardware: H,
    pub(super) table: Mutex<Threads<Body<H::Stack>>>,
    /// Holds of preemption on each CPU.
    pub(super) holds: [AtomicU32; CPUS_MAX],
    /// CPUs, as bits, on which a preemption was held back.
    pub(super) held_back: AtomicU64,
    /// CPUs, as bits, whose timer ends the turn of their thread.
    pub(super) sharing: AtomicU64,
    pub(super) vectors: Method,
}

/// The table while its lock is held.
pub(super) type Table<'a, H> = MutexGuard<'a, Threads<Body<<H as Hardware>::Stack>>>;

impl<H: Hardware> ThreadSystem<H> {
    /// Up to `threads_max` threads on `hardware`. The calling code becomes the first thread of CPU 0.
    #[must_use]
    pub fn new(hardware: H, threads_max: usize) -> Self {
        let system = Self {
            hardware,
            table: Mutex::new(Threads::new(threads_max.max(1))),
            holds: [const { AtomicU32::new(0) }; CPUS_MAX],
            held_back: AtomicU64::new(0),
            sharing: AtomicU64::new(0),
            vectors: Method::detect(),
        };
        system.begin();
        system
    }

    /// Gives the memory of the table back if no thread is left but the first of each CPU, of which the calling one is CPU
    /// 0's; whether that is so.
    pub fn reset(&self) -> bool {
        self.quietly(|| {
            let mut table = self.table.lock();
            let is_quiet = table.usage().alive <= table.cpus() && table.usage().ended == 0;
            if is_quiet {
                *table = Threads::new(table.threads_max());
            }
            is_quiet
        })
    }

    /// Forgets all threads, whatever they were at; the memory of the table is left where it is. The calling code is then
    /// none, until [`ThreadSystem::begin`].
    #[cfg(feature = "kernel")]
    pub fn abandon(&self, _over: &Over) {
        // SAFETY: whoever held the table never goes on.
        unsafe { self.table.force_unlock() };
        let mut table = self.table.lock();
        let threads_max = table.threads_max();
        mem::forget(mem::replace(&mut *table, Threads::new(threads_max)));
        self.holds.iter().for_each(|holds| holds.store(0, Ordering::Relaxed));
        self.held_back.store(0, Ordering::Relaxed);
        self.sharing.store(0, Ordering::Relaxed);
    }

    /// Makes the calling code the first thread of CPU 0, and what each other CPU does now, which is to wait for
    /// interrupts, the first of that, if there is no thread.
    pub fn begin(&self) {
        self.quietly(|| {
            let mut table = self.table.lock();
            if table.usage().alive > 0 {
                return;
            }
            for cpu in 0..self.hardware.cpus().min(CPUS_MAX) {
                let priority = if cpu == 0 { Priority::NORMAL } else { Priority::LOWEST };
                // There is room, or there are fewer CPUs.
                let _ = table.add_cpu(priority, Body::default());
            }
        });
    }

    /// The machine under the threads.
    pub const fn hardware(&self) -> &H {
        &self.hardware
    }

    /// The calling thread's CPU.
    pub fn cpu(&self) -> usize {
        self.hardware.cpu()
    }

    /// What threads there are.
    pub fn usage(&self) -> ThreadsUsage {
        self.quietly(|| self.table.lock().usage())
    }

    /// Starts a thread that calls `work` on the least busy CPU of `affinity`. Interrupts come in it if they do here.
    ///
    /// # Errors
    /// See [`SpawnError`].
    pub fn spawn(
        &'static self,
        priority: Priority,
        affinity: CpuSet,
        work: Work,
    ) -> Result<ThreadId, SpawnError> {
        let stack = self.hardware.take_stack().ok_or(SpawnError::NoStack)?;
        let system = core::ptr::from_ref(self).expose_provenance();
        // SAFETY: the stack is the thread's own.
        let context = unsafe { Context::new(H::top(&stack), begin::<H>, system) };
        let had_interrupts = self.hardware.interrupts_off();
        let body = Body { context, stack: Some(stack), work: Some(work), has_interrupts: had_interrupts };
        let mut table = self.table.lock();
        let spawned = match table.spawn(self.hardware.cpu(), priority, affinity, body) {
            Ok((id, unparked)) => {
                self.answer(table, unparked, had_interrupts);
                Ok(id)
            }
            Err((error, body)) => {
                drop(table);
                body.stack.into_iter().for_each(|stack| self.hardware.give_stack(stack));
                Err(error)
            }
        };
        self.restore(had_interrupts);
        spawned
    }

    /// Waits until the thread `id` has ended and its stack is free, and gives what it returned.
    ///
    /// # Errors
    /// See [`JoinError`].
    pub fn join(&'static self, id: ThreadId) -> Result<u64, JoinError> {
        self.quietly(|| {
            loop {
                let mut table = self.table.lock();
                let cpu = self.hardware.cpu();
                match table.join(cpu, id)? {
                    Block::Done(value) => return Ok(value),
                    Block::Wait => {
                        let pick = table.pick(cpu);
                        self.follow(table, cpu, pick);
                    }
                }
            }
        })
    }

    /// Lets the thread `id` be forgotten when it ends.
    ///
    /// # Errors
    /// See [`JoinError`].
    pub fn detach(&self, id: ThreadId) -> Result<(), JoinError> {
        self.quietly(|| self.table.lock().detach(id))
    }

    /// Ends the calling thread; the first one of a CPU must not.
    pub fn exit(&'static self, value: u64) -> ! {
        self.hardware.interrupts_off();
        let mut table = self.table.lock();
        let cpu = self.hardware.cpu();
        let unparked = table.exit(cpu, value);
        self.tell_another(cpu, unparked);
        let pick = table.pick(cpu);
        self.follow(table, cpu, pick);
        unreachable!("nothing goes on with a thread that has ended")
    }

    /// Stops the calling thread until `deadline`, whatever tokens come.
    pub fn sleep_until(&'static self, deadline: Deadline) {
        self.quietly(|| {
            let mut table = self.table.lock();
            let cpu = self.hardware.cpu();
            table.sleep(cpu, deadline.0);
            self.hardware.wake_at(deadline.0);
            let pick = table.pick(cpu);
            self.follow(table, cpu, pick);
        });
    }

    /// Lets `id` run on `affinity` alone, from when it next becomes ready.
    ///
    /// # Errors
    /// None of these CPUs runs.
    pub fn set_affinity(&self, id: ThreadId, affinity: CpuSet) -> Result<(), SpawnError> {
        self.quietly(|| self.table.lock().set_affinity(id, affinity))
    }

    /// Brings the calling thread to where `pick` says, and returns when it goes on; the table is then unlocked.
    #[inline]
    pub(super) fn follow(
        &'static self,
        table: MutexGuard<'_, Threads<Body<H::Stack>>>,
        cpu: usize,
        pick: Pick,
    ) {
        match pick {
            Pick::Stay => {}
            Pick::Switch(switch) => self.switch(table, switch),
            Pick::Idle(until) => self.idle(table, cpu, until),
        }
    }

    /// Waits until the CPU has something to do, and does that.
    #[cold]
    fn idle(&'static self, table: MutexGuard<'_, Threads<Body<H::Stack>>>, cpu: usize, until: Option<u64>) {
        drop(table);
        let mut until = until;
        loop {
            self.hardware.idle(until);
            let mut table = self.table.lock();
            self.expire(&mut table);
            match table.pick(cpu) {
                Pick::Stay => return,
                Pick::Switch(switch) => {
                    self.begin_turn(cpu);
                    return self.follow(table, cpu, Pick::Switch(switch));
                }
                Pick::Idle(next) => until = next,
            }
        }
    }

    #[inline(always)]
    fn switch(&'static self, mut table: MutexGuard<'_, Threads<Body<H::Stack>>>, switch: Switch) {
        // A thread in a run queue or on a CPU has its registers and its stack.
        let to = table.resource_mut(switch.to).context;
        let from = NonNull::from(&mut table.resource_mut(switch.from).context);
        MutexGuard::leak(table);
        // SAFETY: the table says that the thread is stopped and on no CPU, and stays locked until the switch is done.
        unsafe { self.switch_to(from, to) };
    }

    /// Goes on with another thread, and returns when the calling one does; the table is then unlocked.
    ///
    /// # Safety
    /// The table is locked, and says of `to` that it is stopped and on no CPU; `from` is the calling thread's.
    #[inline(always)]
    pub(super) unsafe fn switch_to(&self, from: NonNull<Context>, to: Context) {
        let user = self.hardware.user();
        // SAFETY: the caller keeps the contract.
        unsafe { context::switch(from, to, 0) };
        self.arrive(user);
    }

    /// The first thing on the other side of a switch: what the thread has of user mode comes back, and the lock that the
    /// side before took is given back.
    #[inline]
    pub(super) fn arrive(&self, user: H::User) {
        self.hardware.return_to(user);
        // The calling thread may have come from another CPU.
        let cpu = self.hardware.cpu();
        // SAFETY: the table is locked for whoever arrives.
        let table = unsafe { &mut *self.table.as_mut_ptr() };
        if table.has_dead(cpu) {
            return self.bury(cpu);
        }
        // SAFETY: as above, and the reference is used no more.
        unsafe { self.table.force_unlock() };
    }

    /// The same where the side before has ended.
    #[cold]
    fn bury(&self, cpu: usize) {
        // SAFETY: the table is locked for whoever arrives.
        let table = unsafe { &mut *self.table.as_mut_ptr() };
        let dead = table.take_dead(cpu);
        let unparked = dead.map_or(Unparked::Nothing, |(body, unparked)| {
            // Before whoever joins it can look whether stacks are left.
            body.stack.into_iter().for_each(|stack| self.hardware.give_stack(stack));
            unparked
        });
        // SAFETY: as above, and the reference is used no more.
        unsafe { self.table.force_unlock() };
        self.tell_another(cpu, unparked);
    }

    /// Wakes all whose deadline has passed.
    #[inline]
    pub(super) fn expire(&self, table: &mut Threads<Body<H::Stack>>) {
        if table.earliest().is_some() {
            self.expire_due(table);
        }
    }

    #[cold]
    fn expire_due(&self, table: &mut Threads<Body<H::Stack>>) {
        let (now, cpu) = (self.hardware.now(), self.hardware.cpu());
        while let Some(unparked) = table.expire(now) {
            if !self.tell_another(cpu, unparked) {
                // Of several that are ready now, each has its turn.
                self.begin_turn(cpu);
            }
        }
    }

    /// The table, which is hardly ever locked.
    #[inline]
    pub(super) fn lock(&self) -> Table<'_, H> {
        #[cold]
        fn wait<H: Hardware>(system: &ThreadSystem<H>) -> Table<'_, H> {
            system.table.lock()
        }
        self.table.try_lock().unwrap_or_else(|| wait(self))
    }

    /// Calls `work` with interrupts off.
    #[inline]
    pub(super) fn quietly<T>(&self, work: impl FnOnce() -> T) -> T {
        let had_interrupts = self.hardware.interrupts_off();
        let result = work();
        self.restore(had_interrupts);
        result
    }

    /// Changes what threads there are ready, and does what that asks for.
    #[inline]
    fn change(&'static self, change: impl FnOnce(&mut Threads<Body<H::Stack>>) -> Unparked) {
        let had_interrupts = self.hardware.interrupts_off();
        let mut table = self.table.lock();
        let unparked = change(&mut table);
        self.answer(table, unparked, had_interrupts);
        self.restore(had_interrupts);
    }

    #[inline]
    pub(super) fn restore(&self, had_interrupts: bool) {
        if had_interrupts {
            self.hardware.interrupts_on();
        }
    }
}

/// Where every thread begins, with interrupts off and the table locked.
extern "sysv64" fn begin<H: Hardware>(system: usize) -> ! {
    let system = core::ptr::with_exposed_provenance::<ThreadSystem<H>>(system);
    // SAFETY: `spawn` passes a system that lives for good.
    let system: &'static ThreadSystem<H> = unsafe { &*system };
    system.arrive(H::User::default());
    let mut table = system.table.lock();
    let me = table.current(system.hardware.cpu());
    let body = table.resource_mut(me.slot());
    let start = mem::take(&mut body.work).map(|work| (work, body.has_interrupts));
    drop(table);
    let Some((work, has_interrupts)) = start else { unreachable!("a thread begins once, with its work") };
    system.restore(has_interrupts);
    let value = work();
    system.exit(value)
}

impl<H: Hardware> Scheduler for &'static ThreadSystem<H> {
    type Thread = ThreadId;
    type Guarded<T: Send> = HeldGuarded<T, H>;

    fn guard<T: Send>(&self, value: T) -> HeldGuarded<T, H> {
        HeldGuarded { system: self, value: Mutex::new(value) }
    }

    fn current(&self) -> ThreadId {
        self.quietly(|| self.table.lock().current(self.hardware.cpu()))
    }

    fn park(&self, deadline: Option<Deadline>) -> Wake {
        let system = *self;
        system.quietly(|| {
            let mut table = system.table.lock();
            let cpu = system.hardware.cpu();
            match table.park(cpu, deadline.map(|deadline| deadline.0)) {
                Block::Done(wake) => wake,
                Block::Wait => {
                    if let Some(deadline) = deadline {
                        system.hardware.wake_at(deadline.0);
                    }
                    system.expire(&mut table);
                    let pick = table.pick(cpu);
                    system.follow(table, cpu, pick);
                    system.table.lock().end_park(system.hardware.cpu())
                }
            }
        })
    }

    fn unpark(&self, thread: &ThreadId) {
        let system = *self;
        system.change(|table| table.unpark(*thread));
    }

    fn yield_now(&self) {
        let system = *self;
        system.quietly(|| {
            let mut table = system.lock();
            system.expire(&mut table);
            let cpu = system.hardware.cpu();
            // A thread that yields is never kept waiting by an idle CPU: this is the way that counts.
            if let Pick::Switch(switch) = table.yield_now(cpu) {
                system.switch(table, switch);
            }
        });
    }

    fn deadline(&self, after: Duration) -> Deadline {
        Deadline(self.hardware.deadline(after))
    }

    fn priority(&self, thread: &ThreadId) -> Priority {
        self.quietly(|| self.table.lock().priority(*thread)).unwrap_or(Priority::LOWEST)
    }

    fn lend(&self, thread: &ThreadId, priority: Priority) {
        let system = *self;
        system.change(|table| table.lend(*thread, priority));
    }

    fn end_loan(&self, thread: &ThreadId, priority: Priority) {
        let system = *self;
        system.change(|table| table.end_loan(*thread, priority));
    }

    fn is_unwinding(&self) -> bool {
        false
    }
}

/// State behind a lock that its holder is not preempted with: on one CPU nobody ever finds it locked, and on several
/// one waits for a few instructions of another.
pub struct HeldGuarded<T, H: Hardware> {
    system: &'static ThreadSystem<H>,
    value: Mutex<T>,
}

impl<T, H: Hardware> Guarded<T> for HeldGuarded<T, H> {
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        self.system.hold_preemption();
        let result = work(&mut self.value.lock());
        self.system.release_preemption();
        result
    }
}
