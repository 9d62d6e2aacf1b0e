//! What a comparison says, as a table.

use maud::{Markup, html};

use super::parts::{self, bench_link};
use crate::analysis::{
    BenchVerdict, Comparison, Difference, ExactChange, ExactChangeKind, ExactComparison, FigureUnit, Level,
    Likeness, Outcome, Settings, Verdict,
};
use crate::report::{clean, in_words, share, words};

/// How many benches have each verdict; nothing without any.
pub(super) fn counts(benches: &[BenchVerdict]) -> Markup {
    let count = |verdict| benches.iter().filter(|bench| bench.verdict == verdict).count();
    html! {
        @if !benches.is_empty() {
            ul.counts {
                @for verdict in Verdict::ALL {
                    @let count = count(verdict);
                    @if count > 0 { li { strong { (count) } " " (parts::verdict(verdict)) } }
                }
            }
        }
    }
}

/// Whether the sides ran the same image, in words.
pub(super) fn images(comparison: &Comparison) -> &'static str {
    match comparison.images {
        Likeness::Same => "Both ran the same image.",
        Likeness::Different => "They ran different images.",
        Likeness::Unknown => "It is not known whether they ran the same image.",
    }
}

/// All of a comparison: differences of the fingerprints, or the table of verdicts.
pub(super) fn comparison(comparison: &Comparison, machine: Option<&str>) -> Markup {
    html! {
        p.dim { (images(comparison)) (left_out(comparison)) }
        @match &comparison.outcome {
            Outcome::NotComparable(differences) => (fields(differences)),
            _ if comparison.benches.is_empty() => p { "No bench has a figure on both sides." },
            Outcome::Boots => {
                (counts(&comparison.benches))
                (table(&comparison.benches, machine))
                p.dim { (boundaries(comparison.settings)) }
            },
            Outcome::Exact(exact) => {
                (counts(&comparison.benches))
                (table(&comparison.benches, machine))
                (others(exact, machine))
            },
        }
    }
}

/// What is not in the table.
fn left_out(comparison: &Comparison) -> String {
    let counted = |count: usize, what: &str| {
        (count > 0).then(|| format!(" {} {what}.", parts::counted(quantity(count), "bench")))
    };
    let skipped = counted(comparison.without_figures, "skipped on both sides");
    let one_sided = counted(comparison.left_out, "asked for on one side only");
    [skipped, one_sided].into_iter().flatten().collect()
}

fn quantity(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// By what boots were judged.
fn boundaries(settings: Settings) -> String {
    format!(
        "A change matters from {} up. Of the changes that are reported of a suite, at most {} are false.",
        share(settings.margin),
        share(settings.alpha)
    )
}

/// What else than figures differs between two sides that count instructions.
fn others(exact: &ExactComparison, machine: Option<&str>) -> Markup {
    let is_other = |change: &&ExactChange| !matches!(change.kind, ExactChangeKind::Figures { .. });
    let others: Vec<&ExactChange> = exact.changes.iter().filter(is_other).collect();
    html! {
        @if !others.is_empty() {
            details {
                summary { "What else differs, in " (parts::counted(quantity(others.len()), "bench")) }
                ul.findings { @for change in others { li { (bench_link(&change.id, machine)) " " (in_words(&change.kind)) } } }
            }
        }
    }
}

/// In which fields the sides differ.
fn fields(differences: &[Difference]) -> Markup {
    html! {
        div.notice role="note" {
            p { strong { "These runs are not comparable." } " Their machines or plans differ, so that a difference between figures would say nothing about the kernel." }
        }
        (parts::wide("Differences of the fingerprints", &html! {
            table {
                thead { tr { th scope="col" { "Field" } th scope="col" { "Before" } th scope="col" { "After" } } }
                tbody {
                    @for difference in differences {
                        tr {
                            th scope="row" { code { (clean(&difference.field)) } }
                            td { (clean(&difference.a)) } td { (clean(&difference.b)) }
                        }
                    }
                }
            }
        }))
    }
}

fn table(benches: &[BenchVerdict], machine: Option<&str>) -> Markup {
    let mut sorted: Vec<&BenchVerdict> = benches.iter().collect();
    let place = |verdict| Verdict::ALL.iter().position(|known| *known == verdict);
    // Benches of one verdict stay in the order in which they ran.
    sorted.sort_by_key(|bench| place(bench.verdict));
    parts::wide(
        "Verdicts",
        &html! {
            table {
                caption.quiet { "Verdicts by bench, what needs a look first" }
                thead {
                    tr {
                        th scope="col" { "Bench" } th scope="col" { "Verdict" }
                        th.number scope="col" { "Before" } th.number scope="col" { "After" }
                        th.number scope="col" { "Change" } th scope="col" { "Interval" } th scope="col" { "Remark" }
                    }
                }
                tbody {
                    @for bench in sorted {
                        tr {
                            th scope="row" { (bench_link(&bench.id, machine)) }
                            td { (parts::verdict(bench.verdict)) }
                            td.number { (level(bench.before.as_ref(), bench.unit)) }
                            td.number { (level(bench.after.as_ref(), bench.unit)) }
                            td.number { (shift(bench)) }
                            td { @if let Some(interval) = bench.change.and_then(|change| change.interval) { (words::change_interval(interval)) } }
                            td { (remark(bench)) }
                        }
                    }
                }
            }
        },
    )
}

/// The change of a bench in percent; nothing without one.
pub(super) fn shift(bench: &BenchVerdict) -> Markup {
    html! { @if let Some(change) = &bench.change { (words::change(change.ratio - 1.0)) } }
}

fn level(level: Option<&Level>, unit: Option<FigureUnit>) -> Markup {
    html! { @if let (Some(level), Some(unit)) = (level, unit) { (words::figure(level.median, unit)) } }
}

fn remark(bench: &BenchVerdict) -> String {
    let reason = bench.reason.as_deref().map(|reason| clean(reason).into_owned());
    reason.or_else(|| bench.change.as_ref().and_then(words::remedy)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Change;
    use crate::history::Interval;

    fn bench(id: &str, verdict: Verdict, ratio: f64) -> BenchVerdict {
        let level = |median| Level { boots: 5, median, low: median, high: median };
        let interval = Interval { low: ratio - 0.01, high: ratio + 0.01 };
        let change = Change {
            ratio,
            interval: Some(interval),
            confidence: Some(0.95),
            effect: None,
            p: None,
            q: None,
            detectable: None,
            boots_more: (verdict == Verdict::Undecided).then_some(4),
        };
        BenchVerdict {
            id: id.into(),
            verdict,
            reason: None,
            unit: Some(FigureUnit::Nanoseconds),
            before: Some(level(100.0)),
            after: Some(level(100.0 * ratio)),
            change: Some(change),
        }
    }

    #[test]
    fn what_needs_a_look_stands_first() {
        let benches = [
            bench("env/pause", Verdict::Equivalent, 1.0),
            bench("memory/a", Verdict::Undecided, 1.01),
            bench("memory/<b>", Verdict::Regressed, 1.1),
        ];
        let page = table(&benches, Some("m")).into_string();
        let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not in {page}"));
        assert!(
            place("&lt;b&gt;") < place("memory/<wbr>a") && place("memory/<wbr>a") < place("env/<wbr>pause")
        );
        for text in ["110 ns", "+10.0 %", "+9.00 % to +11.0 %", "4 boots more on each side", "regressed"] {
            place(text);
        }
        let counted = counts(&benches).into_string();
        assert_eq!(counted.matches("<li>").count(), 3, "{counted}");
        assert_eq!(counts(&[]).into_string(), "");
    }
}
