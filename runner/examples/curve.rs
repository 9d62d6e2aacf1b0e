//! The curve of precision against recall on a labelled set, one row for each rate of false alarms.
//!
//! `cargo run --release -p runner --example curve -- FOLDER` reads a folder as `multios-perf audit --generate` writes it: `labels.json`
//! and `series/NAME.csv`. A found level and a labelled one are a pair if they are at most five points apart, as many pairs as possible;
//! what has no partner is false or missed, unless it is found where the labels say that either answer is right.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use runner::history::{Detector, Key, Point, read_table};
use serde::Deserialize;

/// Points by which a found level may miss its label.
const MARGIN: usize = 5;

/// False alarms per point.
const RATES: [f64; 8] = [1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2];

/// What is known of a series.
#[derive(Deserialize)]
struct Label {
    kind: String,
    annotations: BTreeMap<String, Vec<usize>>,
    #[serde(default)]
    dont_care: Vec<(usize, usize)>,
}

/// A series with its label.
type Labelled = (Label, Vec<Point>);

/// What was found right or wrong.
#[derive(Clone, Copy, Default)]
struct Score {
    true_found: usize,
    false_found: usize,
    missed: usize,
    /// Series with something false in them.
    alarmed: usize,
    points: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name the folder of a labelled set")?;
    let set = read(Path::new(&folder))?;
    println!("| rate | P / R / F1 | null alarmed | late found | false per 1,000: blip | two modes |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for rate in RATES {
        let detector = Detector::with_rate(rate);
        let mut kinds: BTreeMap<&str, Score> = BTreeMap::new();
        let mut all = Score::default();
        for (label, points) in &set {
            let findings = detector.analyse(Key(0), points, &[]);
            let mut found: Vec<usize> =
                findings.iter().filter(|finding| finding.kind.is_new_level()).map(|f| f.at).collect();
            found.sort_unstable();
            let score = score(&found, label, points.len());
            all.add(score);
            kinds.entry(&label.kind).or_default().add(score);
        }
        let of = |kind: &str| kinds.get(kind).copied().unwrap_or_default();
        let part = |of: usize, rest: usize| of as f64 / (of + rest).max(1) as f64;
        let (precision, recall) = (part(all.true_found, all.false_found), part(all.true_found, all.missed));
        let f1 = 2.0 * precision * recall / (precision + recall).max(f64::MIN_POSITIVE);
        let per_thousand = |score: Score| 1e3 * score.false_found as f64 / score.points.max(1) as f64;
        println!(
            "| {rate:.0e} | {precision:.3} / {recall:.3} / {f1:.3} | {} | {} | {:.2} | {:.2} |",
            of("null").alarmed,
            of("late").true_found,
            per_thousand(of("blip")),
            per_thousand(of("bimodal")),
        );
    }
    Ok(())
}

fn read(folder: &Path) -> Result<Vec<Labelled>, Box<dyn Error>> {
    let labels: BTreeMap<String, Label> =
        serde_json::from_str(&std::fs::read_to_string(folder.join("labels.json"))?)?;
    labels
        .into_iter()
        .map(|(name, label)| {
            let text = std::fs::read_to_string(folder.join("series").join(format!("{name}.csv")))?;
            Ok((label, read_table(&text)?))
        })
        .collect()
}

/// Compares found levels, in order, with the first annotator's labels, in order.
fn score(found: &[usize], label: &Label, points: usize) -> Score {
    let labelled = label.annotations.values().next().map_or(&[][..], Vec::as_slice);
    let mut score = Score { points, ..Score::default() };
    let (mut i, mut j) = (0, 0);
    let is_indifferent =
        |at: usize| label.dont_care.iter().any(|(first, last)| (*first..=*last).contains(&at));
    while i < found.len() || j < labelled.len() {
        match (found.get(i), labelled.get(j)) {
            (Some(at), Some(truth)) if at.abs_diff(*truth) <= MARGIN => {
                score.true_found += 1;
                (i, j) = (i + 1, j + 1);
            }
            (Some(at), truth) if truth.is_none_or(|truth| at < truth) => {
                score.false_found += usize::from(!is_indifferent(*at));
                i += 1;
            }
            _ => {
                score.missed += 1;
                j += 1;
            }
        }
    }
    score.alarmed = usize::from(score.false_found > 0);
    score
}

impl Score {
    fn add(&mut self, other: Self) {
        self.true_found += other.true_found;
        self.false_found += other.false_found;
        self.missed += other.missed;
        self.alarmed += other.alarmed;
        self.points += other.points;
    }
}
