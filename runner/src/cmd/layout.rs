//! `layout`: one program linked at several layouts.

use std::io;
use std::path::PathBuf;

use perf_kernel::plan::Plan;

use super::arguments::{HostedOptions, LayoutBuildOptions, LayoutCommand, OutputOptions, RunOptions};
use super::failure::CommandError;
use super::hosted::Starter;
use super::output::{note, print};
use super::planning;
use super::run::Setting;
use super::session::{Session, Turn};
use crate::ab::Product;
use crate::analysis::layouts;
use crate::collect::Boot;
use crate::exit_code;
use crate::layout::{LAYOUTS, build, program, require_different};
use crate::report::{Palette, layout_page};
use crate::store::Run;

/// Where its boots are kept: they are no points of a history.
const DATABASE: &str = "target/layout/results.db";

/// What to do without the programs.
const REMEDY: &str = "build them with `make layout` or `make layout-hosted`";

pub(super) fn layout(command: &LayoutCommand) -> anyhow::Result<u8> {
    match command {
        LayoutCommand::Build(options) => link(options),
        LayoutCommand::Run(options) => run(options),
        LayoutCommand::Hosted(options) => hosted(options),
    }
}

fn link(options: &LayoutBuildOptions) -> anyhow::Result<u8> {
    let programs = build(if options.hosted { Product::Hosted } else { Product::Kernel })?;
    let lines: Vec<String> = programs.iter().map(|program| format!("{}\n", program.display())).collect();
    print(&lines.concat())?;
    Ok(exit_code::OK)
}

fn run(options: &RunOptions) -> anyhow::Result<u8> {
    let mut options = options.clone();
    let boots = begin(&mut options.output, &mut options.boot.boots, options.image.as_ref())?;
    require_different(&programs(Product::Kernel))?;
    let mut setting = Setting::find(&options)?;
    in_turn(boots, |layout| {
        let image = setting.image(&options, &format!("target/layout/{layout}"));
        let session = Session::begin(setting.request("layout", &image, &options)?)?;
        let patience = setting.patience();
        session.collect(&patience, |turn: &Turn, progress| setting.start(&image, turn, progress))
    })
}

fn hosted(options: &HostedOptions) -> anyhow::Result<u8> {
    let mut options = options.clone();
    let boots = begin(&mut options.output, &mut options.boot.boots, options.program.as_ref())?;
    require_different(&programs(Product::Hosted))?;
    let plan = planning::plan(&Plan::quick(), &options.boot)?;
    in_turn(boots, |layout| {
        let starter = Starter::new(program(Product::Hosted, layout), REMEDY, options.silence)?;
        let session = Session::begin(starter.request("layout", plan.clone(), &options))?;
        session.collect(&starter.patience, |turn: &Turn, _progress| starter.start(turn))
    })
}

/// Makes `boots` that of one turn and gives what it was; refuses what cannot be asked of several programs.
fn begin(output: &mut OutputOptions, boots: &mut u32, named: Option<&PathBuf>) -> anyhow::Result<u32> {
    let is_refused = named.is_some() || output.json.is_some() || output.csv.is_some();
    if is_refused {
        let what = "measure several layouts".to_owned();
        let reason = "they are those that `layout build` linked, and the report has no file".to_owned();
        return Err(CommandError::File { what, reason }.into());
    }
    output.store.db.get_or_insert_with(|| DATABASE.into());
    Ok(std::mem::replace(boots, 1))
}

fn programs(product: Product) -> Vec<PathBuf> {
    (1..=LAYOUTS).map(|layout| program(product, layout)).collect()
}

/// Boots the layouts in turn, `boots` times, so that what changes meanwhile changes all, and reports.
fn in_turn(boots: u32, mut boot: impl FnMut(usize) -> anyhow::Result<Run>) -> anyhow::Result<u8> {
    let mut kept: Vec<Vec<Boot>> = vec![Vec::new(); LAYOUTS];
    let mut ends = Vec::new();
    for turn in 1..=boots {
        for (place, kept) in kept.iter_mut().enumerate() {
            note(&format!("layout {} of {LAYOUTS}, boot {turn} of {boots}", place + 1));
            let run = boot(place + 1)?;
            for stored in run.boots {
                ends.push(stored.boot.end);
                kept.push(stored.boot);
            }
            if exit_code::of_ends(ends.iter().copied()) == exit_code::INTERRUPTED {
                return Ok(exit_code::INTERRUPTED);
            }
        }
    }
    let found = layouts(&kept);
    print(&layout_page(&found, Palette::of(&io::stdout())))?;
    let of_boots = exit_code::of_ends(ends);
    Ok(if of_boots == exit_code::OK && found.is_exact_broken() { exit_code::DIFFERENT } else { of_boots })
}
