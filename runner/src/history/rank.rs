//! Order of values: dense keys, sorted runs and midranks.

use super::tail;

/// The order of values: what every later step compares, so that units, sign and scale of the values cannot matter.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// Place of each value in the sorted set of distinct values: equal values share a key.
    pub(crate) keys: Vec<u32>,
    /// All points as a sorted run.
    pub(crate) sorted: Vec<u64>,
}

impl Order {
    /// The order of finite values.
    pub(crate) fn of(values: &[f64]) -> Self {
        let mut order: Vec<(u64, u32)> =
            values.iter().zip(0u32..).map(|(value, index)| (ordered_bits(*value), index)).collect();
        order.sort_unstable();
        let mut keys = vec![0; values.len()];
        let mut sorted = Vec::with_capacity(values.len());
        let mut key = 0;
        let mut last = None;
        for (bits, index) in order {
            if last.is_some_and(|last| last != bits) {
                key += 1;
            }
            last = Some(bits);
            keys[index as usize] = key;
            sorted.push(item(key, index as usize));
        }
        Self { keys, sorted }
    }
}

/// Bits that sort as the finite float does; both zeros are one value.
fn ordered_bits(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

/// A point inside a sorted run: key in the high half, index in the low half.
pub(crate) fn item(key: u32, index: usize) -> u64 {
    u64::from(key) << 32 | (index as u64 & u64::from(u32::MAX))
}

/// Key of an item.
pub(super) fn key_of(item: u64) -> u64 {
    item >> 32
}

/// Index of an item.
pub(super) fn index_of(item: u64) -> usize {
    usize::try_from(item & u64::from(u32::MAX)).unwrap_or(usize::MAX)
}

/// Merges two sorted runs.
pub(super) fn merge(left: &[u64], right: &[u64], out: &mut Vec<u64>) {
    out.clear();
    out.reserve(left.len() + right.len());
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        let take_left = left[i] <= right[j];
        out.push(if take_left { left[i] } else { right[j] });
        i += usize::from(take_left);
        j += usize::from(!take_left);
    }
    out.extend_from_slice(&left[i..]);
    out.extend_from_slice(&right[j..]);
}

/// Midranks of one run by position, doubled and centred: their sum is zero.
#[derive(Debug, Default)]
pub(super) struct Ranks {
    /// Twice the midrank less the number of points plus one, in order of index.
    pub(super) centred: Vec<i64>,
    /// Sum of the squares of `centred`.
    pub(super) square: f64,
}

impl Ranks {
    /// Ranks the sorted run of the points from `start` on.
    pub(super) fn fill(&mut self, sorted: &[u64], start: usize) {
        let count = sorted.len();
        self.centred.clear();
        self.centred.resize(count, 0);
        let mut square = 0i64;
        let middle = signed(count) + 1;
        let mut low = 0;
        while low < count {
            let key = key_of(sorted[low]);
            let mut high = low + 1;
            while high < count && key_of(sorted[high]) == key {
                high += 1;
            }
            let rank = signed(low + high + 1) - middle;
            for item in &sorted[low..high] {
                self.centred[index_of(*item) - start] = rank;
            }
            square += rank * rank * signed(high - low);
            low = high;
        }
        self.square = square as f64;
    }
}

/// A count as a signed number; histories are far shorter than the limit.
pub(super) fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The two-sample rank-sum statistic of two sorted runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RankSum {
    /// Points before the boundary.
    pub(super) before: usize,
    /// Points from the boundary on.
    pub(super) after: usize,
    /// Mann-Whitney U of the points after: pairs in which they are larger, ties count half.
    pub(crate) u: f64,
    /// Variance of `u` when the order of the points means nothing, ties taken into account.
    pub(crate) variance: f64,
}

impl RankSum {
    /// Compares two sorted runs in one pass.
    pub(crate) fn of(left: &[u64], right: &[u64]) -> Self {
        let (mut i, mut j) = (0, 0);
        let mut doubled = 0u64;
        let mut ties = 0.0;
        while i < left.len() || j < right.len() {
            let key = match (left.get(i), right.get(j)) {
                (Some(a), Some(b)) => key_of(*a).min(key_of(*b)),
                (Some(a), None) => key_of(*a),
                (None, Some(b)) => key_of(*b),
                (None, None) => break,
            };
            let (from_i, from_j) = (i, j);
            while i < left.len() && key_of(left[i]) == key {
                i += 1;
            }
            while j < right.len() && key_of(right[j]) == key {
                j += 1;
            }
            let tied = (i - from_i + j - from_j) as f64;
            ties += tied * tied * tied - tied;
            doubled += ((j - from_j) * (from_i + i)) as u64;
        }
        let (a, b) = (left.len() as f64, right.len() as f64);
        let all = a + b;
        let variance = a * b / 12.0 * ((all + 1.0) - ties / (all * (all - 1.0)).max(1.0));
        Self { before: left.len(), after: right.len(), u: doubled as f64 / 2.0, variance }
    }

    /// Points on the shorter side.
    pub(super) fn short(&self) -> usize {
        self.before.min(self.after)
    }

    /// Whether the points after the boundary are the larger ones.
    pub(super) fn is_up(&self) -> bool {
        self.u > self.mean()
    }

    /// Log two-sided tail probability if the points are independent.
    pub(crate) fn ln_p(&self) -> f64 {
        let long = self.before.max(self.after);
        tail::ln_two_sided(self.short(), long, (self.u - self.mean()).abs(), self.variance)
    }

    fn mean(&self) -> f64 {
        self.before as f64 * self.after as f64 / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(keys: &[u32], start: usize) -> Vec<u64> {
        let mut sorted: Vec<u64> = keys.iter().zip(start..).map(|(key, index)| item(*key, index)).collect();
        sorted.sort_unstable();
        sorted
    }

    #[test]
    fn keys_follow_the_order_of_values_and_both_zeros_are_one() {
        let order = Order::of(&[0.0, -1.0, 2.5, -0.0, f64::MIN, 2.5]);
        assert_eq!(order.keys, [2, 1, 3, 2, 0, 3]);
        assert_eq!(order.sorted, run(&order.keys, 0));
    }

    proptest! {
        #[test]
        fn the_rank_sum_is_the_count_of_larger_pairs(
            left in prop::collection::vec(0u32..6, 1..20),
            right in prop::collection::vec(0u32..6, 1..20),
        ) {
            let sum = RankSum::of(&run(&left, 0), &run(&right, left.len()));
            let pairs = left.iter().flat_map(|a| right.iter().map(move |b| match b.cmp(a) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            }));
            prop_assert_eq!(sum.u, pairs.sum::<f64>());
        }

        #[test]
        fn centred_ranks_sum_to_zero_and_their_square_gives_the_variance(
            left in prop::collection::vec(0u32..9, 2..20),
            right in prop::collection::vec(0u32..9, 2..20),
        ) {
            let both: Vec<u32> = left.iter().chain(&right).copied().collect();
            let mut ranks = Ranks::default();
            ranks.fill(&run(&both, 7), 7);
            prop_assert_eq!(ranks.centred.iter().sum::<i64>(), 0);
            let (a, b) = (left.len() as f64, right.len() as f64);
            let variance = ranks.square / 4.0 * a * b / ((a + b) * (a + b - 1.0));
            let sum = RankSum::of(&run(&left, 0), &run(&right, left.len()));
            prop_assert!((variance - sum.variance).abs() < 1e-9 * variance.max(1.0));
        }
    }
}
