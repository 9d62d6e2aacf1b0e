//! Reproducible random numbers.

/// Steele, Lea and Flood's generator (2014): every seed is a good one, which a mere shift register's is not.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in [0, 1).
    pub(super) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number below `end`; 0 if `end` is 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        // The high half of a product is nearly uniform, and never as large as `end`.
        let product = u128::from(self.next()) * end as u128;
        usize::try_from(product >> 64).unwrap_or(0)
    }

    /// One of `choices`, of which there must be at least one.
    pub(super) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// The values in another order, all equally probable (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, values: &mut [T]) {
        for end in (1..values.len()).rev() {
            values.swap(end, self.below(end + 1));
        }
    }

    /// Runs of `length` neighbours in another order; the neighbours stay together.
    pub(super) fn shuffle_blocks(&mut self, values: &[f64], length: usize) -> Vec<f64> {
        let turn = self.below(values.len().max(1));
        let turned: Vec<f64> = values[turn..].iter().chain(&values[..turn]).copied().collect();
        let mut blocks: Vec<&[f64]> = turned.chunks(length.max(1)).collect();
        self.shuffle(&mut blocks);
        blocks.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shuffling_keeps_every_value(values in prop::collection::vec(-9.0..9.0f64, 0..80), seed: u64, length in 0usize..20) {
            let sorted = |mut values: Vec<f64>| { values.sort_by(f64::total_cmp); values };
            let mut random = Random::new(seed);
            let mut shuffled = values.clone();
            random.shuffle(&mut shuffled);
            prop_assert_eq!(sorted(shuffled), sorted(values.clone()));
            prop_assert_eq!(sorted(random.shuffle_blocks(&values, length)), sorted(values));
        }

        #[test]
        fn numbers_stay_below_their_end(seed: u64, end in 1usize..1000) {
            prop_assert!(Random::new(seed).below(end) < end);
        }
    }

    #[test]
    fn all_orders_of_three_are_about_equally_frequent() {
        let (mut random, mut counts) = (Random::new(1), std::collections::BTreeMap::new());
        for _ in 0..6_000 {
            let mut order = [0, 1, 2];
            random.shuffle(&mut order);
            *counts.entry(order).or_insert(0) += 1;
        }
        assert!(counts.len() == 6 && counts.values().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }
}
