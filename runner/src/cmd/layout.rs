//! `layout`: one program linked at several layouts.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use perf_kernel::plan::Plan;

use super::arguments::{HostedOptions, OutputOptions, RunOptions};
use super::failure::CommandError;
use super::output::print;
use super::{measured, planning};
use crate::analysis::layouts;
use crate::config::{self, AcceleratorChoice, Profile};
use crate::exit_code;
use crate::image::ImagePaths;
use crate::layout::{Call, LayoutError, Product, require_different};
use crate::performance::{InTurn, Purpose, Target, TestRequest};
use crate::report::{Palette, layout_page};
use crate::store::{Folder, Run};

/// How many layouts there are.
const LAYOUTS: u32 = 4;

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

#[derive(Clone, Debug, Subcommand)]
pub(super) enum LayoutCommand {
    /// Link the kernel, or the process, at four layouts; `make layout` and `make layout-hosted` call this
    Build(BuildOptions),
    /// Boot the four images in QEMU, --boots times each, and report which benches the layout changes
    Run(RunOptions),
    /// Run the four processes, --boots times each, and report which benches the layout changes
    Hosted(HostedOptions),
}

#[derive(Args, Clone, Debug)]
pub(super) struct BuildOptions {
    /// Link the process instead of the kernel
    #[arg(long)]
    hosted: bool,
}

pub(super) fn layout(command: &LayoutCommand) -> anyhow::Result<u8> {
    match command {
        LayoutCommand::Build(options) => link(options),
        LayoutCommand::Run(options) => run(options),
        LayoutCommand::Hosted(options) => hosted(options),
    }
}

fn link(options: &BuildOptions) -> anyhow::Result<u8> {
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
    Ok(Call { product, layouts: LAYOUTS as usize, build_folder })
}

fn run(options: &RunOptions) -> anyhow::Result<u8> {
    refuse_files(options.boot.html.as_ref().or(options.image.as_ref()), &options.output)?;
    let config = config::load(&options.config)?;
    let profile = config.profile(&options.profile)?;
    let plan = planning::plan(&profile.plan, &options.boot)?;
    let image = |layout| image(profile, layout);
    let images = InTurn::new(image(1), (2..=LAYOUTS).map(image).collect());
    let target = Target::qemu_in_turn(profile.clone(), images, REMEDY)?;
    let is_exact = profile.accelerator == AcceleratorChoice::Icount;
    let boots = options.boot.boots.unwrap_or(if is_exact { 1 } else { BOOTS });
    measure(target, plan, boots, &options.output)
}

fn image(profile: &Profile, layout: u32) -> PathBuf {
    let folder = Path::new(IMAGE_FOLDER).join(layout.to_string());
    ImagePaths::in_folder(&folder).for_firmware(profile.firmware).to_owned()
}

fn hosted(options: &HostedOptions) -> anyhow::Result<u8> {
    refuse_files(options.boot.html.as_ref().or(options.program.as_ref()), &options.output)?;
    let plan = planning::plan(&Plan::quick(), &options.boot)?;
    let programs = call(Product::Hosted)?.in_turn();
    let target = Target::hosted_in_turn(programs, Duration::from_secs(options.silence), REMEDY)?;
    measure(target, plan, options.boot.boots.unwrap_or(BOOTS), &options.output)
}

/// Refuses what cannot be asked of several programs.
fn refuse_files(named: Option<&PathBuf>, output: &OutputOptions) -> Result<(), CommandError> {
    if named.is_none() && output.json.is_none() && output.csv.is_none() {
        return Ok(());
    }
    let what = "measure several layouts".to_owned();
    let reason = "they are those that `layout build` linked, and the report has no file".to_owned();
    Err(CommandError::Usage { what, reason })
}

/// Boots each layout `boots` times, all in turn, so that what changes meanwhile changes all, and reports.
fn measure(target: Target, plan: Plan, boots: u32, output: &OutputOptions) -> anyhow::Result<u8> {
    let database = output.store.db.clone().unwrap_or_else(|| DATABASE.into());
    let folder = Folder::find(Some(&database))?;
    let boots = boots.saturating_mul(LAYOUTS);
    let request = TestRequest { target, plan, boots, revision: None, folder, purpose: Purpose::Aside };
    measured::run_and(&request, output, |run| report(run, output))
}

fn report(run: &Run, output: &OutputOptions) -> anyhow::Result<u8> {
    let found = layouts(run.boots.iter().map(|stored| &stored.boot));
    if !output.quiet {
        print(&layout_page(&found, Palette::of(&io::stdout())))?;
    }
    Ok(if found.is_exact_broken() { exit_code::DIFFERENT } else { exit_code::OK })
}
