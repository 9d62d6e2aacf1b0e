//! What a reader sees first.

use maud::{Markup, html};
use perf_kernel::wire::{Mode, Status};

use super::environment::machine_name;
use super::view::{SuiteView, View};
use crate::analysis::{ScorePart, Verdict, merge};
use crate::report::clean::clean;
use crate::report::headline::{self, answer, benches, tally};
use crate::report::{header, words};

pub(super) fn overview(view: &View<'_>) -> Markup {
    let assessment = view.assessment;
    let merged = merge(assessment.run.boots.iter().map(|stored| &stored.boot));
    let troubles = headline::troubles(assessment, &merged);
    html! {
        section.overview id="overview" {
            p.kicker { (moments(view)) }
            h1 class=(tone(view)) { (answer(assessment, &merged)) }
            @if let Some(comparison) = &assessment.comparison {
                p.against { "Run " code { (clean(&comparison.b)) } " against " code { (clean(&comparison.a)) } }
            } @else {
                p.against { "There is no earlier run to compare with, so the figures stand for themselves." }
            }
            @if !troubles.is_empty() {
                ul.troubles { @for line in &troubles { li { span.sign aria-hidden="true" { "!" } (line) } } }
            }
            div.tiles {
                (benches_tile(view))
                (boots_tile(view))
                (verdict_tile(view))
                (score_tile(view))
                (target_tile(view))
                (finding_tile(view))
            }
            @if let Some(mode) = view.mode { p.mode { strong { (mode.name()) } ": " (header::meaning(mode)) ". " (mode_note(mode)) } }
            (suite_lines(view))
        }
    }
}

fn moments(view: &View<'_>) -> Markup {
    let head = &view.assessment.run.head;
    html! {
        (words::moment(head.started)) " \u{b7} " (clean(&head.command))
        @if let Some(profile) = &head.profile { ", profile " (clean(profile)) }
        " \u{b7} " (machine_name(&view.assessment.run))
        " \u{b7} " (words::counted(view.assessment.run.boots.len(), "boot"))
        @if let Some(revision) = &head.revision {
            " \u{b7} revision " code { (clean(revision).chars().take(12).collect::<String>()) }
        }
    }
}

/// The colour of the answer.
fn tone(view: &View<'_>) -> &'static str {
    let verdicts = headline::verdicts(view.assessment);
    match () {
        () if tally(verdicts, Verdict::Regressed) > 0 => "regressed",
        () if tally(verdicts, Verdict::Improved) > 0 => "improved",
        () => "plain",
    }
}

/// What figures mean in `mode`.
pub(super) const fn mode_note(mode: Mode) -> &'static str {
    match mode {
        Mode::Hardware => "Figures are times on this machine; targets are judged.",
        Mode::Kvm => {
            "Figures are times on this machine; the hypervisor may take its share, which the interference ledger shows."
        }
        Mode::Tcg => {
            "Figures are times of the emulator: compare them with other emulated runs only. Targets are not judged."
        }
        Mode::Icount => {
            "Figures are instructions, equal in every boot of the same image: they say what work is done, not how long \
             it takes. Targets are not judged."
        }
        Mode::Hosted => {
            "Figures are times in a Linux process, with the scheduler of its kernel around it. Benches that need the \
             kernel's privilege are skipped."
        }
    }
}

fn benches_tile(view: &View<'_>) -> Markup {
    let measured = view.number(Status::Measured);
    let rest = [(Status::Failed, "failed"), (Status::Invalid, "invalid"), (Status::Skipped, "skipped")];
    let rest: Vec<String> = rest
        .into_iter()
        .map(|(status, word)| (view.number(status), word))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    html! {
        div.tile {
            h2 { "Measured" }
            p.big { (measured) }
            p { @if rest.is_empty() { "all benches that were asked for" } @else { (rest.join(", ")) } }
        }
    }
}

fn boots_tile(view: &View<'_>) -> Markup {
    let mut ends: Vec<(&str, usize)> = Vec::new();
    for stored in &view.assessment.run.boots {
        let name = header::end_name(stored.boot.end);
        match ends.iter_mut().find(|(known, _)| *known == name) {
            Some((_, times)) => *times += 1,
            None => ends.push((name, 1)),
        }
    }
    let shown: Vec<String> = match ends.as_slice() {
        [(name, _)] => vec![(*name).to_owned()],
        many => many.iter().map(|(name, times)| format!("{times} {name}")).collect(),
    };
    html! {
        div.tile { h2 { "Boots" } p.big { (view.assessment.run.boots.len()) } p { (shown.join(", ")) } }
    }
}

fn verdict_tile(view: &View<'_>) -> Markup {
    let verdicts = headline::verdicts(view.assessment);
    let shown: Vec<(Verdict, usize)> = Verdict::ALL
        .map(|verdict| (verdict, tally(verdicts, verdict)))
        .into_iter()
        .filter(|it| it.1 > 0)
        .collect();
    html! {
        @if !shown.is_empty() {
            div.tile.wide-tile {
                h2 { "Verdicts" }
                ul.verdicts {
                    @for (verdict, number) in shown {
                        li class=(words::verdict_class(verdict)) {
                            span.sign aria-hidden="true" { (words::verdict_mark(verdict)) }
                            strong { (number) } " " (verdict.name())
                        }
                    }
                }
            }
        }
    }
}

fn score_tile(view: &View<'_>) -> Markup {
    let Some(score) = &view.assessment.score else { return html! {} };
    html! {
        div.tile {
            h2 { "Score" }
            p.big { (points(&score.total)) }
            p { "100 is " span.nobreak { (clean(&score.reference)) } "; more is faster" }
        }
    }
}

/// Points with the distance to the ends of their interval.
fn points(part: &ScorePart) -> Markup {
    let half = part.interval.map(|interval| (interval.high - interval.low) / 2.0);
    html! {
        (format!("{:.1}", part.points))
        @if let Some(half) = half { span.half { " \u{b1} " (format!("{half:.1}")) } }
    }
}

fn target_tile(view: &View<'_>) -> Markup {
    let (met, missed, open) = headline::targets(view.assessment);
    html! {
        @if met + missed > 0 {
            div.tile.attention[missed > 0] {
                h2 { "Targets" }
                p.big { (met) span.half { " of " (met + missed) } }
                p {
                    @if missed == 0 { "met" } @else { "met; " a href="#missed" { (missed) " missed" } }
                    @if open > 0 { ", " (open) " not judged" }
                }
            }
        }
    }
}

fn finding_tile(view: &View<'_>) -> Markup {
    let has_history = view.assessment.courses.iter().any(|course| course.series.points.len() > 1);
    let open = headline::open_findings(view.assessment).len() + view.assessment.growth_changes.len();
    let runs = view.assessment.courses.iter().map(|course| course.series.points.len()).max().unwrap_or(0);
    html! {
        @if has_history {
            div.tile.attention[open > 0] {
                h2 { "History" }
                p.big { (open) span.half { @if open == 1 { " finding" } @else { " findings" } } }
                p { "in up to " (runs) " runs" @if open > 0 { "; " a href="#findings" { "see them" } } }
            }
        }
    }
}

/// A line for each suite: what it is, what came of it.
fn suite_lines(view: &View<'_>) -> Markup {
    let score = view.assessment.score.as_ref();
    let has_verdicts = !headline::verdicts(view.assessment).is_empty();
    let part = |name: &str| score.and_then(|score| score.suites.iter().find(|part| part.name == name));
    html! {
        div.wide role="region" aria-label="Suites of this run" tabindex="0" {
            table.suites {
                caption.hidden { "Suites of this run" }
                thead {
                    tr {
                        th scope="col" { "suite" } th scope="col" { "what it measures" }
                        th.number scope="col" { "measured" } th.number scope="col" { "skipped" }
                        @if has_verdicts { th scope="col" { "verdicts" } }
                        @if score.is_some() { th.number scope="col" { "score" } }
                    }
                }
                tbody {
                    @for suite in &view.suites {
                        tr {
                            th scope="row" { (suite_name(suite)) }
                            td { (suite.suite.map_or("not in the catalogue of this version", |it| short(it.about))) }
                            td.number { (number(suite, Status::Measured)) }
                            td.number { (number(suite, Status::Skipped)) }
                            @if has_verdicts { td { (suite_verdicts(suite)) } }
                            @if score.is_some() { td.number { @if let Some(part) = part(suite.name) { (points(part)) } } }
                        }
                    }
                }
            }
        }
    }
}

fn suite_name(suite: &SuiteView<'_>) -> Markup {
    let is_shown = suite.benches.iter().any(super::view::BenchView::is_shown);
    html! {
        @if is_shown { a href={ "#" (suite.anchor) } { (clean(suite.name)) } } @else { (clean(suite.name)) }
    }
}

/// The first clause of a suite's description.
fn short(about: &'static str) -> &'static str {
    about.split(':').next().unwrap_or(about)
}

fn number(suite: &SuiteView<'_>, status: Status) -> Markup {
    let number = suite.benches.iter().filter(|bench| bench.merged.status == status).count();
    html! { @if number > 0 { (number) } @else { span.quiet { "\u{2013}" } } }
}

fn suite_verdicts(suite: &SuiteView<'_>) -> Markup {
    let number = |verdict| {
        suite.benches.iter().filter(|bench| bench.verdict.is_some_and(|it| it.verdict == verdict)).count()
    };
    let shown = Verdict::ALL.map(|verdict| (verdict, number(verdict))).into_iter().filter(|it| it.1 > 0);
    html! {
        @for (verdict, number) in shown {
            span class={ "alarm " (words::verdict_class(verdict)) } {
                span aria-hidden="true" { (words::verdict_mark(verdict)) } (number) span.hidden { " " (verdict.name()) }
            } " "
        }
    }
}

/// How to read the figures.
pub(super) fn reading(view: &View<'_>) -> Markup {
    html! {
        section id="reading" {
            h2 { "How to read this" }
            dl.glossary {
                dt { "P50, P90, P99, P99.9" }
                dd {
                    "Half, nine tenths, 99 % and 99.9 % of samples cost at most this much, for one iteration of the bench. \
                     P99.9 is given from 10,000 samples up."
                    @if view.assessment.run.boots.len() > 1 { " Over several boots, each is the median of the boots' figures." }
                }
                dt { "spread" }
                dd { "Distance between the lowest and the highest median of a boot, as a share of their median." }
                dt { "rate" }
                dd { "Operations or bytes in a second over all samples; sustained is the slowest tenth of them, peak the fastest." }
                @if view.shown().any(|bench| bench.merged.cold.is_some()) {
                    dt { "cold" }
                    dd { "Single iterations, each right after the CPU's caches and TLB were emptied; branch predictors stay warm. All other figures are hot." }
                }
                @for verdict in Verdict::ALL {
                    dt { (super::parts::verdict(verdict)) }
                    dd { (meaning(verdict)) }
                }
            }
            p.quiet {
                "Boots are the replicates: a verdict rests on medians of whole boots, never on samples of one. "
                (benches(view.shown().count())) " have a page here."
            }
        }
    }
}

const fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => "It costs more, by more than matters, and chance does not explain it.",
        Verdict::Improved => "It costs less, by more than matters, and chance does not explain it.",
        Verdict::Equivalent => "The difference, if there is one, is smaller than matters.",
        Verdict::Undecided => "Neither can be said with the boots that there are.",
        Verdict::NotComparable => "One side has no figure, or the sides are not alike.",
        Verdict::Invalid => "One side has a figure that failed its own checks.",
    }
}
