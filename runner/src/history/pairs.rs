//! Order statistics of all differences between two samples, without forming most of them.

/// A difference of each of that many rows and columns is looked at first.
const STRIDE: usize = 6;

/// How many of those differences the wanted one may be apart from its place among them; a sixth of a row each.
const SLACK: usize = 4;

/// The differences of each of the `new` values less each of the `old` ones.
///
/// With both samples sorted the differences are a matrix whose rows and columns ascend, rounding included. A coarse grid of them tells
/// nearly where a wanted one must be, and only what lies there is written out.
#[derive(Clone, Debug)]
pub(crate) struct Differences {
    /// Descending.
    old: Vec<f64>,
    /// Ascending.
    new: Vec<f64>,
    /// Ascending.
    grid: Vec<f64>,
}

impl Differences {
    /// The differences between finite values.
    pub(crate) fn of(old: &[f64], new: &[f64]) -> Self {
        let (mut old, mut new) = (old.to_vec(), new.to_vec());
        old.sort_unstable_by(|a, b| b.total_cmp(a));
        new.sort_unstable_by(f64::total_cmp);
        let part = |values: &[f64]| -> Vec<f64> {
            values.iter().skip(STRIDE / 2).step_by(STRIDE).copied().collect()
        };
        let old_part = part(&old);
        let mut grid: Vec<f64> =
            part(&new).iter().flat_map(|new| old_part.iter().map(move |old| new - old)).collect();
        grid.sort_unstable_by(f64::total_cmp);
        Self { old, new, grid }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.old.len() * self.new.len()
    }

    /// The difference at a place in ascending order, which is below [`Differences::count`].
    pub(crate) fn select(&self, place: usize) -> f64 {
        let near = place * self.grid.len() / self.count().max(1);
        let low = near.checked_sub(SLACK).and_then(|at| self.grid.get(at));
        let high = self.grid.get(near + SLACK);
        let first = match low {
            Some(low) => self.edge(|difference| difference < *low),
            None => vec![0; self.new.len()],
        };
        let end = match high {
            Some(high) => self.edge(|difference| difference <= *high),
            None => vec![self.old.len(); self.new.len()],
        };
        let below: usize = first.iter().sum();
        if (below..end.iter().sum()).contains(&place) {
            self.among(first.into_iter().zip(end), place - below)
        } else {
            self.among(self.new.iter().map(|_| (0, self.old.len())), place)
        }
    }

    /// Number of columns of each row that come before an edge.
    ///
    /// One walk along the edge would compare less often than a search in each row, but the searches do not wait for each other.
    fn edge(&self, is_before: impl Fn(f64) -> bool) -> Vec<usize> {
        self.new.iter().map(|new| self.old.partition_point(|old| is_before(new - old))).collect()
    }

    /// The difference at a place among these columns of each row, from the first one to before the last one.
    fn among(&self, rows: impl Iterator<Item = (usize, usize)>, place: usize) -> f64 {
        let mut left: Vec<f64> = Vec::with_capacity(self.count());
        for (new, (first, end)) in self.new.iter().zip(rows) {
            left.extend(self.old[first..end].iter().map(|old| new - old));
        }
        *left.select_nth_unstable_by(place, f64::total_cmp).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_place_holds_what_sorting_all_differences_puts_there(
            old in prop::collection::vec(prop_oneof![-1e3..1e3f64, (-3i8..4).prop_map(f64::from)], 1..50),
            new in prop::collection::vec(prop_oneof![-1e3..1e3f64, (-3i8..4).prop_map(f64::from)], 1..50),
        ) {
            let differences = Differences::of(&old, &new);
            let mut all: Vec<f64> = new.iter().flat_map(|b| old.iter().map(move |a| b - a)).collect();
            all.sort_by(f64::total_cmp);
            prop_assert_eq!(differences.count(), all.len());
            for place in (0..all.len()).step_by(7) {
                prop_assert_eq!(differences.select(place), all[place]);
            }
        }
    }

    #[test]
    fn differences_beyond_the_largest_float_are_survived() {
        let differences = Differences::of(&[f64::MAX; 9], &[f64::MIN; 12]);
        assert_eq!(differences.select(50), f64::NEG_INFINITY);
    }
}
