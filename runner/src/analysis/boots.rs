//! The boots of each bench on both sides, and what is wrong with them.

use std::collections::HashMap;

use perf_kernel::wire::Status;

use super::merged::median;
use super::{FigureUnit, Level, Side, SideBench, Verdict, is_cold};

/// The records of one bench on one side, in boot order.
type Records<'a> = Vec<&'a SideBench>;

/// A bench with its records on both sides.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    pub(super) id: &'a str,
    pub(super) before: Records<'a>,
    pub(super) after: Records<'a>,
    /// Whether some boot has it more than once.
    is_repeated: bool,
}

/// What can be done with a bench.
#[derive(Debug)]
pub(super) enum Fitness {
    /// Both sides have figures that count the same.
    Fit(FigureUnit),
    /// It gets this verdict without a look at figures, for the reason given.
    Unfit(Verdict, String),
    /// Only one side was asked for it.
    LeftOut,
    /// It ran nowhere.
    WithoutFigures,
}

/// The benches of both sides, in the order in which they first appear; cold figures only where both sides have them.
pub(super) fn pairs<'a>(before: &'a Side, after: &'a Side) -> Vec<Pair<'a>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    for (side, is_after) in [(before, false), (after, true)] {
        for boot in &side.boots {
            let mut seen: HashMap<&str, ()> = HashMap::with_capacity(boot.len());
            for bench in boot {
                let place = *places.entry(&bench.id).or_insert_with(|| {
                    pairs.push(Pair {
                        id: &bench.id,
                        before: Vec::new(),
                        after: Vec::new(),
                        is_repeated: false,
                    });
                    pairs.len() - 1
                });
                let pair = &mut pairs[place];
                pair.is_repeated |= seen.insert(&bench.id, ()).is_some();
                if is_after { pair.after.push(bench) } else { pair.before.push(bench) }
            }
        }
    }
    // A side without cold figures was not asked for them, or has no caches: that is no change of the bench.
    pairs.retain(|pair| !is_cold(pair.id) || (!pair.before.is_empty() && !pair.after.is_empty()));
    pairs
}

impl Pair<'_> {
    /// What can be done with the bench; `is_asked_alike` if both sides were asked for the same benches.
    pub(super) fn fitness(&self, are_plans_alike: PlansAlike) -> Fitness {
        let sides = [("before", &self.before), ("after", &self.after)];
        if sides.iter().all(|(_, records)| records.iter().all(|bench| bench.status == Status::Skipped)) {
            return Fitness::WithoutFigures;
        }
        if sides.iter().any(|(_, records)| records.is_empty()) && are_plans_alike == PlansAlike::No {
            return Fitness::LeftOut;
        }
        if self.is_repeated {
            let reason = "a boot has it more than once, and one boot is one figure".to_owned();
            return Fitness::Unfit(Verdict::Invalid, reason);
        }
        if let Some(reason) = sides.iter().find_map(|(side, records)| broken(side, records)) {
            return Fitness::Unfit(Verdict::Invalid, reason);
        }
        if let Some(reason) = sides.iter().find_map(|(side, records)| missing(side, records)) {
            return Fitness::Unfit(Verdict::NotComparable, reason);
        }
        self.unit()
    }

    fn unit(&self) -> Fitness {
        let mut units =
            self.before.iter().chain(&self.after).filter(|bench| has_figure(bench)).map(|bench| bench.unit);
        let first = units.next().flatten();
        match (first, units.find(|unit| *unit != first).flatten()) {
            (Some(first), None) => Fitness::Fit(first),
            (first, other) => {
                let name = |unit: Option<FigureUnit>| unit.map_or("nothing", FigureUnit::name);
                let reason = format!("some boots count {}, others {}", name(first), name(other));
                Fitness::Unfit(Verdict::NotComparable, reason)
            }
        }
    }
}

/// Whether both sides were asked for the same benches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlansAlike {
    Yes,
    No,
}

/// The figures of `records`, one for each boot that has one.
pub(super) fn figures(records: &[&SideBench]) -> Vec<f64> {
    records.iter().filter(|bench| has_figure(bench)).filter_map(|bench| bench.p50).collect()
}

/// What the figures of a side come to; `None` without any.
pub(super) fn level(figures: &[f64]) -> Option<Level> {
    Some(Level {
        boots: figures.len(),
        median: median(figures.iter().copied())?,
        low: figures.iter().copied().fold(f64::INFINITY, f64::min),
        high: figures.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    })
}

fn has_figure(bench: &SideBench) -> bool {
    bench.status == Status::Measured && bench.p50.is_some() && bench.unit.is_some()
}

/// Why the figures of a side must not be used, if some of its boots failed.
fn broken(side: &str, records: &[&SideBench]) -> Option<String> {
    for (status, word) in [(Status::Failed, "failed"), (Status::Invalid, "invalid")] {
        let mut broken = records.iter().filter(|bench| bench.status == status).peekable();
        let Some(first) = broken.peek() else { continue };
        let why = first.record.as_ref().and_then(|record| record.reason.as_deref());
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        return Some(format!("{word} in {} of {} boots {side}{why}", broken.count(), records.len()));
    }
    // Only a file that somebody wrote can hold such a figure.
    let is_none = |figure: &f64| !figure.is_finite() || *figure < 0.0;
    let wrong = figures(records).into_iter().find(is_none)?;
    Some(format!("a figure {side} is {wrong}, which is no cost"))
}

/// Why a side has no figure at all.
fn missing(side: &str, records: &[&SideBench]) -> Option<String> {
    if records.iter().any(|bench| has_figure(bench)) {
        return None;
    }
    let Some(first) = records.first() else { return Some(format!("not there {side}")) };
    if first.status != Status::Skipped {
        return Some(format!("no figures {side}"));
    }
    let why = first.record.as_ref().and_then(|record| record.reason.as_deref());
    Some(format!("skipped {side}{}", why.map(|why| format!(": {why}")).unwrap_or_default()))
}
