//! Threads of the kernel: carries out what the table of threads decides.

use core::mem;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use core::time::Duration;

use multios_core::sync::{Deadline, Guarded, Priority, Scheduler, Wake};
use spin::mutex::{SpinMutex as Mutex, SpinMutexGuard as MutexGuard};

use super::context::{self, Context};
pub use super::thread_hardware::{Hardware, Work};
use super::vector_state::{Method, keep};
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

/// The threads of a kernel, as a handle for [`multios_core::sync`] when it lives for good.
///
/// One lock guards the table, over switches as well, so that nobody goes on with a thread whose registers are not yet
/// stored. It is held with interrupts off and never while a thread's own code runs.
pub struct ThreadSystem<H: Hardware> {
    pub(super) hardware: H,
    pub(super) table: Mutex<Threads<Body<H::Stack>>>,
    /// Holds of preemption on each CPU.
    holds: [AtomicU32; CPUS_MAX],
    /// CPUs, as bits, on which a preemption was held back.
    held_back: AtomicU64,
    vectors: Method,
}

impl<H: Hardware> ThreadSystem<H> {
    /// Up to `threads_max` threads on `hardware`. The calling code becomes the first thread of CPU 0.
    #[must_use]
    pub fn new(hardware: H, threads_max: usize) -> Self {
        let system = Self {
            hardware,
            table: Mutex::new(Threads::new(threads_max.max(1))),
            holds: [const { AtomicU32::new(0) }; CPUS_MAX],
            held_back: AtomicU64::new(0),
            vectors: Method::detect(),
        };
        // There is room for one.
        let _ = system.add_cpu();
        system
    }

    /// Makes the calling code the first thread of the next CPU, which is the calling one, and gives its number.
    ///
    /// # Errors
    /// There are as many threads as there may be.
    pub fn add_cpu(&self) -> Result<usize, SpawnError> {
        let first = Body { context: Context::running(), stack: None, work: None, has_interrupts: false };
        self.table.lock().add_cpu(first)
    }

    /// Gives the memory of the table back if no thread is left but the first of CPU 0, which is the calling one; whether
    /// that is so.
    pub fn reset(&self) -> bool {
        self.quietly(|| {
            let mut table = self.table.lock();
            let is_quiet = table.usage().alive <= 1 && table.usage().ended == 0;
            if is_quiet {
                *table = Threads::new(table.threads_max());
            }
            is_quiet
        })
    }

    /// Makes the calling code the first thread of CPU 0, if there is none.
    pub fn begin(&self) {
        if self.usage().alive == 0 {
            let _ = self.add_cpu();
        }
    }

    /// The machine under the threads.
    pub const fn hardware(&self) -> &H {
        &self.hardware
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
                self.answer(table, unparked);
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
        if let Unparked::Reschedule(other) = table.exit(cpu, value)
            && other != cpu
        {
            self.hardware.reschedule(other);
        }
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

    /// What the timer's interrupt calls last, with interrupts off: wakes those whose deadline has passed, and gives the
    /// CPU to a thread as urgent as the interrupted one, or more. All registers of that one are kept.
    pub fn on_timer(&'static self) {
        self.on_interrupt(|table, cpu| table.yield_now(cpu));
    }

    /// What any other interrupt calls last, with interrupts off: gives the CPU to a thread that is more urgent than the
    /// interrupted one. All registers of that one are kept.
    pub fn on_reschedule(&'static self) {
        self.on_interrupt(|table, cpu| table.preempt(cpu));
    }

    fn on_interrupt(&'static self, decide: impl FnOnce(&mut Threads<Body<H::Stack>>, usize) -> Pick) {
        let mut table = self.table.lock();
        let cpu = self.hardware.cpu();
        self.expire(&mut table);
        if self.holds[cpu].load(Ordering::Relaxed) > 0 {
            self.held_back.fetch_or(1 << cpu, Ordering::Relaxed);
            return;
        }
        match decide(&mut table, cpu) {
            Pick::Stay => {}
            pick => keep(self.vectors, || self.follow(table, cpu, pick)),
        }
    }

    /// Keeps the calling thread on its CPU until as many calls of [`ThreadSystem::release_preemption`].
    #[inline]
    fn hold_preemption(&self) {
        self.quietly(|| self.holds[self.hardware.cpu()].fetch_add(1, Ordering::Relaxed));
    }

    /// Ends a hold, and lets a more urgent thread run that has become ready meanwhile.
    #[inline]
    fn release_preemption(&'static self) {
        self.quietly(|| {
            let cpu = self.hardware.cpu();
            let bit = 1 << cpu;
            let is_last = self.holds[cpu].fetch_sub(1, Ordering::Relaxed) == 1;
            if is_last && self.held_back.load(Ordering::Relaxed) & bit != 0 {
                self.held_back.fetch_and(!bit, Ordering::Relaxed);
                let mut table = self.table.lock();
                let pick = table.preempt(cpu);
                self.follow(table, cpu, pick);
            }
        });
    }

    /// Does what a wake-up asks for.
    fn answer(&'static self, mut table: MutexGuard<'_, Threads<Body<H::Stack>>>, unparked: Unparked) {
        let Unparked::Reschedule(target) = unparked else { return };
        let cpu = self.hardware.cpu();
        if target != cpu {
            drop(table);
            self.hardware.reschedule(target);
        } else if self.holds[cpu].load(Ordering::Relaxed) > 0 {
            self.held_back.fetch_or(1 << cpu, Ordering::Relaxed);
        } else {
            let pick = table.preempt(cpu);
            self.follow(table, cpu, pick);
        }
    }

    /// Brings the calling thread to where `pick` says, and returns when it goes on; the table is then unlocked.
    #[inline]
    fn follow(&'static self, table: MutexGuard<'_, Threads<Body<H::Stack>>>, cpu: usize, pick: Pick) {
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
                Pick::Switch(switch) => return self.switch(table, switch),
                Pick::Idle(next) => until = next,
            }
        }
    }

    #[inline]
    fn switch(&'static self, mut table: MutexGuard<'_, Threads<Body<H::Stack>>>, switch: Switch) {
        let to = table.resource_mut(switch.to).map(|body| body.context);
        let from = table.resource_mut(switch.from).map(|body| NonNull::from(&mut body.context));
        let (Some(from), Some(to)) = (from, to) else {
            unreachable!("a thread in a run queue or on a CPU has its registers and its stack")
        };
        MutexGuard::leak(table);
        // SAFETY: the table says that the thread is stopped and on no CPU, and stays locked until the switch is done.
        unsafe { self.switch_to(from, to) };
    }

    /// Goes on with another thread, and returns when the calling one does; the table is then unlocked.
    ///
    /// # Safety
    /// The table is locked, and says of `to` that it is stopped and on no CPU; `from` is the calling thread's.
    #[inline]
    pub(super) unsafe fn switch_to(&self, from: NonNull<Context>, to: Context) {
        let user = self.hardware.user();
        // SAFETY: the caller keeps the contract.
        unsafe { context::switch(from, to) };
        self.arrive(user);
    }

    /// The first thing on the other side of a switch: what the thread has of user mode comes back, and the lock that the
    /// side before took is given back.
    #[inline]
    fn arrive(&self, user: H::User) {
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
        // SAFETY: as above, and the reference is used no more.
        unsafe { self.table.force_unlock() };
        let Some((body, unparked)) = dead else { return };
        body.stack.into_iter().for_each(|stack| self.hardware.give_stack(stack));
        if let Unparked::Reschedule(other) = unparked
            && other != cpu
        {
            self.hardware.reschedule(other);
        }
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
        let now = self.hardware.now();
        while let Some(unparked) = table.expire(now) {
            if let Unparked::Reschedule(other) = unparked
                && other != self.hardware.cpu()
            {
                self.hardware.reschedule(other);
            }
        }
    }

    /// Calls `work` with interrupts off.
    #[inline]
    fn quietly<T>(&self, work: impl FnOnce() -> T) -> T {
        let had_interrupts = self.hardware.interrupts_off();
        let result = work();
        self.restore(had_interrupts);
        result
    }

    #[inline]
    fn restore(&self, had_interrupts: bool) {
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
    let start = body.and_then(|body| Some((mem::take(&mut body.work)?, body.has_interrupts)));
    drop(table);
    let Some((work, has_interrupts)) = start else { unreachable!("a thread begins once, with its work") };
    system.restore(has_interrupts);
    let value = work();
    system.exit(value)
}

impl<H: Hardware> Scheduler for &'static ThreadSystem<H> {
    type Thread = ThreadId;
    type Guarded<T> = HeldGuarded<T, H>;

    fn guard<T>(&self, value: T) -> HeldGuarded<T, H> {
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
        system.quietly(|| {
            let mut table = system.table.lock();
            let unparked = table.unpark(*thread);
            system.answer(table, unparked);
        });
    }

    fn yield_now(&self) {
        let system = *self;
        system.quietly(|| {
            let mut table = system.table.lock();
            system.expire(&mut table);
            let cpu = system.hardware.cpu();
            let pick = table.yield_now(cpu);
            system.follow(table, cpu, pick);
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
        system.quietly(|| {
            let mut table = system.table.lock();
            let unparked = table.lend(*thread, priority);
            system.answer(table, unparked);
        });
    }

    fn end_loan(&self, thread: &ThreadId, priority: Priority) {
        let system = *self;
        system.quietly(|| {
            let mut table = system.table.lock();
            let unparked = table.end_loan(*thread, priority);
            system.answer(table, unparked);
        });
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
