//! From the database to an assessment.

use super::{Assessment, Course, targets};
use crate::analysis::{
    MergedBench, Side, change_of_class, compare, growth_of, merge, recommend, score, trend,
};
use crate::store::{Run, Series, SeriesPoint, Store, StoreError};
use crate::tracking::{self, FindingState, TrackedFinding};

/// Seconds of a day.
const DAY_S: f64 = 86_400.0;

/// Says of `run` what the database allows, held against `reference`; without one against the run before of the same
/// machine, if there is one.
///
/// # Errors
/// See [`StoreError`].
pub fn gather(store: &Store, run: Run, reference: Option<&Side>) -> Result<Assessment, StoreError> {
    let machine = run.fingerprint().name();
    let merged = merged(&run);
    let benches: Vec<String> = merged.iter().map(|bench| bench.id.to_owned()).collect();
    let growth = growth_of(&merged);
    let courses = tracking::courses(store, &machine, &benches, Some(&run.head.id))?;
    let before = match (reference, run_before(&courses, &run.head.id)) {
        (None, Some(id)) => Some(store.load(&id)?),
        _ => None,
    };
    let reference = reference.cloned().or_else(|| before.as_ref()?.side(None));
    let sides = reference.zip(run.side(None));
    let comparison = sides.as_ref().map(|(before, after)| compare(before, after));
    Ok(Assessment {
        recommendations: recommend(&run, comparison.as_ref()),
        comparison,
        score: sides.as_ref().and_then(|(before, after)| score(before, after)),
        courses: courses.into_iter().map(|(series, findings)| course(series, findings)).collect(),
        growth_changes: before
            .map(|before| change_of_class(&growth_of(&self::merged(&before)), &growth))
            .unwrap_or_default(),
        growth,
        targets: targets(&run),
        run,
        machine,
    })
}

fn merged(run: &Run) -> Vec<MergedBench<'_>> {
    merge(run.boots.iter().map(|stored| &stored.boot))
}

/// The newest run before `run` that measured one of its benches.
fn run_before(courses: &[(Series, Vec<TrackedFinding>)], run: &str) -> Option<String> {
    let before = courses.iter().filter_map(|(series, _)| {
        let place = series.points.iter().position(|point| point.run == run)?;
        series.points.get(place.checked_sub(1)?)
    });
    before.max_by_key(|point| point.started).map(|point| point.run.clone())
}

/// The history `series` with its `findings`, and where it is going since its last change of level.
pub(crate) fn course(series: Series, mut findings: Vec<TrackedFinding>) -> Course {
    // What a reader sees from the number of points is no finding for a report.
    findings.retain(|tracked| !tracked.finding.is_of_short_history());
    let levels = findings
        .iter()
        .filter(|tracked| tracked.state == FindingState::Standing && tracked.finding.kind.is_new_level());
    let first = levels.map(|tracked| tracked.finding.at).max().unwrap_or(0);
    let points: Vec<(f64, f64)> = series.points.iter().map(|point| (days(point), point.value)).collect();
    Course { trend: trend(&points, first), findings, series }
}

/// Days since 1970.
fn days(point: &SeriesPoint) -> f64 {
    crate::analysis::count(point.started.0) / DAY_S
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Verdict;
    use crate::samples;
    use crate::store::samples::{boot, run};
    use perf_kernel::wire::Mode;

    type Benches<'a> = &'a [(&'a str, u64)];

    fn store_of(runs: &[(&str, Benches<'_>)]) -> (tempfile::TempDir, Store) {
        store_in(Mode::Icount, runs)
    }

    fn store_in(mode: Mode, runs: &[(&str, Benches<'_>)]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(&folder.path().join("results.db")).expect("a new database");
        for (place, (id, benches)) in (0..).zip(runs) {
            let benches = benches.iter().map(|(id, ticks)| samples::bench(id, *ticks, 1)).collect();
            let mut run = run(id, vec![boot(mode, benches)]);
            run.head.started.0 += place;
            store.insert_boot(&run.head, &run.boots[0]).expect("room");
        }
        (folder, store)
    }

    /// The run that `assessment` holds its run against; exact figures have verdicts.
    fn compared_with(assessment: &Assessment) -> Option<&str> {
        assessment.comparison.as_ref().map(|comparison| comparison.a.as_str())
    }

    #[test]
    fn single_boots_leave_times_undecided_and_short_histories_are_not_told() {
        let benches: &[(&str, u64)] = &[("env/pause", 100)];
        let (_folder, mut store) = store_in(Mode::Hosted, &[("aa000001", benches), ("aa000002", benches)]);
        tracking::catch_up(&mut store).expect("room");
        let assessment = gather(&store, store.load("aa000002").expect("stored"), None).expect("readable");
        assert_eq!(compared_with(&assessment), Some("aa000001"));
        let verdicts = assessment.comparison.iter().flat_map(|it| &it.benches).map(|bench| bench.verdict);
        assert_eq!(verdicts.collect::<Vec<_>>(), [Verdict::Undecided]);
        assert_eq!((assessment.courses.len(), assessment.courses[0].findings.len()), (1, 0));
    }

    #[test]
    fn a_run_is_held_against_the_one_before_and_what_came_later_is_left_out() {
        let both: &[(&str, u64)] = &[("env/pause", 100), ("env/l1-load", 10)];
        let (_folder, store) = store_of(&[("aa000001", both), ("aa000002", both), ("aa000003", both)]);
        let assessment = gather(&store, store.load("aa000002").expect("stored"), None).expect("readable");
        assert_eq!(compared_with(&assessment), Some("aa000001"));
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
        assert_eq!(compared_with(&assessment), Some("aa000001"));
    }
}
