//! Collections of everything, in steps.

use super::collector::{Collector, Managed};
use super::handle::Gc;
use super::space::{Kind, Space, named};

/// Objects between two looks at the clock.
const BATCH: u32 = 32;

/// Where a major collection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// None is under way.
    Idle,
    /// Looks for what roots reach, of which those before this one were looked at.
    Marking { next_root: usize },
    /// Takes back what it has not reached, in the slots from this one on.
    Sweeping { next: u32 },
}

/// How far a major collection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It goes on with the next step.
    UnderWay,
    /// It has ended.
    Ended,
}

impl<T: Managed> Collector<T> {
    /// Does one step of a major collection, and begins one, with a minor one, if none is under way. The step ends soon after
    /// `clock` has gone on by `budget_ticks`: an object is traced and dropped in one go, and the minor collection is not cut.
    pub fn step(&mut self, clock: &impl Fn() -> u64, budget_ticks: u64) -> Progress {
        let start = clock();
        let is_over = || clock().saturating_sub(start) >= budget_ticks;
        if self.phase == Phase::Idle {
            self.collect_young();
            self.reached = self.reached.other();
            self.phase = Phase::Marking { next_root: 0 };
        }
        let progress = loop {
            if is_over() {
                break Progress::UnderWay;
            }
            if self.advance() == Progress::Ended {
                break Progress::Ended;
            }
        };
        self.pauses.record(clock().saturating_sub(start));
        progress
    }

    /// Ends the major collection that is under way, if there is one, and then does a whole one in one go, after which every
    /// object is there that a root reaches, and no other.
    pub fn collect_major(&mut self, clock: &impl Fn() -> u64) {
        if self.phase != Phase::Idle {
            while self.step(clock, u64::MAX) != Progress::Ended {}
        }
        while self.step(clock, u64::MAX) != Progress::Ended {}
    }

    /// Collects if it is time to, as the limits say: the young objects, or a step of everything. Programs call it where
    /// they hold no handle but those in objects and roots.
    pub fn poll(&mut self, clock: &impl Fn() -> u64, budget_ticks: u64) {
        let grown = self.old_after_major.saturating_mul(100 + self.limits.growth_percent) / 100;
        if self.phase != Phase::Idle || self.usage.old >= grown.max(self.limits.old_objects_min) {
            self.step(clock, budget_ticks);
        } else if self.young.len() >= self.limits.young_objects_max {
            self.collect_minor(clock);
        }
    }

    /// Whether [`Collector::poll`] has something to do.
    #[must_use]
    pub fn is_due(&self) -> bool {
        let grown = self.old_after_major.saturating_mul(100 + self.limits.growth_percent) / 100;
        self.phase != Phase::Idle
            || self.usage.old >= grown.max(self.limits.old_objects_min)
            || self.young.len() >= self.limits.young_objects_max
    }

    /// A little of what there is to do.
    fn advance(&mut self) -> Progress {
        match self.phase {
            Phase::Idle => return Progress::Ended,
            Phase::Marking { next_root } if next_root < self.roots.len() => {
                let end = (next_root + BATCH as usize).min(self.roots.len());
                for place in next_root..end {
                    if let Some(root) = self.roots[place] {
                        self.reach(root);
                    }
                }
                self.phase = Phase::Marking { next_root: end };
            }
            Phase::Marking { .. } => {
                for _ in 0..BATCH {
                    if !self.mark_one() {
                        self.phase = Phase::Sweeping { next: 0 };
                        break;
                    }
                }
            }
            Phase::Sweeping { next } => return self.sweep(next),
        }
        Progress::UnderWay
    }

    /// Notes that `gc` is reached, and lets the collection look at it.
    pub(super) fn reach(&mut self, gc: Gc<T>) {
        let reached = self.reached;
        if let Some(slot) = self.space.slot_mut(gc)
            && slot.colour != reached
        {
            slot.colour = reached;
            slot.is_listed = true;
            self.listed.push(gc.slot, slot);
        }
    }

    /// Looks at one object that is reached; `false` if there is none left.
    fn mark_one(&mut self) -> bool {
        let Some(number) = self.listed.pop(&mut self.space.slots) else { return false };
        let Self { space: Space { slots, objects, .. }, listed, reached, .. } = self;
        if let Some(slot) = slots.get_mut(number) {
            slot.is_listed = false;
        }
        if let Some(object) = objects.get(number).and_then(Option::as_ref) {
            object.trace(&mut |child: Gc<T>| {
                if let Some(slot) = named(slots, child)
                    && slot.colour != *reached
                {
                    slot.colour = *reached;
                    slot.is_listed = true;
                    listed.push(child.slot, slot);
                }
            });
        }
        true
    }

    fn sweep(&mut self, next: u32) -> Progress {
        for number in next..next.saturating_add(BATCH) {
            let Some(slot) = self.space.slots.get(number) else {
                self.phase = Phase::Idle;
                self.old_after_major = self.usage.old;
                self.usage.major_collections += 1;
                return Progress::Ended;
            };
            if slot.kind == Kind::Old && slot.colour != self.reached {
                self.usage.old -= 1;
                self.bury(number);
            }
        }
        self.phase = Phase::Sweeping { next: next.saturating_add(BATCH) };
        Progress::UnderWay
    }
}
