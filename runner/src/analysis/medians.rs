//! Boot medians side by side, without a verdict.

use std::collections::HashMap;

use perf_kernel::wire::Status;

use super::merged::median;
use super::{FigureUnit, Side, SideBench};

/// Boot medians of two sides that measure time.
#[derive(Clone, Debug, PartialEq)]
pub struct MedianComparison {
    /// Boots of the first side.
    pub boots_a: usize,
    /// Boots of the second side.
    pub boots_b: usize,
    /// Benches measured on both sides, in the order in which they ran.
    pub pairs: Vec<MedianPair>,
    /// Benches with figures on one side only.
    pub unpaired: Vec<String>,
}

/// A bench measured on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct MedianPair {
    /// Bench id with its scale.
    pub id: String,
    /// What the medians count.
    pub unit: FigureUnit,
    /// Median of the first side's boot medians.
    pub a: f64,
    /// Median of the second side's boot medians.
    pub b: f64,
    /// `b` for each of `a`.
    pub ratio: f64,
    /// Lowest and highest boot median of the first side.
    pub range_a: (f64, f64),
    /// Lowest and highest boot median of the second side.
    pub range_b: (f64, f64),
}

pub(super) fn compare(a: &Side, b: &Side) -> MedianComparison {
    let (before, after) = (medians(a), medians(b));
    let mut found = MedianComparison {
        boots_a: a.boots.len(),
        boots_b: b.boots.len(),
        pairs: Vec::new(),
        unpaired: Vec::new(),
    };
    let places: HashMap<&str, usize> =
        after.iter().enumerate().map(|(place, (id, ..))| (id.as_str(), place)).collect();
    let mut is_paired = vec![false; after.len()];
    for (id, unit, values) in &before {
        match places
            .get(id.as_str())
            .and_then(|place| Some((*place, pair(id, *unit, values, &after[*place])?)))
        {
            Some((place, pair)) => {
                is_paired[place] = true;
                found.pairs.push(pair);
            }
            None => found.unpaired.push(id.clone()),
        }
    }
    let rest = after.iter().zip(is_paired).filter(|(_, is_paired)| !is_paired);
    found.unpaired.extend(rest.map(|((id, ..), _)| id.clone()));
    found
}

type BootMedians = (String, FigureUnit, Vec<f64>);

/// The medians of each bench over the boots of `side`.
fn medians(side: &Side) -> Vec<BootMedians> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut found: Vec<BootMedians> = Vec::new();
    let measured = |bench: &&SideBench| bench.status == Status::Measured;
    for bench in side.boots.iter().flatten().filter(measured) {
        let Some((unit, p50)) = bench.unit.zip(bench.p50) else { continue };
        let place = *places.entry(&bench.id).or_insert_with(|| {
            found.push((bench.id.clone(), unit, Vec::new()));
            found.len() - 1
        });
        found[place].2.push(p50);
    }
    found
}

fn pair(id: &str, unit: FigureUnit, values: &[f64], after: &BootMedians) -> Option<MedianPair> {
    let (a, b) = (median(values.iter().copied())?, median(after.2.iter().copied())?);
    (unit == after.1).then(|| MedianPair {
        id: id.to_owned(),
        unit,
        a,
        b,
        ratio: if a > 0.0 { b / a } else { f64::NAN },
        range_a: range(values),
        range_b: range(&after.2),
    })
}

fn range(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    (low, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

#[cfg(test)]
mod tests {
    use super::super::compare::tests::side;
    use super::*;
    use crate::samples::bench;
    use perf_kernel::wire::Mode;

    #[test]
    fn boots_count_by_their_medians() {
        let boots = [2_000, 4_000, 6_000].map(|ticks| [bench("env/pause", ticks, 1)]);
        let a = side(Mode::Kvm, &[&boots[0], &boots[1], &boots[2]]);
        let b = side(Mode::Kvm, &[&boots[2]]);
        let found = compare(&a, &b);
        assert_eq!((found.boots_a, found.boots_b), (3, 1));
        assert_eq!((found.pairs[0].a, found.pairs[0].b), (2_000.0, 3_000.0));
        assert_eq!(found.pairs[0].range_a, (1_000.0, 3_000.0));
    }

    #[test]
    fn benches_of_one_side_are_named() {
        let found = compare(
            &side(Mode::Kvm, &[&[bench("env/pause", 100, 1)]]),
            &side(Mode::Kvm, &[&[bench("env/l1-load", 100, 1)]]),
        );
        assert_eq!(found.unpaired, ["env/pause", "env/l1-load"]);
    }
}
