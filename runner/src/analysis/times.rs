//! Verdicts on figures that chance moves: boots are the replicates.

use super::boots::level as level_of_boots;
use super::correction::{self, InFamily};
use super::power::{Bar, Boots, Spread, boots_more_at_least};
use super::rank_sum::{Nulls, RankTest};
use super::shift::{Scale, Shift, cliffs_delta};
use super::{BenchVerdict, Change, FigureUnit, Settings, Verdict};
use crate::history::Interval;

/// A bench with a figure for each boot of both sides.
#[derive(Debug)]
pub(super) struct Measured {
    /// Bench id with its scale.
    pub(super) id: String,
    /// What the figures count.
    pub(super) unit: FigureUnit,
    /// One for each boot; finite, none negative, not empty.
    pub(super) before: Vec<f64>,
    /// The same after.
    pub(super) after: Vec<f64>,
}

impl Measured {
    fn boots(&self) -> Boots {
        (self.before.len(), self.after.len())
    }
}

/// Judges `benches`, in order.
pub(super) fn judge(benches: &[Measured], settings: &Settings, nulls: &mut Nulls) -> Vec<BenchVerdict> {
    let tests: Vec<RankTest> = benches.iter().map(|bench| nulls.test(&bench.before, &bench.after)).collect();
    let ids_with_p: Vec<(&str, f64)> =
        benches.iter().zip(&tests).map(|(bench, test)| (bench.id.as_str(), test.p)).collect();
    let families = correction::by_suite(&ids_with_p, settings.alpha);
    let judged = benches.iter().zip(tests).zip(families);
    judged.map(|((bench, test), family)| Judge { bench, test, family, settings }.verdict(nulls)).collect()
}

/// All that is known of one bench.
struct Judge<'a> {
    bench: &'a Measured,
    test: RankTest,
    family: InFamily,
    settings: &'a Settings,
}

/// A change in coordinates in which it is a shift.
struct Estimate {
    value: f64,
    /// At the confidence that goes with the correction.
    interval: Option<(f64, f64)>,
    /// At the confidence of both one-sided tests.
    narrow: Option<(f64, f64)>,
}

impl Judge<'_> {
    fn verdict(&self, nulls: &mut Nulls) -> BenchVerdict {
        let shift = Shift::of(&self.bench.before, &self.bench.after);
        let bar = self.bar(shift.scale);
        let (before, after) = self.bench.boots();
        let level = correction::level(self.settings.alpha, self.family.significant, self.family.size);
        let interval = |nulls: &mut Nulls, level| Some(shift.interval(nulls.critical(before, after, level)?));
        let estimate = Estimate {
            value: shift.estimate(),
            interval: interval(nulls, level),
            narrow: interval(nulls, bar.level_equivalent),
        };
        let verdict = self.decide(&estimate, bar.margin);
        let spread = Spread::of(&shift);
        let detectable = spread.as_ref().and_then(|spread| spread.detectable((before, after), &bar, nulls));
        let boots_more = (verdict == Verdict::Undecided).then(|| match &spread {
            Some(spread) => spread.boots_more(estimate.value, (before, after), &bar, nulls),
            None => boots_more_at_least((before, after), &bar, nulls),
        });
        // Of the intervals that there are, the one that the verdict rests on; without any, the one without correction.
        let mut plain = || (interval(nulls, self.settings.alpha), self.settings.alpha);
        let (shown, level) = match (verdict, estimate.interval) {
            (Verdict::Equivalent, _) => (estimate.narrow, bar.level_equivalent),
            (_, Some(interval)) => (Some(interval), level),
            (_, None) => plain(),
        };
        let shown =
            shown.map(|(low, high)| Interval { low: shift.scale.ratio(low), high: shift.scale.ratio(high) });
        let change = Change {
            ratio: shift.scale.ratio(estimate.value),
            interval: shown,
            confidence: shown.map(|_| 1.0 - level),
            effect: Some(cliffs_delta(self.test.u, before, after)),
            p: Some(self.test.p),
            q: Some(self.family.q),
            detectable: detectable.map(|shift_seen| shift.scale.ratio(shift_seen) - 1.0),
            boots_more: boots_more.flatten(),
        };
        BenchVerdict {
            id: self.bench.id.clone(),
            verdict,
            reason: self.reason(verdict, &estimate, &bar, shift.scale, nulls),
            unit: Some(self.bench.unit),
            before: level_of_boots(&self.bench.before),
            after: level_of_boots(&self.bench.after),
            change: Some(change),
        }
    }

    /// What this bench is held to: the level at which it would be significant, the others being what they are.
    fn bar(&self, scale: Scale) -> Bar {
        let others = self.family.significant - usize::from(self.is_significant());
        Bar {
            level: correction::level(self.settings.alpha, others + 1, self.family.size),
            level_equivalent: 2.0 * self.settings.alpha,
            margin: scale.margin(self.settings.margin),
        }
    }

    fn is_significant(&self) -> bool {
        self.family.q <= self.settings.alpha && self.family.significant > 0
    }

    fn decide(&self, estimate: &Estimate, margin: f64) -> Verdict {
        let is_within = |(low, high): (f64, f64)| low > -margin && high < margin;
        if self.is_constant() || estimate.narrow.is_some_and(is_within) {
            return Verdict::Equivalent;
        }
        match estimate.interval.filter(|_| self.is_significant()) {
            Some((low, _)) if low > 0.0 && estimate.value > margin => Verdict::Regressed,
            Some((_, high)) if high < 0.0 && estimate.value < -margin => Verdict::Improved,
            _ => Verdict::Undecided,
        }
    }

    /// Whether every boot of both sides has one and the same figure. With two boots of each it is seen to be a constant.
    fn is_constant(&self) -> bool {
        let (before, after) = (&self.bench.before, &self.bench.after);
        let first = before.first();
        before.len().min(after.len()) > 1 && before.iter().chain(after).all(|value| Some(value) == first)
    }

    fn reason(
        &self,
        verdict: Verdict,
        estimate: &Estimate,
        bar: &Bar,
        scale: Scale,
        nulls: &mut Nulls,
    ) -> Option<String> {
        let why = (verdict == Verdict::Undecided).then(|| self.why_undecided(estimate, bar, nulls));
        let difference = match scale {
            Scale::Ratio => None,
            Scale::Difference(_) if verdict == Verdict::Equivalent && self.is_constant() => None,
            Scale::Difference(_) => {
                Some("a figure is 0: differences are compared, as shares of a median".to_owned())
            }
        };
        match (why, difference) {
            (Some(why), Some(difference)) => Some(format!("{why}; {difference}")),
            (why, difference) => why.or(difference),
        }
    }

    fn why_undecided(&self, estimate: &Estimate, bar: &Bar, nulls: &mut Nulls) -> String {
        let (before, after) = self.bench.boots();
        let margin = percent(self.settings.margin);
        if nulls.critical(before, after, bar.level).is_none() {
            let least = boots_more_at_least((before, after), bar, nulls);
            let least = least.map(|more| {
                let more = usize::try_from(more).unwrap_or(usize::MAX);
                if before == after {
                    format!("; {} boots each would", before.saturating_add(more))
                } else {
                    format!("; {more} more on each side would")
                }
            });
            let among = match self.family.size {
                1 => String::new(),
                size => format!(" of one bench among {size}"),
            };
            return format!(
                "too few boots: with {before} and {after} no difference{among} can be shown{}",
                least.unwrap_or_default()
            );
        }
        let is_beyond = estimate.value.abs() > bar.margin;
        match (self.is_significant(), is_beyond) {
            (true, true) => "so many boots tie that the interval holds no change".to_owned(),
            (true, false) => format!("it changed, but perhaps by less than {margin}"),
            (false, _) if self.test.p <= self.settings.alpha => {
                format!(
                    "alone it would be a change; one of {} benches may look so by chance",
                    self.family.size
                )
            }
            (false, true) => "the boots of each side differ too much among themselves".to_owned(),
            (false, false) => format!("no change is shown, nor that it is below {margin}"),
        }
    }
}

/// A share in per cent, without digits that say nothing.
fn percent(share: f64) -> String {
    let percent = (share * 1e6).round() / 1e4;
    format!("{percent} %")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::noise::Noise;
    use proptest::prelude::*;

    fn bench(id: &str, before: &[f64], after: &[f64]) -> Measured {
        Measured {
            id: id.to_owned(),
            unit: FigureUnit::Nanoseconds,
            before: before.to_vec(),
            after: after.to_vec(),
        }
    }

    fn judged(before: &[f64], after: &[f64]) -> BenchVerdict {
        let bench = bench("memory/alloc-small/64", before, after);
        judge(&[bench], &Settings::default(), &mut Nulls::default()).remove(0)
    }

    /// So many boots around `level` with `deviation`.
    fn boots(seed: u64, number: usize, level: f64, deviation: f64) -> Vec<f64> {
        let mut noise = Noise::new(seed);
        (0..number).map(|_| level * (1.0 + deviation * noise.normal())).collect()
    }

    #[test]
    fn a_clear_change_is_told_with_its_size() {
        let found = judged(&boots(1, 10, 100.0, 0.002), &boots(2, 10, 103.0, 0.002));
        assert_eq!(found.verdict, Verdict::Regressed);
        let change = found.change.expect("both sides have figures");
        let interval = change.interval.expect("ten boots");
        assert!(interval.low > 1.0 && (interval.low..interval.high).contains(&change.ratio), "{change:?}");
        assert!((change.ratio - 1.03).abs() < 0.004, "{change:?}");
        assert_eq!((change.effect, change.boots_more), (Some(1.0), None));
        assert!(change.detectable.expect("ten boots") < 0.02, "{change:?}");
        let back = judged(&boots(2, 10, 103.0, 0.002), &boots(1, 10, 100.0, 0.002));
        assert_eq!(back.verdict, Verdict::Improved);
    }

    #[test]
    fn steady_boots_are_equivalent_though_a_difference_shows() {
        let found = judged(&boots(1, 12, 100.0, 0.000_1), &boots(2, 12, 100.2, 0.000_1));
        assert_eq!(found.verdict, Verdict::Equivalent);
        let change = found.change.expect("both sides have figures");
        assert!(change.q.expect("tested") < 0.05 && change.interval.expect("many").high < 1.01, "{change:?}");
    }

    #[test]
    fn noisy_boots_are_undecided_and_the_number_of_boots_that_would_do_is_told() {
        let found = judged(&boots(1, 6, 100.0, 0.05), &boots(2, 6, 104.0, 0.05));
        assert_eq!(found.verdict, Verdict::Undecided);
        let change = found.change.expect("both sides have figures");
        assert!(change.boots_more.expect("less than a thousand") > 5, "{change:?}");
        assert!(change.detectable.expect("six boots") > 0.04, "{change:?}");
        assert!(found.reason.is_some());
    }

    #[test]
    fn too_few_boots_for_so_many_benches_are_told_with_how_many_would_do() {
        let benches: Vec<_> = (0..26).map(|n| bench(&format!("memory/{n}"), &[1.0; 5], &[1.0; 5])).collect();
        let mut benches = benches;
        benches[3].after = vec![2.0; 5];
        let found = judge(&benches, &Settings::default(), &mut Nulls::default());
        assert_eq!(found[3].verdict, Verdict::Undecided);
        let expected = "too few boots: with 5 and 5 no difference of one bench among 26 can be shown; 7 boots each would";
        assert_eq!(found[3].reason.as_deref(), Some(expected));
        assert_eq!(found[3].change.and_then(|change| change.boots_more), Some(2));
        assert!(found.iter().filter(|bench| bench.verdict == Verdict::Equivalent).count() == 25);
    }

    #[test]
    fn one_boot_decides_nothing() {
        for after in [100.0, 900.0] {
            let found = judged(&[100.0], &[after]);
            assert_eq!(found.verdict, Verdict::Undecided);
            assert!(found.reason.expect("why").contains("4 boots each would"));
            let change = found.change.expect("figures");
            assert_eq!((change.p, change.interval, change.detectable), (Some(1.0), None, None));
        }
    }

    #[test]
    fn constants_are_equal_or_differ_by_the_exact_test() {
        assert_eq!(judged(&[26.0; 3], &[26.0; 2]).verdict, Verdict::Equivalent);
        assert_eq!(judged(&[0.0; 3], &[0.0; 3]).verdict, Verdict::Equivalent);
        assert_eq!(judged(&[26.0; 5], &[27.0; 5]).verdict, Verdict::Regressed);
        assert_eq!(judged(&[26.0; 3], &[27.0; 3]).verdict, Verdict::Undecided);
        let from_zero = judged(&[0.0; 5], &[8.0; 5]);
        assert_eq!(from_zero.verdict, Verdict::Regressed);
        assert!(from_zero.reason.expect("told").contains("a figure is 0"));
    }

    #[test]
    fn suites_are_corrected_apart() {
        let noisy: Vec<_> = (0..40).map(|n| bench(&format!("env/{n}"), &[1.0; 5], &[1.0; 5])).collect();
        let mut benches = noisy;
        benches.push(bench("memory/one", &[1.0; 5], &[2.0; 5]));
        let found = judge(&benches, &Settings::default(), &mut Nulls::default());
        assert_eq!(found[40].verdict, Verdict::Regressed);
    }

    /// Figures of both sides with a known difference, many of them tied.
    fn sides() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
        let side = || prop::collection::vec(prop_oneof![95.0..105.0, (99u8..102).prop_map(f64::from)], 1..14);
        (side(), side(), 0.9..1.1).prop_map(|(before, after, ratio)| {
            (before, after.into_iter().map(|value| value * ratio).collect())
        })
    }

    proptest! {
        #[test]
        fn verdict_and_interval_agree((before, after) in sides()) {
            let found = judged(&before, &after);
            let change = found.change.expect("figures");
            let margin = 0.01;
            if let Some(interval) = change.interval {
                prop_assert!(interval.low <= change.ratio && change.ratio <= interval.high);
            }
            match found.verdict {
                Verdict::Regressed => {
                    prop_assert!(change.interval.expect("decided").low > 1.0 && change.ratio > 1.0 + margin);
                }
                Verdict::Improved => {
                    prop_assert!(change.interval.expect("decided").high < 1.0 && change.ratio < 1.0 / (1.0 + margin));
                }
                Verdict::Equivalent => {
                    let is_within = |interval: Interval| {
                        interval.low > 1.0 / (1.0 + margin) && interval.high < 1.0 + margin
                    };
                    prop_assert!(change.interval.is_none_or(is_within));
                }
                other => {
                    prop_assert_eq!(other, Verdict::Undecided);
                    prop_assert!(found.reason.is_some());
                }
            }
        }

        #[test]
        fn swapping_the_sides_turns_the_verdict((before, after) in sides()) {
            let (there, back) = (judged(&before, &after), judged(&after, &before));
            let turned = match there.verdict {
                Verdict::Regressed => Verdict::Improved,
                Verdict::Improved => Verdict::Regressed,
                same => same,
            };
            prop_assert_eq!(back.verdict, turned);
            let (there, back) = (there.change.expect("figures"), back.change.expect("figures"));
            prop_assert!((there.ratio * back.ratio - 1.0).abs() < 1e-9);
            prop_assert!((there.effect.expect("tested") + back.effect.expect("tested")).abs() < 1e-9);
            prop_assert_eq!(there.boots_more, back.boots_more);
        }

        #[test]
        fn a_common_factor_changes_no_verdict((before, after) in sides(), power in -20i32..20) {
            let scaled = |values: &[f64]| values.iter().map(|value| value * 2f64.powi(power)).collect::<Vec<_>>();
            let (plain, other) = (judged(&before, &after), judged(&scaled(&before), &scaled(&after)));
            prop_assert_eq!(plain.verdict, other.verdict);
            let ratios = (plain.change.expect("figures").ratio, other.change.expect("figures").ratio);
            prop_assert!((ratios.0 - ratios.1).abs() < 1e-9);
        }

        #[test]
        fn whatever_stands_in_a_file_is_judged(
            before in prop::collection::vec(prop_oneof![0.0..f64::MAX, Just(0.0), Just(f64::MIN_POSITIVE)], 1..9),
            after in prop::collection::vec(prop_oneof![0.0..f64::MAX, Just(0.0), Just(f64::MIN_POSITIVE)], 1..9),
        ) {
            let change = judged(&before, &after).change.expect("figures");
            prop_assert!(change.ratio.is_finite());
            if let Some(interval) = change.interval {
                prop_assert!(interval.low.is_finite() && interval.high.is_finite());
            }
        }
    }

    #[test]
    fn the_smallest_detectable_change_is_in_the_unit_of_the_margin() {
        let steady = judged(&[5.0; 8], &[5.0; 8]).change.expect("figures");
        assert!((steady.detectable.expect("eight boots") - 0.01).abs() < 1e-9);
    }
}
