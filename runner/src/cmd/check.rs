//! `check`: the gate of a CI job.

use std::io;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::against::{Against, against};
use super::arguments::StoreOptions;
use super::output::print;
use super::share::{rate, share};
use super::show::{load, open};
use crate::analysis::{Comparison, Settings, Side, bench_of, compare_with};
use crate::baseline::{BaselineKind, complaints, crept_since};
use crate::gate::{BootHealth, Decision, Evidence, Standing, decide};
use crate::report::{BootAgain, Gate, Palette, annotations, comparison};
use crate::store::{Run, Selector, Store};

/// Most boots that `--boots` takes.
const BOOTS_MAX: u32 = 1_000;

#[derive(Args, Clone, Debug)]
pub(super) struct CheckOptions {
    /// The run
    #[arg(default_value = "last", value_name = "RUN[:BOOT]")]
    pub(super) run: Selector,
    /// What to hold it against: a stored baseline, or a file that `baseline export` or --json wrote
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) baseline: String,
    /// Judge only benches whose id begins so; may be repeated
    #[arg(long, value_name = "PREFIX")]
    pub(super) filter: Vec<String>,
    /// Smallest change of a time that matters; in exact mode every instruction does
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = share)]
    pub(super) margin: f64,
    /// Share of false ones among the changes that are reported of a suite, at most
    #[arg(long, value_name = "SHARE", default_value = "0.05", value_parser = rate)]
    pub(super) alpha: f64,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) store: StoreOptions,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// Annotations of a GitHub job
    Github,
    /// For scripts (docs/json.md)
    Json,
}

pub(super) fn check(options: &CheckOptions) -> anyhow::Result<u8> {
    let store = open(&options.store, &options.run)?;
    let run = load(&store, &options.run)?;
    let mut held = against(&store, &options.baseline, &run)?;
    let what = || format!("check run {}: it has no boots", run.head.id);
    let mut side = run.side(options.run.boot).with_context(what)?;
    for side in [&mut held.side, &mut side] {
        keep_only(side, &options.filter);
    }
    let settings = Settings { margin: options.margin, alpha: options.alpha, ..Settings::default() };
    let found = compare_with(&held.side, &side, &settings);
    let health = run.boots.iter().map(|stored| {
        let boot = &stored.boot;
        let complaints = complaints(boot.end, boot.clock.as_ref(), &boot.damage, boot.ledger.as_ref());
        BootHealth { number: stored.number, complaints }
    });
    let boots: Vec<_> = health.collect();
    let evidence = Evidence { baseline: &held.side, run: &side, boots: &boots, comparison: &found };
    let decision = decide(&evidence);
    let boot_again = boot_again(&decision, &evidence, &run, options);
    let notes = notes(&store, &held, &boots, &run, options)?;
    let gate = Gate { comparison: &found, decision: &decision, boot_again, notes };
    print(&match options.format {
        Format::Text => {
            let palette = Palette::of(&io::stdout());
            format!("{}\n{}", comparison(&found, palette), gate.text(palette))
        }
        Format::Json => gate.json(),
        Format::Github => annotations(&found) + &gate.annotations(),
    })?;
    Ok(decision.standing.exit_code())
}

/// Leaves `side` only the benches whose id begins with one of `prefixes`; all of them without any.
fn keep_only(side: &mut Side, prefixes: &[String]) {
    if prefixes.is_empty() {
        return;
    }
    let is_asked_for = |id: &str| prefixes.iter().any(|prefix| id.starts_with(prefix));
    side.boots.iter_mut().for_each(|boot| boot.retain(|bench| is_asked_for(&bench.id)));
}

/// What a reader should know besides the causes.
fn notes(
    store: &Store,
    held: &Against,
    boots: &[BootHealth],
    run: &Run,
    options: &CheckOptions,
) -> anyhow::Result<Vec<String>> {
    let mut notes = held.notes.clone();
    let complaints =
        boots.iter().flat_map(|boot| boot.complaints.iter().map(move |said| (boot.number, said)));
    notes.extend(complaints.map(|(number, complaint)| format!("boot {number} {complaint}")));
    if let BaselineKind::Pinned(document) = &held.baseline.kind {
        let series = store.all_series(&held.baseline.fingerprint.name())?;
        let crept = crept_since(document, &series, &run.head.id, options.margin);
        notes.extend(crept.iter().map(|creep| {
            let percent = |ratio: f64| (ratio - 1.0) * 100.0;
            format!(
                "{} crept: {:+.1} % over {} runs, of which no step was more than {:+.1} %",
                creep.bench,
                percent(creep.ratio),
                creep.runs,
                percent(creep.step_max)
            )
        }));
    }
    Ok(notes)
}

/// What would decide the suspected benches; `None` if there are none.
fn boot_again(
    decision: &Decision,
    evidence: &Evidence<'_>,
    run: &Run,
    options: &CheckOptions,
) -> Option<BootAgain> {
    let suspected = decision.causes.iter().filter(|cause| cause.standing == Standing::Suspected);
    let benches: Vec<String> = suspected.filter_map(|cause| cause.bench.clone()).collect();
    if benches.is_empty() {
        return None;
    }
    let Some(more) = boots_more(evidence.comparison, &benches) else {
        return Some(BootAgain { benches, boots: None, boots_baseline: None, commands: Vec::new() });
    };
    let have = |side: &Side| u32::try_from(side.boots.len()).unwrap_or(BOOTS_MAX);
    let needed = |side: &Side| have(side).saturating_add(more).min(BOOTS_MAX);
    let boots = needed(evidence.run);
    let mut measured: Vec<&str> = benches.iter().map(|id| bench_of(id)).collect();
    measured.dedup();
    let filters: String = measured.iter().map(|id| format!(" --filter {id}")).collect();
    let start = match &run.head.profile {
        _ if run.head.command == "hosted" => "multios-perf hosted".to_owned(),
        Some(profile) => format!("multios-perf run --profile {profile}"),
        None => "multios-perf run".to_owned(),
    };
    let baseline = &options.baseline;
    Some(BootAgain {
        boots: Some(boots),
        boots_baseline: (have(evidence.baseline) < boots).then(|| needed(evidence.baseline)),
        commands: vec![
            format!("{start}{filters} --boots {boots}"),
            format!("multios-perf check last --baseline {baseline}{filters}"),
        ],
        benches,
    })
}

/// The most boots that any of `benches` needs on each side beyond those that there are, of those that boots can decide;
/// `None` if they can decide none.
fn boots_more(comparison: &Comparison, benches: &[String]) -> Option<u32> {
    let suspected = comparison.benches.iter().filter(|bench| benches.contains(&bench.id));
    suspected.filter_map(|bench| bench.change?.boots_more).max()
}
