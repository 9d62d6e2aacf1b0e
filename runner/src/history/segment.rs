//! Segmentation of one series into levels.

use super::abrupt::Contrasts;
use super::budget::{SIDE_MIN, Strictness};
use super::cut;
use super::dependence::Dependence;
use super::rank::{self, Order, RankSum, Ranks};
use super::run::{self, Segment};
use super::seed;

/// Passes of prune, split and relocate; most series settle in two.
const ROUNDS: usize = 3;

/// Passes of pruning under the dependence that the pruned segmentation implies.
const PRUNES: usize = 6;

/// Sides up to which a blip could make up the evidence.
const BLIP_DOUBT: usize = 12;

/// How far above its limit the log tail probability of a known boundary may rise before it goes.
const KEEP_SLACK: f64 = 5.0;

/// A change between two neighbouring segments.
#[derive(Clone, Debug)]
pub(super) struct Boundary {
    /// Index of the first point of the new level.
    pub(super) at: usize,
    /// Log tail probability, corrected for dependence.
    pub(super) ln_p: f64,
    /// The same with more dependence, which the history is too short to rule out.
    pub(super) ln_p_cautious: f64,
    /// The known boundary that this one continues.
    pub(super) known: Option<usize>,
}

/// What speaks for a boundary, as log tail probabilities.
struct Evidence {
    sum: RankSum,
    /// Of the difference of the levels, if the points are independent.
    independent: f64,
    /// Of the jump at the boundary, never less than `independent`.
    jump: f64,
}

impl Evidence {
    /// Under a dependence: it explains a difference of levels only if the series got there without a jump.
    fn ln_p(&self, inflation: f64) -> f64 {
        (self.independent / inflation).min(self.jump)
    }
}

/// What a segmentation starts from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    /// Finite values.
    pub(super) values: &'a [f64],
    /// Whether a boundary may stand before the point of this index.
    pub(super) allowed: &'a [bool],
    /// Boundaries of an earlier look, in order: they stay unless the evidence falls far below the limit.
    pub(super) known: &'a [usize],
    /// Dependence that a look at more points has shown.
    pub(super) dependence: &'a Dependence,
    /// Points of the history that these are part of.
    pub(super) seen: usize,
}

/// Segments one series.
pub(super) struct Segmenter<'a> {
    input: Input<'a>,
    order: Order,
    strictness: Strictness,
    segments: Vec<Segment>,
    dependence: Dependence,
    contrasts: Contrasts,
    ranks: Ranks,
}

impl<'a> Segmenter<'a> {
    /// Segments the series.
    pub(super) fn run(input: Input<'a>, strictness: Strictness) -> Self {
        let mut this = Self::new(input, strictness);
        let known = spaced(input.known, input.values.len());
        let seeds = seed::seeds(&this.order.keys, input.allowed, &known);
        this.build(&seeds);
        for _ in 0..ROUNDS {
            this.prune();
            let split = this.split_all();
            let moved = this.relocate();
            if !split && !moved {
                break;
            }
        }
        this.contrasts = Contrasts::of(input.values, &this.residuals());
        this.prune_until_stable();
        this
    }

    /// Looks for the one most significant boundary.
    pub(super) fn single(input: Input<'a>, strictness: Strictness) -> Option<Self> {
        let mut this = Self::new(input, strictness);
        this.build(&[]);
        let at = this.best_split(0)?;
        this.build(&[at]);
        this.prune_until_stable();
        (this.segments.len() > 1).then_some(this)
    }

    fn new(input: Input<'a>, strictness: Strictness) -> Self {
        Self {
            input,
            order: Order::of(input.values),
            strictness,
            segments: Vec::new(),
            dependence: Dependence::none(),
            contrasts: Contrasts::none(),
            ranks: Ranks::default(),
        }
    }

    /// The boundaries that remain, in order.
    pub(super) fn boundaries(&self) -> Vec<Boundary> {
        self.segments
            .windows(2)
            .map(|pair| {
                let evidence = self.weigh(&pair[0], &pair[1]);
                let inflation = self.dependence.inflation(evidence.sum.short());
                let caution = Dependence::caution(self.input.seen);
                Boundary {
                    at: pair[1].start,
                    ln_p: evidence.ln_p(inflation),
                    ln_p_cautious: evidence.ln_p(inflation * caution),
                    known: pair[1].known,
                }
            })
            .collect()
    }

    /// The segments, in order.
    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The dependence that was estimated.
    pub(super) fn dependence(&self) -> &Dependence {
        &self.dependence
    }

    fn weigh(&self, left: &Segment, right: &Segment) -> Evidence {
        let sum = RankSum::of(&left.sorted, &right.sorted);
        let independent = sum.ln_p();
        let change = self.median(right) - self.median(left);
        let jump = independent.max(self.contrasts.ln_p(right.start, change));
        Evidence { sum, independent, jump }
    }

    /// How far the log tail probability of the boundary between two runs is below its limit.
    fn margin(&self, left: &Segment, right: &Segment) -> f64 {
        let evidence = self.weigh(left, right);
        let sum = &evidence.sum;
        let limit =
            self.strictness.ln_limit_of(sum.before, sum.after, right.end() == self.input.values.len());
        let ln_p = evidence.ln_p(self.dependence.inflation(sum.short()));
        if right.known.is_some() {
            return limit + KEEP_SLACK - ln_p;
        }
        if ln_p < limit && sum.short() <= BLIP_DOUBT && !run::outlasts_blip(left, right, sum.is_up()) {
            return limit;
        }
        limit - ln_p
    }

    /// Cuts the series at these boundaries.
    fn build(&mut self, boundaries: &[usize]) {
        let count = self.input.values.len();
        self.segments.clear();
        let mut owners: Vec<usize> = Vec::with_capacity(count);
        let starts = [0].into_iter().chain(boundaries.iter().copied());
        for (start, end) in starts.zip(boundaries.iter().copied().chain([count])) {
            owners.resize(end, self.segments.len());
            let mut segment = Segment::of(Vec::with_capacity(end - start), start);
            segment.known = self.input.known.iter().position(|at| *at == start);
            self.segments.push(segment);
        }
        // Dealt out in order of value, each segment's points come sorted.
        for item in &self.order.sorted {
            self.segments[owners[rank::index_of(*item)]].sorted.push(*item);
        }
    }

    /// Drops insignificant boundaries, weakest first, until the dependence that the rest implies drops none.
    fn prune_until_stable(&mut self) {
        for _ in 0..PRUNES {
            self.dependence = Dependence::estimate(self.segments.iter().map(|s| (&s.sorted[..], s.start)))
                .or_larger(self.input.dependence);
            if !self.prune() {
                break;
            }
        }
    }

    fn prune(&mut self) -> bool {
        let mut margins: Vec<f64> = self.margins();
        let mut dropped = false;
        loop {
            let weakest = margins.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map(|(i, m)| (i, *m));
            let Some((at, margin)) = weakest else { break };
            if margin >= 0.0 {
                break;
            }
            dropped = true;
            let right = self.segments.remove(at + 1);
            self.segments[at] = self.segments[at].joined(&right);
            margins.remove(at);
            for near in [at.checked_sub(1), Some(at)].into_iter().flatten() {
                if near < margins.len() {
                    margins[near] = self.margin_at(near);
                }
            }
        }
        dropped
    }

    fn margins(&self) -> Vec<f64> {
        (0..self.segments.len().saturating_sub(1)).map(|i| self.margin_at(i)).collect()
    }

    fn margin_at(&self, boundary: usize) -> f64 {
        self.margin(&self.segments[boundary], &self.segments[boundary + 1])
    }

    /// Splits segments for as long as a split is significant.
    fn split_all(&mut self) -> bool {
        let mut split = false;
        let mut i = 0;
        while i < self.segments.len() {
            if let Some(at) = self.best_split(i) {
                let (left, right) = self.segments[i].split(at);
                self.segments[i] = left;
                self.segments.insert(i + 1, right);
                split = true;
            } else {
                i += 1;
            }
        }
        split
    }

    /// The most significant cut of a segment, if it is significant for independent points.
    fn best_split(&mut self, number: usize) -> Option<usize> {
        let segment = &self.segments[number];
        let (start, count) = (segment.start, segment.sorted.len());
        let is_last = segment.end() == self.input.values.len();
        self.ranks.fill(&segment.sorted, start);
        let limit = |at: usize| self.strictness.ln_limit_of(at, count - at, is_last);
        let cut = cut::best(&self.ranks, &self.input.allowed[start..start + count], limit)?;
        (cut.ln_p(count) < limit(cut.at)).then_some(start + cut.at)
    }

    /// Moves each boundary to where two constant levels fit best, if it stays significant there.
    fn relocate(&mut self) -> bool {
        let mut moved = false;
        for i in 0..self.segments.len().saturating_sub(1) {
            let Some(best) = self.closest_fit(i) else { continue };
            if best == self.segments[i + 1].start {
                continue;
            }
            let (left, mut right) = self.segments[i].joined(&self.segments[i + 1]).split(best);
            right.known = self.segments[i + 1].known;
            if self.margin(&left, &right) > 0.0 {
                self.segments[i] = left;
                self.segments[i + 1] = right;
                moved = true;
            }
        }
        moved
    }

    /// The cut with the least sum of absolute distances from the medians of both sides.
    ///
    /// Ranks forget how far a value lies from either level, so that a dip before a large drop would join the drop; each
    /// point's say is bounded by the distance of the levels, so that outliers cannot pull the cut either.
    fn closest_fit(&self, boundary: usize) -> Option<usize> {
        let (left, right) = (&self.segments[boundary], &self.segments[boundary + 1]);
        let (before, after) = (self.median(left), self.median(right));
        let (start, end) = (left.start, right.end());
        let mut gain = 0.0;
        let mut best: Option<(f64, usize)> = None;
        for at in start + 1..=end - SIDE_MIN {
            let value = self.input.values[at - 1];
            gain += (value - after).abs() - (value - before).abs();
            if at - start >= SIDE_MIN && self.input.allowed[at] && best.is_none_or(|(top, _)| gain > top) {
                best = Some((gain, at));
            }
        }
        best.map(|(_, at)| at)
    }

    /// Distances from the medians of the segments.
    fn residuals(&self) -> Vec<f64> {
        let mut residuals = self.input.values.to_vec();
        for segment in &self.segments {
            let median = self.median(segment);
            for value in &mut residuals[segment.start..segment.end()] {
                *value -= median;
            }
        }
        residuals
    }

    fn median(&self, segment: &Segment) -> f64 {
        segment.median(self.input.values)
    }
}

/// The known boundaries that leave room for a segment on both sides.
fn spaced(known: &[usize], count: usize) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::new();
    for at in known.iter().copied() {
        if at >= kept.last().copied().unwrap_or(0) + SIDE_MIN && at + SIDE_MIN <= count {
            kept.push(at);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::*;

    fn boundaries(values: &[f64]) -> Vec<usize> {
        let allowed = vec![true; values.len()];
        let input = Input {
            values,
            allowed: &allowed,
            known: &[],
            dependence: &Dependence::none(),
            seen: values.len(),
        };
        let strictness = Strictness::new(1e-4, 1.8);
        Segmenter::run(input, strictness).boundaries().iter().map(|boundary| boundary.at).collect()
    }

    #[test]
    fn a_short_excursion_between_long_equal_levels_is_found() {
        let mut noise = Noise::new(3);
        let values: Vec<f64> =
            (0..900).map(|i| noise.normal() + if (450..465).contains(&i) { 6.0 } else { 0.0 }).collect();
        assert_eq!(boundaries(&values), [450, 465]);
    }

    #[test]
    fn order_alone_decides_so_that_scale_and_sign_do_not_matter() {
        let mut noise = Noise::new(4);
        let values: Vec<f64> = (0..120).map(|i| noise.normal() + if i >= 70 { 4.0 } else { 0.0 }).collect();
        let negated: Vec<f64> = values.iter().map(|value| -1e6 * value - 5.0).collect();
        assert_eq!(boundaries(&values), [70]);
        assert_eq!(boundaries(&negated), [70]);
    }

    #[test]
    fn one_outlier_before_a_step_does_not_pull_the_boundary() {
        let mut noise = Noise::new(5);
        let mut values: Vec<f64> =
            (0..80).map(|i| 0.1 * noise.normal() + if i >= 40 { 5.0 } else { 0.0 }).collect();
        values[37] = 50.0;
        values[43] = -50.0;
        assert_eq!(boundaries(&values), [40]);
    }

    #[test]
    fn known_boundaries_too_close_to_an_end_or_each_other_are_left_out() {
        assert_eq!(spaced(&[0, 2, 5, 7, 20, 98], 100), [5, 20]);
    }
}
