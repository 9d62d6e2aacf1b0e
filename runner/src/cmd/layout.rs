//! `layout`: one program linked at several layouts.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use perf_kernel::plan::Plan;

use super::arguments::{HostedOptions, LayoutBuildOptions, LayoutCommand, OutputOptions, RunOptions};
use super::failure::CommandError;
use super::hosted::Starter;
use super::output::{note, print};
use super::planning;
use super::run::Setting;
use super::session::{Session, Turn};
use crate::analysis::layouts;
use crate::collect::Boot;
use crate::exit_code;
use crate::layout::{Call, LayoutError, Product, require_different};
use crate::report::{Palette, layout_page};
use crate::store::Run;

/// How many layouts there are.
const LAYOUTS: usize = 4;

/// Boots of each, unless the user says otherwise.
const BOOTS: u32 = 4;

/// Where its programs are built.
const BUILD_FOLDER: &str = "target/layout/build";

/// Where `make layout` puts images, a folder for each layout.
const IMAGE_FOLDER: &str = "target/layout/image";

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
    let call = call(if options.hosted { Product::Hosted } else { Product::Kernel })?;
    let mut command = call.command(Path::new("."))?;
    let status = command.stdin(Stdio::null()).status().context("run cargo")?;
    if !status.success() {
        return Err(LayoutError::NotBuilt { status: status.to_string() }.into());
    }
    let programs = call.programs();
    require_different(&programs)?;
    let lines: Vec<String> = programs.iter().map(|program| format!("{}\n", program.display())).collect();
    print(&lines.concat())?;
    Ok(exit_code::OK)
}

/// The linker is called in a folder of cargo's choice.
fn call(product: Product) -> anyhow::Result<Call> {
    let build_folder = std::path::absolute(BUILD_FOLDER).context("find the build folder")?;
    Ok(Call { product, layouts: LAYOUTS, build_folder })
}

fn run(options: &RunOptions) -> anyhow::Result<u8> {
    let mut options = options.clone();
    begin(&mut options.output, options.image.as_ref())?;
    require_different(&call(Product::Kernel)?.programs())?;
    let mut setting = Setting::find(&options)?;
    let boots = options.boot.boots.replace(1).unwrap_or(if setting.is_exact() { 1 } else { BOOTS });
    in_turn(boots, |layout| {
        let image = setting.image(&options, &format!("{IMAGE_FOLDER}/{layout}"));
        let session = Session::begin(setting.request("layout", &image, &options)?)?;
        let patience = setting.patience();
        session.collect(&patience, |turn: &Turn, progress| setting.start(&image, turn, progress))
    })
}

fn hosted(options: &HostedOptions) -> anyhow::Result<u8> {
    let mut options = options.clone();
    begin(&mut options.output, options.program.as_ref())?;
    let boots = options.boot.boots.replace(1).unwrap_or(BOOTS);
    let programs = call(Product::Hosted)?.programs();
    require_different(&programs)?;
    let plan = planning::plan(&Plan::quick(), &options.boot)?;
    in_turn(boots, |layout| {
        let starter = Starter::new(programs[layout - 1].clone(), REMEDY, options.silence)?;
        let session = Session::begin(starter.request("layout", plan.clone(), &options))?;
        session.collect(&starter.patience, |turn: &Turn, _progress| starter.start(turn))
    })
}

/// Refuses what cannot be asked of several programs, and keeps their boots apart.
fn begin(output: &mut OutputOptions, named: Option<&PathBuf>) -> anyhow::Result<()> {
    let is_refused = named.is_some() || output.json.is_some() || output.csv.is_some();
    if is_refused {
        let what = "measure several layouts".to_owned();
        let reason = "they are those that `layout build` linked, and the report has no file".to_owned();
        return Err(CommandError::File { what, reason }.into());
    }
    output.store.db.get_or_insert_with(|| DATABASE.into());
    Ok(())
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
