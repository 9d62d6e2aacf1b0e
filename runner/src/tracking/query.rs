//! Findings read back, with runs instead of indexes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::types::is_lasting_loss;
use super::{Acknowledgement, FindingEvent, FindingState, Place, TrackedFinding};
use crate::history::{Finding, Kind, Span};
use crate::store::{FindingRow, Series, Store, StoreError, TrackedRows};

/// Which findings are wanted; [`Filter::default`] wants all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of the machine whose fingerprint has this name.
    pub machine: Option<String>,
    /// Only those of this bench.
    pub bench: Option<String>,
    /// Only those that stand, or else withdrawn and merged ones too.
    pub state: Option<FindingState>,
}

/// The findings that `filter` wants, by machine, bench and index.
///
/// # Errors
/// See [`StoreError`].
pub fn findings(store: &Store, filter: &Filter) -> Result<Vec<TrackedFinding>, StoreError> {
    findings_where(store, filter, |_| true)
}

/// As [`findings`], only those that [call for action](TrackedFinding::calls_for_action). Costs as much as these, however
/// many others there are.
///
/// # Errors
/// See [`StoreError`].
pub fn open_findings(store: &Store, filter: &Filter) -> Result<Vec<TrackedFinding>, StoreError> {
    findings_where(store, filter, |row| {
        row.state == FindingState::Standing && row.acknowledgement.is_none() && is_lasting_loss(&row.finding)
    })
}

fn findings_where(
    store: &Store,
    filter: &Filter,
    is_wanted: impl Fn(&FindingRow<FindingState, Finding>) -> bool,
) -> Result<Vec<TrackedFinding>, StoreError> {
    store.tracked(|rows| {
        let mut stored: Vec<FindingRow<FindingState, Finding>> =
            rows.findings(filter.machine.as_deref(), filter.bench.as_deref())?;
        stored.retain(is_wanted);
        let mut maps = HashMap::new();
        let order = Order::of(rows)?;
        let mut found = Vec::new();
        for row in stored {
            if filter.state.is_some_and(|state| state != row.state) {
                continue;
            }
            let map: &RunMap = match maps.entry(row.series) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(RunMap::of(rows, &order, row.series)?),
            };
            found.push(tracked(rows, row, map)?);
        }
        found.sort_by(|a: &TrackedFinding, b| {
            (&a.machine, &a.bench, a.finding.at).cmp(&(&b.machine, &b.bench, b.finding.at))
        });
        Ok(found)
    })
}

/// The histories of `benches` on the machine called `machine` up to the run `up_to`, or to the newest one, in the order of
/// `benches`, each with its findings as they are known today; withdrawn ones are among them. A bench without points is
/// left out.
///
/// # Errors
/// See [`StoreError`].
pub fn courses(
    store: &Store,
    machine: &str,
    benches: &[String],
    up_to: Option<&str>,
) -> Result<Vec<(Series, Vec<TrackedFinding>)>, StoreError> {
    let order = store.tracked(Order::of)?;
    let end = up_to.and_then(|run| order.places.get(run).copied()).unwrap_or(usize::MAX);
    let mut series: HashMap<String, Series> =
        store.all_series(machine)?.into_iter().map(|series| (series.bench.clone(), series)).collect();
    let filter = Filter { machine: Some(machine.to_owned()), ..Filter::default() };
    let mut of_bench: HashMap<String, Vec<TrackedFinding>> = HashMap::new();
    for finding in findings(store, &filter)? {
        of_bench.entry(finding.bench.clone()).or_default().push(finding);
    }
    let mut courses = Vec::new();
    for bench in benches {
        let Some(mut series) = series.remove(bench) else { continue };
        series.points.retain(|point| order.places.get(&point.run).is_some_and(|place| *place <= end));
        let count = series.points.len();
        let mut findings = of_bench.remove(bench).unwrap_or_default();
        findings.retain(|finding| finding.finding.at < count);
        for finding in &mut findings {
            clip(&mut finding.finding, count);
        }
        if count > 0 {
            courses.push((series, findings));
        }
    }
    Ok(courses)
}

/// Leaves out what lies at or after index `count`.
fn clip(finding: &mut Finding, count: usize) {
    finding.location.retain(|span| span.first < count);
    for span in &mut finding.location {
        span.last = span.last.min(count.saturating_sub(1));
    }
}

/// The order in which runs were stored.
struct Order {
    places: HashMap<String, usize>,
}

impl Order {
    fn of(rows: &TrackedRows<'_>) -> rusqlite::Result<Self> {
        Ok(Self { places: rows.run_order()?.into_iter().zip(0..).collect() })
    }
}

/// The points of a history as it took them up, and as the series of stored runs has them.
///
/// The two differ where a run was taken up late, or was removed since.
struct RunMap {
    runs: Vec<(String, Option<String>)>,
    indexes: Vec<usize>,
}

impl RunMap {
    fn of(rows: &TrackedRows<'_>, order: &Order, series: i64) -> rusqlite::Result<Self> {
        let runs = rows.runs_of(series)?;
        let stored: Vec<Option<usize>> = runs.iter().map(|(run, _)| order.places.get(run).copied()).collect();
        let mut sorted: Vec<usize> = stored.iter().copied().flatten().collect();
        sorted.sort_unstable();
        let mut last = 0;
        let indexes = stored.iter().map(|place| {
            last = place.map_or(last, |place| sorted.partition_point(|known| *known < place));
            last
        });
        let indexes = indexes.collect();
        Ok(Self { runs, indexes })
    }

    fn index(&self, at: usize) -> usize {
        self.indexes.get(at).copied().unwrap_or(at)
    }

    fn run(&self, at: usize) -> Option<&(String, Option<String>)> {
        self.runs.get(at)
    }

    fn place(&self, finding: &Finding) -> Option<Place> {
        let (run, revision) = self.run(finding.at)?.clone();
        // Of what extends over points, the location is these points and not where it may begin.
        let is_extended =
            matches!(finding.kind, Kind::Blip | Kind::Drift | Kind::TwoModes | Kind::TooFewPoints);
        let spans = if is_extended { &[][..] } else { &finding.location[..] };
        let mut candidates: Vec<usize> =
            spans.iter().flat_map(|span| span.first..=span.last.min(self.runs.len())).collect();
        candidates.push(finding.at);
        candidates.sort_unstable();
        candidates.dedup();
        let name = |at: &usize| self.run(*at).map(|(run, _)| run.clone());
        let before = candidates.first().and_then(|first| first.checked_sub(1));
        Some(Place {
            before: before.as_ref().and_then(name),
            run,
            revision,
            candidates: candidates.iter().filter_map(name).collect(),
        })
    }
}

fn tracked(
    rows: &TrackedRows<'_>,
    row: FindingRow<FindingState, Finding>,
    map: &RunMap,
) -> rusqlite::Result<TrackedFinding> {
    let mut finding = row.finding;
    let place = map.place(&finding);
    finding.at = map.index(finding.at);
    for span in &mut finding.location {
        *span = Span { first: map.index(span.first), last: map.index(span.last).max(map.index(span.first)) };
    }
    let events = rows.events(&row.id)?.into_iter().map(|(run, what)| FindingEvent { run, what });
    Ok(TrackedFinding {
        bench: row.bench,
        machine: row.machine,
        finding,
        state: row.state,
        place,
        acknowledgement: row.acknowledgement.map(|(at, reason)| Acknowledgement { at, reason }),
        events: events.collect(),
    })
}
