//! Threads whose wait ends by itself.

use alloc::vec::Vec;

/// Slots by deadline. The earliest is last, where taking it moves nothing.
pub(super) struct Sleepers {
    latest_first: Vec<(u64, u32)>,
}

impl Sleepers {
    pub(super) const fn new() -> Self {
        Self { latest_first: Vec::new() }
    }

    /// Adds `slot`, which is not among them.
    pub(super) fn add(&mut self, deadline: u64, slot: u32) {
        // Behind those of the same deadline, so that it comes out after them.
        let at = self.latest_first.partition_point(|(other, _)| *other > deadline);
        self.latest_first.insert(at, (deadline, slot));
    }

    /// Takes `slot` back, which sleeps until `deadline`.
    pub(super) fn remove(&mut self, deadline: u64, slot: u32) {
        let first = self.latest_first.partition_point(|(other, _)| *other > deadline);
        if let Some(at) = self.latest_first[first..].iter().position(|(_, other)| *other == slot) {
            self.latest_first.remove(first + at);
        }
    }

    /// Takes the earliest if its deadline has passed at `now`.
    pub(super) fn pop_due(&mut self, now: u64) -> Option<u32> {
        self.latest_first.pop_if(|(deadline, _)| *deadline <= now).map(|(_, slot)| slot)
    }

    /// The next deadline.
    pub(super) fn earliest(&self) -> Option<u64> {
        self.latest_first.last().map(|(deadline, _)| *deadline)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sleepers_come_out_when_they_are_due_earliest_first(
            steps in prop::collection::vec((0_u8..3, 0_u64..20, 0_usize..40), 0..100),
        ) {
            let mut sleepers = Sleepers::new();
            // By deadline, then by who came first.
            let mut model: Vec<(u64, u32)> = Vec::new();
            let mut next = 0;
            for (step, moment, pick) in steps {
                match step {
                    0 => {
                        sleepers.add(moment, next);
                        model.push((moment, next));
                        next += 1;
                    }
                    1 if pick < model.len() => {
                        let (deadline, slot) = model.remove(pick);
                        sleepers.remove(deadline, slot);
                    }
                    _ => {
                        let due = model.iter().copied().filter(|(deadline, _)| *deadline <= moment).min();
                        model.retain(|sleeper| Some(*sleeper) != due);
                        prop_assert_eq!(sleepers.pop_due(moment), due.map(|(_, slot)| slot));
                    }
                }
                prop_assert_eq!(sleepers.earliest(), model.iter().map(|(deadline, _)| *deadline).min());
            }
        }
    }
}
