//! From two sides to a score.

use std::collections::HashMap;

use perf_kernel::wire::{Mode, Status};

use super::bootstrap::intervals;
use super::{Score, ScorePart};
use crate::analysis::merged::median;
use crate::analysis::{FigureUnit, Side, SideBench, is_cold, suite_of};

/// The yardstick of the machine: a fixed number of dependent core cycles.
const YARDSTICK: &str = "env/reference-loop";

/// The suite of the probes, which are about the machine.
const PROBES: &str = "env";

/// How fast `after` is against `reference`.
///
/// The speed of a bench is its cost before for each of its cost after, both the median over the boots' medians. Where
/// ticks are time it is multiplied by what the machine's yardstick costs after for each before, so that a machine at half
/// its speed scores 100; where they are instructions the machine has no part in it. A suite is the geometric mean of its
/// benches, the total that of the suites: how many benches and scales a suite has is an accident of the catalogue.
///
/// `None` if nothing was measured on both sides, the modes differ, or time says nothing about speed (`tcg`). Whether the
/// machines are otherwise alike is the caller's to say.
#[must_use]
pub fn score(reference: &Side, after: &Side) -> Option<Score> {
    let mode = reference.mode.filter(|mode| after.mode == Some(*mode))?;
    let is_exact = mode == Mode::Icount;
    if !is_exact && !mode.has_meaningful_time() {
        return None;
    }
    let (before, now) = (Figures::of(reference), Figures::of(after));
    let mut pairs = Vec::new();
    for (id, costs) in before.of_suites() {
        let Some(other) = now.costs.get(id).filter(|other| other.unit == costs.unit) else { continue };
        let suite = suite_of(id);
        pairs.push(Pair { suite, before: &costs.boots, after: &other.boots });
    }
    let pair_of = |before, after| Pair { suite: PROBES, before, after };
    let yardstick = match (before.costs.get(YARDSTICK), now.costs.get(YARDSTICK)) {
        (Some(before), Some(after)) if !is_exact => Some(pair_of(&before.boots, &after.boots)),
        _ => None,
    };
    let sides = Sides { boots: (reference.boots.len(), after.boots.len()), pairs, yardstick };
    let parts = sides.parts(None, None)?;
    let intervals = intervals(&sides, &parts);
    let part = |(place, part): (usize, &Part<'_>)| ScorePart {
        name: part.name.to_owned(),
        points: points(part.ln_speed),
        interval: intervals.as_ref().map(|intervals| intervals[place]),
        benches: part.benches,
    };
    let mut all: Vec<ScorePart> = parts.iter().enumerate().map(part).collect();
    let total = all.pop()?;
    Some(Score {
        reference: reference.name.clone(),
        left_out: before.count() + now.count() - 2 * total.benches,
        total,
        suites: all,
        machine_ratio: if is_exact { Some(1.0) } else { sides.machine(None, None).map(f64::exp) },
    })
}

/// Points of a speed that is given by its logarithm.
pub(super) fn points(ln_speed: f64) -> f64 {
    100.0 * ln_speed.exp()
}

/// The costs of one bench.
struct Costs {
    unit: FigureUnit,
    /// The median of each boot that has one.
    boots: Vec<Option<f64>>,
}

/// The costs of a side by bench.
struct Figures<'a> {
    /// Ids in the order in which they first appear.
    ids: Vec<&'a str>,
    costs: HashMap<&'a str, Costs>,
}

impl<'a> Figures<'a> {
    fn of(side: &'a Side) -> Self {
        let mut found = Self { ids: Vec::new(), costs: HashMap::new() };
        for (boot, benches) in side.boots.iter().enumerate() {
            for bench in benches {
                let Some((unit, cost)) = cost_of(bench) else { continue };
                let costs = found.costs.entry(&bench.id).or_insert_with(|| {
                    found.ids.push(&bench.id);
                    Costs { unit, boots: vec![None; side.boots.len()] }
                });
                if costs.unit == unit {
                    costs.boots[boot] = Some(cost);
                }
            }
        }
        found
    }

    /// The benches of the suites that are scored. Cold figures are not: whether there are any depends on the machine.
    fn of_suites(&self) -> impl Iterator<Item = (&'a str, &Costs)> {
        let is_scored = |id: &&&str| suite_of(id) != PROBES && !is_cold(id);
        self.ids.iter().filter(is_scored).filter_map(|id| Some((*id, self.costs.get(id)?)))
    }

    fn count(&self) -> usize {
        self.of_suites().count()
    }
}

/// What a bench costs, if it was measured as time or work and that is above zero.
fn cost_of(bench: &SideBench) -> Option<(FigureUnit, f64)> {
    let (unit, cost) = bench.unit.zip(bench.p50).filter(|_| bench.status == Status::Measured)?;
    let is_cost = matches!(unit, FigureUnit::Nanoseconds | FigureUnit::Instructions);
    (is_cost && cost > 0.0 && cost.is_finite()).then_some((unit, cost))
}

/// A bench that both sides have.
pub(super) struct Pair<'a> {
    suite: &'a str,
    before: &'a [Option<f64>],
    after: &'a [Option<f64>],
}

impl Pair<'_> {
    /// Logarithm of the cost after for each before, over the boots that are drawn, or all; `None` if a side has none.
    fn ln_ratio(&self, before: Option<&[usize]>, after: Option<&[usize]>) -> Option<f64> {
        Some((over(self.after, after)? / over(self.before, before)?).ln())
    }
}

/// The median over the boots that are drawn, or all.
fn over(boots: &[Option<f64>], drawn: Option<&[usize]>) -> Option<f64> {
    match drawn {
        None => median(boots.iter().copied().flatten()),
        Some(drawn) => median(drawn.iter().filter_map(|boot| boots.get(*boot).copied().flatten())),
    }
}

/// Everything that both sides have.
pub(super) struct Sides<'a> {
    /// Boots of each side.
    pub(super) boots: (usize, usize),
    pairs: Vec<Pair<'a>>,
    yardstick: Option<Pair<'a>>,
}

/// The speed of some benches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) name: &'a str,
    pub(super) ln_speed: f64,
    pub(super) benches: usize,
}

impl<'a> Sides<'a> {
    /// The suites in the order in which they appear, and the total behind them, over the boots that are drawn for each
    /// side, or all; `None` if there is nothing.
    pub(super) fn parts(&self, before: Option<&[usize]>, after: Option<&[usize]>) -> Option<Vec<Part<'a>>> {
        let machine = self.machine(before, after).unwrap_or(0.0);
        let mut parts: Vec<Part<'a>> = Vec::new();
        for pair in &self.pairs {
            let Some(ratio) = pair.ln_ratio(before, after) else { continue };
            let speed = machine - ratio;
            match parts.iter_mut().find(|part| part.name == pair.suite) {
                Some(part) => {
                    part.ln_speed += speed;
                    part.benches += 1;
                }
                None => parts.push(Part { name: pair.suite, ln_speed: speed, benches: 1 }),
            }
        }
        parts.iter_mut().for_each(|part| part.ln_speed /= part.benches as f64);
        let suites = parts.len() as f64;
        let total = Part {
            name: "total",
            ln_speed: parts.iter().map(|part| part.ln_speed).sum::<f64>() / suites,
            benches: parts.iter().map(|part| part.benches).sum(),
        };
        parts.push(total);
        (parts.len() > 1).then_some(parts)
    }

    /// Logarithm of what the yardstick costs after for each before.
    fn machine(&self, before: Option<&[usize]>, after: Option<&[usize]>) -> Option<f64> {
        self.yardstick.as_ref()?.ln_ratio(before, after)
    }
}
