//! Labelled series made of one's own noise.

use std::collections::BTreeMap;

use serde::Serialize;

use super::material::Material;
use super::random::Random;

/// Lengths of the series.
const LENGTHS: [usize; 4] = [60, 120, 300, 1_000];

/// Steps of a series with several, by its length.
const STEPS: [usize; 4] = [2, 3, 5, 8];

/// Fewest points of a level, but for the one after a late step.
const LEVEL_MIN: usize = 12;

/// Sizes of steps upwards, as a part of the level; those downwards are their inverse.
const SIZES: [f64; 6] = [0.01, 0.02, 0.03, 0.05, 0.1, 0.2];

/// Sizes of steps between levels of two modes.
const SIZES_OF_MODES: [f64; 3] = [0.1, 0.2, 0.4];

/// Series of each kind, divisible by the number of lengths.
const KINDS: [(&str, usize); 11] = [
    ("step", 80),
    ("multi", 60),
    ("late", 40),
    ("blipstep", 28),
    ("bimodalstep", 24),
    ("null", 60),
    ("autocorr", 32),
    ("bimodal", 24),
    ("blip", 32),
    ("variance", 20),
    ("ramp", 20),
];

/// Why no set can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// No history has noise.
    #[error("make labelled series: no history of at least {} points has noise to take", super::POINTS_MIN)]
    NoNoise,
}

/// What is known of a series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Label {
    /// Points.
    pub n: usize,
    /// First indexes of new levels.
    pub annotations: BTreeMap<String, Vec<usize>>,
    /// What it is an example of.
    pub kind: String,
    /// Ranges in which a new level is neither right nor wrong.
    pub dont_care: Vec<(usize, usize)>,
    /// The steps.
    pub steps: Vec<LabelledStep>,
}

/// A step of a labelled series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LabelledStep {
    /// First index of the new level.
    pub index: usize,
    /// Change as a part of the level before.
    pub rel: f64,
    /// Size of the logarithm of the ratio in standard deviations of the noise.
    pub snr: f64,
}

/// Series with their labels, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledSet {
    /// Values.
    pub series: BTreeMap<String, Vec<f64>>,
    /// Labels.
    pub labels: BTreeMap<String, Label>,
}

/// Makes a set of 420 series with noise that is drawn from `materials` and steps and traps that are made up.
///
/// # Errors
/// No material has noise.
pub fn generate(materials: &[Material], seed: u64) -> Result<LabelledSet, GenerateError> {
    let noisy: Vec<&Material> = materials.iter().filter(|material| material.is_noisy()).collect();
    if noisy.is_empty() {
        return Err(GenerateError::NoNoise);
    }
    let mut random = Random::new(seed);
    let mut set = LabelledSet { series: BTreeMap::new(), labels: BTreeMap::new() };
    for (kind, count) in KINDS {
        for number in 0..count {
            let material = random.of(&noisy);
            let length = LENGTHS[number % LENGTHS.len()];
            let mut making = Making::new(material, length, &mut random);
            making.shape(kind, number);
            let name = format!("{kind}_{number:03}");
            let (values, label) = making.finish(kind);
            set.series.insert(name.clone(), values);
            set.labels.insert(name, label);
        }
    }
    Ok(set)
}

/// A series on its way.
struct Making<'a> {
    material: &'a Material,
    random: &'a mut Random,
    /// Value of each point as a multiple of the level.
    ratios: Vec<f64>,
    steps: Vec<LabelledStep>,
    dont_care: Vec<(usize, usize)>,
}

impl<'a> Making<'a> {
    fn new(material: &'a Material, length: usize, random: &'a mut Random) -> Self {
        let ratios = (0..length).map(|_| 1.0 + random.of(&material.noise)).collect();
        Self { material, random, ratios, steps: Vec::new(), dont_care: Vec::new() }
    }

    fn shape(&mut self, kind: &str, number: usize) {
        let n = self.ratios.len();
        match kind {
            "step" => self.step_anywhere(&SIZES),
            "multi" => self.multi(STEPS[number % STEPS.len()]),
            "late" => {
                let at = n - 3 - self.random.below(6);
                self.step(at, &SIZES);
            }
            "blipstep" => {
                self.step_anywhere(&SIZES);
                self.blips();
            }
            "bimodalstep" => {
                self.modes();
                self.step_anywhere(&SIZES_OF_MODES);
            }
            "autocorr" => self.wander(),
            "bimodal" => self.modes(),
            "blip" => self.blips(),
            "variance" => self.widen(),
            "ramp" => self.ramp(),
            _ => {}
        }
    }

    fn step_anywhere(&mut self, sizes: &[f64]) {
        let at = LEVEL_MIN + self.random.below(self.ratios.len() - 2 * LEVEL_MIN);
        self.step(at, sizes);
    }

    fn step(&mut self, at: usize, sizes: &[f64]) {
        let size = self.random.of(sizes);
        let ratio = if self.random.uniform() < 0.5 { 1.0 + size } else { 1.0 / (1.0 + size) };
        self.ratios[at..].iter_mut().for_each(|value| *value *= ratio);
        let snr = ratio.ln().abs() / self.material.scale;
        self.steps.push(LabelledStep { index: at, rel: ratio - 1.0, snr });
    }

    /// Several steps with a level's least length between them: the spare points are shared out at random.
    fn multi(&mut self, count: usize) {
        let spare = self.ratios.len() - (count + 1) * LEVEL_MIN;
        let mut cuts: Vec<usize> = (0..count).map(|_| self.random.below(spare)).collect();
        cuts.sort_unstable();
        for (number, cut) in cuts.into_iter().enumerate() {
            self.step(cut + (number + 1) * LEVEL_MIN, &SIZES);
        }
    }

    /// One to three points far out, once in a hundred points or so.
    fn blips(&mut self) {
        let n = self.ratios.len();
        for _ in 0..=n / 120 {
            let at = 5 + self.random.below(n - 12);
            let size = 0.3 + self.random.uniform();
            let ratio = if self.random.uniform() < 0.7 { 1.0 + size } else { 1.0 / (1.0 + size) };
            let length = 1 + self.random.below(3);
            let is_clear = self.steps.iter().all(|step| step.index.abs_diff(at) > 8);
            if is_clear {
                self.ratios[at..at + length].iter_mut().for_each(|value| *value *= ratio);
            }
        }
    }

    fn modes(&mut self) {
        let (size, part) = (self.random.of(&[0.05, 0.1, 0.2]), 0.2 + 0.3 * self.random.uniform());
        for value in &mut self.ratios {
            *value *= if self.random.uniform() < part { 1.0 + size } else { 1.0 };
        }
    }

    /// An autoregression of the drawn noise with its spread kept.
    fn wander(&mut self) {
        let memory = 0.5 + 0.35 * self.random.uniform();
        let fresh = (1.0 - memory * memory).sqrt();
        let mut state = 0.0;
        for value in &mut self.ratios {
            state = memory * state + fresh * (*value - 1.0);
            *value = 1.0 + state;
        }
    }

    fn widen(&mut self) {
        let n = self.ratios.len();
        let at = n / 3 + self.random.below(n / 3);
        let factor = self.random.of(&[2.0, 3.0, 4.0]);
        self.ratios[at..].iter_mut().for_each(|value| *value = 1.0 + factor * (*value - 1.0));
        self.dont_care.push((at.saturating_sub(5), at + 5));
    }

    fn ramp(&mut self) {
        let n = self.ratios.len();
        let first = n / 6 + self.random.below(n / 6);
        let last = n - n / 6 - self.random.below(n / 6);
        let size = self.random.of(&[0.05, 0.1, 0.2]);
        for (at, value) in self.ratios.iter_mut().enumerate().skip(first) {
            *value *= 1.0 + size * ((at - first) as f64 / (last - first) as f64).min(1.0);
        }
        self.dont_care.push((first, last));
    }

    fn finish(mut self, kind: &str) -> (Vec<f64>, Label) {
        self.steps.sort_by_key(|step| step.index);
        let level = self.material.level;
        let values = self.ratios.iter().map(|ratio| level * ratio).collect();
        let truth = self.steps.iter().map(|step| step.index).collect();
        let label = Label {
            n: self.ratios.len(),
            annotations: BTreeMap::from([("truth".to_owned(), truth)]),
            kind: kind.to_owned(),
            dont_care: self.dont_care,
            steps: self.steps,
        };
        (values, label)
    }
}

#[cfg(test)]
mod tests {
    use super::super::material::tests::stepped;
    use super::*;
    use crate::history::Point;

    fn set(seed: u64) -> LabelledSet {
        let materials =
            [stepped(200, 1), stepped(90, 2)].map(|points| Material::of(&points).expect("enough"));
        generate(&materials, seed).expect("noise")
    }

    #[test]
    fn a_set_has_every_kind_and_labels_that_fit_its_series() {
        let set = set(9);
        assert_eq!((set.series.len(), set.labels.len()), (420, 420));
        let kinds: std::collections::BTreeSet<&str> =
            set.labels.values().map(|label| label.kind.as_str()).collect();
        assert_eq!(kinds.len(), KINDS.len());
        for (name, label) in &set.labels {
            assert_eq!(label.n, set.series[name].len());
            assert!(label.steps.iter().all(|step| step.index > 0 && step.index < label.n), "{name}");
            assert!(label.annotations["truth"].windows(2).all(|pair| pair[0] < pair[1]), "{name}");
            assert!(set.series[name].iter().all(|value| value.is_finite()), "{name}");
            if label.kind == "late" {
                assert!((3..=8).contains(&(label.n - label.steps[0].index)), "{name}");
            }
        }
    }

    #[test]
    fn a_seed_is_a_set() {
        assert_eq!(set(9), set(9));
        assert_ne!(set(9), set(10));
    }

    #[test]
    fn constant_histories_give_no_set() {
        let material = Material::of(&[Point::new(5.0); 60]).expect("enough");
        assert_eq!(generate(&[material], 1), Err(GenerateError::NoNoise));
    }
}
