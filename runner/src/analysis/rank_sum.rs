//! The rank-sum test of two sets of boots, exact where they are few.

use std::collections::HashMap;
use std::rc::Rc;

use super::count_of;
use crate::history::rank::{Order, RankSum, item};
use crate::history::tail::ln_two_sided;

/// Largest product of both numbers of boots for which every arrangement is counted: 32 boots and 32. Beyond, the tails of
/// [`crate::history::tail`] stand in.
const EXACT_PAIRS_MAX: usize = 1024;

/// What the test says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RankTest {
    /// Mann-Whitney U: pairs in which the boot after costs more, ties count half.
    pub(super) u: f64,
    /// Two-sided probability of a U as far out, when which boot is on which side means nothing: twice the smaller tail.
    pub(super) p: f64,
}

/// The laws of U between sides that do not differ. They depend on the numbers of boots alone while no two boots tie, and
/// are kept.
#[derive(Debug, Default)]
pub(super) struct Nulls {
    untied: HashMap<(usize, usize), Rc<[f64]>>,
}

impl Nulls {
    /// Tests `before` against `after`; neither is empty.
    ///
    /// Counting goes over the arrangements of the boots that there are, so that ties are taken as they are (Lehmann,
    /// *Nonparametrics*, 1975, section 1.4).
    pub(super) fn test(&mut self, before: &[f64], after: &[f64]) -> RankTest {
        let all: Vec<f64> = before.iter().chain(after).copied().collect();
        let keys = Order::of(&all).keys;
        let run = |range: std::ops::Range<usize>| {
            let mut run: Vec<u64> = range.map(|index| item(keys[index], index)).collect();
            run.sort_unstable();
            run
        };
        let sum = RankSum::of(&run(0..before.len()), &run(before.len()..all.len()));
        if before.len().saturating_mul(after.len()) > EXACT_PAIRS_MAX {
            return RankTest { u: sum.u, p: sum.ln_p().exp() };
        }
        let groups = group_sizes(&keys);
        let pairs = count_of(before.len() * after.len());
        let (lower, upper) = if groups.iter().all(|size| *size == 1) {
            let law = self.untied(before.len(), after.len());
            (tail(&law, sum.u), tail(&law, pairs - sum.u))
        } else {
            tied_tails(&groups, before.len(), after.len(), sum.u)
        };
        RankTest { u: sum.u, p: (2.0 * lower.min(upper)).min(1.0) }
    }

    /// The largest number of pairs that may point the other way when a test at `level` says that the sides differ;
    /// `None` if not even complete separation would.
    pub(super) fn critical(&mut self, before: usize, after: usize, level: f64) -> Option<usize> {
        let pairs = before.saturating_mul(after);
        if pairs == 0 {
            return None;
        }
        if pairs <= EXACT_PAIRS_MAX {
            let law = self.untied(before, after);
            return law.iter().take_while(|lower| 2.0 * **lower <= level).count().checked_sub(1);
        }
        let (a, b) = (count_of(before), count_of(after));
        let (mean, variance) = (a * b / 2.0, a * b * (a + b + 1.0) / 12.0);
        let is_rejected = |k: usize| {
            let distance = mean - count_of(k);
            ln_two_sided(before.min(after), before.max(after), distance, variance) <= level.ln()
        };
        let (mut low, mut high) = (0, pairs / 2);
        if !is_rejected(low) {
            return None;
        }
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            if is_rejected(middle) { low = middle } else { high = middle }
        }
        Some(low)
    }

    /// Probabilities of at most 0, 1, 2, ... pairs without ties.
    fn untied(&mut self, before: usize, after: usize) -> Rc<[f64]> {
        let sizes = (before.min(after), before.max(after));
        Rc::clone(self.untied.entry(sizes).or_insert_with(|| untied_law(sizes.0, sizes.1)))
    }
}

/// How often each key occurs.
fn group_sizes(keys: &[u32]) -> Vec<usize> {
    let mut sizes = vec![0; keys.len()];
    for key in keys {
        sizes[*key as usize] += 1;
    }
    sizes.retain(|size| *size > 0);
    sizes
}

/// The probability of at most `u` pairs.
fn tail(law: &[f64], u: f64) -> f64 {
    // Halves come from ties alone, and this law has none.
    law.iter()
        .zip(0u32..)
        .take_while(|(_, pairs)| f64::from(*pairs) <= u)
        .last()
        .map_or(0.0, |(lower, _)| *lower)
}

/// The recursion of Mann and Whitney (1947, section 3): the highest of all boots is on one side or on the other.
fn untied_law(short: usize, long: usize) -> Rc<[f64]> {
    // `counts[b]` holds the arrangements of `a` and `b` boots by U, while `a` grows.
    let mut counts: Vec<Vec<f64>> = vec![vec![1.0]; long + 1];
    for a in 1..=short {
        counts[0] = vec![1.0];
        for b in 1..=long {
            let mut row = vec![0.0; a * b + 1];
            for (u, ways) in counts[b].iter().enumerate() {
                row[u + b] += ways;
            }
            for (u, ways) in counts[b - 1].iter().enumerate() {
                row[u] += ways;
            }
            counts[b] = row;
        }
    }
    let law = counts.pop().unwrap_or_default();
    let all: f64 = law.iter().sum();
    let mut sum = 0.0;
    let cumulated = law.iter().map(|ways| {
        sum += ways;
        sum / all
    });
    cumulated.collect()
}

/// Probabilities of at most and of at least `u` over all ways to deal the boots, in groups of equal ones from the lowest
/// up, to both sides.
fn tied_tails(groups: &[usize], before: usize, after: usize, u: f64) -> (f64, f64) {
    let pairs = count_of(before * after);
    if after > before {
        // Fewer states: the shorter side is dealt.
        let (lower, upper) = tied_tails(groups, after, before, pairs - u);
        return (upper, lower);
    }
    let ways = ways_by_doubled_u(groups, before, after);
    let all: f64 = ways.iter().sum();
    let (mut lower, mut upper) = (0.0, 0.0);
    for (doubled, ways) in ways.iter().enumerate() {
        let value = count_of(doubled) / 2.0;
        lower += if value <= u { *ways } else { 0.0 };
        upper += if value >= u { *ways } else { 0.0 };
    }
    (lower / all, upper / all)
}

fn ways_by_doubled_u(groups: &[usize], before: usize, after: usize) -> Vec<f64> {
    let width = 2 * before * after + 1;
    // `ways[dealt][doubled]`: ways to have dealt so many to the side after, with twice that U among them.
    let mut ways = vec![vec![0.0; width]; after + 1];
    ways[0][0] = 1.0;
    let mut below = 0_usize;
    for size in groups.iter().copied() {
        let mut next = vec![vec![0.0; width]; after + 1];
        for dealt in below.saturating_sub(before)..=below.min(after) {
            let mut choices = 1.0;
            for chosen in 0..=size.min(after - dealt) {
                if chosen > 0 {
                    choices *= count_of(size - chosen + 1) / count_of(chosen);
                }
                if below + size > before + dealt + chosen {
                    // More would be left for the side before than it has.
                    continue;
                }
                let gain = chosen * (2 * (below - dealt) + (size - chosen));
                // So many boots of each side are dealt: U is no larger.
                let reach = 2 * dealt * (below - dealt);
                for doubled in 0..=reach {
                    next[dealt + chosen][doubled + gain] += choices * ways[dealt][doubled];
                }
            }
        }
        ways = next;
        below += size;
    }
    ways.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn u_of(before: &[f64], after: &[f64]) -> f64 {
        let half = |a: f64, b: f64| {
            if b > a {
                1.0
            } else if b < a {
                0.0
            } else {
                0.5
            }
        };
        before.iter().map(|a| after.iter().map(|b| half(*a, *b)).sum::<f64>()).sum()
    }

    /// Every way to choose which boots are the ones after.
    fn enumerated(before: &[f64], after: &[f64]) -> f64 {
        let all: Vec<f64> = before.iter().chain(after).copied().collect();
        let seen = u_of(before, after);
        let (mut lower, mut upper, mut ways) = (0.0, 0.0, 0.0);
        for choice in 0u32..1 << all.len() {
            if usize::try_from(choice.count_ones()).expect("few") != after.len() {
                continue;
            }
            let side = |bit: u32| all.iter().zip(0u32..).filter(move |(_, at)| choice >> at & 1 == bit);
            let values = |bit| side(bit).map(|(value, _)| *value).collect::<Vec<_>>();
            let u = u_of(&values(0), &values(1));
            ways += 1.0;
            lower += if u <= seen { 1.0 } else { 0.0 };
            upper += if u >= seen { 1.0 } else { 0.0 };
        }
        (2.0 * f64::min(lower, upper) / ways).min(1.0)
    }

    #[test]
    fn the_critical_number_is_that_of_the_tables() {
        // Mann-Whitney tables, two-sided 5 %: 4 and 4, 5 and 5, 8 and 8, 10 and 12, 20 and 20.
        let mut nulls = Nulls::default();
        let found = [(4, 4), (5, 5), (8, 8), (10, 12), (20, 20)].map(|(a, b)| nulls.critical(a, b, 0.05));
        assert_eq!(found, [Some(0), Some(2), Some(13), Some(29), Some(127)]);
        assert_eq!(nulls.critical(3, 3, 0.05), None);
        assert_eq!(nulls.critical(1, 1, 0.9), None);
    }

    #[test]
    fn the_critical_number_goes_on_smoothly_where_counting_ends() {
        let mut nulls = Nulls::default();
        let share = |nulls: &mut Nulls, n: usize| {
            let k = nulls.critical(n, n, 0.01).expect("many boots");
            (count_of(n * n) / 2.0 - count_of(k)) / (count_of(n).powi(3) / 6.0).sqrt()
        };
        let (counted, approximated) = (share(&mut nulls, 32), share(&mut nulls, 33));
        assert!((counted - approximated).abs() < 0.03, "{counted} {approximated}");
    }

    #[test]
    fn a_thousand_boots_are_tested_without_counting() {
        let values =
            |shift: u32| (0..1000u32).map(|n| f64::from(n * 7919 % 1009 + shift)).collect::<Vec<_>>();
        let mut nulls = Nulls::default();
        assert!(nulls.test(&values(0), &values(0)).p > 0.99);
        assert!(nulls.test(&values(0), &values(200)).p < 1e-9);
    }

    proptest! {
        #[test]
        fn the_probability_is_that_of_every_arrangement(
            before in prop::collection::vec(0u8..6, 1..7),
            after in prop::collection::vec(0u8..6, 1..7),
        ) {
            let floats = |values: &[u8]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
            let (before, after) = (floats(&before), floats(&after));
            let found = Nulls::default().test(&before, &after);
            prop_assert_eq!(found.u, u_of(&before, &after));
            let expected = enumerated(&before, &after);
            prop_assert!((found.p - expected).abs() < 1e-12, "{} for {expected}", found.p);
        }

        #[test]
        fn swapping_the_sides_changes_only_the_direction(
            before in prop::collection::vec(0u8..9, 1..12),
            after in prop::collection::vec(0u8..9, 1..12),
        ) {
            let floats = |values: &[u8]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
            let (before, after) = (floats(&before), floats(&after));
            let (there, back) = (Nulls::default().test(&before, &after), Nulls::default().test(&after, &before));
            prop_assert!((there.p - back.p).abs() < 1e-12);
            prop_assert_eq!(there.u + back.u, count_of(before.len() * after.len()));
        }
    }
}
