//! `bisect --drive`: builds and boots until it is decided.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering;

use anyhow::Context as _;

use super::bisect::{BisectOptions, Case};
use super::interrupt;
use super::output::print;
use crate::bisect::Worktree;
use crate::exit_code;
use crate::progress::note;
use crate::store::Store;
use crate::tracking::short;

/// Boots revisions until the search is over, and says how it went by the exit code.
pub(super) fn drive(options: &BisectOptions, case: &Case, store: &mut Store) -> anyhow::Result<u8> {
    let stop = interrupt::stop_flag()?;
    let is_stopped = || stop.load(Ordering::Relaxed);
    // A relative path means another file in the work tree.
    let database = fs::canonicalize(store.path()).context("find the database")?;
    let id = case.finding.finding.id.to_string();
    let mut skipped = BTreeSet::new();
    let mut tree: Option<Worktree<'_>> = None;
    let mut runs = 0;
    let search = loop {
        let search = case.search(store, &skipped)?;
        let Some(next) = search.next.clone().filter(|_| runs < options.runs_max && !is_stopped()) else {
            break search;
        };
        note(&format!("run {}: revision {next}", runs + 1));
        match &tree {
            Some(tree) => tree.check_out(&next)?,
            None => tree = Some(Worktree::make(&case.repository, short(&id), &next)?),
        }
        let Some(place) = tree.as_ref().map(Worktree::path) else { break search };
        let before = figures(case, store, &next)?;
        if let Some(trouble) = measure(options, case, place, &next, &database)? {
            if is_stopped() {
                break search;
            }
            note(&format!("revision {next} is gone round: {trouble}"));
            skipped.insert(next);
        } else if figures(case, store, &next)? <= before {
            note(&format!("revision {next} is gone round: its run added no valid figure to this history"));
            skipped.insert(next);
        }
        runs += 1;
    };
    drop(tree);
    print(&case.text(&search)?)?;
    Ok(match search.found {
        Some(_) => exit_code::OK,
        None if is_stopped() => exit_code::INTERRUPTED,
        None => exit_code::NO_DATA,
    })
}

/// Figures that are stored of a revision.
fn figures(case: &Case, store: &Store, revision: &str) -> anyhow::Result<usize> {
    let search = case.search(store, &BTreeSet::new())?;
    let candidate = search.candidates.iter().find(|candidate| candidate.revision == revision);
    Ok(candidate.map_or(0, |candidate| candidate.figures.len()))
}

/// Builds and runs what is checked out; gives what went wrong, if something did.
fn measure(
    options: &BisectOptions,
    case: &Case,
    place: &Path,
    revision: &str,
    database: &Path,
) -> anyhow::Result<Option<String>> {
    let default = if case.is_hosted { "make hosted-kernel" } else { "make perf-image" };
    let build = shell(options.build.as_deref().unwrap_or(default));
    let built = finish(build, case, place, revision, database).context("build a revision")?;
    if !built.success() {
        return Ok(Some(format!("its build ended with {built}")));
    }
    let plan = tempfile::NamedTempFile::with_suffix(".toml").context("make a file for the plan")?;
    let run = match &options.run {
        Some(command) => shell(command),
        None => {
            let mut command = Command::new(env::current_exe().context("find this program")?);
            command.args(case.run_arguments(revision, database)).arg("--quiet");
            if let Some(text) = &case.head.plan {
                // Another plan would be another machine, with a history of its own.
                fs::write(plan.path(), text).context("write the plan")?;
                command.arg("--plan").arg(plan.path());
            }
            command
        }
    };
    let ran = finish(run, case, place, revision, database).context("run a revision")?;
    Ok((!ran.success()).then(|| format!("its run ended with {ran}")))
}

fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(line);
    command
}

/// Lets a command run to its end with its output where ours for people goes.
fn finish(
    mut command: Command,
    case: &Case,
    place: &Path,
    revision: &str,
    database: &Path,
) -> std::io::Result<ExitStatus> {
    let output = std::io::stderr().as_fd().try_clone_to_owned()?;
    command
        .current_dir(place)
        .env("PERF_REVISION", revision)
        .env("PERF_BENCH", &case.finding.bench)
        .env("PERF_BOOTS", case.boots.to_string())
        .env("PERF_DB", database)
        .stdin(Stdio::null())
        .stdout(Stdio::from(output))
        .status()
}
