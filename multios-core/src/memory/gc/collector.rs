//! The heap of managed objects, as a program sees it.

use alloc::vec::Vec;
use core::mem;

use super::super::OutOfMemory;
use super::handle::{Gc, Root, Weak};
use super::major::Phase;
use super::pauses::Pauses;
use super::space::{Colour, Kind, List, Slot, Space};

/// An object that can be managed.
pub trait Managed: Sized {
    /// Calls `visit` with every handle that the object holds, and that keeps what it names alive.
    fn trace(&self, visit: &mut impl FnMut(Gc<Self>));

    /// Whether [`Managed::finalise`] is to be called for it.
    fn has_finaliser(&self) -> bool {
        false
    }

    /// Called once after the object was found dead, by [`Collector::run_finalisers`]. What it names may be gone.
    fn finalise(self) {}
}

/// When to collect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Young objects before a minor collection is due.
    pub young_objects_max: usize,
    /// By how many percent the old objects may grow before a major collection is due.
    pub growth_percent: usize,
    /// Objects before the first major collection is due.
    pub old_objects_min: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { young_objects_max: 16 * 1024, growth_percent: 100, old_objects_min: 32 * 1024 }
    }
}

/// What there is, and what there was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcUsage {
    /// Objects that no collection has looked at yet.
    pub young: usize,
    /// Objects that one has found alive, or that came while one was under way; some may be dead.
    pub old: usize,
    /// Dead objects whose finalisers are to be run.
    pub dying: usize,
    /// Places for objects, free ones included.
    pub slots: usize,
    /// Roots that are not released.
    pub roots: usize,
    /// Objects ever.
    pub allocated_total: u64,
    /// Objects found dead.
    pub reclaimed_total: u64,
    /// Minor collections ended.
    pub minor_collections: u64,
    /// Major collections ended.
    pub major_collections: u64,
}

/// A heap of objects of one type, which may be an enum of several.
pub struct Collector<T> {
    pub(super) space: Space<T>,
    pub(super) limits: Limits,
    /// Slots of the young objects. Those for which there is no room are old from the beginning.
    pub(super) young: Vec<u32>,
    /// Old objects that a collection has to look at: in a major one those that it has reached and not looked at, else those
    /// that were changed since the last.
    pub(super) listed: List,
    pub(super) dying: List,
    pub(super) roots: Vec<Option<Gc<T>>>,
    pub(super) free_roots: Vec<usize>,
    pub(super) phase: Phase,
    /// What the last major collection has reached, or the one under way does.
    pub(super) reached: Colour,
    /// Old objects after the last major collection.
    pub(super) old_after_major: usize,
    pub(super) usage: GcUsage,
    pub(super) pauses: Pauses,
}

impl<T: Managed> Collector<T> {
    /// No objects.
    ///
    /// # Errors
    /// There is no memory to remember as many young objects as there may be.
    pub fn new(limits: Limits) -> Result<Self, OutOfMemory> {
        let mut young = Vec::new();
        let bytes = limits.young_objects_max.saturating_mul(size_of::<u32>());
        young.try_reserve_exact(limits.young_objects_max).map_err(|_| OutOfMemory { bytes })?;
        Ok(Self {
            space: Space::new(),
            limits,
            young,
            listed: List::new(),
            dying: List::new(),
            roots: Vec::new(),
            free_roots: Vec::new(),
            phase: Phase::Idle,
            reached: Colour::Even,
            old_after_major: 0,
            usage: GcUsage::default(),
            pauses: Pauses::new(),
        })
    }

    /// A new object.
    ///
    /// # Errors
    /// There is no memory for it; with the object.
    #[inline]
    pub fn allocate(&mut self, object: T) -> Result<Gc<T>, (OutOfMemory, T)> {
        let is_young = self.phase == Phase::Idle && self.young.len() < self.limits.young_objects_max;
        let kind = if is_young { Kind::Young } else { Kind::Old };
        let gc = self.space.put(object, kind, self.reached)?;
        self.usage.allocated_total += 1;
        if is_young {
            self.young.push(gc.slot);
        } else {
            self.usage.old += 1;
            // It may hold what is young, or what the collection has not reached.
            self.list(gc);
        }
        Ok(gc)
    }

    /// The object that `gc` names, if it is still there.
    #[must_use]
    #[inline]
    pub fn get(&self, gc: Gc<T>) -> Option<&T> {
        let slot = self.space.slots.get(gc.slot)?;
        if slot.generation != gc.generation || self.is_dead(slot) {
            return None;
        }
        self.space.objects.get(gc.slot)?.as_ref()
    }

    /// The same to change it.
    #[must_use]
    #[inline]
    pub fn get_mut(&mut self, gc: Gc<T>) -> Option<&mut T> {
        let slot = self.space.slots.get(gc.slot)?;
        if slot.generation != gc.generation || self.is_dead(slot) {
            return None;
        }
        if slot.kind == Kind::Old && !slot.is_listed {
            self.list(gc);
        }
        self.space.objects.get_mut(gc.slot)?.as_mut()
    }

    /// The object that `weak` names, if it is still there.
    #[must_use]
    pub fn upgrade(&self, weak: Weak<T>) -> Option<Gc<T>> {
        self.get(weak.0).map(|_| weak.0)
    }

    /// Keeps `gc` alive, with all that it reaches, until the root is released. `None` if it is no longer there.
    ///
    /// # Errors
    /// There is no memory for the root.
    pub fn root(&mut self, gc: Gc<T>) -> Result<Option<Root<T>>, OutOfMemory> {
        if self.get(gc).is_none() {
            return Ok(None);
        }
        let place = match self.free_roots.pop() {
            Some(place) => place,
            None => {
                let out = |_| OutOfMemory { bytes: size_of::<Gc<T>>() };
                self.roots.try_reserve(1).map_err(out)?;
                // So that a release never needs memory.
                let missing = self.roots.len() + 1 - self.free_roots.len();
                self.free_roots.try_reserve(missing).map_err(out)?;
                self.roots.push(None);
                self.roots.len() - 1
            }
        };
        self.roots[place] = Some(gc);
        self.usage.roots += 1;
        if matches!(self.phase, Phase::Marking { .. }) {
            self.reach(gc);
        }
        Ok(Some(Root::new(place)))
    }

    /// Lets `root` keep `gc` alive in place of what it did; `false` if `gc` is no longer there, and then nothing changes.
    #[must_use]
    pub fn set_root(&mut self, root: &mut Root<T>, gc: Gc<T>) -> bool {
        if self.get(gc).is_none() {
            return false;
        }
        let place = self.roots.get_mut(root.place).filter(|place| place.is_some());
        let Some(place) = place else { return false };
        *place = Some(gc);
        if matches!(self.phase, Phase::Marking { .. }) {
            self.reach(gc);
        }
        true
    }

    /// What `root` keeps alive.
    ///
    /// # Panics
    /// Panics if the root is of another collector, and there is none like it here.
    #[must_use]
    pub fn rooted(&self, root: &Root<T>) -> Gc<T> {
        self.roots.get(root.place).copied().flatten().expect("a root is of this collector")
    }

    /// Ends what [`Collector::root`] began.
    pub fn release(&mut self, root: Root<T>) {
        if let Some(place) = self.roots.get_mut(root.place)
            && place.take().is_some()
        {
            self.free_roots.push(root.place);
            self.usage.roots -= 1;
        }
    }

    /// What there is, and what there was.
    #[must_use]
    pub fn usage(&self) -> GcUsage {
        let (young, dying) = (self.young.len(), self.dying.len());
        GcUsage { young, dying, slots: self.space.slots.len(), ..self.usage }
    }

    /// How long collections have stopped the program, step by step.
    #[must_use]
    pub const fn pauses(&self) -> &Pauses {
        &self.pauses
    }

    /// Forgets the pauses so far, and gives them.
    pub fn take_pauses(&mut self) -> Pauses {
        mem::replace(&mut self.pauses, Pauses::new())
    }

    /// Whether the collection under way has found that the object of a slot is dead, and has not come to it yet.
    #[inline]
    fn is_dead(&self, slot: &Slot) -> bool {
        matches!(self.phase, Phase::Sweeping { .. }) && slot.colour != self.reached
    }

    /// Lets the collection that comes, or is under way, look at an old object.
    #[inline]
    pub(super) fn list(&mut self, gc: Gc<T>) {
        if let Some(slot) = self.space.slot_mut(gc) {
            // A major collection looks at what it has not reached when it does, and once it sweeps there are no young ones.
            let is_due = match self.phase {
                Phase::Idle => true,
                Phase::Marking { .. } => slot.colour == self.reached,
                Phase::Sweeping { .. } => false,
            };
            if is_due && !slot.is_listed {
                slot.is_listed = true;
                self.listed.push(gc.slot, slot);
            }
        }
    }

    /// Takes a dead object out, or lets it wait for its finaliser.
    pub(super) fn bury(&mut self, number: u32) {
        self.usage.reclaimed_total += 1;
        let object = self.space.objects.get(number).and_then(Option::as_ref);
        if object.is_some_and(Managed::has_finaliser) {
            self.space.let_die(number, &mut self.dying);
        } else {
            drop(self.space.take(number));
        }
    }
}
