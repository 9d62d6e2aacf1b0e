//! The correction for looking at many benches at once.

use std::collections::HashMap;

use super::suite_of;

/// What the correction makes of the tests of one family.
#[derive(Clone, Debug, PartialEq)]
struct Corrected {
    /// Adjusted probabilities, in the order given: a test is significant at `alpha` if its own is at most `alpha`.
    q: Vec<f64>,
    /// How many are significant.
    significant: usize,
}

/// The procedure of Benjamini and Hochberg (1995) at `alpha` over the probabilities `p`.
fn benjamini_hochberg(p: &[f64], alpha: f64) -> Corrected {
    let size = super::count_of(p.len());
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut q = vec![1.0; p.len()];
    let mut lowest = 1.0_f64;
    let mut rank = size;
    for index in order.into_iter().rev() {
        lowest = lowest.min(p[index] * size / rank);
        q[index] = lowest;
        rank -= 1.0;
    }
    let significant = q.iter().filter(|q| **q <= alpha).count();
    Corrected { q, significant }
}

/// A test among the others of its suite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct InFamily {
    /// The adjusted probability.
    pub(super) q: f64,
    /// Tests of the suite.
    pub(super) size: usize,
    /// Of these, significant ones.
    pub(super) significant: usize,
}

/// Corrects the tests of each suite together; `tests` are benches with their probabilities, and the result is in their
/// order.
pub(super) fn by_suite(tests: &[(&str, f64)], alpha: f64) -> Vec<InFamily> {
    let mut suites: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, (id, _)) in tests.iter().enumerate() {
        suites.entry(suite_of(id)).or_default().push(index);
    }
    let mut corrected = vec![InFamily { q: 1.0, size: 1, significant: 0 }; tests.len()];
    for members in suites.into_values() {
        let p: Vec<f64> = members.iter().map(|index| tests[*index].1).collect();
        let Corrected { q, significant } = benjamini_hochberg(&p, alpha);
        let size = members.len();
        for (index, q) in members.into_iter().zip(q) {
            corrected[index] = InFamily { q, size, significant };
        }
    }
    corrected
}

/// The level of one test in a family of `size` of which `significant` others are significant: by how little a single
/// bench must be explained by chance to be reported. Intervals at 1 minus the level of the significant ones miss, of all
/// that are reported, at most a share `alpha` (Benjamini and Yekutieli 2005).
pub(super) fn level(alpha: f64, significant: usize, size: usize) -> f64 {
    alpha * super::count_of(significant.max(1)) / super::count_of(size.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The procedure as its authors state it: the largest rank whose probability lies below the line.
    fn rejected(p: &[f64], alpha: f64) -> Vec<bool> {
        let mut sorted = p.to_vec();
        sorted.sort_by(f64::total_cmp);
        let size = p.len() as f64;
        let below = |(rank, p): &(usize, &f64)| **p <= alpha * (*rank as f64 + 1.0) / size;
        let bound = sorted.iter().enumerate().rfind(below).map(|(_, p)| *p);
        p.iter().map(|p| bound.is_some_and(|bound| *p <= bound)).collect()
    }

    #[test]
    fn a_worked_example() {
        let found = benjamini_hochberg(&[0.04, 0.01, 0.03, 0.5], 0.05);
        let expected = [0.16 / 3.0, 0.04, 0.16 / 3.0, 0.5];
        for (q, expected) in found.q.iter().zip(expected) {
            assert!((q - expected).abs() < 1e-12, "{:?}", found.q);
        }
        assert_eq!(found.significant, 1);
    }

    #[test]
    fn no_tests_make_no_trouble() {
        assert_eq!(benjamini_hochberg(&[], 0.05), Corrected { q: Vec::new(), significant: 0 });
        assert_eq!(level(0.05, 0, 0), 0.05);
    }

    proptest! {
        #[test]
        fn what_is_significant_is_what_the_naive_procedure_rejects(
            p in prop::collection::vec(prop_oneof![0.0..1.0, 0.0..0.05], 1..40),
            alpha in 0.001..0.4,
        ) {
            let found = benjamini_hochberg(&p, alpha);
            let significant: Vec<bool> = found.q.iter().map(|q| *q <= alpha).collect();
            prop_assert_eq!(&significant, &rejected(&p, alpha));
            let level = level(alpha, found.significant, p.len());
            let by_level: Vec<bool> = p.iter().map(|p| *p <= level * (1.0 + 1e-12)).collect();
            prop_assert_eq!(by_level, significant);
        }
    }
}
