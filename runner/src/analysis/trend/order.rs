//! Points whose clock agrees with the order of the runs.

/// The most points whose days do not go back. A host's clock may be wrong for a while, ahead or behind: runs keep the
/// order in which they were stored, and what does not fit it has no place in time.
pub(super) fn in_order(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    // Longest non-decreasing subsequence by patience (Fredman 1975): `ends[k]` is the point with the lowest day that a
    // subsequence of k + 1 points can end with.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(points.len());
    for (index, (day, _)) in points.iter().enumerate() {
        let place = ends.partition_point(|end| points[*end].0 <= *day);
        before.push(place.checked_sub(1).map(|place| ends[place]));
        match ends.get_mut(place) {
            Some(end) => *end = index,
            None => ends.push(index),
        }
    }
    let mut kept = Vec::with_capacity(ends.len());
    let mut next = ends.last().copied();
    while let Some(index) = next {
        kept.push(points[index]);
        next = before[index];
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kept(days: &[f64]) -> Vec<f64> {
        let points: Vec<(f64, f64)> = days.iter().map(|day| (*day, 0.0)).collect();
        in_order(&points).into_iter().map(|(day, _)| day).collect()
    }

    #[test]
    fn points_of_a_clock_that_was_wrong_for_a_while_are_left_out() {
        assert_eq!(kept(&[1.0, 2.0, 900.0, 901.0, 3.0, -50.0, 4.0, 5.0]), [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(kept(&[2.0, 2.0, 2.0]), [2.0, 2.0, 2.0], "several runs a day");
        assert!(kept(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn as_many_points_are_kept_as_the_quadratic_recursion_finds(
            days in prop::collection::vec((0_u32..20).prop_map(f64::from), 0..40),
        ) {
            let mut longest = vec![1_usize; days.len()];
            for last in 0..days.len() {
                for before in (0..last).filter(|before| days[*before] <= days[last]) {
                    longest[last] = longest[last].max(longest[before] + 1);
                }
            }
            let kept = kept(&days);
            prop_assert_eq!(kept.len(), longest.into_iter().max().unwrap_or(0));
            prop_assert!(kept.is_sorted());
        }
    }
}
