//! `compare`: two runs, sets of boots, or the boots of a run.

use std::io;
use std::path::PathBuf;

use clap::Args;

use super::arguments::StoreOptions;
use super::compare_sides::{pairs, side};
use super::failure::CommandError;
use super::output::{is_standard_output, print, write_file};
use super::share::{instructions, rate, share};
use super::show::{load, open};
use crate::analysis::{Comparison, Settings, compare_with, splits};
use crate::exit_code;
use crate::report::{Palette, comparison, comparisons_json, split_table};
use crate::store::{RunName, Selector, Store};

#[derive(Args, Clone, Debug)]
pub(super) struct CompareOptions {
    /// Before [default: the run before the last; if that is of exact mode and has several boots, its first boot]
    #[arg(value_name = "A[:BOOT]")]
    pub(super) a: Option<Selector>,
    /// After; without it the boots of A are compared with each other
    #[arg(value_name = "B[:BOOT]")]
    pub(super) b: Option<Selector>,
    /// The boots before, of several runs: all boots of RUN, or one
    #[arg(long, value_name = "RUN[:BOOT]", num_args = 1.., value_delimiter = ',', requires = "after")]
    #[arg(conflicts_with_all = ["a", "b", "within"])]
    pub(super) before: Vec<Selector>,
    /// The boots after
    #[arg(long, value_name = "RUN[:BOOT]", num_args = 1.., value_delimiter = ',', requires = "before")]
    pub(super) after: Vec<Selector>,
    /// Compare the boots of this run with each other: its first half with its second, in exact mode the first with each
    #[arg(long, value_name = "RUN", conflicts_with_all = ["a", "b"])]
    pub(super) within: Option<Selector>,
    /// Split the boots of --within at random into halves, so many times, and count the false changes
    #[arg(long, value_name = "N", requires = "within", conflicts_with = "json")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) splits: Option<u32>,
    /// Where the random splits start from
    #[arg(long, value_name = "NUMBER", default_value_t = 1, requires = "splits")]
    pub(super) seed: u64,
    /// Smallest change that matters, as 2% or 0.02
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = share)]
    pub(super) margin: f64,
    /// Smallest change that matters in exact mode, in instructions of a sample
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = instructions)]
    pub(super) margin_instructions: f64,
    /// Share of false ones among the changes that are reported of a suite, at most
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = rate)]
    pub(super) alpha: f64,
    /// Write the comparison as JSON (docs/json.md); - is standard output
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    #[command(flatten)]
    pub(super) store: StoreOptions,
}

impl CompareOptions {
    fn settings(&self) -> Settings {
        Settings { margin: self.margin, margin_instructions: self.margin_instructions, alpha: self.alpha }
    }
}

pub(super) fn compare(options: &CompareOptions) -> anyhow::Result<u8> {
    let last = Selector { run: RunName::Last(0), boot: None };
    let wanted = options.within.as_ref().or(options.a.as_ref()).or(options.before.first());
    let store = open(&options.store, wanted.unwrap_or(&last))?;
    if let Some((run, number)) = options.within.as_ref().zip(options.splits) {
        return split(&store, run, number, options);
    }
    let settings = options.settings();
    let pairs = pairs(&store, options)?;
    let comparisons: Vec<_> = pairs.iter().map(|(a, b)| compare_with(a, b, &settings)).collect();
    show(&comparisons, options)?;
    Ok(comparisons.iter().map(code).max().unwrap_or(exit_code::OK))
}

fn split(store: &Store, run: &Selector, number: u32, options: &CompareOptions) -> anyhow::Result<u8> {
    let run = load(store, run)?;
    let settings = options.settings();
    let unfit = |error: crate::analysis::SplitError| CommandError::NoSuchBoot {
        what: format!("measure false changes in run {}", run.head.id),
        reason: error.to_string(),
    };
    let found = splits(&side(&run)?, number, options.seed, &settings).map_err(unfit)?;
    print(&split_table(&found, &settings, Palette::of(&io::stdout())))?;
    Ok(exit_code::OK)
}

fn code(comparison: &Comparison) -> u8 {
    if !comparison.differences().is_empty() {
        exit_code::NOT_COMPARABLE
    } else if comparison.is_different() {
        exit_code::DIFFERENT
    } else {
        exit_code::OK
    }
}

fn show(comparisons: &[Comparison], options: &CompareOptions) -> anyhow::Result<()> {
    if let Some(path) = &options.json {
        let doing = || format!("write the JSON file {}", path.display());
        write_file(path, &comparisons_json(comparisons), doing)?;
        if is_standard_output(path) {
            return Ok(());
        }
    }
    let palette = Palette::of(&io::stdout());
    let texts: Vec<_> = comparisons.iter().map(|found| comparison(found, palette)).collect();
    print(&texts.join("\n"))
}
