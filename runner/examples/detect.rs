//! Prints the first index of each new level in the histories of CSV files, on one line per file.
//!
//! `detect [--rate ALARMS_PER_POINT] [--verbose] FILE.csv...`: the header names the columns; `value` is read and, where it
//! is there, `commit`. An empty value is a missing point. Exit code 2 says that a file could not be read.

use std::fmt::Write as _;
use std::process::ExitCode;

use runner::history::{Budget, Detector, Finding, Key, Point};

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("failed to {error}");
            ExitCode::from(2)
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<String, String> {
    let mut detector = Detector::new(&Budget::default());
    let mut is_verbose = false;
    let mut text = String::new();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rate" => {
                let rate = arguments.next().and_then(|rate| rate.parse().ok());
                detector = Detector::with_rate(rate.ok_or("read the number after --rate")?);
            }
            "--verbose" => is_verbose = true,
            path => {
                let points = read(path)?;
                let findings = detector.analyse(Key::of(path), &points, &[]);
                if is_verbose {
                    findings.iter().for_each(|finding| describe(&mut text, finding));
                } else {
                    let levels = findings.iter().filter(|finding| finding.kind.is_new_level());
                    let indexes: Vec<String> = levels.map(|finding| finding.at.to_string()).collect();
                    let _ = writeln!(text, "{}", indexes.join(" "));
                }
            }
        }
    }
    Ok(text)
}

fn describe(text: &mut String, finding: &Finding) {
    let Finding { id, kind, certainty, at, location, size, ln_p } = finding;
    let spans: Vec<String> = location.iter().map(|span| format!("{}..={}", span.first, span.last)).collect();
    let _ =
        writeln!(text, "{id} {kind:?} {certainty:?} at {at} in {} {size:?} ln_p {ln_p:?}", spans.join(","));
}

fn read(path: &str) -> Result<Vec<Point>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("read {path}: {error}"))?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').map(str::trim).collect();
    let column = |name: &str| header.iter().position(|field| *field == name);
    let value = column("value").ok_or_else(|| format!("find the column 'value' in {path}"))?;
    let commit = column("commit");
    let mut points = Vec::new();
    for (number, line) in (2..).zip(lines).filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let point = match fields.get(value).copied().unwrap_or_default() {
            "" => Point::new(f64::NAN),
            field => {
                Point::new(field.parse().map_err(|_| format!("read the value in line {number} of {path}"))?)
            }
        };
        let commit = commit.and_then(|commit| fields.get(commit)).filter(|commit| !commit.is_empty());
        points.push(commit.map_or(point, |commit| point.at_commit(Key::of(commit))));
    }
    Ok(points)
}
