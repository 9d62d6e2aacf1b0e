//! Two builds measured in turn in one boot: what their pairs say.

use std::collections::HashMap;

use perf_kernel::wire::{BenchRecord, Mode, Side, Status};

use super::correction::by_suite;
use super::exact::{ExactChangeKind, figures_changed};
use super::signed_rank::shift;
use super::{FigureUnit, Figures, SideBench, Verdict, median};
use crate::collect::Boot;

/// Verdicts hold with this probability of a wrong "regressed" or "improved" among those given in a suite, and
/// intervals miss with it.
pub const MISS: f64 = 0.05;

/// With as many boots, their medians are compared; with fewer, the blocks of all boots.
const BOOTS_MIN: usize = 6;

/// What came of the boots of two builds.
#[derive(Clone, Debug, PartialEq)]
pub struct Paired {
    /// What figures mean; `None` if no boot told.
    pub mode: Option<Mode>,
    /// What one difference of the test is.
    pub replicate: Replicate,
    /// Verdicts of equivalence are about this share.
    pub margin: f64,
    /// Benches that either side measured, in the order in which they ran.
    pub benches: Vec<PairedBench>,
    /// Benches that neither side could measure here.
    pub skipped: usize,
}

/// What one difference of the test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replicate {
    /// A pair of counts: in exact mode there is nothing to test.
    Count,
    /// A block of four measurements.
    Block,
    /// The median of the blocks of a boot.
    Boot,
}

/// A bench on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct PairedBench {
    /// Bench id with its scale.
    pub id: String,
    /// What the figures count; `None` without any.
    pub unit: Option<FigureUnit>,
    /// Median of the base's medians.
    pub base: Option<f64>,
    /// Median of the candidate's medians.
    pub candidate: Option<f64>,
    /// How far the sides are apart.
    pub found: Found,
    /// What that says.
    pub verdict: Verdict,
    /// Why there is no other verdict, in a few words; may be empty.
    pub reason: String,
}

/// How far the sides of a bench are apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Found {
    /// Nothing can be said.
    Nothing,
    /// All counts are equal.
    Equal,
    /// Counts that are not equal, of one iteration.
    Counts {
        /// The first statistic that differs, as in `p50`.
        statistic: &'static str,
        /// The base's.
        base: f64,
        /// The candidate's.
        candidate: f64,
    },
    /// Times.
    Ratio(Ratio),
}

/// The candidate's time for each of the base's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The estimate.
    pub estimate: f64,
    /// The interval around it; `None` with too few differences for any.
    pub interval: Option<(f64, f64)>,
    /// The two-sided p value of no difference.
    pub p: f64,
    /// The same with regard to the number of benches in the suite.
    pub p_adjusted: f64,
    /// Differences behind it.
    pub replicates: usize,
}

impl Paired {
    /// Whether the candidate is slower somewhere.
    #[must_use]
    pub fn has_regressed(&self) -> bool {
        self.benches.iter().any(|bench| bench.verdict == Verdict::Regressed)
    }
}

/// What `boots`, all of one image and plan, say with a `margin` as a share (0.01 is 1 %).
#[must_use]
pub fn paired<'a>(boots: impl IntoIterator<Item = &'a Boot>, margin: f64) -> Paired {
    let boots: Vec<&Boot> = boots.into_iter().collect();
    let mode = boots.iter().find_map(|boot| boot.clock.as_ref()).map(|clock| clock.mode);
    let replicate = match mode {
        Some(Mode::Icount) => Replicate::Count,
        _ if boots.len() >= BOOTS_MIN => Replicate::Boot,
        _ => Replicate::Block,
    };
    let all = gather(&boots);
    let is_skipped = |bench: &&Gathered| bench.all().all(|taken| taken.record.status == Status::Skipped);
    let skipped = all.iter().filter(is_skipped).count();
    let measured = all.iter().filter(|bench| !is_skipped(bench));
    let mut benches: Vec<PairedBench> = measured.map(|bench| bench.judge(replicate)).collect();
    adjust(&mut benches);
    for bench in &mut benches {
        if let Found::Ratio(ratio) = &bench.found {
            (bench.verdict, bench.reason) = verdict(ratio, margin, replicate);
        }
    }
    Paired { mode, replicate, margin, benches, skipped }
}

/// One measurement of a side.
struct Taken<'a> {
    boot: usize,
    round: u16,
    side: Side,
    record: &'a BenchRecord,
    comparable: SideBench,
    figures: Option<Figures>,
}

/// All measurements of a bench, in order.
struct Gathered<'a> {
    id: &'a str,
    boots: usize,
    taken: Vec<Taken<'a>>,
}

fn gather<'a>(boots: &[&'a Boot]) -> Vec<Gathered<'a>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut all: Vec<Gathered<'a>> = Vec::new();
    for (number, boot) in boots.iter().enumerate() {
        for record in &boot.benches {
            let Some((side, round)) = record.side.zip(record.round) else { continue };
            let place = *places.entry(&record.id).or_insert_with(|| {
                all.push(Gathered { id: &record.id, boots: boots.len(), taken: Vec::new() });
                all.len() - 1
            });
            let clock = boot.clock.as_ref();
            let measured = clock.filter(|_| record.status == Status::Measured);
            let figures = measured.and_then(|clock| Figures::of(record, clock));
            let comparable = SideBench::of(record, clock);
            all[place].taken.push(Taken { boot: number, round, side, record, comparable, figures });
        }
    }
    all
}

impl<'a> Gathered<'a> {
    fn all(&self) -> impl Iterator<Item = &Taken<'a>> {
        self.taken.iter()
    }

    fn of(&self, side: Side) -> impl Iterator<Item = &Taken<'a>> {
        self.taken.iter().filter(move |taken| taken.side == side)
    }

    fn median(&self, side: Side) -> Option<f64> {
        median(self.of(side).filter_map(|taken| Some(taken.figures.as_ref()?.p50)))
    }

    /// The bench without the verdict on times, which takes all benches of the suite.
    fn judge(&self, replicate: Replicate) -> PairedBench {
        let unit = self.all().find_map(|taken| taken.figures.as_ref()).map(|figures| figures.unit);
        let (found, verdict, reason) = match self.trouble() {
            Some(reason) => (Found::Nothing, Verdict::Invalid, reason),
            None if replicate == Replicate::Count => self.counts(),
            None => self.ratio(replicate),
        };
        let (base, candidate) = (self.median(Side::Base), self.median(Side::Candidate));
        PairedBench { id: self.id.to_owned(), unit, base, candidate, found, verdict, reason }
    }

    /// Why figures cannot be believed: the first measurement that has none.
    fn trouble(&self) -> Option<String> {
        let name = |side| if side == Side::Base { "base" } else { "candidate" };
        let bad = self.all().find(|taken| taken.record.status != Status::Measured).map(|taken| {
            let reason = taken.record.reason.as_deref().unwrap_or("no figures");
            format!("{}: {reason}", name(taken.side))
        });
        let is_missing = |side: &Side| self.of(*side).next().is_none();
        let missing = [Side::Base, Side::Candidate].into_iter().find(is_missing);
        bad.or_else(|| missing.map(|side| format!("{}: not measured", name(side))))
    }

    /// Each count of the base with the candidate's that has the same history.
    fn counts(&self) -> (Found, Verdict, String) {
        let mut changes = Vec::new();
        for boot in 0..self.boots {
            let of = |side| self.of(side).filter(move |taken| taken.boot == boot);
            let pairs = of(Side::Base).zip(of(Side::Candidate));
            changes.extend(
                pairs.filter_map(|(base, other)| figures_changed(&base.comparable, &other.comparable)),
            );
        }
        let counts = changes.iter().filter_map(|change| match change {
            ExactChangeKind::Figures { statistic, before, after } => Some((*statistic, *before, *after)),
            _ => None,
        });
        let counts: Vec<_> = counts.collect();
        let Some((statistic, base, candidate)) = counts.first().copied() else {
            return (Found::Equal, Verdict::Equivalent, String::new());
        };
        let found = Found::Counts { statistic, base, candidate };
        // Samples and iterations are how much was measured, not how much it took.
        let is_cost = !matches!(statistic, "n" | "iterations" | "operations" | "bytes" | "mad" | "deviation");
        let is_more = |(_, base, candidate): &(&str, f64, f64)| candidate > base;
        let (verdict, reason) = if !is_cost {
            (Verdict::Undecided, "the counts agree, but not their number or spread")
        } else if counts.iter().all(is_more) {
            (Verdict::Regressed, "")
        } else if counts.iter().all(|count| !is_more(count)) {
            (Verdict::Improved, "")
        } else {
            (Verdict::Undecided, "pairs of counts differ in both directions")
        };
        (found, verdict, reason.to_owned())
    }

    fn ratio(&self, replicate: Replicate) -> (Found, Verdict, String) {
        let blocks = self.blocks();
        let differences: Vec<f64> = match replicate {
            Replicate::Boot => {
                let of_boot =
                    |boot| blocks.iter().filter(move |(place, _)| *place == boot).map(|(_, log)| *log);
                (0..self.boots).filter_map(|boot| median(of_boot(boot))).collect()
            }
            Replicate::Block | Replicate::Count => blocks.into_iter().map(|(_, log)| log).collect(),
        };
        let nothing = || (Found::Nothing, Verdict::Undecided, "no round is complete".to_owned());
        let Some(found) = shift(&differences, MISS) else { return nothing() };
        let ratio = Ratio {
            estimate: found.estimate.exp(),
            interval: found.interval.map(|(low, high)| (low.exp(), high.exp())),
            p: found.p,
            p_adjusted: found.p,
            replicates: differences.len(),
        };
        (Found::Ratio(ratio), Verdict::Undecided, String::new())
    }

    /// The log ratio of each round that is complete, with its boot: the mean of the candidate's two medians less that of
    /// the base's, so that a drift through the round cancels.
    fn blocks(&self) -> Vec<(usize, f64)> {
        let mut rounds: Vec<(usize, u16)> = self.all().map(|taken| (taken.boot, taken.round)).collect();
        rounds.dedup();
        let logs = |side: Side, boot: usize, round: u16| -> Option<f64> {
            let here = self.of(side).filter(|taken| (taken.boot, taken.round) == (boot, round));
            let medians: Option<Vec<f64>> = here.map(|taken| Some(taken.figures.as_ref()?.p50)).collect();
            let [first, second] = medians?.try_into().ok()?;
            Some(f64::midpoint(f64::ln(first), f64::ln(second))).filter(|log| log.is_finite())
        };
        let block = |(boot, round): (usize, u16)| {
            let candidate = logs(Side::Candidate, boot, round)?;
            Some((boot, candidate - logs(Side::Base, boot, round)?))
        };
        rounds.into_iter().filter_map(block).collect()
    }
}

/// Adjusts the p values of the benches of each suite.
fn adjust(benches: &mut [PairedBench]) {
    let tests: Vec<(&str, f64)> = benches
        .iter()
        .filter_map(|bench| match &bench.found {
            Found::Ratio(ratio) => Some((bench.id.as_str(), ratio.p)),
            _ => None,
        })
        .collect();
    let families = by_suite(&tests, MISS);
    let ratios = benches.iter_mut().filter_map(|bench| match &mut bench.found {
        Found::Ratio(ratio) => Some(ratio),
        _ => None,
    });
    for (ratio, family) in ratios.zip(families) {
        ratio.p_adjusted = family.q;
    }
}

fn verdict(ratio: &Ratio, margin: f64, replicate: Replicate) -> (Verdict, String) {
    let (highest, lowest) = (1.0 + margin, 1.0 / (1.0 + margin));
    let Some((low, high)) = ratio.interval else {
        return (Verdict::Undecided, format!("{} differences are too few", ratio.replicates));
    };
    let is_real = ratio.p_adjusted <= MISS;
    let verdict = match ratio.estimate {
        _ if low >= lowest && high <= highest => Verdict::Equivalent,
        estimate if is_real && estimate > highest && low > 1.0 => Verdict::Regressed,
        estimate if is_real && estimate < lowest && high < 1.0 => Verdict::Improved,
        _ => Verdict::Undecided,
    };
    let is_decided = matches!(verdict, Verdict::Regressed | Verdict::Improved);
    let (verdict, reason) = match verdict {
        // In one layout, the same code differs by percents from where it lies, and steadily so.
        _ if is_decided && replicate == Replicate::Block => {
            (Verdict::Undecided, "it differs, but so may the layout of few boots")
        }
        Verdict::Undecided if is_real => (verdict, "a difference, but perhaps not above the margin"),
        _ => (verdict, ""),
    };
    (verdict, reason.to_owned())
}

#[cfg(test)]
mod tests;
