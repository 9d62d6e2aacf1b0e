//! Alarms of histories whose noise wanders and which hold no change: how far the false-alarm budget holds under dependence.
//!
//! `cargo run --release -p runner --example wandering -- SEED POINTS COEFFICIENT:WHITE...` simulates first-order autoregressions of
//! variance 1, of which the part WHITE is independent noise on top, in histories of 60 to 1,000 points; POINTS of each length. It prints
//! the new levels per point within the budget: of one look at each whole history, and of the same history grown point by point.

use std::collections::BTreeSet;
use std::f64::consts::TAU;
use std::process::ExitCode;

use runner::history::{Certainty, Detector, Event, Finding, FindingId, History, Key, Point};

/// Lengths of the histories.
const LENGTHS: [usize; 4] = [60, 120, 300, 1_000];

/// Coefficient of the autoregression, and the part of the variance that is independent.
type Noise = (f64, f64);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Option<(u64, usize, Vec<Noise>)> = arguments
        .split_first_chunk()
        .and_then(|([seed, points], noises)| Some((seed.parse().ok()?, points.parse().ok()?, noises)))
        .and_then(|(seed, points, noises)| {
            let noise = |text: &String| {
                let (coefficient, white) = text.split_once(':')?;
                Some((coefficient.parse().ok()?, white.parse().ok()?))
            };
            Some((seed, points, noises.iter().map(noise).collect::<Option<_>>()?))
        });
    let Some((seed, points, noises)) = numbers else {
        eprintln!("usage: wandering SEED POINTS COEFFICIENT:WHITE...");
        return ExitCode::from(2);
    };
    println!(
        "coefficient white length | one look | growing: found, suspected at least, withdrawn of the found"
    );
    for (coefficient, white) in noises {
        for length in LENGTHS {
            let mut normal = Normal(seed.wrapping_mul(1_000_003).wrapping_add(length as u64));
            let mut counts = [0; 4];
            for _ in 0..points / length {
                let history = wander(&mut normal, length, coefficient, white);
                counts.iter_mut().zip(alarms(&history)).for_each(|(sum, count)| *sum += count);
            }
            let judged = (points / length * length).max(1) as f64;
            let [once, found, suspected, withdrawn] = counts.map(|count| count as f64 / judged);
            println!(
                "{coefficient} {white} {length} | {once:.1e} | {found:.1e} {suspected:.1e} {withdrawn:.1e}"
            );
        }
    }
    ExitCode::SUCCESS
}

fn is_alarm(finding: &&Finding) -> bool {
    finding.kind.is_new_level() && finding.certainty != Certainty::Suspected
}

/// New levels of one look, of a growing history, those of it suspected at least, and the found ones that were withdrawn.
fn alarms(points: &[Point]) -> [usize; 4] {
    let detector = Detector::default();
    let once = detector.analyse(Key(0), points, &[]).iter().filter(is_alarm).count();
    let mut history = History::new(detector, Key(0));
    let (mut found, mut suspected, mut withdrawn) =
        (BTreeSet::<FindingId>::new(), BTreeSet::new(), BTreeSet::new());
    for point in points {
        for event in history.append(*point, &[]) {
            if let Event::Withdrawn { finding } = event {
                withdrawn.insert(finding.id);
            }
        }
        found.extend(history.findings().iter().filter(is_alarm).map(|finding| finding.id));
        suspected.extend(history.findings().iter().filter(|f| f.kind.is_new_level()).map(|f| f.id));
    }
    [once, found.len(), suspected.len(), found.intersection(&withdrawn).count()]
}

fn wander(normal: &mut Normal, length: usize, coefficient: f64, white: f64) -> Vec<Point> {
    let fresh = (1.0 - coefficient * coefficient).max(0.0).sqrt();
    let mut state = normal.draw();
    (0..length)
        .map(|_| {
            state = coefficient * state + fresh * normal.draw();
            Point::new(1_000.0 + (1.0 - white).sqrt() * state + white.sqrt() * normal.draw())
        })
        .collect()
}

/// Normal deviates from Steele, Lea and Flood's generator (2014).
struct Normal(u64);

impl Normal {
    fn draw(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (TAU * self.uniform()).cos()
    }

    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        ((mixed >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
}
