//! `compare`: two runs, or the boots of a run.

use std::io;

use anyhow::Context as _;

use super::arguments::CompareOptions;
use super::failure::CommandError;
use super::output::print;
use super::show::{load, open};
use crate::analysis::{Comparison, Outcome, Side, compare as compare_sides};
use crate::exit_code;
use crate::report::{Palette, comparison};
use crate::store::{Run, RunName, Selector};

pub(super) fn compare(options: &CompareOptions) -> anyhow::Result<u8> {
    let last = Selector { run: RunName::Last(0), boot: None };
    let store = open(&options.store, options.within.as_ref().or(options.a.as_ref()).unwrap_or(&last))?;
    let pairs = match (&options.within, &options.a, &options.b) {
        (_, Some(a), Some(b)) => vec![(side(&load(&store, a)?)?, side(&load(&store, b)?)?)],
        (Some(run), ..) | (None, Some(run), None) => boots_of(&load(&store, run)?)?,
        (None, None, _) => {
            let run = load(&store, &last)?;
            if run.boots.len() > 1 {
                boots_of(&run)?
            } else {
                let before = Selector { run: RunName::Last(1), boot: None };
                vec![(side(&load(&store, &before)?)?, side(&run)?)]
            }
        }
    };
    let comparisons: Vec<_> = pairs.iter().map(|(a, b)| compare_sides(a, b)).collect();
    show(&comparisons)?;
    Ok(comparisons.iter().map(code).max().unwrap_or(exit_code::OK))
}

/// The run, or the boot that was chosen of it, as a side.
fn side(run: &Run) -> anyhow::Result<Side> {
    let number = run.boots.first().filter(|_| run.boots.len() == 1).map(|stored| stored.number);
    // A run of one boot is called by its own name unless that boot is not its first.
    let side = run.side(number.filter(|number| *number > 1));
    side.with_context(|| format!("compare run {}: it has no boots", run.head.id))
}

/// The first boot of `run` with each other one.
fn boots_of(run: &Run) -> anyhow::Result<Vec<(Side, Side)>> {
    let sides: Vec<Side> = run.boots.iter().filter_map(|stored| run.side(Some(stored.number))).collect();
    let (first, others) = sides.split_first().unzip();
    let others: &[Side] = others.unwrap_or_default();
    let first = first.filter(|_| !others.is_empty()).ok_or_else(|| CommandError::NoSuchBoot {
        what: format!("compare the boots of run {}", run.head.id),
        reason: "it has fewer than two; name a second run, or boot more with --boots".to_owned(),
    })?;
    Ok(others.iter().map(|other| (first.clone(), other.clone())).collect())
}

fn code(comparison: &Comparison) -> u8 {
    match &comparison.outcome {
        Outcome::NotComparable(_) => exit_code::NOT_COMPARABLE,
        _ if comparison.is_different() => exit_code::DIFFERENT,
        _ => exit_code::OK,
    }
}

fn show(comparisons: &[Comparison]) -> anyhow::Result<()> {
    let palette = Palette::of(&io::stdout());
    let texts: Vec<_> = comparisons.iter().map(|found| comparison(found, palette)).collect();
    print(&texts.join("\n"))
}
