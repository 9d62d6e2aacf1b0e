//! Two sides of a comparison: first whether they may be compared at all, then how they differ.

use perf_kernel::units::Bytes;
use perf_kernel::wire::{BenchRecord, Clock, Mode, SampleSummary, Status};
use serde::{Deserialize, Serialize};

use super::exact::{self, ExactComparison};
use super::fingerprint::{Difference, Fingerprint};
use super::medians::{self, MedianComparison};
use super::{BenchVerdict, FigureUnit, Figures};

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

/// One side of a comparison: boots of one image on one machine, or a baseline file.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// What the user calls it.
    pub name: String,
    /// The image that ran; `None` if no boot told.
    pub image_hash: Option<String>,
    /// What figures depend on besides the image.
    pub fingerprint: Fingerprint,
    /// What figures mean; `None` if no boot told.
    pub mode: Option<Mode>,
    /// Which benches were asked for, in words; `None` if that is not known.
    pub selection: Option<String>,
    /// Fields in which its own boots differ, the first boot that tells as `a`; a side that has any is compared with
    /// nothing.
    pub mixed: Vec<Difference>,
    /// The benches of each boot.
    pub boots: Vec<Vec<SideBench>>,
}

/// What a comparison looks at in a bench.
#[derive(Clone, Debug, PartialEq)]
pub struct SideBench {
    /// Bench id with its scale.
    pub id: String,
    /// Whether figures may be used.
    pub status: Status,
    /// What figures count; `None` without figures.
    pub unit: Option<FigureUnit>,
    /// Iterations in each sample.
    pub iterations: u64,
    /// Operations in one iteration.
    pub operations: u64,
    /// Bytes that one iteration processes.
    pub bytes: Option<Bytes>,
    /// Whole-number order statistics per sample.
    pub summary: Option<SampleSummary>,
    /// Median of one iteration.
    pub p50: Option<f64>,
    /// The whole record; `None` in a baseline file.
    pub record: Option<Box<BenchRecord>>,
}

impl SideBench {
    /// The bench as `record` has it.
    #[must_use]
    pub fn of(record: &BenchRecord, clock: Option<&Clock>) -> Self {
        let figures = clock.and_then(|clock| Figures::of(record, clock));
        Self {
            id: record.id.clone(),
            status: record.status,
            unit: figures.as_ref().map(|figures| figures.unit),
            iterations: record.iterations,
            operations: record.operations,
            bytes: record.bytes,
            summary: record.summary.clone(),
            p50: figures.map(|figures| figures.p50),
            record: Some(Box::new(record.clone())),
        }
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
    /// What was found.
    pub outcome: Outcome,
    /// A verdict for each bench, in the order in which they ran; empty if the sides are not alike.
    pub benches: Vec<BenchVerdict>,
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

/// What a comparison found.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The sides are not alike; the fields in which they differ.
    NotComparable(Vec<Difference>),
    /// Both sides count instructions.
    Exact(ExactComparison),
    /// Both sides measure time.
    Medians(MedianComparison),
}

impl Comparison {
    /// The fields in which the sides are not alike; if there are any, nothing was compared.
    #[must_use]
    pub fn differences(&self) -> &[Difference] {
        match &self.outcome {
            Outcome::NotComparable(differences) => differences,
            Outcome::Exact(_) | Outcome::Medians(_) => &[],
        }
    }

    /// Whether something is different that should be looked at.
    #[must_use]
    pub fn is_different(&self) -> bool {
        matches!(&self.outcome, Outcome::Exact(exact) if exact.is_different(self.images))
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
    let differences = a.fingerprint.differences(&b.fingerprint);
    let selections = Likeness::of(a.selection.as_ref(), b.selection.as_ref());
    let outcome = if !differences.is_empty() {
        Outcome::NotComparable(differences)
    } else if a.mode == Some(Mode::Icount) {
        Outcome::Exact(exact::compare(a, b, selections))
    } else {
        Outcome::Medians(medians::compare(a, b))
    };
    let images = Likeness::of(a.image_hash.as_ref(), b.image_hash.as_ref());
    Comparison {
        a: a.name.clone(),
        b: b.name.clone(),
        images,
        settings: *settings,
        outcome,
        benches: Vec::new(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::samples;
    use perf_kernel::plan::Plan;

    pub(in super::super) fn side(mode: Mode, boots: &[&[BenchRecord]]) -> Side {
        let clock = samples::clock(mode);
        let benches = |boot: &&[BenchRecord]| boot.iter().map(|it| SideBench::of(it, Some(&clock))).collect();
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

    #[test]
    fn only_like_is_compared() {
        let record = [samples::bench("memory/alloc-small/64", 100, 1)];
        let comparison = compare(&side(Mode::Icount, &[&record]), &side(Mode::Tcg, &[&record]));
        let Outcome::NotComparable(differences) = comparison.outcome else { panic!("modes differ") };
        assert!(differences.iter().any(|difference| difference.field == "mode" && difference.b == "tcg"));
    }

    #[test]
    fn equal_boots_are_no_difference() {
        let record = [samples::bench("memory/alloc-small/64", 100, 1)];
        let side = side(Mode::Icount, &[&record]);
        let comparison = compare(&side, &side);
        assert!(!comparison.is_different());
        let Outcome::Exact(exact) = comparison.outcome else { panic!("exact mode") };
        assert_eq!((exact.compared, exact.changes.len()), (1, 0));
    }

    #[test]
    fn times_have_no_verdict() {
        let (a, b) = ([samples::bench("env/pause", 100, 1)], [samples::bench("env/pause", 900, 1)]);
        let comparison = compare(&side(Mode::Hosted, &[&a]), &side(Mode::Hosted, &[&b]));
        assert!(!comparison.is_different());
        let Outcome::Medians(medians) = comparison.outcome else { panic!("times") };
        assert!((medians.pairs[0].ratio - 9.0).abs() < 1e-9);
    }
}
