//! One thread waits, and another that waited goes on in its place, in one step.

use multios_core::sync::Wake;

use super::table::Threads;
use super::thread::{NOWHERE, State, ThreadId};

impl<R: Default> Threads<R> {
    /// Parks the thread on `cpu`, perhaps until `deadline`, and lets `to` run there, as [`Threads::unpark`],
    /// [`Threads::park`] and [`Threads::pick`] would with an empty run queue: equals that are ready keep their turn. Gives
    /// what the two run with.
    ///
    /// `None` if that would not be the same, and then nothing has changed: `to` is not parked without a deadline on this
    /// CPU, or a more urgent thread is ready, or the thread on `cpu` has its token.
    pub fn hand_over(&mut self, cpu: usize, to: ThreadId, deadline: Option<u64>) -> Option<[&mut R; 2]> {
        let here = self.cpus.get_mut(cpu)?;
        let from = here.current;
        let pair = self.threads.get_disjoint_mut([from as usize, to.slot as usize]);
        let [thread, next] = pair.ok()?;
        let is_parked =
            next.generation == to.generation && next.state == State::Parked && next.deadline.is_none();
        if !is_parked || next.cpu != cpu || !next.affinity.has(cpu) || here.ready.has_any(next.more_urgent) {
            return None;
        }
        if thread.has_token {
            return None;
        }
        let resources = [&mut thread.resource, &mut next.resource];
        thread.state = State::Parked;
        if let Some(deadline) = deadline {
            thread.deadline = Some(deadline);
            self.sleepers.add(deadline, from);
        } else if !thread.has_to_move {
            thread.waits_on = cpu;
        }
        next.state = State::Running;
        next.waits_on = NOWHERE;
        next.wake = Wake::Unparked;
        here.current = to.slot;
        self.usage.switches += 1;
        Some(resources)
    }

    /// [`Threads::hand_over`] without a deadline to a thread that waits by one of the two itself: in fewer steps.
    ///
    /// `None` as there, or if `to` waits in another way, and then nothing has changed.
    #[expect(clippy::inline_always, reason = "most of what a switch costs here")]
    #[inline(always)]
    pub fn hand_back(&mut self, cpu: usize, to: ThreadId) -> Option<[&mut R; 2]> {
        let here = self.cpus.get_mut(cpu)?;
        let from = here.current;
        let pair = self.threads.get_disjoint_mut([from as usize, to.slot as usize]);
        let [thread, next] = pair.ok()?;
        if next.waits_on != cpu || next.generation != to.generation || here.ready.has_any(next.more_urgent) {
            return None;
        }
        if thread.has_token | thread.has_to_move {
            return None;
        }
        let resources = [&mut thread.resource, &mut next.resource];
        thread.state = State::Parked;
        thread.waits_on = cpu;
        next.state = State::Running;
        next.waits_on = NOWHERE;
        here.current = to.slot;
        self.usage.switches += 1;
        Some(resources)
    }
}
