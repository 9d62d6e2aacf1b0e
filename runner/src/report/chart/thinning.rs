//! Which points of a long series are drawn.

/// Indexes of at most about `most` of `values`, ascending: all if they are few, else of each group of neighbours the
/// lowest and the highest, so that no outlier and no step is lost, and the newest.
pub(super) fn thinned(values: &[f64], most: usize) -> Vec<usize> {
    if values.len() <= most {
        return (0..values.len()).collect();
    }
    let group = values.len().div_ceil((most / 2).max(1));
    let mut kept = Vec::new();
    for (place, neighbours) in values.chunks(group).enumerate() {
        let at = |within: usize| place * group + within;
        let by_value = |a: &(usize, &f64), b: &(usize, &f64)| a.1.total_cmp(b.1);
        let low = neighbours.iter().enumerate().min_by(by_value).map(|(within, _)| at(within));
        let high = neighbours.iter().enumerate().max_by(by_value).map(|(within, _)| at(within));
        kept.extend(low.into_iter().chain(high));
    }
    kept.push(values.len() - 1);
    kept.sort_unstable();
    kept.dedup();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn extremes_and_the_newest_stay(values in proptest::collection::vec(-1e9_f64..1e9, 1..500), most in 2_usize..60) {
            let kept = thinned(&values, most);
            prop_assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(kept.len() <= most + 3 || values.len() <= most);
            prop_assert_eq!(kept.last(), Some(&(values.len() - 1)));
            let extreme = |pick: fn(f64, f64) -> f64, of: &mut dyn Iterator<Item = f64>| of.reduce(pick);
            for pick in [f64::min, f64::max] {
                let all = extreme(pick, &mut values.iter().copied());
                prop_assert_eq!(extreme(pick, &mut kept.iter().map(|at| values[*at])), all);
            }
        }
    }
}
