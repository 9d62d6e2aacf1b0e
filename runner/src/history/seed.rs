//! Boundaries proposed by half-overlapping windows.

use super::cut;
use super::rank::{self, Ranks};
use std::collections::BTreeSet;

/// Standardised rank sum above which a window proposes a boundary.
const SEED_Z: f64 = 2.8;

/// Lengths of the windows; longer structure is found by splitting whole segments.
const LENGTHS: [usize; 5] = [16, 32, 64, 128, 256];

/// Boundaries that windows propose, narrowest first, besides the `known` ones.
///
/// The windows are the seeded intervals of Kovacs et al. 2023 with ratio 1/2; taking the narrowest first is Baranowski et
/// al. 2019. A short excursion between two long equal levels shows in no cut of the whole series, but in these.
pub(super) fn seeds(keys: &[u32], allowed: &[bool], known: &[usize]) -> Vec<usize> {
    let mut found: BTreeSet<usize> = known.iter().copied().collect();
    let mut windows: Vec<Vec<u64>> = Vec::new();
    let mut ranks = Ranks::default();
    for length in LENGTHS.into_iter().take_while(|length| *length <= keys.len()) {
        windows = sorted_windows(keys, length, &windows);
        let mut proposals: Vec<(f64, usize, usize)> = Vec::new();
        for (sorted, start) in windows.iter().zip((0..).step_by(length / 2)) {
            ranks.fill(sorted, start);
            match cut::peak(&ranks, &allowed[start..start + length]) {
                Some((z, at)) if z > SEED_Z => proposals.push((z, start, start + at)),
                _ => {}
            }
        }
        proposals.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (_, start, at) in proposals {
            if found.range(start + 1..start + length).next().is_none() {
                found.insert(at);
            }
        }
    }
    found.into_iter().collect()
}

/// All windows of a length as sorted runs, merged from those of half the length where these are there.
fn sorted_windows(keys: &[u32], length: usize, halves: &[Vec<u64>]) -> Vec<Vec<u64>> {
    let starts = (0..=keys.len() - length).step_by(length / 2);
    let mut windows = Vec::new();
    for (number, start) in starts.enumerate() {
        let mut sorted = Vec::with_capacity(length);
        if let (Some(left), Some(right)) = (halves.get(2 * number), halves.get(2 * number + 2)) {
            rank::merge(left, right, &mut sorted);
        } else {
            sorted
                .extend(keys[start..start + length].iter().zip(start..).map(|(key, i)| rank::item(*key, i)));
            sorted.sort_unstable();
        }
        windows.push(sorted);
    }
    windows
}
