//! A run from its request to its report and exit code.

use super::arguments::OutputOptions;
use super::{interrupt, output, tracked};
use crate::exit_code;
use crate::performance::{Control, TestRequest, run_performance_tests};
use crate::progress::{Shown, note};

/// Makes the run that `request` asks for and reports it.
pub(super) fn run(request: &TestRequest, options: &OutputOptions) -> anyhow::Result<u8> {
    let shown = if options.quiet { Shown::Never } else { Shown::Live };
    let outcome = run_performance_tests(request, &Control { shown, stop: interrupt::stop_flag()? })?;
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
