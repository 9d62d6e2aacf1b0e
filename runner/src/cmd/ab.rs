//! `ab`: two builds of multios-core in one image.

use std::path::{Path, PathBuf};

use perf_kernel::plan::Plan;

use super::arguments::{AbBuildOptions, AbCommand, AbHostedOptions, AbRunOptions, RunOptions};
use super::hosted::Starter;
use super::output::{note, print};
use super::planning;
use super::run::Setting;
use super::session::{Request, Session, Turn};
use crate::ab::{LAYOUTS, build, call, prepare};
use crate::exit_code;
use crate::layout::Product;
use crate::store::PAIRED_COMMAND;

/// Where `make ab` puts images, a folder for each layout.
const IMAGE_FOLDER: &str = "target/ab/image";

/// What to do without the programs.
const REMEDY: &str = "build them with `make ab-hosted BASE=...`, or name one with --program";

/// Boots unless the user says otherwise: about the fewest by which one bench of a suite of forty can be told from its
/// base, and each at a layout of its own.
const BOOTS: u32 = 12;

/// Rounds of all boots together, at least.
const ROUNDS_IN_ALL: u32 = 12;

pub(super) fn ab(command: &AbCommand) -> anyhow::Result<u8> {
    match command {
        AbCommand::Build(options) => build_both(options),
        AbCommand::Run(options) => run(options),
        AbCommand::Hosted(options) => hosted(options),
    }
}

/// Says where the program lies on standard output; what cargo says goes where it says it.
fn build_both(options: &AbBuildOptions) -> anyhow::Result<u8> {
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

fn run(options: &AbRunOptions) -> anyhow::Result<u8> {
    let AbRunOptions { pair, run: mut options } = options.clone();
    options.output.margin_percent = pair.margin;
    let mut setting = Setting::find(&options)?;
    // Where instructions are counted, one round of one boot says all.
    let boots = *options.boot.boots.get_or_insert(if setting.is_exact() { 1 } else { BOOTS });
    let usual = if setting.is_exact() { 1 } else { rounds_of_each(boots) };
    setting.plan.rounds = pair.rounds.or(setting.plan.rounds).or(Some(usual));
    let images = images(&setting, &options);
    let mut request = setting.request(PAIRED_COMMAND, &images[0], &options)?;
    forget_hash_of_one(&mut request, &images);
    let session = Session::begin(request)?;
    let patience = setting.patience();
    session.make(&patience, |turn: &Turn, progress| setting.start(of_turn(&images, turn), turn, progress))
}

/// The image that was named, else one for each layout; in exact mode the layout changes no count.
fn images(setting: &Setting, options: &RunOptions) -> Vec<PathBuf> {
    let layouts = if setting.is_exact() || options.image.is_some() { 1 } else { LAYOUTS };
    (1..=layouts).map(|layout| setting.image(options, &format!("{IMAGE_FOLDER}/{layout}"))).collect()
}

fn hosted(options: &AbHostedOptions) -> anyhow::Result<u8> {
    let AbHostedOptions { pair, hosted: mut options } = options.clone();
    options.output.margin_percent = pair.margin;
    let mut plan = planning::plan(&Plan::quick(), &options.boot)?;
    let boots = *options.boot.boots.get_or_insert(BOOTS);
    plan.rounds = pair.rounds.or(plan.rounds).or(Some(rounds_of_each(boots)));
    let programs =
        options.program.clone().map_or_else(|| call(Product::Hosted).programs(), |named| vec![named]);
    let starters = programs.iter().map(|program| Starter::new(program.clone(), REMEDY, options.silence));
    let starters = starters.collect::<anyhow::Result<Vec<_>>>()?;
    let mut request = starters[0].request(PAIRED_COMMAND, plan, &options);
    forget_hash_of_one(&mut request, &programs);
    let session = Session::begin(request)?;
    session.make(&starters[0].patience, |turn: &Turn, _progress| of_turn(&starters, turn).start(turn))
}

/// Several programs have no hash in common, and no symbols.
fn forget_hash_of_one(request: &mut Request<'_>, programs: &[PathBuf]) {
    if programs.len() > 1 {
        (request.image_hash, request.elf) = (None, None);
    }
}

/// The program of a boot: each in turn. There is at least one.
fn of_turn<'a, T>(programs: &'a [T], turn: &Turn) -> &'a T {
    let place = usize::try_from(turn.number).unwrap_or(0).saturating_sub(1);
    &programs[place % programs.len()]
}

/// Rounds of each of `boots` boots.
const fn rounds_of_each(boots: u32) -> u32 {
    ROUNDS_IN_ALL.div_ceil(if boots == 0 { 1 } else { boots })
}
