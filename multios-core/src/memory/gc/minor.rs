//! Collections of the young objects.

use core::mem;

use super::collector::{Collector, Managed};
use super::handle::Gc;
use super::major::Phase;
use super::space::{Kind, Space, named};

impl<T: Managed> Collector<T> {
    /// Takes back the young objects that nothing reaches; the others are old from now on. Gives how many it took. While a
    /// major collection is under way there are none.
    pub fn collect_minor(&mut self, clock: &impl Fn() -> u64) -> usize {
        let start = clock();
        let reclaimed = self.collect_young();
        self.pauses.record(clock().saturating_sub(start));
        reclaimed
    }

    pub(super) fn collect_young(&mut self) -> usize {
        if self.phase != Phase::Idle {
            return 0;
        }
        for place in 0..self.roots.len() {
            if let Some(root) = self.roots[place] {
                self.promote(root);
            }
        }
        while let Some(number) = self.listed.pop(&mut self.space.slots) {
            let Self { space: Space { slots, objects, .. }, listed, .. } = self;
            if let Some(slot) = slots.get_mut(number) {
                slot.is_listed = false;
            }
            let Some(object) = objects.get(number).and_then(Option::as_ref) else { continue };
            object.trace(&mut |child: Gc<T>| {
                if let Some(slot) = named(slots, child)
                    && slot.kind == Kind::Young
                {
                    slot.kind = Kind::Old;
                    slot.is_listed = true;
                    listed.push(child.slot, slot);
                }
            });
        }
        let mut young = mem::take(&mut self.young);
        let mut reclaimed = 0;
        for number in young.drain(..) {
            if self.space.slots.get(number).is_some_and(|slot| slot.kind == Kind::Young) {
                self.bury(number);
                reclaimed += 1;
            } else {
                self.usage.old += 1;
            }
        }
        // With the memory that it had.
        self.young = young;
        self.usage.minor_collections += 1;
        reclaimed
    }

    /// Makes a young object old, and lets the collection look at it.
    fn promote(&mut self, gc: Gc<T>) {
        if let Some(slot) = self.space.slot_mut(gc)
            && slot.kind == Kind::Young
        {
            slot.kind = Kind::Old;
            slot.is_listed = true;
            self.listed.push(gc.slot, slot);
        }
    }
}
