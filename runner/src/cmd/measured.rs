//! A run from its request to its report and exit code.

use std::path::Path;

use super::arguments::OutputOptions;
use super::{interrupt, output, tracked};
use crate::exit_code;
use crate::performance::{
    Control, ReportRequest, TestOutcome, TestRequest, run_all_tests, run_performance_tests,
};
use crate::progress::{Shown, note};
use crate::report::ReportFormat;
use crate::store::Run;

/// Makes the run that `request` asks for and reports it, on the page `html` too.
pub(super) fn run(request: &TestRequest, html: Option<&Path>, options: &OutputOptions) -> anyhow::Result<u8> {
    let Some(path) = html else {
        return run_and(request, options, |run| ordinary(run, options));
    };
    let page = ReportRequest { format: ReportFormat::Html, path: path.to_owned() };
    let all = run_all_tests(request, &[page], &control(options)?)?;
    let code = told(all.tests, request, options, |run| ordinary(run, options))?;
    if let Some(trouble) = all.trouble {
        return Err(trouble.into());
    }
    if !options.quiet {
        all.reports.iter().for_each(|path| note(&format!("as a page for a browser: {}", path.display())));
    }
    Ok(code)
}

/// Makes the run that `request` asks for. `report` reports it and gives the code of what it found, which stands behind
/// that of boots that did not end well.
pub(super) fn run_and(
    request: &TestRequest,
    options: &OutputOptions,
    report: impl FnOnce(&Run) -> anyhow::Result<u8>,
) -> anyhow::Result<u8> {
    told(run_performance_tests(request, &control(options)?)?, request, options, report)
}

fn control(options: &OutputOptions) -> anyhow::Result<Control> {
    let shown = if options.quiet { Shown::Never } else { Shown::Live };
    Ok(Control { shown, stop: interrupt::stop_flag()? })
}

fn ordinary(run: &Run, options: &OutputOptions) -> anyhow::Result<u8> {
    output::report(run, options).map(|()| exit_code::OK)
}

/// Reports what came of a run.
fn told(
    outcome: TestOutcome,
    request: &TestRequest,
    options: &OutputOptions,
    report: impl FnOnce(&Run) -> anyhow::Result<u8>,
) -> anyhow::Result<u8> {
    if outcome.run.boots.is_empty() {
        return Ok(exit_code::OK);
    }
    let reported = report(&outcome.run);
    if outcome.is_stored && !options.quiet {
        tracked::tell(&outcome.changes);
        let database = request.folder.database().display();
        note(&format!("kept as run {} in {database}", outcome.run.head.id));
    }
    let ends = outcome.run.boots.iter().map(|stored| stored.boot.end);
    match outcome.trouble {
        Some(trouble) => Err(trouble.into()),
        None => reported.map(|found| match exit_code::of_ends(ends) {
            exit_code::OK => found,
            of_boots => of_boots,
        }),
    }
}
