//! Reports to where the user wants them.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context as _;

use super::arguments::OutputOptions;
use super::failure::CommandError;
use crate::analysis::paired;
use crate::exit_code;
use crate::report::{
    Document, PageOptions, Palette, SkippedDetail, clean, csv, page, paired_json, paired_page,
};
use crate::store::Run;

/// Two builds whose times are no further apart than this take the same, unless the user says otherwise.
const MARGIN_PERCENT: f64 = 1.0;

/// Prints the report of `run`, writes the files that were asked for, and gives the exit code of what was found.
pub(super) fn report(run: &Run, options: &OutputOptions) -> anyhow::Result<u8> {
    if run.is_paired() {
        return report_paired(run, options);
    }
    let document = Document::of(run);
    let mut is_taken = false;
    if let Some(path) = &options.json {
        is_taken |= is_standard_output(path);
        write(path, "JSON", &document.to_text())?;
    }
    if let Some(path) = &options.csv {
        is_taken |= is_standard_output(path);
        write(path, "CSV", &csv(&document))?;
    }
    if options.quiet || is_taken {
        return Ok(exit_code::OK);
    }
    let skipped = if options.all { SkippedDetail::Each } else { SkippedDetail::Grouped };
    print(&page(run, &PageOptions { palette: Palette::of(&io::stdout()), width: width(), skipped }))?;
    Ok(exit_code::OK)
}

/// The report of a run whose boots measured two builds in turn.
fn report_paired(run: &Run, options: &OutputOptions) -> anyhow::Result<u8> {
    if let Some(path) = &options.csv {
        let what = format!("write the CSV file {}", path.display());
        let reason = "a run of two builds has none; --json has its verdicts".to_owned();
        return Err(CommandError::File { what, reason }.into());
    }
    let margin = options.margin_percent.unwrap_or(MARGIN_PERCENT) / 100.0;
    let found = paired(run.boots.iter().map(|stored| &stored.boot), margin);
    let mut is_taken = false;
    if let Some(path) = &options.json {
        is_taken = is_standard_output(path);
        write(path, "JSON", &paired_json(run, &found))?;
    }
    if !options.quiet && !is_taken {
        print(&paired_page(run, &found, Palette::of(&io::stdout())))?;
    }
    Ok(if found.has_regressed() { exit_code::DIFFERENT } else { exit_code::OK })
}

/// Prints `text` on standard output. A reader that has seen enough, such as `head`, is no error.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("write to standard output"),
    }
}

/// Says `text` on standard error, one line. Where that is gone, nobody misses it.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{}", clean(text));
}

/// Columns of the terminal on standard output; `None` if it is none.
fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

fn is_standard_output(path: &Path) -> bool {
    path == Path::new("-")
}

fn write(path: &Path, what: &str, text: &str) -> anyhow::Result<()> {
    if is_standard_output(path) {
        return print(text);
    }
    fs::write(path, text).with_context(|| {
        format!(
            "write the {what} file {} (the run is kept: `multios-perf show` writes it again)",
            path.display()
        )
    })
}
