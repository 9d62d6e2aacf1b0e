//! One thread waits, and another that waited goes on in its place, in one step.

use super::table::{Switch, Threads};
use super::thread::{State, ThreadId};
use multios_core::sync::Wake;

impl<R> Threads<R> {
    /// Parks the thread on `cpu`, perhaps until `deadline`, and lets `to` run there, as [`Threads::unpark`],
    /// [`Threads::park`] and [`Threads::pick`] would with an empty run queue: equals that are ready keep their turn.
    ///
    /// `None` if that would not be the same, and then nothing has changed: `to` is not parked without a deadline on this
    /// CPU, or a more urgent thread is ready, or the thread on `cpu` has its token.
    #[inline]
    pub fn hand_over(&mut self, cpu: usize, to: ThreadId, deadline: Option<u64>) -> Option<Switch> {
        let here = self.cpus.get_mut(cpu)?;
        let from = here.current;
        let next = self.threads.get_mut(to.slot as usize)?;
        let is_parked =
            next.generation == to.generation && next.state == State::Parked && next.deadline.is_none();
        if !is_parked || next.cpu != cpu || !next.affinity.has(cpu) || here.ready.has_above(next.priority) {
            return None;
        }
        let thread = self.threads.get_mut(from as usize)?;
        // One whose token is there does not wait; one that is `to` cannot run and be parked.
        if thread.has_token {
            return None;
        }
        thread.state = State::Parked;
        if deadline.is_some() {
            self.wait_as(from, State::Parked, deadline);
        }
        let next = self.threads.get_mut(to.slot as usize)?;
        next.state = State::Running;
        next.wake = Wake::Unparked;
        self.cpus.get_mut(cpu)?.current = to.slot;
        self.usage.switches += 1;
        Some(Switch { from, to: to.slot })
    }
}
