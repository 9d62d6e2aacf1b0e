//! The kernel's clocks as references for the counter.
//!
//! `CLOCK_MONOTONIC_RAW` is the kernel's clock source at the frequency that it found at boot; `CLOCK_REALTIME` is the
//! same source steered by NTP (clock_gettime(2)). Where the clock source is the time stamp counter itself, their
//! agreement shows that the kernel's figure is right and steady, not that the crystal is.

use rustix::time::{ClockId, clock_gettime};

use crate::platform::ReferenceClock;
use crate::units::Hertz;

/// One clock of the kernel, in nanoseconds.
pub(super) struct KernelClock {
    name: &'static str,
    id: ClockId,
}

impl KernelClock {
    /// The clock that nothing steers.
    pub(super) const MONOTONIC_RAW: Self = Self { name: "clock-monotonic-raw", id: ClockId::MonotonicRaw };
    /// The clock that NTP steers.
    pub(super) const REALTIME: Self = Self { name: "clock-realtime", id: ClockId::Realtime };
}

impl ReferenceClock for KernelClock {
    fn name(&self) -> &'static str {
        self.name
    }

    fn frequency(&self) -> Hertz {
        Hertz(1_000_000_000)
    }

    fn counter_bits(&self) -> u32 {
        u64::BITS
    }

    fn read(&mut self) -> u64 {
        nanoseconds(self.id)
    }
}

/// What the clock `id` shows, in nanoseconds since its beginning.
pub(super) fn nanoseconds(id: ClockId) -> u64 {
    let time = clock_gettime(id);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let rest = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.wrapping_mul(1_000_000_000).wrapping_add(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_go_up() {
        for mut clock in [KernelClock::MONOTONIC_RAW, KernelClock::REALTIME] {
            let before = clock.read();
            assert!(clock.read() >= before && before > 0, "{}", clock.name());
        }
    }
}
