//! Where a run is best cut in two.

use super::budget::SIDE_MIN;
use super::rank::Ranks;
use super::tail;

/// Standardised rank sum below which no cut can be significant, however short its side.
const WORTH_Z: f64 = 1.9;

/// A place at which a run may be cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// Points before the cut.
    pub(super) at: usize,
    /// Points on the shorter side.
    pub(super) short: usize,
    /// Distance of U from its mean.
    pub(super) distance: f64,
    /// Variance of U.
    pub(super) variance: f64,
}

impl Cut {
    /// Log tail probability of this cut of a run of `count` independent points.
    pub(super) fn ln_p(&self, count: usize) -> f64 {
        tail::ln_two_sided(self.short, count - self.short, self.distance, self.variance)
    }

    fn ln_quick(&self, count: usize) -> f64 {
        tail::ln_quick(self.short, count - self.short, self.distance, self.variance)
    }
}

/// The cut with the largest standardised rank sum, and that sum; `allowed` is about the points of the run.
pub(super) fn peak(ranks: &Ranks, allowed: &[bool]) -> Option<(f64, usize)> {
    let count = ranks.centred.len();
    let mut best: Option<(f64, usize)> = None;
    let mut sum = 0i64;
    for (at, rank) in (1..count).zip(&ranks.centred) {
        sum += rank;
        if at < SIDE_MIN || count - at < SIDE_MIN || !allowed[at] {
            continue;
        }
        let score = squared(sum) / (at * (count - at)) as f64;
        if best.is_none_or(|(top, _)| score > top) {
            best = Some((score, at));
        }
    }
    // Var of the partial sum: cut (n - cut) / (n (n - 1)) times the sum of squares.
    let scale = (count * count.saturating_sub(1)) as f64 / ranks.square.max(1.0);
    best.map(|(score, at)| ((score * scale).sqrt(), at))
}

/// The cut whose approximate log tail probability is furthest below `limit`, which takes the points before the cut.
pub(super) fn best(ranks: &Ranks, allowed: &[bool], limit: impl Fn(usize) -> f64) -> Option<Cut> {
    let count = ranks.centred.len();
    if count < 2 * SIDE_MIN || ranks.square <= 0.0 {
        return None;
    }
    // `centred` is doubled: U's distance from its mean is half the partial sum.
    let unit = ranks.square / (4 * count * (count - 1)) as f64;
    let cut = |at: usize, sum: i64| Cut {
        at,
        short: at.min(count - at),
        distance: sum.abs() as f64 / 2.0,
        variance: unit * (at * (count - at)) as f64,
    };
    let mut best: Option<(f64, Cut)> = None;
    let mut offer = |cut: Cut| {
        let score = limit(cut.at) - cut.ln_quick(count);
        if best.as_ref().is_none_or(|(top, _)| score > *top) {
            best = Some((score, cut));
        }
    };
    // U varies by a quarter of the doubled sums: a score in these units is four times z squared times `unit`.
    let worth = 4.0 * unit * WORTH_Z * WORTH_Z;
    let (mut sum, mut top, mut middle) = (0i64, 0.0, None);
    for (at, rank) in (1..count).zip(&ranks.centred) {
        sum += rank;
        let short = at.min(count - at);
        if short < SIDE_MIN || !allowed[at] {
            continue;
        }
        let score = squared(sum) / (at * (count - at)) as f64;
        if short <= tail::EXACT_MAX {
            if score > worth {
                offer(cut(at, sum));
            }
        } else {
            if score > top {
                top = score;
                middle = Some((at, sum));
            }
        }
    }
    if let Some((at, sum)) = middle {
        offer(cut(at, sum));
    }
    best.map(|(_, cut)| cut)
}

fn squared(sum: i64) -> f64 {
    let sum = sum as f64;
    sum * sum
}
