//! A search for the first revision of a finding, as far as it has come.

use std::collections::BTreeSet;

use super::likelihood::{Levels, posterior};

/// Probability from which on a revision counts as found.
pub const PROBABILITY_ENOUGH: f64 = 0.95;

/// A revision between the last good and the first bad one.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its hash.
    pub revision: String,
    /// Figures of its runs.
    pub figures: Vec<f64>,
    /// Probability that the new level begins with it.
    pub probability: f64,
}

/// A search as far as it has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The last revision that is known to be good.
    pub good: String,
    /// The revisions after it up to the first that is known to be bad, in the order of version control.
    pub candidates: Vec<Candidate>,
    /// The revision that the new level begins with, once that is probable enough.
    pub found: Option<String>,
    /// The revision whose boots would tell most; `None` if the search is over, or nothing is left to boot.
    pub next: Option<String>,
}

impl Search {
    /// Looks at the figures of the revisions `good`, then `revisions` in order, of which `skipped` ones cannot be booted.
    #[must_use]
    pub fn of(
        levels: &Levels,
        good: &str,
        revisions: &[String],
        figures: &[(String, f64)],
        skipped: &BTreeSet<String>,
    ) -> Self {
        let place =
            |revision: &str| revisions.iter().position(|known| known == revision).map(|place| place + 1);
        let placed: Vec<(usize, f64)> = figures
            .iter()
            .filter_map(|(revision, figure)| place(revision).map(|place| (place, *figure)))
            .collect();
        let probabilities = posterior(levels, revisions.len(), &placed);
        let candidates: Vec<Candidate> = revisions
            .iter()
            .zip(&probabilities)
            .map(|(revision, probability)| Candidate {
                revision: revision.clone(),
                figures: figures.iter().filter(|(of, _)| of == revision).map(|(_, figure)| *figure).collect(),
                probability: *probability,
            })
            .collect();
        let found = candidates.iter().find(|candidate| candidate.probability >= PROBABILITY_ENOUGH);
        let found = found.map(|candidate| candidate.revision.clone());
        let next = if found.is_some() { None } else { next(&candidates, skipped) };
        Self { good: good.to_owned(), candidates, found, next }
    }
}

/// The revision at which good and bad are closest to equally probable; the last one is known to be bad.
fn next(candidates: &[Candidate], skipped: &BTreeSet<String>) -> Option<String> {
    let mut below = 0.0;
    let known = candidates.len().saturating_sub(1);
    let doubts = candidates.iter().take(known).map(|candidate| {
        below += candidate.probability;
        (candidate, (below - 0.5_f64).abs())
    });
    let open = doubts.filter(|(candidate, _)| !skipped.contains(&candidate.revision)).collect::<Vec<_>>();
    let best = open.into_iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    // What is nearly certain on either side tells nothing new.
    (best.1 < 0.5 - 1e-6).then(|| best.0.revision.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revisions(count: usize) -> Vec<String> {
        (1..=count).map(|number| format!("r{number}")).collect()
    }

    /// Boots what the search asks for, with figures of a kernel that is slower from revision `first` on.
    fn searched(count: usize, first: usize, noise: f64, skipped: &[&str]) -> (Search, usize) {
        let levels = Levels::of(100.0, 110.0, &[100.0 - noise; 8], &[110.0 + noise; 8]).expect("apart");
        let skipped: BTreeSet<String> = skipped.iter().map(|name| (*name).to_owned()).collect();
        let (mut figures, mut boots, mut state) = (Vec::new(), 0, 88_172_645_463_325_252_u64);
        loop {
            let search = Search::of(&levels, "r0", &revisions(count), &figures, &skipped);
            let Some(next) = search.next.clone() else { return (search, boots) };
            assert!(boots < 200, "{search:?}");
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let unit = (state >> 11) as f64 / (1_u64 << 53) as f64;
            let number: usize = next[1..].parse().expect("a number");
            figures.push((next, if number >= first { 110.0 } else { 100.0 } + 4.0 * noise * (unit - 0.5)));
            boots += 1;
        }
    }

    #[test]
    fn exact_figures_are_bisected_in_as_few_boots_as_can_be() {
        for first in 1..=16 {
            let (search, boots) = searched(16, first, 0.0, &[]);
            assert_eq!(search.found, Some(format!("r{first}")));
            assert!(boots <= 4, "{boots} boots for r{first}");
        }
    }

    #[test]
    fn noisy_figures_take_more_boots_and_find_it_too() {
        let right =
            (1..=16).filter(|first| searched(16, *first, 2.5, &[]).0.found == Some(format!("r{first}")));
        assert!(right.count() >= 15);
    }

    #[test]
    fn one_revision_between_good_and_bad_is_found_without_a_boot() {
        let (search, boots) = searched(1, 1, 2.0, &[]);
        assert_eq!((search.found.as_deref(), search.next, boots), (Some("r1"), None, 0));
    }

    #[test]
    fn what_cannot_be_booted_is_gone_round_and_stays_in_doubt() {
        let (search, _) = searched(4, 3, 0.0, &["r2"]);
        assert_eq!((search.found, search.next), (None, None));
        assert!(search.candidates[0].probability < 1e-6);
        assert!((search.candidates[1].probability - 0.5).abs() < 1e-6);
        let (search, _) = searched(8, 7, 0.0, &["r4"]);
        assert_eq!(search.found.as_deref(), Some("r7"));
    }
}
