//! `compare`: two runs, the boots of a run, or a run and a baseline file.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context as _;
use perf_kernel::wire::{Mode, Status};

use super::arguments::CompareOptions;
use super::failure::CommandError;
use super::output::print;
use super::show::{load, open};
use crate::analysis::{Comparison, Outcome, Side, compare as compare_sides};
use crate::exit_code;
use crate::report::{Document, Palette, comparison};
use crate::store::{Run, RunName, Selector};

pub(super) fn compare(options: &CompareOptions) -> anyhow::Result<u8> {
    let last = Selector { run: RunName::Last(0), boot: None };
    let store = open(&options.store, options.within.as_ref().or(options.a.as_ref()).unwrap_or(&last))?;
    if let Some(path) = &options.baseline {
        let run = load(&store, options.a.as_ref().unwrap_or(&last))?;
        return with_baseline(path, &run, options.update_baseline);
    }
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
    refuse_paired(run)?;
    let number = run.boots.first().filter(|_| run.boots.len() == 1).map(|stored| stored.number);
    // A run of one boot is called by its own name unless that boot is not its first.
    let side = run.side(number.filter(|number| *number > 1));
    side.with_context(|| format!("compare run {}: it has no boots", run.head.id))
}

/// A run of two builds holds both sides of its comparison.
fn refuse_paired(run: &Run) -> Result<(), CommandError> {
    if !run.is_paired() {
        return Ok(());
    }
    let what = format!("compare run {}", run.head.id);
    let reason =
        format!("it measured two builds in turn; `multios-perf show {}` compares these", run.head.id);
    Err(CommandError::NoSuchBoot { what, reason })
}

/// The first boot of `run` with each other one.
fn boots_of(run: &Run) -> anyhow::Result<Vec<(Side, Side)>> {
    let sides: Vec<Side> = run.boots.iter().filter_map(|stored| run.side(Some(stored.number))).collect();
    refuse_paired(run)?;
    let (first, others) = sides.split_first().unzip();
    let others: &[Side] = others.unwrap_or_default();
    let first = first.filter(|_| !others.is_empty()).ok_or_else(|| CommandError::NoSuchBoot {
        what: format!("compare the boots of run {}", run.head.id),
        reason: "it has fewer than two; name a second run, or boot more with --boots".to_owned(),
    })?;
    Ok(others.iter().map(|other| (first.clone(), other.clone())).collect())
}

fn with_baseline(path: &Path, run: &Run, is_updated: bool) -> anyhow::Result<u8> {
    if run.mode() != Some(Mode::Icount) {
        let reason =
            "only exact runs have figures that a file can hold; boot with `--profile icount`".to_owned();
        let what = format!("compare run {} with a baseline", run.head.id);
        return Err(CommandError::File { what, reason }.into());
    }
    let mut code = exit_code::OK;
    match fs::read(path) {
        Ok(text) => {
            let baseline = Document::parse(&text).with_context(|| format!("use {}", path.display()))?;
            let found = compare_sides(&baseline.side(&path.display().to_string()), &side(run)?);
            code = self::code(&found);
            show(&[found])?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_updated => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let what = format!("read the baseline {}", path.display());
            return Err(
                CommandError::Missing { what, remedy: "--update-baseline makes it".to_owned() }.into()
            );
        }
        Err(error) => return Err(error).with_context(|| format!("read the baseline {}", path.display())),
    }
    if !is_updated {
        return Ok(code);
    }
    let text = baseline_of(run).to_text();
    fs::write(path, text).with_context(|| format!("write the baseline {}", path.display()))?;
    print(&format!("{} now holds run {}\n", path.display(), run.head.id))?;
    Ok(exit_code::OK)
}

/// What a repository should keep of `run`: its first boot, without places on this machine and without the benches that
/// have no figures.
fn baseline_of(run: &Run) -> Document {
    let mut document = Document::of(run);
    document.boots.truncate(1);
    for boot in &mut document.boots {
        boot.transcript = None;
        boot.benches.retain(|bench| bench.status != Status::Skipped);
    }
    document
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
