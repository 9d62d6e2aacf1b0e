//! Two sides of a comparison: first whether they may be compared at all, then how they differ.

use perf_kernel::wire::Mode;
use serde::{Deserialize, Serialize};

use super::boots::{Fitness, Pair, PlansAlike, figures, pairs};
use super::exact::{ExactComparison, Exactly};
use super::fingerprint::Difference;
use super::rank_sum::Nulls;
use super::times::{self, Measured};
use super::{BenchVerdict, Side, Verdict};

/// By what a comparison decides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Smallest change that matters, as a share of the cost; above 0. A cost `1 + margin` times as high matters, and so
    /// does one `1 + margin` times as low.
    pub margin: f64,
    /// Smallest change that matters in exact mode, in instructions of one sample; above 0.
    pub margin_instructions: f64,
    /// Share of false ones among the changes that are reported of a suite, at most; between 0 and 1/2. Intervals have
    /// the confidence that goes with it.
    pub alpha: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { margin: 0.01, margin_instructions: 1.0, alpha: 0.05 }
    }
}

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The first side's name.
    pub a: String,
    /// The second side's name.
    pub b: String,
    /// Whether both sides ran the same image.
    pub images: Likeness,
    /// By what was decided.
    pub settings: Settings,
    /// How was decided.
    pub outcome: Outcome,
    /// A verdict for each bench, in the order in which they ran. Benches that only one plan asked for and those that were
    /// skipped on both sides have none.
    pub benches: Vec<BenchVerdict>,
    /// Benches on one side only because other benches were asked for.
    pub left_out: usize,
    /// Benches that were skipped wherever they were asked for.
    pub without_figures: usize,
}

/// Whether two things are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// They are.
    Same,
    /// They are not.
    Different,
    /// A side does not tell.
    Unknown,
}

impl Likeness {
    fn of<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> Self {
        match a.zip(b) {
            Some((a, b)) if a == b => Self::Same,
            Some(_) => Self::Different,
            None => Self::Unknown,
        }
    }
}

/// How a comparison was decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Not at all: the sides are not alike; the fields in which they differ.
    NotComparable(Vec<Difference>),
    /// By equality: both sides count instructions.
    Exact(ExactComparison),
    /// By statistics over boots: both sides measure time.
    Boots,
}

impl Comparison {
    /// The fields in which the sides are not alike; if there are any, nothing was compared.
    #[must_use]
    pub fn differences(&self) -> &[Difference] {
        match &self.outcome {
            Outcome::NotComparable(differences) => differences,
            Outcome::Exact(_) | Outcome::Boots => &[],
        }
    }

    /// How many benches have this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.benches.iter().filter(|bench| bench.verdict == verdict).count()
    }

    /// Whether something is different that should be looked at: a bench that regressed or improved, in exact mode any
    /// difference.
    #[must_use]
    pub fn is_different(&self) -> bool {
        match &self.outcome {
            Outcome::NotComparable(_) => false,
            Outcome::Exact(exact) => exact.is_different(self.images),
            Outcome::Boots => self.count(Verdict::Regressed) + self.count(Verdict::Improved) > 0,
        }
    }
}

/// Compares `a`, before, with `b`, after, by the default settings.
#[must_use]
pub fn compare(a: &Side, b: &Side) -> Comparison {
    compare_with(a, b, &Settings::default())
}

/// Compares `a`, before, with `b`, after.
#[must_use]
pub fn compare_with(a: &Side, b: &Side, settings: &Settings) -> Comparison {
    let are_plans_alike = match Likeness::of(a.selection.as_ref(), b.selection.as_ref()) {
        Likeness::Same => PlansAlike::Yes,
        Likeness::Different | Likeness::Unknown => PlansAlike::No,
    };
    let images = Likeness::of(a.image_hash.as_ref(), b.image_hash.as_ref());
    let pairs = pairs(a, b);
    let count = |is_meant: fn(&Fitness) -> bool| {
        pairs.iter().filter(|pair| is_meant(&pair.fitness(are_plans_alike))).count()
    };
    let left_out = count(|fitness| matches!(fitness, Fitness::LeftOut));
    let without_figures = count(|fitness| matches!(fitness, Fitness::WithoutFigures));
    let differences = gate(a, b);
    let (outcome, benches) = if !differences.is_empty() {
        let benches = shut_out(&pairs, are_plans_alike, &differences);
        (Outcome::NotComparable(differences), benches)
    } else if a.mode == Some(Mode::Icount) {
        let found = ExactComparison { compared: 0, changes: Vec::new() };
        let mut exactly = Exactly { settings, images, found };
        let benches = pairs.iter().filter_map(|pair| exactly.judge(pair, are_plans_alike)).collect();
        (Outcome::Exact(exactly.found), benches)
    } else {
        (Outcome::Boots, by_boots(&pairs, are_plans_alike, settings))
    };
    Comparison {
        a: a.name.clone(),
        b: b.name.clone(),
        images,
        settings: *settings,
        outcome,
        benches,
        left_out,
        without_figures,
    }
}

/// The fields in which the sides are not alike, among themselves or with each other, or that neither tells.
fn gate(a: &Side, b: &Side) -> Vec<Difference> {
    let mut differences = a.fingerprint.differences(&b.fingerprint);
    for (side, name) in [(a, "before"), (b, "after")] {
        differences.extend(side.mixed.iter().map(|difference| Difference {
            field: format!("{} among the boots {name}", difference.field),
            ..difference.clone()
        }));
    }
    // Two machines that are not known are not one machine.
    let not_known = |field: &str| Difference {
        field: field.to_owned(),
        a: "not known".to_owned(),
        b: "not known".to_owned(),
    };
    for (field, told_as) in [("mode", "mode"), ("machine", "cpu.vendor")] {
        if [a, b].iter().all(|side| !side.fingerprint.0.contains_key(told_as)) {
            differences.push(not_known(field));
        }
    }
    differences
}

/// The benches of sides that are not alike.
fn shut_out(
    pairs: &[Pair<'_>],
    are_plans_alike: PlansAlike,
    differences: &[Difference],
) -> Vec<BenchVerdict> {
    let fields: Vec<_> = differences.iter().take(3).map(|difference| difference.field.as_str()).collect();
    let more = if differences.len() > fields.len() { ", ..." } else { "" };
    let reason = format!("the sides are not alike: {}{more}", fields.join(", "));
    let listed = pairs
        .iter()
        .filter(|pair| !matches!(pair.fitness(are_plans_alike), Fitness::LeftOut | Fitness::WithoutFigures));
    listed.map(|pair| BenchVerdict::unfit(pair.id, Verdict::NotComparable, Some(reason.clone()))).collect()
}

fn by_boots(pairs: &[Pair<'_>], are_plans_alike: PlansAlike, settings: &Settings) -> Vec<BenchVerdict> {
    let mut measured = Vec::new();
    // The verdict of each listed bench, or `None` where the tests will say.
    let mut listed: Vec<Option<BenchVerdict>> = Vec::new();
    for pair in pairs {
        match pair.fitness(are_plans_alike) {
            Fitness::LeftOut | Fitness::WithoutFigures => {}
            Fitness::Unfit(verdict, reason) => {
                listed.push(Some(BenchVerdict::unfit(pair.id, verdict, Some(reason))));
            }
            Fitness::Fit(unit) => {
                let (before, after) = (figures(&pair.before), figures(&pair.after));
                measured.push(Measured { id: pair.id.to_owned(), unit, before, after });
                listed.push(None);
            }
        }
    }
    let mut judged = times::judge(&measured, settings, &mut Nulls::default()).into_iter();
    listed.into_iter().filter_map(|verdict| verdict.or_else(|| judged.next())).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{Fingerprint, SideBench};
    use super::*;
    use crate::samples;
    use perf_kernel::plan::Plan;
    use perf_kernel::suites::Unit;
    use perf_kernel::wire::{BenchRecord, Status};

    pub(in super::super) fn side(mode: Mode, boots: &[&[BenchRecord]]) -> Side {
        let clock = samples::clock(mode);
        let both =
            |it: &BenchRecord| [Some(SideBench::of(it, Some(&clock))), SideBench::of_cold(it, Some(&clock))];
        let benches = |boot: &&[BenchRecord]| boot.iter().flat_map(both).flatten().collect();
        Side {
            name: "run".into(),
            image_hash: Some("9f3c".into()),
            fingerprint: Fingerprint::of(Some(&samples::machine()), Some(mode), Some(&Plan::quick()), None),
            mode: Some(mode),
            selection: Some("all".into()),
            mixed: Vec::new(),
            boots: boots.iter().map(benches).collect(),
        }
    }

    fn bench(ticks: u64) -> Vec<BenchRecord> {
        vec![samples::bench("env/pause", ticks, 1)]
    }

    /// A side of five boots that all measured `record`.
    fn five(record: &[BenchRecord]) -> Side {
        side(Mode::Hosted, &[record; 5])
    }

    #[test]
    fn only_like_is_compared() {
        let record = bench(100);
        let comparison = compare(&side(Mode::Icount, &[&record]), &side(Mode::Tcg, &[&record]));
        let difference = comparison.differences().iter().find(|difference| difference.field == "mode");
        assert_eq!(difference.map(|difference| difference.b.as_str()), Some("tcg"));
        assert_eq!(comparison.count(Verdict::NotComparable), comparison.benches.len());
        assert!(comparison.benches[0].change.is_none());
        assert!(comparison.benches[0].reason.as_deref().expect("why").contains("mode"));
    }

    #[test]
    fn machines_that_nobody_knows_are_not_taken_for_one() {
        let mut unknown = five(&bench(100));
        unknown.fingerprint = Fingerprint::default();
        let fields: Vec<_> =
            compare(&unknown, &unknown).differences().iter().map(|it| it.field.clone()).collect();
        assert_eq!(fields, ["mode", "machine"]);
    }

    #[test]
    fn boots_of_two_machines_are_not_pooled_silently() {
        let one = five(&bench(100));
        let mut other = one.clone();
        other.fingerprint.0.insert("cpu.microcode".into(), "0x1".into());
        let pooled = Side::pool(vec![one.clone(), other]).expect("two sides");
        let comparison = compare(&pooled, &one);
        assert_eq!(comparison.differences()[0].field, "cpu.microcode among the boots before");
    }

    #[test]
    fn equal_boots_are_no_difference() {
        let side = side(Mode::Icount, &[&bench(100)]);
        let comparison = compare(&side, &side);
        assert!(!comparison.is_different());
        assert_eq!(comparison.benches[0].verdict, Verdict::Equivalent);
    }

    #[test]
    fn times_are_judged_by_their_boots() {
        let comparison = compare(&five(&bench(100)), &five(&bench(900)));
        assert!(comparison.is_different());
        let found = &comparison.benches[0];
        assert_eq!(found.verdict, Verdict::Regressed);
        assert!((found.change.expect("figures").ratio - 9.0).abs() < 1e-9);
        assert_eq!(found.before.map(|level| (level.boots, level.median)), Some((5, 50.0)));
    }

    #[test]
    fn what_was_not_measured_on_both_sides_gets_a_reason_instead() {
        let good = bench(100);
        let of = |change: fn(&mut BenchRecord)| {
            let mut record = bench(100);
            change(&mut record[0]);
            record
        };
        let failed = of(|record| {
            record.status = Status::Failed;
            record.reason = Some("wrong tag".into());
        });
        let skipped = [samples::skipped("env/pause", "needs smp")];
        let bytes = of(|record| record.unit = Unit::Bytes);
        let hosted = |boots: &[&[BenchRecord]]| side(Mode::Hosted, boots);
        for (after, verdict, reason) in [
            (hosted(&[&good, &failed]), Verdict::Invalid, "failed in 1 of 2 boots after: wrong tag"),
            (hosted(&[&skipped]), Verdict::NotComparable, "skipped after: needs smp"),
            (hosted(&[&[]]), Verdict::NotComparable, "not there after"),
            (hosted(&[&bytes]), Verdict::NotComparable, "some boots count ns, others bytes"),
            (hosted(&[&good, &bytes]), Verdict::NotComparable, "some boots count ns, others bytes"),
            (
                hosted(&[&[good[0].clone(), good[0].clone()]]),
                Verdict::Invalid,
                "a boot has it more than once, and one boot is one figure",
            ),
        ] {
            let found = compare(&five(&good), &after).benches.remove(0);
            assert_eq!((found.verdict, found.reason.as_deref()), (verdict, Some(reason)));
        }
    }

    #[test]
    fn figures_that_are_no_cost_are_invalid() {
        for wrong in [f64::NAN, f64::INFINITY, -1.0] {
            let mut side = five(&bench(100));
            side.boots[2][0].p50 = Some(wrong);
            assert_eq!(compare(&side, &side).benches[0].verdict, Verdict::Invalid);
        }
    }
}
