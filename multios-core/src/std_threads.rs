//! The threads of a process as a scheduler for [`crate::sync`].

use core::fmt;
use core::time::Duration;
use std::sync::OnceLock;
use std::time::Instant;

use crate::host::sync::{Arc, Condvar, Mutex, MutexGuard};
use crate::sync::{Deadline, Guarded, Priority, Scheduler, Wake};

/// The threads of this process. The operating system alone ranks them: all have [`Priority::NORMAL`], and waiters are
/// served in the order in which they came.
#[derive(Clone, Copy, Debug, Default)]
pub struct StdThreads;

/// Names a thread of this process. Keeps a few bytes of it alive.
#[derive(Clone)]
pub struct StdThread(Arc<Parker>);

/// Where one thread parks.
struct Parker {
    has_token: Mutex<bool>,
    arrived: Condvar,
}

/// State behind a lock of the standard library.
pub struct StdGuarded<T>(Mutex<T>);

crate::host::thread_local! {
    static ME: StdThread = StdThread(Arc::new(Parker { has_token: Mutex::new(false), arrived: Condvar::new() }));
}

impl StdThreads {
    /// The moment on the clock of deadlines: nanoseconds since some fixed point.
    #[must_use]
    pub fn now(self) -> Deadline {
        Deadline(nanoseconds(start().elapsed()))
    }
}

impl Scheduler for StdThreads {
    type Thread = StdThread;
    type Guarded<T: Send> = StdGuarded<T>;

    fn guard<T: Send>(&self, value: T) -> StdGuarded<T> {
        StdGuarded(Mutex::new(value))
    }

    fn current(&self) -> StdThread {
        ME.with(Clone::clone)
    }

    fn park(&self, deadline: Option<Deadline>) -> Wake {
        ME.with(|me| me.0.park(deadline))
    }

    fn unpark(&self, thread: &StdThread) {
        *locked(&thread.0.has_token) = true;
        thread.0.arrived.notify_one();
    }

    fn yield_now(&self) {
        crate::host::thread::yield_now();
    }

    fn deadline(&self, after: Duration) -> Deadline {
        Deadline(nanoseconds(start().elapsed().saturating_add(after)))
    }

    fn priority(&self, _thread: &StdThread) -> Priority {
        Priority::NORMAL
    }

    fn lend(&self, _thread: &StdThread, _priority: Priority) {}

    fn end_loan(&self, _thread: &StdThread, _priority: Priority) {}

    fn is_unwinding(&self) -> bool {
        std::thread::panicking()
    }
}

impl Parker {
    fn park(&self, deadline: Option<Deadline>) -> Wake {
        let mut has_token = locked(&self.has_token);
        while !*has_token {
            has_token = match deadline {
                None => self.arrived.wait(has_token).unwrap_or_else(|poison| poison.into_inner()),
                Some(deadline) => {
                    let left = deadline.0.saturating_sub(nanoseconds(start().elapsed()));
                    if left == 0 {
                        return Wake::TimedOut;
                    }
                    let waited = self.arrived.wait_timeout(has_token, Duration::from_nanos(left));
                    waited.unwrap_or_else(|poison| poison.into_inner()).0
                }
            };
        }
        *has_token = false;
        Wake::Unparked
    }
}

impl<T> Guarded<T> for StdGuarded<T> {
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut locked(&self.0))
    }
}

impl PartialEq for StdThread {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for StdThread {}

impl fmt::Debug for StdThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StdThread").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for StdGuarded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StdGuarded").finish_non_exhaustive()
    }
}

/// No panic happens under these locks: what they guard is whole even where the standard library doubts it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}

/// Where the clock of deadlines begins.
fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_comes_before_the_park_is_not_lost() {
        let threads = StdThreads;
        threads.unpark(&threads.current());
        threads.unpark(&threads.current());
        assert_eq!(threads.park(None), Wake::Unparked);
        assert_eq!(threads.park(Some(Deadline(0))), Wake::TimedOut, "two tokens are one");
    }

    #[test]
    fn a_token_is_taken_though_the_deadline_has_passed() {
        let threads = StdThreads;
        threads.unpark(&threads.current());
        assert_eq!(threads.park(Some(Deadline(0))), Wake::Unparked);
    }

    #[test]
    fn a_thread_that_has_ended_can_still_be_unparked() {
        let threads = StdThreads;
        let gone = std::thread::spawn(|| StdThreads.current()).join().expect("it ends");
        threads.unpark(&gone);
        assert!(gone != threads.current());
    }

    #[test]
    fn deadlines_too_far_away_are_the_latest() {
        assert_eq!(StdThreads.deadline(Duration::MAX), Deadline(u64::MAX));
        assert!(StdThreads.deadline(Duration::from_secs(9)) > StdThreads.deadline(Duration::ZERO));
    }
}
