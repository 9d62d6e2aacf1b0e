//! Runs of points on one level.

use super::rank::{self, RankSum};

/// Longest run of outlying points that is called a blip.
pub(super) const BLIP_MAX: usize = 3;

/// Two-sided log tail probability that the rest of a short side must reach without a blip: one sided 0.075.
const BLIP_LN_P: f64 = -1.897_120;

/// A run of points on one level.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// Index of its first point.
    pub(super) start: usize,
    /// Its points as sorted items.
    pub(super) sorted: Vec<u64>,
    /// Number of the known boundary at `start`.
    pub(super) known: Option<usize>,
}

impl Segment {
    /// The run of these sorted items, which are all points from `start` on.
    pub(super) const fn of(sorted: Vec<u64>, start: usize) -> Self {
        Self { start, sorted, known: None }
    }

    /// The points before and from an index within it on.
    pub(super) fn split(&self, at: usize) -> (Self, Self) {
        let (before, after) = self.sorted.iter().partition(|item| rank::index_of(**item) < at);
        (Self { start: self.start, sorted: before, known: self.known }, Self::of(after, at))
    }

    /// The points of both this one and the one that follows it.
    pub(super) fn joined(&self, next: &Self) -> Self {
        let mut sorted = Vec::new();
        rank::merge(&self.sorted, &next.sorted, &mut sorted);
        Self { start: self.start, sorted, known: self.known }
    }

    /// Index after its last point.
    pub(super) fn end(&self) -> usize {
        self.start + self.sorted.len()
    }

    /// Median of its values.
    pub(super) fn median(&self, values: &[f64]) -> f64 {
        let middle = self.sorted.len() / 2;
        let at = |i: usize| values[rank::index_of(self.sorted[i])];
        match self.sorted.len() {
            0 => 0.0,
            count if count % 2 == 1 => at(middle),
            _ => at(middle - 1) + 0.5 * (at(middle) - at(middle - 1)),
        }
    }
}

/// Whether the shorter side still leans the same way without its most extreme points, as many as a blip has.
pub(super) fn outlasts_blip(left: &Segment, right: &Segment, is_up: bool) -> bool {
    let (mut before, mut after) = (&left.sorted[..], &right.sorted[..]);
    let right_is_short = after.len() < before.len();
    let short = if right_is_short { &mut after } else { &mut before };
    let blip = BLIP_MAX.min(short.len());
    *short = if right_is_short == is_up { &short[..short.len() - blip] } else { &short[blip..] };
    let rest = RankSum::of(before, after);
    rest.is_up() == is_up && rest.ln_p() < BLIP_LN_P
}
