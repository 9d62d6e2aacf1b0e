//! Why an address space does not change.

/// Why pages are not mapped, unmapped or protected. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// The range is empty or turned round, or does not begin and end with a page.
    #[error("take {start:#x} to {end:#x} for pages")]
    NotPages {
        /// Its first byte.
        start: u64,
        /// The byte behind it.
        end: u64,
    },
    /// The range reaches out of what user mode may have.
    #[error("reach {start:#x} to {end:#x}, which is not user memory")]
    NotUser {
        /// Its first byte.
        start: u64,
        /// The byte behind it.
        end: u64,
    },
    /// Something is mapped or reserved in the range.
    #[error("map {0:#x}, where something is")]
    Occupied(u64),
    /// No frame is free.
    #[error("find a free frame")]
    OutOfFrames,
    /// The heap has no room for a reservation.
    #[error("find memory for a reservation")]
    OutOfMemory,
}

/// Why a page fault is the program's mistake, or cannot be helped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// Nothing is mapped or reserved there.
    #[error("find anything at the address")]
    NotMapped,
    /// What is there may not be used so.
    #[error("use the page in that way")]
    Denied,
    /// No frame is free.
    #[error("find a free frame")]
    OutOfFrames,
}
