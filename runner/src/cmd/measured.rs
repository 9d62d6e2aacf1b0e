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

/// Makes the run that `request` asks for and reports it, on the page `html` too.
pub(super) fn run(request: &TestRequest, html: Option<&Path>, options: &OutputOptions) -> anyhow::Result<u8> {
    let shown = if options.quiet { Shown::Never } else { Shown::Live };
    let control = Control { shown, stop: interrupt::stop_flag()? };
    let Some(path) = html else {
        return told(run_performance_tests(request, &control)?, request, options);
    };
    let page = ReportRequest { format: ReportFormat::Html, path: path.to_owned() };
    let all = run_all_tests(request, &[page], &control)?;
    let code = told(all.tests, request, options)?;
    if let Some(trouble) = all.trouble {
        return Err(trouble.into());
    }
    if !options.quiet {
        all.reports.iter().for_each(|path| note(&format!("as a page for a browser: {}", path.display())));
    }
    Ok(code)
}

/// Reports what came of a run.
fn told(outcome: TestOutcome, request: &TestRequest, options: &OutputOptions) -> anyhow::Result<u8> {
    if outcome.run.boots.is_empty() {
        return Ok(exit_code::OK);
    }
    let reported = output::report(&outcome.run, options);
    if outcome.is_stored && !options.quiet {
        tracked::tell(&outcome.changes);
        let database = request.folder.database().display();
        note(&format!("kept as run {} in {database}", outcome.run.head.id));
    }
    let ends = outcome.run.boots.iter().map(|stored| stored.boot.end);
    match outcome.trouble {
        Some(trouble) => Err(trouble.into()),
        None => reported.map(|()| exit_code::of_ends(ends)),
    }
}
