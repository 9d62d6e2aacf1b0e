//! Reports to where the user wants them.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context as _;

use super::arguments::OutputOptions;
use super::paired;
use crate::report::{Document, PageOptions, Palette, SkippedDetail, csv, page};
use crate::store::Run;

/// Prints the report of `run` and writes the files that were asked for.
pub(super) fn report(run: &Run, options: &OutputOptions) -> anyhow::Result<()> {
    if run.is_paired() {
        return paired::report(run, options, paired::MARGIN_PERCENT).map(drop);
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
        return Ok(());
    }
    let skipped = if options.all { SkippedDetail::Each } else { SkippedDetail::Grouped };
    print(&page(run, &PageOptions { palette: Palette::of(&io::stdout()), width: width(), skipped }))
}

/// Prints `text` on standard output. A reader that has seen enough, such as `head`, is no error.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("write to standard output"),
    }
}

/// Columns of the terminal on standard output; `None` if it is none.
fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

pub(super) fn is_standard_output(path: &Path) -> bool {
    path == Path::new("-")
}

/// Writes `text`, which is `what` of a run, to `path`.
pub(super) fn write(path: &Path, what: &str, text: &str) -> anyhow::Result<()> {
    let remedy = " (the run is kept: `multios-perf show` writes it again)";
    write_file(path, text, || format!("write the {what} file {}{remedy}", path.display()))
}

/// Writes `text` to the file that the user named, for which `doing` stands in errors; `-` is standard output.
pub(super) fn write_file(path: &Path, text: &str, doing: impl FnOnce() -> String) -> anyhow::Result<()> {
    if is_standard_output(path) {
        return print(text);
    }
    fs::write(path, text).with_context(doing)
}
