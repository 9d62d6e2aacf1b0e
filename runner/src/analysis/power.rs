//! What a comparison could have seen, and how many boots would decide it.

use super::count_of;
use super::rank_sum::Nulls;
use super::shift::Shift;
use crate::history::tail::ln_upper_normal;

/// How often a change should be seen that is called detectable: four times in five.
const POWER: f64 = 0.8;

/// The most boots that are asked for on top of those that there are.
const BOOTS_MORE_MAX: u32 = 1000;

/// Halvings of a range in the search for a shift: to a hundred-thousandth of it.
const HALVINGS: u32 = 17;

/// Numbers of boots before and after.
pub(super) type Boots = (usize, usize);

/// What tests are held to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bar {
    /// Level of the test for a difference.
    pub(super) level: f64,
    /// Level of the interval that must lie within the margin.
    pub(super) level_equivalent: f64,
    /// The smallest shift that matters.
    pub(super) margin: f64,
}

/// How boots of one side spread around their median, both sides taken together.
#[derive(Clone, Debug)]
pub(super) struct Spread {
    /// Ascending.
    residuals: Vec<f64>,
}

impl Spread {
    /// The spread of both sides; `None` if there are too few boots to know one.
    ///
    /// The distances from a median of few boots are too short by nature; n / (n - 1) makes up for it in their squares.
    pub(super) fn of(shift: &Shift) -> Option<Self> {
        let sides = [&shift.before, &shift.after];
        if sides.iter().map(|side| side.len().saturating_sub(1)).sum::<usize>() < 2 {
            return None;
        }
        let mut residuals = Vec::new();
        for side in sides.into_iter().filter(|side| side.len() > 1) {
            let (low, high) = (side[(side.len() - 1) / 2], side[side.len() / 2]);
            let stretch = (count_of(side.len()) / count_of(side.len() - 1)).sqrt();
            residuals.extend(side.iter().map(|value| (value - f64::midpoint(low, high)) * stretch));
        }
        residuals.sort_by(f64::total_cmp);
        Some(Self { residuals })
    }

    fn range(&self) -> f64 {
        self.residuals.last().zip(self.residuals.first()).map_or(0.0, |(high, low)| high - low)
    }

    /// How pairs of boots come out if those after lie `shift` higher and spread alike.
    fn outcomes(&self, shift: f64) -> Outcomes {
        let others = count_of(self.residuals.len() - 1);
        let (mut one, mut same_after, mut same_before) = (0.0, 0.0, 0.0);
        // Places of the first residual that is not below, and of the first above, for a boot after and a boot before.
        let (mut below, mut up_to, mut below_shifted, mut up_to_shifted) = (0, 0, 0, 0);
        let advance = |place: &mut usize, is_passed: &dyn Fn(f64) -> bool| {
            while self.residuals.get(*place).is_some_and(|value| is_passed(*value)) {
                *place += 1;
            }
        };
        for value in &self.residuals {
            let after = value + shift;
            advance(&mut below, &|other| other < after);
            advance(&mut up_to, &|other| other <= after);
            let before = value;
            advance(&mut below_shifted, &|other| other + shift < *before);
            advance(&mut up_to_shifted, &|other| other + shift <= *before);
            // A boot is no evidence against itself.
            let own = if after > *value {
                1.0
            } else if after < *value {
                0.0
            } else {
                0.5
            };
            let is_higher = (count_of(below + up_to) / 2.0 - own) / others;
            let is_lower = 1.0 - (count_of(below_shifted + up_to_shifted) / 2.0 - (1.0 - own)) / others;
            one += is_higher;
            same_after += is_higher * is_higher;
            same_before += is_lower * is_lower;
        }
        let all = count_of(self.residuals.len());
        Outcomes { one: one / all, same_after: same_after / all, same_before: same_before / all }
    }

    /// The smallest shift that would be reported four times in five: the test is significant, and the estimate lies
    /// beyond the margin. `None` if no shift would be.
    pub(super) fn detectable(&self, boots: Boots, bar: &Bar, nulls: &mut Nulls) -> Option<f64> {
        let critical = nulls.critical(boots.0, boots.1, bar.level)?;
        let is_seen = |shift: f64| {
            self.outcomes(shift).chance(boots, count_of(critical)) >= POWER
                && self.outcomes(shift - bar.margin).chance(boots, half_of(boots)) >= POWER
        };
        let (mut low, mut high) = (bar.margin, bar.margin + self.range().max(bar.margin) * 2.0);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if is_seen(middle) { high = middle } else { low = middle }
        }
        // Without spread every change beyond the margin is seen.
        Some(if self.range() > 0.0 { high } else { bar.margin })
    }

    /// Whether so many boots would decide, four times in five, if the true shift is `shift`.
    fn is_decided(
        &self,
        shift: &[Outcomes; 3],
        is_beyond: bool,
        boots: Boots,
        bar: &Bar,
        nulls: &mut Nulls,
    ) -> bool {
        let critical = |nulls: &mut Nulls, level| nulls.critical(boots.0, boots.1, level).map(count_of);
        let [plain, less, more] = shift;
        if is_beyond {
            critical(nulls, bar.level).is_some_and(|critical| {
                plain.chance(boots, critical) >= POWER && less.chance(boots, half_of(boots)) >= POWER
            })
        } else {
            critical(nulls, bar.level_equivalent).is_some_and(|critical| {
                less.chance((boots.1, boots.0), critical) + more.chance(boots, critical) - 1.0 >= POWER
            })
        }
    }

    /// Boots more on each side with which a shift like `shift` would be decided four times in five; `None` above a
    /// thousand.
    pub(super) fn boots_more(&self, shift: f64, boots: Boots, bar: &Bar, nulls: &mut Nulls) -> Option<u32> {
        // A side that is lower is one that the other is higher than.
        let boots = if shift < 0.0 { (boots.1, boots.0) } else { boots };
        let shift = shift.abs();
        let is_beyond = shift > bar.margin;
        let outcomes = if is_beyond {
            [shift, shift - bar.margin, 0.0]
        } else {
            [0.0, bar.margin - shift, bar.margin + shift]
        };
        let outcomes = outcomes.map(|shift| self.outcomes(shift));
        fewest(|more| self.is_decided(&outcomes, is_beyond, with_more(boots, more), bar, nulls))
    }
}

/// Boots more on each side below which no change at all could be reported.
pub(super) fn boots_more_at_least(boots: Boots, bar: &Bar, nulls: &mut Nulls) -> Option<u32> {
    fewest(|more| {
        let (before, after) = with_more(boots, more);
        nulls.critical(before, after, bar.level).is_some()
    })
}

fn with_more(boots: Boots, more: u32) -> Boots {
    let more = usize::try_from(more).unwrap_or(usize::MAX);
    (boots.0.saturating_add(more), boots.1.saturating_add(more))
}

fn half_of(boots: Boots) -> f64 {
    // Half a pair less, as the correction for continuity adds it.
    count_of(boots.0) * count_of(boots.1) / 2.0 - 0.5
}

/// The smallest number from 1 to [`BOOTS_MORE_MAX`] that is enough, if those above it are too.
fn fewest(mut is_enough: impl FnMut(u32) -> bool) -> Option<u32> {
    let mut high = 1;
    while !is_enough(high) {
        if high == BOOTS_MORE_MAX {
            return None;
        }
        high = (high * 2).min(BOOTS_MORE_MAX);
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = u32::midpoint(low, high);
        if is_enough(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

/// How pairs of a boot before and a boot after come out; ties count half.
#[derive(Clone, Copy, Debug)]
struct Outcomes {
    /// Probability that the boot after is higher.
    one: f64,
    /// That it is higher than either of two boots before.
    same_after: f64,
    /// That either of two boots after is higher than one before.
    same_before: f64,
}

impl Outcomes {
    /// Probability that at most `contrary` pairs point the other way.
    ///
    /// Mean and variance of U under an alternative are exact (Lehmann, *Nonparametrics*, 1975, section 2.3), its law is taken
    /// as normal; Noether (1987) sizes samples in this way with the variance of no change.
    fn chance(&self, (before, after): Boots, contrary: f64) -> f64 {
        let (a, b) = (count_of(before), count_of(after));
        let square = self.one * self.one;
        let variance = a
            * b
            * (self.one - square
                + (a - 1.0) * (self.same_after - square)
                + (b - 1.0) * (self.same_before - square));
        let distance = contrary + 0.5 - a * b * (1.0 - self.one);
        if variance <= 1e-12 * a * b {
            return if distance > 0.0 { 1.0 } else { 0.0 };
        }
        normal(distance / variance.sqrt())
    }
}

/// The standard normal law's probability of at most `z`.
fn normal(z: f64) -> f64 {
    let tail = ln_upper_normal(z.abs()).exp();
    if z > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::noise::Noise;
    use proptest::prelude::*;

    const BAR: Bar = Bar { level: 0.05, level_equivalent: 0.1, margin: 0.01 };

    fn shift_of(noise: &mut Noise, boots: usize, shift: f64, deviation: f64) -> Shift {
        let mut side =
            |level: f64| (0..boots).map(|_| (level + deviation * noise.normal()).exp()).collect::<Vec<_>>();
        let before = side(0.0);
        Shift::of(&before, &side(shift))
    }

    /// The share of simulated comparisons that report a shift like `shift` of normal boots.
    fn simulated(boots: usize, shift: f64, deviation: f64) -> f64 {
        let (mut noise, mut nulls) = (Noise::new(7), Nulls::default());
        let critical = nulls.critical(boots, boots, BAR.level).expect("enough boots");
        let seen = (0..400).filter(|_| {
            let found = shift_of(&mut noise, boots, shift, deviation);
            found.interval(critical).0 > 0.0 && found.estimate() > BAR.margin
        });
        count_of(seen.count()) / 400.0
    }

    #[test]
    fn what_is_called_detectable_is_seen_about_four_times_in_five() {
        let deviation = 0.02;
        // A large pool of residuals stands for knowing the spread.
        let pool = Spread::of(&shift_of(&mut Noise::new(3), 400, 0.0, deviation)).expect("many boots");
        for boots in [5, 8, 12, 20, 40] {
            let found = pool.detectable((boots, boots), &BAR, &mut Nulls::default()).expect("enough boots");
            let share = simulated(boots, found, deviation);
            assert!((0.72..0.92).contains(&share), "{boots} boots, {found}: {share}");
        }
    }

    #[test]
    fn as_many_boots_as_asked_for_decide_about_four_times_in_five() {
        let (deviation, shift) = (0.03, 0.02);
        let pool = Spread::of(&shift_of(&mut Noise::new(3), 400, 0.0, deviation)).expect("many boots");
        let more = pool.boots_more(shift, (5, 5), &BAR, &mut Nulls::default()).expect("some");
        let share = simulated(5 + usize::try_from(more).expect("few"), shift, deviation);
        assert!((0.72..0.9).contains(&share), "{more} boots more: {share}");
    }

    #[test]
    fn as_many_boots_as_asked_for_show_equivalence_about_four_times_in_five() {
        let deviation = 0.01;
        let pool = Spread::of(&shift_of(&mut Noise::new(3), 400, 0.0, deviation)).expect("many boots");
        let (mut noise, mut nulls) = (Noise::new(11), Nulls::default());
        let more = pool.boots_more(0.001, (4, 4), &BAR, &mut nulls).expect("some");
        let boots = 4 + usize::try_from(more).expect("few");
        let critical = nulls.critical(boots, boots, BAR.level_equivalent).expect("enough");
        let shown = (0..400).filter(|_| {
            let (low, high) = shift_of(&mut noise, boots, 0.001, deviation).interval(critical);
            low > -BAR.margin && high < BAR.margin
        });
        let share = count_of(shown.count()) / 400.0;
        assert!((0.72..0.92).contains(&share), "{more} boots more: {share}");
    }

    #[test]
    fn too_few_boots_can_show_nothing() {
        let mut nulls = Nulls::default();
        assert!(Spread::of(&Shift::of(&[1.0], &[2.0])).is_none());
        let spread = Spread::of(&Shift::of(&[1.0, 1.1], &[2.0, 2.1])).expect("two degrees");
        assert_eq!(spread.detectable((2, 2), &BAR, &mut nulls), None);
        assert_eq!(boots_more_at_least((1, 1), &BAR, &mut nulls), Some(3));
    }

    #[test]
    fn without_spread_the_margin_is_detectable() {
        let spread = Spread::of(&Shift::of(&[5.0; 5], &[5.0; 5])).expect("ten boots");
        assert_eq!(spread.detectable((5, 5), &BAR, &mut Nulls::default()), Some(BAR.margin));
    }

    proptest! {
        #[test]
        fn more_boots_see_smaller_changes(
            values in prop::collection::vec(1.0..1.3, 8..30),
            boots in 4usize..30,
        ) {
            let spread = Spread::of(&Shift::of(&values, &values)).expect("many boots");
            let mut nulls = Nulls::default();
            let few = spread.detectable((boots, boots), &BAR, &mut nulls).expect("enough");
            let many = spread.detectable((2 * boots, 2 * boots), &BAR, &mut nulls).expect("enough");
            prop_assert!(many <= few * (1.0 + 1e-9), "{many} with twice the boots, {few} before");
        }

        #[test]
        fn pairs_come_out_as_counted(values in prop::collection::vec(0u8..20, 3..12), shift in -5i8..6) {
            let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
            let mut residuals = values.clone();
            residuals.sort_by(f64::total_cmp);
            let shift = f64::from(shift);
            let found = Spread { residuals }.outcomes(shift);
            let half = |a: f64, b: f64| if b > a { 1.0 } else if b < a { 0.0 } else { 0.5 };
            let others = |at: usize| values.iter().enumerate().filter(move |(other, _)| *other != at);
            let size = count_of(values.len());
            let mean = |row: &dyn Fn(usize) -> f64, power: i32| {
                (0..values.len()).map(|at| (row(at) / (size - 1.0)).powi(power)).sum::<f64>() / size
            };
            let higher = |at: usize| others(at).map(|(_, other)| half(*other, values[at] + shift)).sum::<f64>();
            let lower = |at: usize| others(at).map(|(_, other)| half(values[at], other + shift)).sum::<f64>();
            prop_assert!((found.one - mean(&higher, 1)).abs() < 1e-9);
            prop_assert!((found.same_after - mean(&higher, 2)).abs() < 1e-9);
            prop_assert!((found.same_before - mean(&lower, 2)).abs() < 1e-9);
        }
    }
}
