//! Which CPU, or thread, is running.

/// Numbers below this have caches of their own.
pub const CACHES: usize = 64;

/// Says whose cache the running code may use.
///
/// # Safety
/// Until the value that [`enter`](Self::enter) returned is dropped, no other code that gets the same number runs between its own
/// `enter` and drop: neither on another CPU nor, by an interrupt or a switch of threads, on this one. Numbers of
/// [`CACHES`] and above are nobody's and may be given to many. What was done under a number is visible to whoever gets it next.
pub unsafe trait CurrentCpu: Sync {
    /// What keeps others out.
    type Entered: Entered;

    /// Begins to use the cache of the running CPU.
    fn enter(&self) -> Self::Entered;

    /// Tries to get a number for a thread that has none yet. Called before [`enter`](Self::enter) is repeated, and only when
    /// that returned none.
    fn join(&self) {}
}

/// The right to use one cache.
pub trait Entered {
    /// The cache's number.
    fn number(&self) -> usize;
}
