//! `detect`: the change points of series in CSV files.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::CommandError;
use super::output::print;
use crate::exit_code;
use crate::history::{Detector, Finding, Key, Point, read_table};
use crate::progress::note;
use crate::report::clean;

/// Smallest and largest rate that a detector takes, in false alarms per point.
const RATES: std::ops::RangeInclusive<f64> = 1e-9..=1e-2;

#[derive(Args, Clone, Debug)]
pub(super) struct DetectOptions {
    /// CSV files; the header names the column `value`, and perhaps `commit` and `unit`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// False alarms per point that are acceptable [default: one a month over 339 series with a point a day]
    #[arg(long, value_name = "NUMBER", value_parser = rate)]
    rate: Option<f64>,
    /// Print every finding with type, place and size instead of the first indexes of new levels
    #[arg(long)]
    verbose: bool,
}

/// Prints, for each file on a line of its own, the 0-based index of the first point of each new level.
pub(super) fn detect(options: &DetectOptions) -> anyhow::Result<u8> {
    let detector = options.rate.map_or_else(Detector::default, Detector::with_rate);
    let mut text = String::new();
    let mut code = exit_code::OK;
    for path in &options.files {
        let points = read(path)?;
        let finite = points.iter().filter(|point| point.value.is_finite()).count();
        if finite < Detector::POINTS_MIN {
            let least = Detector::POINTS_MIN;
            note(&format!("{}: {finite} points; nothing is said of fewer than {least}", path.display()));
        }
        if finite == 0 {
            code = exit_code::NO_DATA;
        }
        let findings = detector.analyse(Key::of(&path.to_string_lossy()), &points, &[]);
        if options.verbose {
            findings.iter().for_each(|finding| describe(&mut text, path, finding));
        } else {
            let levels = findings.iter().filter(|finding| finding.kind.is_new_level());
            let indexes: Vec<String> = levels.map(|finding| finding.at.to_string()).collect();
            text.push_str(&indexes.join(" "));
            text.push('\n');
        }
    }
    print(&text)?;
    Ok(code)
}

/// The points of the file at `path`.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<Point>> {
    let what = || format!("read the series {}", path.display());
    let bytes = fs::read(path).map_err(|error| anyhow::Error::new(error).context(what()))?;
    let wrong = |reason: String| CommandError::File { what: what(), reason };
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        wrong(format!("line {line} is no UTF-8 text"))
    })?;
    Ok(read_table(&text).map_err(|error| wrong(error.to_string()))?)
}

fn rate(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if RATES.contains(&number) {
        Ok(number)
    } else {
        Err(format!("it must be {:e} to {:e}", RATES.start(), RATES.end()))
    }
}

fn describe(text: &mut String, path: &Path, finding: &Finding) {
    let Finding { id, kind, certainty, at, location, size, ln_p } = finding;
    let spans: Vec<String> = location.iter().map(|span| format!("{}..={}", span.first, span.last)).collect();
    let interval =
        size.interval.map(|of| format!(" ({:.6e} to {:.6e})", of.low, of.high)).unwrap_or_default();
    let percent = size.relative().map(|part| format!(" = {:+.2} %", 100.0 * part)).unwrap_or_default();
    let log = ln_p.map(|log| format!(", ln p {log:.1}")).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{}: {id} {}, {} at {at} (95 % set {}), from {:.6e} to {:.6e}: {:+.6e}{interval}{percent}{log}",
        clean(&path.to_string_lossy()),
        kind.name(),
        certainty.name(),
        spans.join(" "),
        size.before,
        size.after,
        size.shift,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_outside_the_detectors_range_are_refused() {
        assert_eq!(rate("1e-4"), Ok(1e-4));
        for wrong in ["x", "0", "-1", "nan", "1", "inf"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
