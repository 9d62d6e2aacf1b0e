//! The counter read against clocks of known frequency.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::platform::ReferenceClock;
use crate::units::{Hertz, PartsPerMillion};

/// Brackets at each end of an interval, of which the tightest is kept.
const TRIES: usize = 16;
/// No counter runs faster: a clock that has not advanced after so many ticks a second stands still.
const COUNTER_HERTZ_MAX: u64 = 10_000_000_000;
/// No counter runs slower: longer between two looks at a clock, and it may have wrapped around unseen.
const COUNTER_HERTZ_MIN: u64 = 400_000_000;
/// Looks at a clock after which even a counter that stands still ends the wait.
const LOOKS_MAX: u64 = 20_000_000;

/// The counter's frequency by one clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// The clock's name.
    pub name: &'static str,
    /// The counter's frequency.
    pub frequency: Hertz,
    /// Bound on the error: half of both brackets, and one step of the clock.
    pub uncertainty: PartsPerMillion,
}

/// Measures `counter` against all `clocks` over the same interval. A clock that stands still, or may have wrapped
/// around unseen, gives no reading.
pub(super) fn read(
    clocks: &mut [Box<dyn ReferenceClock + '_>],
    interval_ms: u64,
    counter: &mut dyn FnMut() -> u64,
) -> Vec<Reading> {
    let mut tracks: Vec<Track> = clocks.iter_mut().map(|clock| Track::begin(&mut **clock, counter)).collect();
    let begin = counter();
    let patience = COUNTER_HERTZ_MAX / 1_000 * interval_ms;
    for _ in 0..LOOKS_MAX {
        let mut is_over = true;
        for (track, clock) in tracks.iter_mut().zip(clocks.iter_mut()) {
            track.look(&mut **clock, counter);
            is_over &= track.has_lasted(&**clock, interval_ms);
        }
        if is_over || counter().wrapping_sub(begin) > patience {
            break;
        }
    }
    let ends = tracks.into_iter().zip(clocks.iter_mut());
    ends.filter_map(|(track, clock)| track.end(&mut **clock, interval_ms, counter)).collect()
}

/// The counter and a clock at the same moment, as nearly as can be told.
#[derive(Clone, Copy)]
struct Bracket {
    /// The counter in the middle of the bracket.
    ticks: u64,
    count: u64,
    width: u64,
}

impl Bracket {
    /// The tightest of several.
    fn tightest(clock: &mut dyn ReferenceClock, counter: &mut dyn FnMut() -> u64) -> Self {
        let mut best = Self::one(clock, counter);
        for _ in 1..TRIES {
            let other = Self::one(clock, counter);
            if other.width < best.width {
                best = other;
            }
        }
        best
    }

    fn one(clock: &mut dyn ReferenceClock, counter: &mut dyn FnMut() -> u64) -> Self {
        let before = counter();
        let count = clock.read();
        let width = counter().wrapping_sub(before);
        Self { ticks: before.wrapping_add(width / 2), count, width }
    }
}

/// One clock followed through an interval.
struct Track {
    begin: Bracket,
    /// The clock's latest count, and all that it has counted since the beginning.
    latest: u64,
    counted: u64,
    /// The counter at the latest look, and the longest time between two.
    looked: u64,
    gap: u64,
}

impl Track {
    fn begin(clock: &mut dyn ReferenceClock, counter: &mut dyn FnMut() -> u64) -> Self {
        let begin = Bracket::tightest(clock, counter);
        Self { begin, latest: begin.count, counted: 0, looked: begin.ticks, gap: 0 }
    }

    /// Follows the clock often enough to see it wrap around.
    fn look(&mut self, clock: &mut dyn ReferenceClock, counter: &mut dyn FnMut() -> u64) {
        let bracket = Bracket::one(clock, counter);
        self.follow(&bracket, clock.counter_bits());
    }

    fn follow(&mut self, bracket: &Bracket, bits: u32) {
        let step = bracket.count.wrapping_sub(self.latest) & mask(bits);
        self.counted = self.counted.saturating_add(step);
        self.latest = bracket.count;
        self.gap = self.gap.max(bracket.ticks.wrapping_sub(self.looked));
        self.looked = bracket.ticks;
    }

    fn has_lasted(&self, clock: &dyn ReferenceClock, interval_ms: u64) -> bool {
        u128::from(self.counted) * 1_000 >= u128::from(clock.frequency().0) * u128::from(interval_ms)
    }

    fn end(
        mut self,
        clock: &mut dyn ReferenceClock,
        interval_ms: u64,
        counter: &mut dyn FnMut() -> u64,
    ) -> Option<Reading> {
        let end = Bracket::tightest(clock, counter);
        self.follow(&end, clock.counter_bits());
        if !self.has_lasted(clock, interval_ms) || self.may_have_wrapped_unseen(clock) {
            return None;
        }
        let ticks = end.ticks.wrapping_sub(self.begin.ticks);
        let hertz = (u128::from(ticks) * u128::from(clock.frequency().0)).checked_div(self.counted.into())?;
        let bracket = PartsPerMillion::of((self.begin.width + end.width).div_ceil(2), ticks)?;
        let step = PartsPerMillion::of(1, self.counted)?;
        Some(Reading {
            name: clock.name(),
            frequency: Hertz(u64::try_from(hertz).ok().filter(|hertz| *hertz > 0)?),
            uncertainty: PartsPerMillion(bracket.0 + step.0 + 1),
        })
    }

    /// Whether the clock could have gone once around between two looks, if the counter is as slow as any.
    fn may_have_wrapped_unseen(&self, clock: &dyn ReferenceClock) -> bool {
        let counts = u128::from(self.gap) * u128::from(clock.frequency().0) / u128::from(COUNTER_HERTZ_MIN);
        counts >= u128::from(mask(clock.counter_bits()))
    }
}

/// The largest count of `bits` bits.
fn mask(bits: u32) -> u64 {
    u64::MAX >> (u64::BITS - bits.clamp(1, u64::BITS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::rc::Rc;
    use core::cell::Cell;

    /// A machine whose time moves on by a fixed number of picoseconds at every look at it.
    struct Time {
        picoseconds: Rc<Cell<u64>>,
        step: u64,
    }

    impl Time {
        fn new(step: u64) -> Self {
            Self { picoseconds: Rc::new(Cell::new(1_000_000_007)), step }
        }

        fn reader(&self, hertz: u64) -> impl FnMut() -> u64 + use<> {
            let (picoseconds, step) = (Rc::clone(&self.picoseconds), self.step);
            move || {
                picoseconds.set(picoseconds.get() + step);
                let count = u128::from(picoseconds.get()) * u128::from(hertz) / 1_000_000_000_000;
                u64::try_from(count).expect("the test is short")
            }
        }

        fn clock(&self, name: &'static str, hertz: u64, bits: u32) -> Box<dyn ReferenceClock> {
            Box::new(Scripted { name, hertz, bits, read: Box::new(self.reader(hertz)) })
        }
    }

    struct Scripted {
        name: &'static str,
        hertz: u64,
        bits: u32,
        read: Box<dyn FnMut() -> u64>,
    }

    impl ReferenceClock for Scripted {
        fn name(&self) -> &'static str {
            self.name
        }
        fn frequency(&self) -> Hertz {
            Hertz(self.hertz)
        }
        fn counter_bits(&self) -> u32 {
            self.bits
        }
        fn read(&mut self) -> u64 {
            (self.read)() & mask(self.bits)
        }
    }

    #[test]
    fn the_frequency_is_found_within_the_uncertainty() {
        let time = Time::new(400_000);
        let mut clocks = [time.clock("hpet", 14_318_180, 32), time.clock("pit", 1_193_182, 16)];
        for interval in [20, 100, 400] {
            let readings = read(&mut clocks, interval, &mut time.reader(2_445_400_000));
            assert_eq!(readings.len(), 2);
            for reading in readings {
                let error = PartsPerMillion::of(reading.frequency.0.abs_diff(2_445_400_000), 2_445_400_000);
                assert!(error <= Some(reading.uncertainty), "{reading:?}");
                assert!(reading.uncertainty <= PartsPerMillion(100), "{reading:?}");
            }
        }
    }

    #[test]
    fn a_clock_that_stands_still_gives_no_reading_and_ends() {
        let time = Time::new(400_000);
        let dead = Scripted { name: "hpet", hertz: 14_318_180, bits: 32, read: Box::new(|| 5) };
        let mut clocks: [Box<dyn ReferenceClock>; 2] = [Box::new(dead), time.clock("acpi-pm", 3_579_545, 24)];
        let readings = read(&mut clocks, 20, &mut time.reader(2_000_000_000));
        let names: Vec<&str> = readings.iter().map(|reading| reading.name).collect();
        assert_eq!(names, ["acpi-pm"]);
    }

    #[test]
    fn a_clock_that_may_have_wrapped_unseen_gives_no_reading() {
        // Looks are 30 ms apart at most, and 16 bits at 1.19 MHz last 55 ms; the counter is not known to be fast.
        let time = Time::new(7_500_000_000);
        let mut clocks = [time.clock("pit", 1_193_182, 16), time.clock("acpi-pm", 3_579_545, 24)];
        let readings = read(&mut clocks, 400, &mut time.reader(2_000_000_000));
        let names: Vec<&str> = readings.iter().map(|reading| reading.name).collect();
        assert_eq!(names, ["acpi-pm"]);
    }

    #[test]
    fn without_clocks_there_are_no_readings() {
        assert!(read(&mut [], 20, &mut || 0).is_empty());
    }

    #[test]
    fn masks_are_as_wide_as_their_bits() {
        assert_eq!([mask(1), mask(24), mask(64)], [1, 0xff_ffff, u64::MAX]);
    }
}
