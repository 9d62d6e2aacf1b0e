//! How far a score may be off, by drawing boots again.

use perf_kernel::measure::Stream;

use super::estimate::{Part, Sides, points};
use crate::analysis::student::{Z95, t95};
use crate::history::Interval;

/// Draws. The ends of the interval are the 25th from either side.
const DRAWS: usize = 1_000;

/// Draws beyond each end of a 95 % interval.
const BEYOND: usize = 25;

/// Where the draws start from: equal boots have equal intervals.
const SEED: u64 = 1;

/// The interval of each of `parts`, in points; `None` if a side has a single boot, which says nothing about the next.
///
/// Whole boots are drawn with replacement, on each side apart (Efron 1979; within a boot all benches and the yardstick
/// share its luck). The quantiles of so few values are too near: distances from the estimate are widened by
/// sqrt(n / (n - 1)) for the boots of the smaller side and by Student's law over the normal one for all (Hesterberg 2015).
pub(super) fn intervals(sides: &Sides<'_>, parts: &[Part<'_>]) -> Option<Vec<Interval>> {
    let (before, after) = sides.boots;
    let fewest = before.min(after);
    if fewest < 2 {
        return None;
    }
    let mut stream = Stream::new(SEED, "score");
    let mut drawn: Vec<Vec<f64>> = vec![Vec::with_capacity(DRAWS); parts.len()];
    for _ in 0..DRAWS {
        let (before, after) = (draw(&mut stream, before), draw(&mut stream, after));
        for part in sides.parts(Some(&before), Some(&after)).unwrap_or_default() {
            // A draw may miss all boots that have a suite.
            let place = parts.iter().position(|known| known.name == part.name);
            place.into_iter().for_each(|place| drawn[place].push(part.ln_speed));
        }
    }
    let few = (fewest as f64 / (fewest as f64 - 1.0)).sqrt();
    let widening = few * t95((before + after - 2) as f64) / Z95;
    let interval = |(part, drawn): (&Part<'_>, Vec<f64>)| around(part.ln_speed, drawn, widening);
    Some(parts.iter().zip(drawn).map(interval).collect())
}

fn draw(stream: &mut Stream, boots: usize) -> Vec<usize> {
    let below = |number: u64| usize::try_from(number % (boots as u64)).unwrap_or(0);
    (0..boots).map(|_| below(stream.number())).collect()
}

fn around(ln_speed: f64, mut drawn: Vec<f64>, widening: f64) -> Interval {
    drawn.sort_by(f64::total_cmp);
    let at = |place: usize| drawn.get(place).copied().unwrap_or(ln_speed);
    let beyond = BEYOND.min(drawn.len() / 2);
    let (low, high) = (at(beyond), at(drawn.len().saturating_sub(1 + beyond)));
    let widened = |end: f64| points(ln_speed + (end - ln_speed) * widening);
    Interval { low: widened(low.min(ln_speed)), high: widened(high.max(ln_speed)) }
}
