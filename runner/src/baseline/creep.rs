//! Costs that grew by steps too small for any comparison of neighbours.

use perf_kernel::wire::Status;

use crate::analysis::median;
use crate::report::Document;
use crate::store::Series;

/// A bench that moved away from its pinned figure without a step that anybody would have seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Creep {
    /// Bench id with its scale.
    pub bench: String,
    /// Its newest figure for each of the pinned one.
    pub ratio: f64,
    /// The largest figure of a run for each of the run before.
    pub step_max: f64,
    /// Runs since the pinned one, the newest included.
    pub runs: usize,
}

/// The creep from `pinned` over `values`, the oldest first: the last one costs more than `margin` (0.01 is 1 %) more,
/// and no step on the way did.
#[must_use]
pub fn crept(bench: &str, pinned: f64, values: &[f64], margin: f64) -> Option<Creep> {
    let ratio = values.last()? / pinned;
    let before = std::iter::once(&pinned).chain(values);
    let step_max = values.iter().zip(before).map(|(after, before)| after / before).fold(0.0, f64::max);
    let has_crept = ratio.is_finite() && ratio > 1.0 + margin && step_max <= 1.0 + margin;
    has_crept.then(|| Creep { bench: bench.to_owned(), ratio, step_max, runs: values.len() })
}

/// The benches that crept from the figures of `pinned` until `run`, in the order of `series`.
///
/// `series` is the history of its machine. Steps count from the pinned run, or, if that is not stored, from the first
/// run that began later.
#[must_use]
pub fn crept_since(pinned: &Document, series: &[Series], run: &str, margin: f64) -> Vec<Creep> {
    series.iter().filter_map(|series| creep_of(pinned, series, run, margin)).collect()
}

fn creep_of(pinned: &Document, series: &Series, run: &str, margin: f64) -> Option<Creep> {
    let (unit, value) = pinned_figure(pinned, &series.bench)?;
    let points = &series.points;
    let end = points.iter().position(|point| point.run == run)? + 1;
    let pinned_place = points.iter().position(|point| point.run == pinned.run);
    let start = pinned_place.map_or_else(
        // RFC 3339 in UTC sorts as text.
        || points.iter().position(|point| point.started.to_string() > pinned.started),
        |place| Some(place + 1),
    )?;
    let since = points.get(start..end)?;
    let values: Vec<f64> = since.iter().filter(|point| point.unit == unit).map(|point| point.value).collect();
    crept(&series.bench, value, &values, margin)
}

/// Unit and median over boots of a bench.
fn pinned_figure<'a>(pinned: &'a Document, id: &str) -> Option<(&'a str, f64)> {
    let benches = pinned.boots.iter().flat_map(|boot| &boot.benches);
    let measured: Vec<_> =
        benches.filter(|bench| bench.id == id && bench.status == Status::Measured).collect();
    let unit = measured.first()?.unit.as_deref()?;
    Some((unit, median(measured.iter().filter_map(|bench| bench.p50))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::trimmed;
    use crate::samples;
    use crate::store::samples::{boot, run};
    use crate::store::{SeriesPoint, UnixSeconds};
    use perf_kernel::wire::Mode;

    const MARGIN: f64 = 0.01;

    /// Figures that each cost `share` more than the one before.
    fn growing(start: f64, share: f64, runs: usize) -> Vec<f64> {
        std::iter::successors(Some(start * (1.0 + share)), |value| Some(value * (1.0 + share)))
            .take(runs)
            .collect()
    }

    #[test]
    fn steps_of_three_thousandths_are_found_once_they_add_up() {
        let values = growing(100.0, 0.003, 12);
        assert_eq!(crept("env/pause", 100.0, &values[..3], MARGIN), None, "0.9 % in all");
        let found = crept("env/pause", 100.0, &values, MARGIN).expect("3.7 % in all");
        assert!((found.ratio - 1.003_f64.powi(12)).abs() < 1e-9 && (found.step_max - 1.003).abs() < 1e-9);
        assert_eq!(found.runs, 12);
    }

    #[test]
    fn a_step_that_a_neighbour_shows_is_no_creep() {
        assert_eq!(crept("env/pause", 100.0, &[100.1, 103.0, 103.1], MARGIN), None);
        assert_eq!(crept("env/pause", 100.0, &[103.0], MARGIN), None, "the first run after the pin shows it");
        assert_eq!(crept("env/pause", 100.0, &[], MARGIN), None);
        assert_eq!(crept("env/pause", 0.0, &[1.0], MARGIN), None);
    }

    fn series(values: &[f64], first_run: usize) -> Series {
        let point = |(place, value): (usize, &f64)| SeriesPoint {
            run: format!("aa{:06}", first_run + place),
            started: UnixSeconds(1_795_535_000 + u64::try_from(first_run + place).expect("few")),
            revision: None,
            image_hash: None,
            unit: "ns".into(),
            value: *value,
            low: *value,
            high: *value,
            boots: 1,
        };
        Series { bench: "env/pause".into(), points: values.iter().enumerate().map(point).collect() }
    }

    fn pinned(started: u64) -> Document {
        let mut run = run("aa000005", vec![boot(Mode::Hosted, vec![samples::bench("env/pause", 200, 1)])]);
        run.head.started = UnixSeconds(1_795_535_000 + started);
        trimmed(&run)
    }

    #[test]
    fn a_history_of_small_steps_is_held_against_the_pinned_run() {
        let mut values = vec![80.0, 90.0, 90.0, 90.0, 100.0];
        values.extend(growing(100.0, 0.003, 8));
        let found = crept_since(&pinned(5), &[series(&values, 1)], "aa000013", MARGIN);
        assert_eq!(found.len(), 1, "steps before the pinned run do not count");
        assert_eq!(found[0].runs, 8);
        assert_eq!(crept_since(&pinned(5), &[series(&values, 1)], "aa000007", MARGIN), []);
        assert_eq!(crept_since(&pinned(5), &[series(&values, 1)], "bb000000", MARGIN), []);
    }

    #[test]
    fn a_pinned_run_that_is_not_stored_counts_by_its_time() {
        let values = growing(100.0, 0.003, 8);
        let found = crept_since(&pinned(5), &[series(&values, 6)], "aa000013", MARGIN);
        assert_eq!(found.iter().map(|creep| creep.runs).collect::<Vec<_>>(), [8]);
    }

    #[test]
    fn figures_in_another_unit_are_not_held_against_it() {
        let mut other = series(&growing(100.0, 0.003, 8), 6);
        other.points.iter_mut().for_each(|point| "ppm".clone_into(&mut point.unit));
        assert_eq!(crept_since(&pinned(5), &[other], "aa000013", MARGIN), []);
    }
}
