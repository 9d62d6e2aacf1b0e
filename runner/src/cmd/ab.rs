//! `ab`: two builds of multios-core in one image.

use std::path::{Path, PathBuf};

use perf_kernel::plan::Plan;

use super::arguments::{AbBuildOptions, AbCommand, AbHostedOptions, AbRunOptions};
use super::hosted::Starter;
use super::output::{note, print};
use super::planning;
use super::run::Setting;
use super::session::{Session, Turn};
use crate::ab::{Product, build, prepare};
use crate::exit_code;
use crate::store::PAIRED_COMMAND;

/// Where `make ab` puts images.
const IMAGE_FOLDER: &str = "target/ab/image";

/// Where `make ab-hosted` puts the process.
const PROGRAM: &str = "target/ab/build/hosted/perf-hosted";

/// What to do without it.
const REMEDY: &str = "build it with `make ab-hosted BASE=...`, or name it with --program";

/// Rounds of all boots together: the fewest by which one bench of a suite of forty can be told from its base.
const ROUNDS_IN_ALL: u32 = 12;

pub(super) fn ab(command: &AbCommand) -> anyhow::Result<u8> {
    match command {
        AbCommand::Build(options) => build_both(options),
        AbCommand::Run(options) => run(options),
        AbCommand::Hosted(options) => hosted(options),
    }
}

/// Says where the program is on standard output; what cargo says goes where it says it.
fn build_both(options: &AbBuildOptions) -> anyhow::Result<u8> {
    let workspace = prepare(Path::new("."), &options.base)?;
    note(&workspace.sides);
    for text in &workspace.notes {
        note(&format!("note: {text}"));
    }
    let product = if options.hosted { Product::Hosted } else { Product::Kernel };
    let program = build(&workspace, product, &mut note)?;
    print(&format!("{}\n", program.display()))?;
    Ok(exit_code::OK)
}

fn run(options: &AbRunOptions) -> anyhow::Result<u8> {
    let AbRunOptions { pair, run: mut options } = options.clone();
    options.output.margin_percent = pair.margin;
    let mut setting = Setting::find(&options)?;
    let usual = if setting.is_exact() { 1 } else { rounds_of_each(options.boot.boots) };
    setting.plan.rounds = pair.rounds.or(setting.plan.rounds).or(Some(usual));
    let image = setting.image(&options, IMAGE_FOLDER);
    let session = Session::begin(setting.request(PAIRED_COMMAND, &image, &options)?)?;
    let patience = setting.patience();
    session.make(&patience, |turn: &Turn, progress| setting.start(&image, turn, progress))
}

fn hosted(options: &AbHostedOptions) -> anyhow::Result<u8> {
    let AbHostedOptions { pair, hosted: mut options } = options.clone();
    options.output.margin_percent = pair.margin;
    let mut plan = planning::plan(&Plan::quick(), &options.boot)?;
    plan.rounds = pair.rounds.or(plan.rounds).or(Some(rounds_of_each(options.boot.boots)));
    let program = options.program.clone().unwrap_or_else(|| PathBuf::from(PROGRAM));
    let starter = Starter::new(program, REMEDY, options.silence)?;
    let session = Session::begin(starter.request(PAIRED_COMMAND, plan, &options))?;
    session.make(&starter.patience, |turn: &Turn, _progress| starter.start(turn))
}

/// Rounds of each of `boots` boots.
const fn rounds_of_each(boots: u32) -> u32 {
    ROUNDS_IN_ALL.div_ceil(if boots == 0 { 1 } else { boots })
}
