//! Whether a boot's figures are like those of other boots of its machine. A baseline made from a machine that was hot,
//! busy or misconfigured would hide every later regression.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use super::Complaint;
use crate::analysis::{count, median};

/// How the ids of benches begin that measure the machine and not what it runs.
pub const CONTROL_PREFIX: &str = "env/";

/// Other runs from which on a figure can be called far from them: boots of one run are more alike than runs are.
const RUNS_MIN: usize = 5;

/// Other boots with a figure of a bench from which on its figure can be called far from them.
const OTHERS_MIN: usize = 5;

/// Distance from the median that is far, in robust standard deviations, among very many others.
const FAR_SPREADS: f64 = 5.0;

/// The smallest spread, as a share of the median: a coarse counter makes figures repeat to the tick.
const SPREAD_SHARE_MIN: f64 = 0.002;

/// One far bench in so many of all makes a boot atypical.
const BENCHES_PER_FAR: usize = 5;

/// One far bench in so many of those that measure the machine does.
const CONTROLS_PER_FAR: usize = 3;

/// Benches that are named as examples.
const EXAMPLES_MAX: usize = 3;

/// The medians of a stored boot.
#[derive(Clone, Debug, PartialEq)]
pub struct BootFigures {
    /// Its run.
    pub run: String,
    /// Its place in the run, from 1.
    pub number: u32,
    /// What is wrong with it; empty if it is healthy.
    pub complaints: Vec<Complaint>,
    /// Median of one iteration by bench id, of valid measurements only.
    pub medians: BTreeMap<String, f64>,
}

/// How a boot is unlike the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Atypical {
    /// Benches of which enough other boots have a figure.
    pub judged: usize,
    /// Benches of them that are far, the farthest first.
    pub far: Vec<FarBench>,
    /// Benches of `judged` that measure the machine.
    pub controls_judged: usize,
    /// Benches of `far` that measure the machine.
    pub controls_far: usize,
}

/// A bench that is far from its median.
#[derive(Clone, Debug, PartialEq)]
pub struct FarBench {
    /// Bench id with its scale.
    pub id: String,
    /// Its figure for each of the median's.
    pub ratio: f64,
}

impl fmt::Display for Atypical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let examples = self.far.iter().take(EXAMPLES_MAX);
        let examples = examples.map(|far| format!("{} {:+.1} %", far.id, (far.ratio - 1.0) * 100.0));
        let more = if self.far.len() > EXAMPLES_MAX { ", ..." } else { "" };
        write!(
            f,
            "{} of {} benches, {} of the {} under {CONTROL_PREFIX}, are far from what other boots of this machine show ({}{more})",
            self.far.len(),
            self.judged,
            self.controls_far,
            self.controls_judged,
            examples.collect::<Vec<_>>().join(", ")
        )
    }
}

/// How a boot or run with `medians` is unlike `others`; `None` if it is not, or boots of too few other runs are known.
#[must_use]
pub fn atypical(medians: &BTreeMap<String, f64>, others: &[&BootFigures]) -> Option<Atypical> {
    let runs: HashSet<&str> = others.iter().map(|boot| boot.run.as_str()).collect();
    if runs.len() < RUNS_MIN {
        return None;
    }
    let mut known: HashMap<&str, Vec<f64>> = HashMap::new();
    for (id, value) in others.iter().flat_map(|boot| &boot.medians) {
        known.entry(id).or_default().push(*value);
    }
    let mut found = Atypical { judged: 0, far: Vec::new(), controls_judged: 0, controls_far: 0 };
    let mut distances: Vec<(f64, FarBench)> = Vec::new();
    for (id, value) in medians {
        let Some((middle, spread, far)) = known.get(id.as_str()).and_then(|values| level(values)) else {
            continue;
        };
        let is_control = id.starts_with(CONTROL_PREFIX);
        found.judged += 1;
        found.controls_judged += usize::from(is_control);
        let distance = (value - middle).abs() / spread;
        if distance > far {
            found.controls_far += usize::from(is_control);
            distances.push((distance, FarBench { id: id.clone(), ratio: value / middle }));
        }
    }
    distances.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.id.cmp(&b.1.id)));
    found.far = distances.into_iter().map(|(_, far)| far).collect();
    let is_atypical = found.far.len() * BENCHES_PER_FAR > found.judged
        || found.controls_far * CONTROLS_PER_FAR > found.controls_judged;
    is_atypical.then_some(found)
}

/// Median and robust standard deviation of `values`, and how many of these are far; `None` if there are too few values
/// or they do not lie above zero.
fn level(values: &[f64]) -> Option<(f64, f64, f64)> {
    /// Standard deviation of a normal distribution for each median absolute deviation.
    const NORMAL: f64 = 1.4826;
    if values.len() < OTHERS_MIN {
        return None;
    }
    let middle = median(values.iter().copied())?;
    let deviation = median(values.iter().map(|value| (value - middle).abs()))?;
    let spread = (deviation * NORMAL).max(middle * SPREAD_SHARE_MIN);
    let number = count(u64::try_from(values.len()).unwrap_or(u64::MAX));
    // Few values give a poor idea of their spread, most often too small a one.
    let far = FAR_SPREADS * (1.0 + 5.0 / number);
    (middle > 0.0).then_some((middle, spread, far))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::noise::Noise;

    const CONTROLS: [&str; 5] =
        ["env/timer-pair", "env/spin-noise", "env/l1-load", "env/pause", "env/reference-loop"];

    fn boot(noise: &mut Noise, shares: impl Fn(&str) -> f64) -> BTreeMap<String, f64> {
        let benches = (0..40).map(|place| format!("memory/alloc-small/{place}"));
        let ids = CONTROLS.map(str::to_owned).into_iter().chain(benches);
        ids.map(|id| (id.clone(), 100.0 * shares(&id) * (1.0 + 0.01 * noise.normal()))).collect()
    }

    fn stored(place: u32, medians: BTreeMap<String, f64>) -> BootFigures {
        BootFigures { run: format!("{place:08x}"), number: 1, complaints: Vec::new(), medians }
    }

    fn others(noise: &mut Noise, number: u32) -> Vec<BootFigures> {
        (0..number).map(|place| stored(place, boot(noise, |_| 1.0))).collect()
    }

    fn judged(medians: &BTreeMap<String, f64>, others: &[BootFigures]) -> Option<Atypical> {
        atypical(medians, &others.iter().collect::<Vec<_>>())
    }

    #[test]
    fn boots_of_a_steady_machine_are_seldom_atypical() {
        let mut noise = Noise::new(7);
        let trials = 500;
        let mut refused = 0;
        for number in [5, 10, 20] {
            for _ in 0..trials {
                let others = others(&mut noise, number);
                refused += usize::from(judged(&boot(&mut noise, |_| 1.0), &others).is_some());
            }
        }
        assert!(refused * 100 <= 3 * trials, "{refused} of {} healthy boots", 3 * trials);
    }

    #[test]
    fn a_machine_that_is_slower_all_over_is_atypical() {
        let mut noise = Noise::new(8);
        let others = others(&mut noise, 8);
        let found = judged(&boot(&mut noise, |_| 1.25), &others).expect("a quarter slower");
        assert!(found.far.len() > 40 && found.controls_far == 5, "{found}");
        assert!(found.to_string().contains("of 45 benches"), "{found}");
    }

    #[test]
    fn a_machine_whose_own_speed_is_off_is_atypical_though_few_benches_show_it() {
        let mut noise = Noise::new(9);
        let others = others(&mut noise, 20);
        let hot = |id: &str| if id == "env/l1-load" || id == "env/pause" { 1.3 } else { 1.0 };
        let found = judged(&boot(&mut noise, hot), &others).expect("two of five controls are off");
        assert_eq!((found.far.len(), found.controls_far), (2, 2), "{found}");
    }

    #[test]
    fn a_few_benches_that_changed_are_what_a_baseline_is_for() {
        let mut noise = Noise::new(10);
        let others = others(&mut noise, 20);
        let faster = |id: &str| if id.ends_with("/1") { 0.5 } else { 1.0 };
        assert_eq!(judged(&boot(&mut noise, faster), &others), None);
    }

    #[test]
    fn four_runs_are_too_few_to_judge_by_however_many_boots_they_have() {
        let mut noise = Noise::new(11);
        let mut others = others(&mut noise, 40);
        others.iter_mut().zip(0..).for_each(|(boot, place)| boot.run = format!("{}", place % 4));
        assert_eq!(judged(&boot(&mut noise, |_| 9.0), &others), None);
    }

    #[test]
    fn figures_that_repeat_to_the_tick_do_not_make_the_next_tick_far() {
        let of = |value: f64| BTreeMap::from([("env/pause".to_owned(), value)]);
        let among = |number: u32, value: f64, others: f64| {
            let others: Vec<_> = (0..number).map(|place| stored(place, of(others))).collect();
            judged(&of(value), &others)
        };
        assert_eq!(among(20, 1_001.0, 1_000.0), None);
        assert!(among(20, 1_100.0, 1_000.0).is_some());
        assert_eq!(among(20, 0.0, 0.0), None, "nothing can be said of zero");
    }
}
