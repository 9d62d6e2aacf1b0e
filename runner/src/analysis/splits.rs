//! How often a comparison reports a change where there is none: one set of boots against itself.

use std::collections::HashSet;

use perf_kernel::wire::Mode;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::boots::{Fitness, PlansAlike, figures, pairs};
use super::rank_sum::Nulls;
use super::times::{self, Measured};
use super::{FigureUnit, Settings, Side, Verdict, suite_of};

/// What random halves of one set of boots were said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splits {
    /// Boots of each half; the last one is left out if their number is odd.
    pub boots: usize,
    /// How often they were split.
    pub splits: u32,
    /// What was found in each suite, in the order in which suites ran.
    pub suites: Vec<SplitSuite>,
}

/// What was found in the benches of one suite, over all splits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SplitSuite {
    /// Its name.
    pub name: String,
    /// Benches that every boot has measured.
    pub benches: usize,
    /// Comparisons of a bench that said `regressed`.
    pub regressed: usize,
    /// That said `improved`.
    pub improved: usize,
    /// That said `equivalent`.
    pub equivalent: usize,
    /// That said `undecided`.
    pub undecided: usize,
    /// Splits in which at least one bench regressed or improved. Of these, a share of `alpha` at most is the stated rate.
    pub splits_changed: u32,
}

/// Why boots cannot be split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// There are too few.
    #[error("split {0} boots: each half needs two")]
    TooFew(usize),
    /// They are not alike.
    #[error("split boots of more than one kind: they differ in {0}")]
    Mixed(String),
    /// They count instructions.
    #[error("split boots of exact mode: chance has no part in them")]
    Exact,
}

/// Splits the boots of `side` at random into halves, so many times, and compares these.
///
/// # Errors
/// See [`SplitError`].
pub fn splits(side: &Side, number: u32, seed: u64, settings: &Settings) -> Result<Splits, SplitError> {
    if let Some(difference) = side.mixed.first() {
        return Err(SplitError::Mixed(difference.field.clone()));
    }
    if side.mode == Some(Mode::Icount) {
        return Err(SplitError::Exact);
    }
    let half = side.boots.len() / 2;
    if half < 2 {
        return Err(SplitError::TooFew(side.boots.len()));
    }
    let benches = complete(side);
    let mut found: Vec<SplitSuite> = Vec::new();
    for (id, ..) in &benches {
        let name = suite_of(id);
        match found.iter_mut().find(|suite| suite.name == name) {
            Some(suite) => suite.benches += 1,
            None => found.push(SplitSuite { name: name.to_owned(), benches: 1, ..SplitSuite::default() }),
        }
    }
    let mut nulls = Nulls::default();
    for split in 0..number {
        let order = shuffled(side.boots.len(), seed, split);
        let pick = |boots: &[usize], values: &[f64]| boots.iter().map(|boot| values[*boot]).collect();
        let measured: Vec<Measured> = benches
            .iter()
            .map(|(id, unit, values)| Measured {
                id: (*id).to_owned(),
                unit: *unit,
                before: pick(&order[..half], values),
                after: pick(&order[half..2 * half], values),
            })
            .collect();
        add(&mut found, &times::judge(&measured, settings, &mut nulls));
    }
    Ok(Splits { boots: half, splits: number, suites: found })
}

fn add(suites: &mut [SplitSuite], verdicts: &[super::BenchVerdict]) {
    let mut changed = HashSet::new();
    for bench in verdicts {
        let name = suite_of(&bench.id);
        let Some(suite) = suites.iter_mut().find(|suite| suite.name == name) else { continue };
        let counter = match bench.verdict {
            Verdict::Regressed => &mut suite.regressed,
            Verdict::Improved => &mut suite.improved,
            Verdict::Equivalent => &mut suite.equivalent,
            Verdict::Undecided | Verdict::NotComparable | Verdict::Invalid => &mut suite.undecided,
        };
        *counter += 1;
        if matches!(bench.verdict, Verdict::Regressed | Verdict::Improved) && changed.insert(name) {
            suite.splits_changed += 1;
        }
    }
}

/// The benches that every boot has measured, with a figure for each boot.
fn complete(side: &Side) -> Vec<(&str, FigureUnit, Vec<f64>)> {
    let with_figures = pairs(side, side).into_iter().filter_map(|pair| match pair.fitness(PlansAlike::Yes) {
        Fitness::Fit(unit) => Some((pair.id, unit, figures(&pair.before))),
        Fitness::Unfit(..) | Fitness::LeftOut | Fitness::WithoutFigures => None,
    });
    with_figures.filter(|(_, _, values)| values.len() == side.boots.len()).collect()
}

/// The places of `boots` in a random order, the same for equal seeds: sorted by a hash of the place.
fn shuffled(boots: usize, seed: u64, split: u32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..boots).collect();
    order.sort_by_key(|boot| {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&boot.to_le_bytes());
        bytes[8..].copy_from_slice(&split.to_le_bytes());
        xxh3_64_with_seed(&bytes, seed)
    });
    order
}
