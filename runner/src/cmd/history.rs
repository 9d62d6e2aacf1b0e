//! `history`: the course of one bench.

use std::io;

use clap::Args;
use serde::Serialize;

use super::arguments::StoreOptions;
use super::failure::CommandError;
use super::output::print;
use super::tracked;
use crate::exit_code;
use crate::report::{Palette, course, course_lines, to_json};
use crate::store::{Series, Store};
use crate::tracking::{FindingState, TrackedFinding, courses};

#[derive(Args, Clone, Debug)]
pub(super) struct HistoryOptions {
    /// The bench, with its scale; without one, the histories with findings are listed
    #[arg(value_name = "BENCH")]
    bench: Option<String>,
    /// The machine, by the first digits of its fingerprint [default: the one with the newest run of the bench]
    #[arg(long, value_name = "FINGERPRINT")]
    machine: Option<String>,
    /// Newest runs that are shown
    #[arg(long, value_name = "N", default_value_t = 40)]
    rows: usize,
    /// Print JSON (docs/json.md)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

/// A history as `history --json` has it: the contract that `docs/json.md` describes.
#[derive(Serialize)]
struct Document<'a> {
    bench: &'a str,
    machine: &'a str,
    points: Vec<DocumentPoint<'a>>,
    findings: &'a [TrackedFinding],
}

#[derive(Serialize)]
struct DocumentPoint<'a> {
    run: &'a str,
    started: String,
    revision: Option<&'a str>,
    image_hash: Option<&'a str>,
    unit: &'a str,
    value: f64,
    low: f64,
    high: f64,
    boots: usize,
}

pub(super) fn history(options: &HistoryOptions) -> anyhow::Result<u8> {
    let store = tracked::open(&options.store)?;
    match (&options.bench, &store) {
        (Some(bench), Some(store)) => one(options, store, bench)?,
        (Some(bench), None) => return Err(no_history(bench)),
        (None, Some(store)) => all(options, store)?,
        (None, None) => print(if options.json { "[]\n" } else { NOTHING })?,
    }
    Ok(exit_code::OK)
}

const NOTHING: &str = "no history shows anything yet: `multios-perf run` adds a point to each\n";

fn one(options: &HistoryOptions, store: &Store, bench: &str) -> anyhow::Result<()> {
    let benches = [bench.to_owned()];
    for machine in tracked::machines(store, options.machine.as_deref())? {
        let Some((series, findings)) = courses(store, &machine.name, &benches, None)?.pop() else { continue };
        let text = if options.json {
            to_json(&Document::of(&machine.name, &series, &findings), 2)
        } else {
            course(&series, &findings, options.rows, Palette::of(&io::stdout()))
        };
        return print(&text);
    }
    Err(no_history(bench))
}

fn all(options: &HistoryOptions, store: &Store) -> anyhow::Result<()> {
    let mut shown = Vec::new();
    for machine in tracked::machines(store, options.machine.as_deref())? {
        let benches: Vec<String> =
            store.all_series(&machine.name)?.into_iter().map(|series| series.bench).collect();
        for (series, mut findings) in courses(store, &machine.name, &benches, None)? {
            findings.retain(|finding| {
                let is_short = finding.finding.kind == crate::history::Kind::TooFewPoints;
                finding.state == FindingState::Standing && !is_short
            });
            if !findings.is_empty() {
                shown.push((machine.name.clone(), series, findings));
            }
        }
    }
    if options.json {
        let documents: Vec<_> =
            shown.iter().map(|(machine, series, findings)| Document::of(machine, series, findings)).collect();
        return print(&to_json(&documents, 3));
    }
    print(&if shown.is_empty() {
        NOTHING.to_owned()
    } else {
        course_lines(&shown, Palette::of(&io::stdout()))
    })
}

fn no_history(bench: &str) -> anyhow::Error {
    let reason = "no stored run has a valid figure of it; `multios-perf list` shows the benches".to_owned();
    CommandError::NoSuchBoot { what: format!("show the history of {bench}"), reason }.into()
}

impl<'a> Document<'a> {
    fn of(machine: &'a str, series: &'a Series, findings: &'a [TrackedFinding]) -> Self {
        let point = |point: &'a crate::store::SeriesPoint| DocumentPoint {
            run: &point.run,
            started: point.started.to_string(),
            revision: point.revision.as_deref(),
            image_hash: point.image_hash.as_deref(),
            unit: &point.unit,
            value: point.value,
            low: point.low,
            high: point.high,
            boots: point.boots,
        };
        Self { bench: &series.bench, machine, points: series.points.iter().map(point).collect(), findings }
    }
}
