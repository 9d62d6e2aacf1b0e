//! From the command line to the exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser as _;

use super::arguments::{Arguments, Command};
use super::{
    ab, audit, baseline, bisect, check, compare, detect, doctor, failure, findings, history, hosted, layout,
    list, replay, report, run, serve, show, watch,
};
use crate::report::clean;

/// Runs the command line of this process and gives its exit code, one of those in [`crate::exit_code`].
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.command {
        Command::Run(options) => run::run(options),
        Command::Hosted(options) => hosted::hosted(options),
        Command::Replay(options) => replay::replay(options),
        Command::List(options) => list::list(options),
        Command::Runs(options) => list::runs(options),
        Command::Show(options) => show::show(options),
        Command::Compare(options) => compare::compare(options),
        Command::Check(options) => check::check(options),
        Command::Baseline(options) => baseline::baseline(options),
        Command::Ab(command) => ab::ab(command),
        Command::Layout(command) => layout::layout(command),
        Command::History(options) => history::history(options),
        Command::Findings(options) => findings::findings(options),
        Command::Audit(options) => audit::audit(options),
        Command::Detect(options) => detect::detect(options),
        Command::Bisect(options) => bisect::bisect(options),
        Command::Report(options) => report::report(options),
        Command::Serve(options) => serve::serve(options),
        Command::Watch(options) => watch::watch(options),
        Command::Doctor => doctor::doctor(),
    };
    let code = outcome.unwrap_or_else(|error| {
        // Where standard error is gone, the exit code has to do.
        let _ = writeln!(io::stderr(), "multios-perf: {}", clean(&failure::sentence(&error)));
        failure::exit_code(&error)
    });
    ExitCode::from(code)
}
