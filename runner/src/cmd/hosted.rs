//! `hosted`: the same suites as a Linux process.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use perf_kernel::plan::Plan;
use tempfile::TempDir;

use super::arguments::HostedOptions;
use super::failure::CommandError;
use super::planning;
use super::session::{Request, Session, Turn};
use crate::collect::Patience;
use crate::source::ProcessSource;

/// The program with the suites.
const PROGRAM: &str = "perf-hosted";

/// What to do without it.
const REMEDY: &str = "build it with `make hosted`, or name it with --program";

/// A process that runs for longer is stopped.
const BOOT_MAX: Duration = Duration::from_secs(24 * 3600);

pub(super) fn hosted(options: &HostedOptions) -> anyhow::Result<u8> {
    let plan = planning::plan(&Plan::quick(), &options.boot)?;
    let starter = Starter::new(find(options.program.clone()), REMEDY, options.silence)?;
    let session = Session::begin(starter.request("hosted", plan, options))?;
    session.make(&starter.patience, |turn: &Turn, _progress| starter.start(turn))
}

/// Starts a program with the suites.
pub(super) struct Starter {
    program: PathBuf,
    remedy: &'static str,
    /// Where the plan is written.
    folder: TempDir,
    pub(super) patience: Patience,
}

impl Starter {
    /// For `program`, which falls silent for `silence` seconds at most; `remedy` is what to do without it.
    pub(super) fn new(program: PathBuf, remedy: &'static str, silence: u64) -> anyhow::Result<Self> {
        let missing = || CommandError::Missing {
            what: format!("start {}", program.display()),
            remedy: remedy.to_owned(),
        };
        program.is_file().then_some(()).ok_or_else(missing)?;
        let folder = tempfile::Builder::new()
            .prefix("multios-perf-")
            .tempdir()
            .context("make a folder for the plan")?;
        let patience = Patience { hang: Duration::from_secs(silence), boot: BOOT_MAX };
        Ok(Self { program, remedy, folder, patience })
    }

    /// A run of the program under `plan` by `command`.
    pub(super) fn request<'a>(
        &self,
        command: &'static str,
        plan: Plan,
        options: &'a HostedOptions,
    ) -> Request<'a> {
        Request {
            command,
            profile: None,
            plan,
            boots: options.boot.boots.unwrap_or(1),
            elf: Some(self.program.clone()),
            image_hash: None,
            output: &options.output,
        }
    }

    /// Starts the program for `turn`.
    pub(super) fn start(&self, turn: &Turn) -> anyhow::Result<ProcessSource> {
        let file = self.folder.path().join("plan.toml");
        fs::write(&file, planning::text(&turn.plan)?).with_context(|| format!("write {}", file.display()))?;
        let mut command = Command::new(&self.program);
        command.arg("--plan").arg(&file);
        Ok(ProcessSource::start(command, self.remedy)?)
    }
}

/// The program that was named, else the one beside this program, else the one in the build folder of its own profile.
fn find(named: Option<PathBuf>) -> PathBuf {
    let here = env::current_exe().ok().and_then(|program| Some(program.parent()?.to_path_buf()));
    let here = here.unwrap_or_default();
    let places = [here.join(PROGRAM), here.join("../hosted").join(PROGRAM)];
    named.unwrap_or_else(|| places.iter().find(|place| place.is_file()).unwrap_or(&places[0]).clone())
}
