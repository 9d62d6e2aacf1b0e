//! Primitives that block a thread until another lets it go on.
//!
//! They stand over a small [`Scheduler`], so that the same code runs on a kernel's own threads and on those of a
//! process. None of them spins: a thread that has to wait is parked, and the one that lets it go on hands it what it
//! waited for and unparks it. Waiters are served by priority, highest first, and among equals in the order in which
//! they came. What a thread was handed it has, even if its deadline passes in the same moment.

mod barrier;
mod channel;
mod condvar;
mod mutex;
mod scheduler;
mod semaphore;
mod wait_queue;

#[cfg(all(test, feature = "loom"))]
mod models;
#[cfg(all(test, not(feature = "loom")))]
mod order;
#[cfg(all(test, not(feature = "loom")))]
mod properties;
#[cfg(all(test, not(feature = "loom")))]
mod stress;

pub use barrier::{Arrival, Barrier, BarrierError};
pub use channel::{Channel, ReceiveError, SendError, SendRefusal};
pub use condvar::{Condvar, Notified};
pub use mutex::{LockError, Mutex, MutexGuard};
pub use scheduler::{Deadline, Guarded, Priority, Scheduler, Wake};
pub use semaphore::{AcquireError, ReleaseError, Semaphore};
