//! Runs that measured two builds in turn.

use std::io;
use std::path::Path;

use super::arguments::{BootOptions, OutputOptions};
use super::failure::CommandError;
use super::output::{is_standard_output, print, write};
use crate::analysis::paired;
use crate::exit_code;
use crate::report::{Palette, paired_json, paired_page};
use crate::store::Run;

/// Two builds whose times are no further apart than this take the same, unless the user says otherwise.
pub(super) const MARGIN_PERCENT: f64 = 1.0;

/// Prints how the builds of `run` differ, writes the file that was asked for, and gives the exit code of what was found.
pub(super) fn report(run: &Run, options: &OutputOptions, margin_percent: f64) -> anyhow::Result<u8> {
    refuse_csv(options)?;
    let found = paired(run.boots.iter().map(|stored| &stored.boot), margin_percent / 100.0);
    let mut is_taken = false;
    if let Some(path) = &options.json {
        is_taken = is_standard_output(path);
        write(path, "JSON", &paired_json(run, &found))?;
    }
    if !options.quiet && !is_taken {
        print(&paired_page(run, &found, Palette::of(&io::stdout())))?;
    }
    Ok(if found.has_regressed() { exit_code::REGRESSED } else { exit_code::OK })
}

/// Refuses the CSV file that such a run has not.
fn refuse_csv(options: &OutputOptions) -> Result<(), CommandError> {
    options.csv.as_ref().map_or(Ok(()), |path| refuse(path))
}

/// Refuses the files that such a run has not, before it is made.
pub(super) fn refuse_files(boot: &BootOptions, output: &OutputOptions) -> Result<(), CommandError> {
    refuse_csv(output)?;
    boot.html.as_ref().map_or(Ok(()), |path| refuse(path))
}

fn refuse(path: &Path) -> Result<(), CommandError> {
    let what = format!("write the file {}", path.display());
    let reason = "a run of two builds has neither CSV nor HTML; --json has its verdicts".to_owned();
    Err(CommandError::Usage { what, reason })
}
