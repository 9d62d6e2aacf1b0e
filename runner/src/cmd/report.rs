//! `report`: a run for readers and other tools.

use std::path::{Path, PathBuf};

use clap::Args;

use super::against;
use super::arguments::StoreOptions;
use super::failure::CommandError;
use super::output::{is_standard_output, write_file};
use super::show::{load, open};
use crate::analysis::Side;
use crate::assess::Assessment;
use crate::exit_code;
use crate::performance::{generate_performance_report, run_regression_analysis};
use crate::report::ReportFormat;
use crate::store::{Run, Selector, Store};

#[derive(Args, Clone, Debug)]
pub(super) struct ReportOptions {
    /// The run: its id or the beginning of it, `last`, or `last~1` for the one before; `:2` behind it is its second boot
    #[arg(default_value = "last", value_name = "RUN[:BOOT]")]
    run: Selector,
    /// What to hold it against: a run, a baseline, or a file that --json or `baseline export` wrote [default: the run before on the same machine]
    #[arg(long, value_name = "RUN|BASELINE|FILE")]
    against: Option<String>,
    #[command(flatten)]
    formats: FormatOptions,
    #[command(flatten)]
    store: StoreOptions,
}

/// The formats that are wanted (docs/reports.md), at least one; `-` is standard output.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
struct FormatOptions {
    /// Write one self-contained page for a browser
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a comment for a change, in Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write JUnit XML: a test case for each bench; - is standard output, here and below
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write SARIF 2.1.0: what somebody should look at, with the line of the bench
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Write the Kernel Test Anything Protocol
    #[arg(long, value_name = "FILE")]
    ktap: Option<PathBuf>,
    /// Write the results as JSON (docs/json.md)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the results as CSV (docs/json.md)
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write OpenMetrics text
    #[arg(long, value_name = "FILE")]
    openmetrics: Option<PathBuf>,
    /// Write Bencher Metric Format
    #[arg(long, value_name = "FILE")]
    bencher: Option<PathBuf>,
    /// Write GitHub annotations: what changed, as workflow commands
    #[arg(long, value_name = "FILE")]
    annotations: Option<PathBuf>,
}

impl FormatOptions {
    /// What is wanted and where it goes.
    fn wanted(&self) -> Vec<(ReportFormat, &Path)> {
        let place = |format| match format {
            ReportFormat::Html => &self.html,
            ReportFormat::Markdown => &self.markdown,
            ReportFormat::Junit => &self.junit,
            ReportFormat::Sarif => &self.sarif,
            ReportFormat::Ktap => &self.ktap,
            ReportFormat::Json => &self.json,
            ReportFormat::Csv => &self.csv,
            ReportFormat::OpenMetrics => &self.openmetrics,
            ReportFormat::Bencher => &self.bencher,
            ReportFormat::Annotations => &self.annotations,
        };
        let all = ReportFormat::ALL.into_iter();
        all.filter_map(|format| Some((format, place(format).as_deref()?))).collect()
    }
}

pub(super) fn report(options: &ReportOptions) -> anyhow::Result<u8> {
    let wanted = options.formats.wanted();
    if wanted.iter().filter(|(_, path)| is_standard_output(path)).count() > 1 {
        let reason = "only one of them can go to standard output; give the others a file".to_owned();
        return Err(CommandError::Usage { what: "write these reports".to_owned(), reason }.into());
    }
    let store = open(&options.store, &options.run)?;
    let assessment = assess(&store, &options.run, options.against.as_deref())?;
    for (format, path) in wanted {
        let text = generate_performance_report(&assessment, format);
        write_file(path, &text, || format!("write the {} report {}", format.name(), path.display()))?;
    }
    Ok(exit_code::OK)
}

/// Everything that can be said of the run that `wanted` names.
fn assess(store: &Store, wanted: &Selector, against: Option<&str>) -> anyhow::Result<Assessment> {
    let run = load(store, wanted)?;
    let reference = against.map(|name| reference(store, name, &run)).transpose()?;
    Ok(run_regression_analysis(store, run, reference.as_ref())?)
}

/// What `name` names for `run`: a file, a stored baseline, else a run.
fn reference(store: &Store, name: &str, run: &Run) -> anyhow::Result<Side> {
    let is_baseline = match name.parse() {
        Ok(name) => !store.baselines(Some(&name))?.is_empty(),
        Err(_) => false,
    };
    if is_baseline || Path::new(name).is_file() {
        return Ok(against::against(store, name, run)?.side);
    }
    let nothing = |reason: String| CommandError::Usage { what: format!("find the reference {name}"), reason };
    let selector: Selector = name.parse().map_err(|error| {
        nothing(format!("there is no such file or baseline, and as the name of a run {error}"))
    })?;
    let side = load(store, &selector)?.side(None);
    Ok(side.ok_or_else(|| nothing("this run has no boots".to_owned()))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: ReportOptions,
    }

    #[test]
    fn every_format_has_its_option() {
        for format in ReportFormat::ALL {
            let option = format!("--{}", format.name());
            let line = Line::try_parse_from(["report", option.as_str(), "out"]).expect("it is an option");
            assert_eq!(line.options.formats.wanted(), [(format, Path::new("out"))]);
        }
    }

    #[test]
    fn without_a_format_all_are_named() {
        let error = Line::try_parse_from(["report", "last"]).expect_err("nothing to write").to_string();
        for format in ReportFormat::ALL {
            assert!(error.contains(&format!("--{}", format.name())), "{error}");
        }
    }
}
