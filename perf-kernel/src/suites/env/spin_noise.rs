//! Pauses that the machine puts into a loop which does nothing but look at the counter.

use crate::arch::counter;
use crate::measure::{BenchError, Bencher};
use crate::units::{Nanoseconds, Ticks};

/// How long one sample polls.
const WINDOW: Nanoseconds = Nanoseconds(200_000);
/// A longer pause is interference.
const GAP: Nanoseconds = Nanoseconds(1_000);

pub(super) fn spin_noise(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let frequency = bencher.platform().frequency();
    let (window, gap) = (WINDOW.to_ticks(frequency), GAP.to_ticks(frequency));
    let mut total = Gaps::default();
    bencher.measure_values(|| {
        let gaps = poll(window, gap, counter::now);
        total.add(&gaps);
        Ok(gaps.longest)
    })?;
    bencher.set_gaps(total.count, total.longest);
    bencher.add_figure("gaps_above_1us_count", total.count);
    bencher.add_figure("gaps_above_1us_ticks", total.ticks);
    bencher.add_figure("polled_ticks", total.polled);
    Ok(())
}

/// What polling found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Gaps {
    /// Pauses above the threshold.
    count: u64,
    /// Ticks of them all.
    ticks: u64,
    /// The longest pause, above the threshold or not.
    longest: u64,
    /// How long was polled.
    polled: u64,
}

impl Gaps {
    const fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.ticks += other.ticks;
        self.polled += other.polled;
        if other.longest > self.longest {
            self.longest = other.longest;
        }
    }
}

/// Polls for `window` and looks at the time between two polls. The counter goes up, so that this ends.
fn poll(window: Ticks, threshold: Ticks, mut now: impl FnMut() -> Ticks) -> Gaps {
    let begin = now();
    let mut gaps = Gaps::default();
    let mut before = begin;
    while gaps.polled < window.0 {
        let after = now();
        let pause = after.since(before).0;
        if pause > threshold.0 {
            gaps.count += 1;
            gaps.ticks += pause;
        }
        gaps.longest = gaps.longest.max(pause);
        gaps.polled = after.since(begin).0;
        before = after;
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_above_the_threshold_are_counted_and_the_longest_is_kept() {
        let mut times = [0, 10, 20, 1_100, 1_110, 3_000, 3_010].into_iter();
        let now = || Ticks(times.next().expect("polling ends in time"));
        let gaps = poll(Ticks(3_005), Ticks(1_000), now);
        assert_eq!(gaps, Gaps { count: 2, ticks: 1_080 + 1_890, longest: 1_890, polled: 3_010 });
    }

    #[test]
    fn a_quiet_machine_has_its_polling_step_as_longest() {
        let mut time = 0;
        let now = || {
            time += 25;
            Ticks(time)
        };
        assert_eq!(
            poll(Ticks(100), Ticks(1_000), now),
            Gaps { count: 0, ticks: 0, longest: 25, polled: 100 }
        );
    }
}
