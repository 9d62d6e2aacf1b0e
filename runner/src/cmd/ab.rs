//! `ab`: two builds of multios-core in one image.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use perf_kernel::plan::Plan;

use super::arguments::{HostedOptions, OutputOptions, RunOptions};
use super::output::print;
use super::{measured, paired, planning};
use crate::ab::{LAYOUTS, build, call, prepare};
use crate::config::{self, AcceleratorChoice, Profile};
use crate::exit_code;
use crate::image::ImagePaths;
use crate::layout::Product;
use crate::performance::{InTurn, Purpose, Target, TestRequest};
use crate::progress::note;
use crate::store::Folder;

/// Where `make ab` puts images, a folder for each layout.
const IMAGE_FOLDER: &str = "target/ab/image";

/// What to do without images.
const IMAGE_REMEDY: &str = "build them with `make ab BASE=...`, or name one with --image";

/// What to do without the programs.
const HOSTED_REMEDY: &str = "build them with `make ab-hosted BASE=...`, or name one with --program";

/// Boots unless the user says otherwise: about the fewest by which one bench of a suite of forty can be told from its
/// base, and each at a layout of its own.
const BOOTS: u32 = 12;

/// Rounds of all boots together, at least.
const ROUNDS_IN_ALL: u16 = 12;

#[derive(Clone, Debug, Subcommand)]
pub(super) enum AbCommand {
    /// Build the image's kernel, or the process, of two builds; `make ab` and `make ab-hosted` call this
    Build(BuildOptions),
    /// Boot the image of both in QEMU and report how they differ
    Run(PairRunOptions),
    /// Run the process of both and report how they differ
    Hosted(PairHostedOptions),
}

#[derive(Args, Clone, Debug)]
pub(super) struct BuildOptions {
    /// The commit, branch or tag that the working tree is held against
    #[arg(long, value_name = "REVISION")]
    base: String,
    /// Build the process instead of the kernel
    #[arg(long)]
    hosted: bool,
}

/// How two builds are measured and judged.
#[derive(Args, Clone, Debug)]
struct PairOptions {
    /// Rounds of base, candidate, candidate, base in each boot [default: enough for 12 in all; 1 in exact mode]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: Option<u16>,
    /// Times that are no further apart count as equal
    #[arg(long, value_name = "PERCENT", value_parser = margin, default_value_t = paired::MARGIN_PERCENT)]
    margin: f64,
}

#[derive(Args, Clone, Debug)]
pub(super) struct PairRunOptions {
    #[command(flatten)]
    pair: PairOptions,
    #[command(flatten)]
    run: RunOptions,
}

#[derive(Args, Clone, Debug)]
pub(super) struct PairHostedOptions {
    #[command(flatten)]
    pair: PairOptions,
    #[command(flatten)]
    hosted: HostedOptions,
}

pub(super) fn ab(command: &AbCommand) -> anyhow::Result<u8> {
    match command {
        AbCommand::Build(options) => build_both(options),
        AbCommand::Run(options) => run(options),
        AbCommand::Hosted(options) => hosted(options),
    }
}

/// Says where the program lies on standard output; what cargo says goes where it says it.
fn build_both(options: &BuildOptions) -> anyhow::Result<u8> {
    let workspace = prepare(Path::new("."), &options.base)?;
    note(&workspace.sides);
    for text in &workspace.notes {
        note(&format!("note: {text}"));
    }
    let product = if options.hosted { Product::Hosted } else { Product::Kernel };
    let programs = build(&workspace, product, &mut note)?;
    let lines: Vec<String> = programs.iter().map(|program| format!("{}\n", program.display())).collect();
    print(&lines.concat())?;
    Ok(exit_code::OK)
}

fn run(options: &PairRunOptions) -> anyhow::Result<u8> {
    let PairRunOptions { pair, run: options } = options;
    paired::refuse_files(&options.boot, &options.output)?;
    let config = config::load(&options.config)?;
    let profile = config.profile(&options.profile)?;
    let mut plan = planning::plan(&profile.plan, &options.boot)?;
    // Where instructions are counted, one round of one boot says all.
    let is_exact = profile.accelerator == AcceleratorChoice::Icount;
    let boots = options.boot.boots.unwrap_or(if is_exact { 1 } else { BOOTS });
    let usual = if is_exact { 1 } else { rounds_of_each(boots) };
    plan.rounds = pair.rounds.or(plan.rounds).or(Some(usual));
    let images = match &options.image {
        Some(named) => InTurn::one(named.clone()),
        None if is_exact => InTurn::one(image(profile, 1)),
        None => InTurn::new(image(profile, 1), (2..=LAYOUTS).map(|layout| image(profile, layout)).collect()),
    };
    let target = Target::qemu_in_turn(profile.clone(), images, IMAGE_REMEDY)?;
    measure(target, plan, boots, &options.output, pair.margin)
}

fn image(profile: &Profile, layout: usize) -> PathBuf {
    let folder = Path::new(IMAGE_FOLDER).join(layout.to_string());
    ImagePaths::in_folder(&folder).for_firmware(profile.firmware).to_owned()
}

fn hosted(options: &PairHostedOptions) -> anyhow::Result<u8> {
    let PairHostedOptions { pair, hosted: options } = options;
    paired::refuse_files(&options.boot, &options.output)?;
    let mut plan = planning::plan(&Plan::quick(), &options.boot)?;
    let boots = options.boot.boots.unwrap_or(BOOTS);
    plan.rounds = pair.rounds.or(plan.rounds).or(Some(rounds_of_each(boots)));
    let programs = options.program.clone().map_or_else(|| call(Product::Hosted).in_turn(), InTurn::one);
    let target = Target::hosted_in_turn(programs, Duration::from_secs(options.silence), HOSTED_REMEDY)?;
    measure(target, plan, boots, &options.output, pair.margin)
}

fn measure(
    target: Target,
    plan: Plan,
    boots: u32,
    output: &OutputOptions,
    margin_percent: f64,
) -> anyhow::Result<u8> {
    let folder = Folder::find(output.store.db.as_deref())?;
    let request = TestRequest { target, plan, boots, revision: None, folder, purpose: Purpose::Pair };
    measured::run_and(&request, output, |run| paired::report(run, output, margin_percent))
}

/// Rounds of each of `boots` boots.
fn rounds_of_each(boots: u32) -> u16 {
    // More boots than that need one round each.
    ROUNDS_IN_ALL.div_ceil(u16::try_from(boots).unwrap_or(u16::MAX).max(1))
}

fn margin(text: &str) -> Result<f64, String> {
    let percent = text.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| "it must be a number from 0 to 100".to_owned())
}
