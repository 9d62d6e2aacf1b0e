//! `hosted`: the same suites as a Linux process.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use perf_kernel::plan::Plan;

use super::arguments::HostedOptions;
use super::failure::CommandError;
use super::session::{Request, Session, Turn};
use super::{planning, revision};
use crate::collect::Patience;
use crate::source::ProcessSource;
use crate::store::ASIDE;

/// The program with the suites.
const PROGRAM: &str = "perf-hosted";

/// What to do without it.
const REMEDY: &str = "build it with `make hosted`, or name it with --program";

/// A process that runs for longer is stopped.
const BOOT_MAX: Duration = Duration::from_secs(24 * 3600);

pub(super) fn hosted(options: &HostedOptions) -> anyhow::Result<u8> {
    let plan = planning::plan(&Plan::quick(), &options.boot)?;
    let program = find(options.program.clone())?;
    let request = Request {
        command: if options.boot.aside { ASIDE } else { "hosted" },
        profile: None,
        plan,
        boots: options.boot.boots,
        revision: revision::measured(&options.boot),
        elf: Some(program.clone()),
        image_hash: None,
        output: &options.output,
    };
    let patience = Patience { hang: Duration::from_secs(options.silence), boot: BOOT_MAX };
    let folder =
        tempfile::Builder::new().prefix("multios-perf-").tempdir().context("make a folder for the plan")?;
    let session = Session::begin(request)?;
    session.make(&patience, |turn: &Turn, _progress| {
        let file = folder.path().join("plan.toml");
        fs::write(&file, planning::text(&turn.plan)?).with_context(|| format!("write {}", file.display()))?;
        let mut command = Command::new(&program);
        command.arg("--plan").arg(&file);
        Ok(ProcessSource::start(command, REMEDY)?)
    })
}

/// The program that was named, else the one beside this program, else the one in the build folder of its own profile.
fn find(named: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let here = env::current_exe().ok().and_then(|program| Some(program.parent()?.to_path_buf()));
    let here = here.unwrap_or_default();
    let places = [here.join(PROGRAM), here.join("../hosted").join(PROGRAM)];
    let first = || places.iter().find(|place| place.is_file()).unwrap_or(&places[0]).clone();
    let program = named.unwrap_or_else(first);
    let missing =
        || CommandError::Missing { what: format!("start {}", program.display()), remedy: REMEDY.to_owned() };
    Ok(program.is_file().then(|| program.clone()).ok_or_else(missing)?)
}
