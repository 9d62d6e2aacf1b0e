//! Where objects lie, and what the collector knows of each.

use super::super::OutOfMemory;
use super::chunks::Chunks;
use super::handle::Gc;

/// No slot.
const NONE: u32 = u32::MAX;

/// What is in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Free,
    /// An object that no collection has looked at yet.
    Young,
    Old,
    /// An object that is dead, and whose finaliser is to be run.
    Dying,
}

/// What the collector knows of a slot, apart from the object, so that it finds many in a cache line.
#[derive(Debug)]
pub(super) struct Slot {
    /// How often it was taken back.
    pub(super) generation: u32,
    /// The next in the one list that it is in.
    next: u32,
    pub(super) kind: Kind,
    /// With which colour a major collection has reached it last.
    pub(super) colour: Colour,
    /// Whether it is in the list of objects to look at.
    pub(super) is_listed: bool,
}

/// The two colours of major collections, in turn: what one has reached is what the next has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    Even,
    Odd,
}

impl Colour {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }
}

/// Slots, linked through themselves: the collector needs no memory to remember them.
#[derive(Debug)]
pub(super) struct List {
    first: u32,
    length: usize,
}

impl List {
    pub(super) const fn new() -> Self {
        Self { first: NONE, length: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.length
    }

    #[inline]
    pub(super) fn push(&mut self, number: u32, slot: &mut Slot) {
        slot.next = self.first;
        self.first = number;
        self.length += 1;
    }

    #[inline]
    pub(super) fn pop(&mut self, slots: &mut Chunks<Slot>) -> Option<u32> {
        let number = self.first;
        self.first = slots.get(number)?.next;
        self.length -= 1;
        Some(number)
    }
}

/// All slots and their objects.
pub(super) struct Space<T> {
    pub(super) slots: Chunks<Slot>,
    pub(super) objects: Chunks<Option<T>>,
    free: List,
}

impl<T> Space<T> {
    pub(super) const fn new() -> Self {
        Self { slots: Chunks::new(), objects: Chunks::new(), free: List::new() }
    }

    /// Puts `object` in a free slot.
    ///
    /// # Errors
    /// There is none, and no memory for more, or as many as there can be; with the object.
    #[inline]
    pub(super) fn put(&mut self, object: T, kind: Kind, colour: Colour) -> Result<Gc<T>, (OutOfMemory, T)> {
        let number = match self.free.pop(&mut self.slots) {
            Some(number) => number,
            None => match self.grow() {
                Ok(number) => number,
                Err(error) => return Err((error, object)),
            },
        };
        let (Some(slot), Some(place)) = (self.slots.get_mut(number), self.objects.get_mut(number)) else {
            return Err((OutOfMemory { bytes: size_of::<T>() }, object));
        };
        slot.kind = kind;
        slot.colour = colour;
        *place = Some(object);
        Ok(Gc::new(number, slot.generation))
    }

    #[cold]
    fn grow(&mut self) -> Result<u32, OutOfMemory> {
        let number = self.slots.len();
        let number = u32::try_from(number).ok().filter(|number| *number != NONE);
        let number = number.ok_or(OutOfMemory { bytes: size_of::<T>() })?;
        self.slots.reserve()?;
        self.objects.reserve()?;
        self.objects.push(None);
        self.slots.push(Slot {
            generation: 0,
            next: NONE,
            kind: Kind::Free,
            colour: Colour::Even,
            is_listed: false,
        });
        Ok(number)
    }

    /// What is known of the object that `gc` names, if it is still there.
    #[inline]
    pub(super) fn slot_mut(&mut self, gc: Gc<T>) -> Option<&mut Slot> {
        named(&mut self.slots, gc)
    }

    /// Takes an object out, after which no handle names it.
    pub(super) fn take(&mut self, number: u32) -> Option<T> {
        let slot = self.slots.get_mut(number)?;
        let object = self.objects.get_mut(number)?.take();
        if slot.kind != Kind::Dying {
            slot.generation = slot.generation.wrapping_add(1);
        }
        slot.kind = Kind::Free;
        // One that has gone through all its generations is not used again: a handle might name another object by it.
        if slot.generation != u32::MAX {
            self.free.push(number, slot);
        }
        object
    }

    /// Puts an object that is dead into `list`, after which no handle names it.
    pub(super) fn let_die(&mut self, number: u32, list: &mut List) {
        if let Some(slot) = self.slots.get_mut(number) {
            slot.generation = slot.generation.wrapping_add(1);
            slot.kind = Kind::Dying;
            list.push(number, slot);
        }
    }
}

/// What is known of the object that `gc` names, if it is still there.
#[inline]
pub(super) fn named<T>(slots: &mut Chunks<Slot>, gc: Gc<T>) -> Option<&mut Slot> {
    slots.get_mut(gc.slot).filter(|slot| slot.generation == gc.generation)
}
