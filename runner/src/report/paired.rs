//! The report of two builds that were measured in turn.

use perf_kernel::wire::Mode;
use serde::Serialize;

use super::clean::clean;
use super::comparison::verdict_style;
use super::grid::{Align, Cell, Grid};
use super::json::to_json;
use super::quantity::{figure, instructions};
use super::style::{Palette, Style};
use super::{header, stop};
use crate::analysis::{Found, MISS, Paired, PairedBench, Ratio, Replicate, Verdict};
use crate::store::Run;

/// How the log line of a boot that measures two builds begins; what they are follows.
const SIDES: &str = "two builds: ";

/// The version of the JSON; `docs/ab.md` describes it.
const FORMAT: u32 = 1;

/// The report of `run`, whose pairs say what is in `found`.
#[must_use]
pub fn paired_page(run: &Run, found: &Paired, palette: Palette) -> String {
    let mut text = header::header(run, palette);
    if let Some(sides) = sides(run) {
        text.push_str(&palette.paint(Style::Dim, &format!("  {:<10}", "builds")));
        text.push_str(&format!("{}\n", clean(sides)));
    }
    if !found.benches.is_empty() {
        text.push('\n');
        text.push_str(&table(found, palette));
    }
    text.push_str(&format!("\n{}", method(found)));
    text.push_str(&stop::crashes(&run.boots, palette));
    text.push_str(&format!("\n{}", totals(found, palette)));
    text
}

/// What the two builds are, by the first boot that tells.
fn sides(run: &Run) -> Option<&str> {
    let mut lines = run.boots.iter().flat_map(|stored| &stored.boot.log);
    lines.find_map(|line| line.text.strip_prefix(SIDES))
}

fn table(found: &Paired, palette: Palette) -> String {
    let columns = [
        ("bench", Align::Left),
        ("base", Align::Right),
        ("candidate", Align::Right),
        ("change", Align::Right),
        ("95 % interval", Align::Left),
        ("p", Align::Right),
        ("verdict", Align::Left),
    ];
    let mut grid = Grid::new(&columns);
    for bench in &found.benches {
        let shown = |value: Option<f64>| match value.zip(bench.unit) {
            Some((value, unit)) => figure(value, unit).into(),
            None => Cell::default(),
        };
        let (change, interval, p) = match &bench.found {
            Found::Nothing => (String::new(), String::new(), String::new()),
            Found::Equal => ("0".to_owned(), String::new(), String::new()),
            Found::Counts { statistic, base, candidate } => {
                (counted(statistic, *base, *candidate), String::new(), String::new())
            }
            Found::Ratio(ratio) => (percent(ratio.estimate), interval(ratio), probability(ratio.p_adjusted)),
        };
        grid.add(vec![
            clean(&bench.id).into_owned().into(),
            shown(bench.base),
            shown(bench.candidate),
            Cell::new(verdict_style(bench.verdict), change),
            interval.into(),
            p.into(),
            Cell::new(verdict_style(bench.verdict), word(bench)),
        ]);
    }
    grid.render(palette, None, &[])
}

/// The verdict, with what keeps it from another.
fn word(bench: &PairedBench) -> String {
    let name = bench.verdict.name();
    if bench.reason.is_empty() { name.to_owned() } else { format!("{name}: {}", clean(&bench.reason)) }
}

/// A difference of counts; the median needs no name.
fn counted(statistic: &str, base: f64, candidate: f64) -> String {
    let sign = if candidate > base { "+" } else { "" };
    let difference = format!("{sign}{}", instructions(candidate - base));
    if statistic == "p50" { difference } else { format!("{difference} at {statistic}") }
}

fn percent(ratio: f64) -> String {
    format!("{:+.2} %", (ratio - 1.0) * 100.0)
}

fn interval(ratio: &Ratio) -> String {
    ratio.interval.map_or_else(String::new, |(low, high)| format!("{} to {}", percent(low), percent(high)))
}

fn probability(p: f64) -> String {
    if p < 0.000_1 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}

/// What the verdicts rest on.
fn method(found: &Paired) -> String {
    let margin = found.margin * 100.0;
    match found.replicate {
        Replicate::Count => {
            "counts of instructions, each of the base held against the candidate's of the same history\n"
                .to_owned()
        }
        Replicate::Block => format!(
            "signed ranks over blocks of base, candidate, candidate, base; p adjusted over the benches of a suite; margin \
             {margin} %\nblocks of a boot share its memory and its layout: nothing is decided by fewer than 6 boots, which are then compared\n"
        ),
        Replicate::Boot => format!(
            "signed ranks over the medians of boots; p adjusted over the benches of a suite; margin {margin} %\n"
        ),
    }
}

fn totals(found: &Paired, palette: Palette) -> String {
    let number = |verdict| found.benches.iter().filter(|bench| bench.verdict == verdict).count();
    let shown = Verdict::ALL.into_iter().filter(|verdict| number(*verdict) > 0);
    let mut parts: Vec<String> = shown
        .map(|verdict| {
            palette.paint(verdict_style(verdict), &format!("{} {}", number(verdict), verdict.name()))
        })
        .collect();
    if found.skipped > 0 {
        parts.push(palette.paint(Style::Dim, &format!("{} skipped", found.skipped)));
    }
    if parts.is_empty() { "no bench was measured\n".to_owned() } else { format!("{}\n", parts.join(", ")) }
}

/// The JSON of the same.
#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    run: &'a str,
    mode: Option<Mode>,
    builds: Option<&'a str>,
    replicates: &'static str,
    margin: f64,
    confidence: f64,
    skipped: usize,
    benches: Vec<DocumentBench<'a>>,
}

#[derive(Serialize)]
struct DocumentBench<'a> {
    id: &'a str,
    verdict: &'static str,
    reason: Option<&'a str>,
    unit: Option<&'static str>,
    base: Option<f64>,
    candidate: Option<f64>,
    statistic: Option<&'static str>,
    ratio: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    p: Option<f64>,
    p_adjusted: Option<f64>,
    n: Option<usize>,
}

/// What is in `found` of `run`, for scripts.
#[must_use]
pub fn paired_json(run: &Run, found: &Paired) -> String {
    let document = Document {
        format: FORMAT,
        run: &run.head.id,
        mode: found.mode,
        builds: sides(run),
        replicates: match found.replicate {
            Replicate::Count => "counts",
            Replicate::Block => "blocks",
            Replicate::Boot => "boots",
        },
        margin: found.margin,
        confidence: 1.0 - MISS,
        skipped: found.skipped,
        benches: found.benches.iter().map(document_bench).collect(),
    };
    to_json(&document, 2)
}

fn document_bench(bench: &PairedBench) -> DocumentBench<'_> {
    let ratio = match &bench.found {
        Found::Ratio(ratio) => Some(ratio),
        Found::Nothing | Found::Equal | Found::Counts { .. } => None,
    };
    let (statistic, base, candidate) = match bench.found {
        Found::Counts { statistic, base, candidate } => (Some(statistic), Some(base), Some(candidate)),
        Found::Nothing | Found::Equal | Found::Ratio(_) => (None, bench.base, bench.candidate),
    };
    DocumentBench {
        id: &bench.id,
        verdict: bench.verdict.name(),
        reason: Some(bench.reason.as_str()).filter(|reason| !reason.is_empty()),
        unit: bench.unit.map(|unit| unit.name()),
        base,
        candidate,
        statistic,
        ratio: ratio.map(|ratio| ratio.estimate),
        low: ratio.and_then(|ratio| ratio.interval).map(|(low, _)| low),
        high: ratio.and_then(|ratio| ratio.interval).map(|(_, high)| high),
        p: ratio.map(|ratio| ratio.p),
        p_adjusted: ratio.map(|ratio| ratio.p_adjusted),
        n: ratio.map(|ratio| ratio.replicates),
    }
}
