//! How objects are named.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

/// Names an object of a [`Collector`](super::Collector), as long as that is there. Whoever holds one inside another object
/// keeps it alive through that.
pub struct Gc<T> {
    pub(super) slot: u32,
    /// How often the slot had been taken back when the object came.
    pub(super) generation: u32,
    of: PhantomData<fn() -> T>,
}

/// Names an object and does not keep it alive.
pub struct Weak<T>(pub(super) Gc<T>);

/// Keeps an object alive until it is given back, with all that it reaches.
#[derive(Debug)]
#[must_use = "a root that is not released keeps its object for good"]
pub struct Root<T> {
    pub(super) place: usize,
    of: PhantomData<fn() -> T>,
}

impl<T> Gc<T> {
    pub(super) const fn new(slot: u32, generation: u32) -> Self {
        Self { slot, generation, of: PhantomData }
    }

    /// Names the same object without keeping it alive.
    #[must_use]
    pub const fn downgrade(self) -> Weak<T> {
        Weak(self)
    }
}

impl<T> Root<T> {
    pub(super) const fn new(place: usize) -> Self {
        Self { place, of: PhantomData }
    }
}

impl<T> Clone for Gc<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Gc<T> {}

impl<T> PartialEq for Gc<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.slot, self.generation) == (other.slot, other.generation)
    }
}

impl<T> Eq for Gc<T> {}

impl<T> Hash for Gc<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.slot, self.generation).hash(state);
    }
}

impl<T> fmt::Debug for Gc<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Gc({}.{})", self.slot, self.generation)
    }
}

impl<T> Clone for Weak<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Weak<T> {}

impl<T> fmt::Debug for Weak<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Weak({}.{})", self.0.slot, self.0.generation)
    }
}
