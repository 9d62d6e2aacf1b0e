//! From the database to an assessment.

use std::collections::HashMap;

use super::{Assessment, Course};
use crate::analysis::{Side, compare};
use crate::store::{Run, Series, Store, StoreError};

/// Says of `run` what the database allows, held against `reference`; without one against the run before of the same
/// machine, if there is one.
///
/// # Errors
/// See [`StoreError`].
pub fn gather(store: &Store, run: Run, reference: Option<&Side>) -> Result<Assessment, StoreError> {
    let machine = run.fingerprint().name();
    let series = up_to(store.all_series(&machine)?, &run.head.id);
    let before = match (reference, run_before(&series)) {
        (Some(side), _) => Some(side.clone()),
        (None, Some(id)) => store.load(&id)?.side(None),
        (None, None) => None,
    };
    let comparison = before.zip(run.side(None)).map(|(before, after)| compare(&before, &after));
    let courses = in_order_of(&run, series);
    Ok(Assessment {
        run,
        machine,
        comparison,
        courses,
        growth: Vec::new(),
        score: None,
        targets: Vec::new(),
        recommendations: Vec::new(),
    })
}

/// Cuts each series behind `run`, and drops those without it.
fn up_to(mut all: Vec<Series>, run: &str) -> Vec<Series> {
    all.retain_mut(|series| {
        let place = series.points.iter().position(|point| point.run == run);
        series.points.truncate(place.map_or(0, |place| place + 1));
        place.is_some()
    });
    all
}

/// The newest run that measured a bench of the last point's run before it.
fn run_before(series: &[Series]) -> Option<String> {
    let points = series.iter().filter_map(|series| series.points.iter().rev().nth(1));
    points.max_by_key(|point| point.started).map(|point| point.run.clone())
}

fn in_order_of(run: &Run, series: Vec<Series>) -> Vec<Course> {
    let mut by_bench: HashMap<String, Series> =
        series.into_iter().map(|series| (series.bench.clone(), series)).collect();
    let benches = run.boots.iter().flat_map(|stored| &stored.boot.benches);
    benches
        .filter_map(|record| by_bench.remove(&record.id))
        .map(|series| Course { series, findings: Vec::new(), trend: None })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::store::samples::{boot, run};
    use perf_kernel::wire::Mode;

    fn store_of(runs: &[(&str, &[(&str, u64)])]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(&folder.path().join("results.db")).expect("a new database");
        for (place, (id, benches)) in (0..).zip(runs) {
            let benches = benches.iter().map(|(id, ticks)| samples::bench(id, *ticks, 1)).collect();
            let mut run = run(id, vec![boot(Mode::Hosted, benches)]);
            run.head.started.0 += place;
            store.insert_boot(&run.head, &run.boots[0]).expect("room");
        }
        (folder, store)
    }

    #[test]
    fn a_run_is_held_against_the_one_before_and_what_came_later_is_left_out() {
        let both: &[(&str, u64)] = &[("env/pause", 100), ("env/l1-load", 10)];
        let (_folder, store) = store_of(&[("aa000001", both), ("aa000002", both), ("aa000003", both)]);
        let assessment = gather(&store, store.load("aa000002").expect("stored"), None).expect("readable");
        assert_eq!(assessment.comparison.map(|comparison| comparison.a).as_deref(), Some("aa000001"));
        let courses: Vec<_> =
            assessment.courses.iter().map(|it| (it.series.bench.as_str(), it.series.points.len())).collect();
        assert_eq!(courses, [("env/pause", 2), ("env/l1-load", 2)], "in the order in which they ran");
    }

    #[test]
    fn the_first_run_of_a_machine_has_nothing_to_be_held_against() {
        let (_folder, store) = store_of(&[("aa000001", &[("env/pause", 100)])]);
        let assessment = gather(&store, store.load("aa000001").expect("stored"), None).expect("readable");
        assert!(assessment.comparison.is_none());
        assert_eq!(assessment.courses.len(), 1);
    }

    #[test]
    fn a_reference_that_was_named_wins() {
        let benches: &[(&str, u64)] = &[("env/pause", 100)];
        let (_folder, store) =
            store_of(&[("aa000001", benches), ("aa000002", benches), ("aa000003", benches)]);
        let reference = store.load("aa000001").expect("stored").side(None);
        let run = store.load("aa000003").expect("stored");
        let assessment = gather(&store, run, reference.as_ref()).expect("readable");
        assert_eq!(assessment.comparison.map(|comparison| comparison.a).as_deref(), Some("aa000001"));
    }
}
