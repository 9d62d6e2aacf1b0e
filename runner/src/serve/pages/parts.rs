//! Pieces that many pages are made of.

use maud::{Markup, html};
use perf_kernel::wire::Status;

use crate::analysis::{Fingerprint, Verdict, bench_of};
use crate::collect::BootEnd;
use crate::report::{clean, quantity, words};
use crate::serve::link;
use crate::store::{RunRow, UnixSeconds};

/// Characters of a hash or revision that are shown.
const SHORT_CHARACTERS: usize = 16;

/// Day and minute of `at`, for people and for programs.
pub(in crate::serve) fn moment(at: UnixSeconds) -> Markup {
    let text = at.to_string();
    let (day, hour) = (text.get(..10).unwrap_or(&text), text.get(11..16).unwrap_or_default());
    html! { time datetime=(text) { (day) " " (hour) } }
}

/// `number` of `thing`, which is a noun in the plural with `s` or, after `ch`, `es`.
pub(in crate::serve) fn counted(number: u64, thing: &str) -> String {
    let number_text = quantity::counted(number);
    let ending = if thing.ends_with("ch") { "es" } else { "s" };
    if number == 1 { format!("1 {thing}") } else { format!("{number_text} {thing}{ending}") }
}

/// A verdict as a sign and a word.
pub(in crate::serve) fn verdict(verdict: Verdict) -> Markup {
    badge(words::verdict_class(verdict), words::verdict_mark(verdict), verdict.name())
}

/// The name of a status.
pub(in crate::serve) const fn status_name(status: Status) -> &'static str {
    match status {
        Status::Measured => "measured",
        Status::Skipped => "skipped",
        Status::Failed => "failed",
        Status::Invalid => "invalid",
    }
}

/// A status as a sign and a word; nothing for what was measured.
pub(in crate::serve) fn status(status: Status) -> Markup {
    match status {
        Status::Measured => html! {},
        Status::Skipped => badge("not-comparable", "\u{2013}", "skipped"),
        Status::Failed => badge("failed", "\u{d7}", "failed"),
        Status::Invalid => badge("invalid", "\u{d7}", "invalid"),
    }
}

/// A sign and a word in the colour of `class`.
pub(in crate::serve) fn badge(class: &str, sign: &str, word: &str) -> Markup {
    html! { span class={ "badge " (class) } { span.sign aria-hidden="true" { (sign) } (word) } }
}

/// How boots ended: the word of each, those of a kind together.
pub(in crate::serve) fn ends(ends: &[BootEnd]) -> Markup {
    let mut kinds: Vec<(BootEnd, usize)> = Vec::new();
    for end in ends {
        match kinds.iter_mut().find(|(kind, _)| kind == end) {
            Some((_, count)) => *count += 1,
            None => kinds.push((*end, 1)),
        }
    }
    html! {
        @for (end, count) in kinds {
            @let (class, sign, word) = end_words(end);
            (badge(class, sign, &if count == 1 { word.to_owned() } else { format!("{count} \u{d7} {word}") })) " "
        }
    }
}

const fn end_words(end: BootEnd) -> (&'static str, &'static str, &'static str) {
    match end {
        BootEnd::Done => ("done", "\u{2713}", "done"),
        BootEnd::FailedBenches => ("failed", "\u{d7}", "failed benches"),
        BootEnd::Crashed => ("failed", "\u{d7}", "crashed"),
        BootEnd::Hung => ("failed", "\u{d7}", "hung"),
        BootEnd::PowerLost => ("failed", "\u{d7}", "power lost"),
        BootEnd::Refused => ("failed", "\u{d7}", "refused"),
        BootEnd::Interrupted => ("undecided", "\u{2016}", "interrupted"),
    }
}

/// A bench id that may break at its slashes.
pub(in crate::serve) fn bench_id(id: &str) -> Markup {
    let id = clean(id);
    html! {
        code.id {
            @for (place, part) in id.split('/').enumerate() {
                @if place > 0 { "/" wbr; }
                (part)
            }
        }
    }
}

/// A bench id, or the key of cold figures, that leads to the bench's page.
pub(in crate::serve) fn bench_link(id: &str, machine: Option<&str>) -> Markup {
    html! { a href=(link::bench(bench_of(id), machine)) { (bench_id(id)) } }
}

/// A hash or a revision, cut where it is longer than what tells it from others.
pub(in crate::serve) fn short(name: &str) -> Markup {
    let name = clean(name);
    let beginning: String = name.chars().take(SHORT_CHARACTERS).collect();
    html! {
        @if beginning.len() < name.len() { code title=(name) { (beginning) "\u{2026}" } } @else { code { (name) } }
    }
}

/// A run id that leads to its page.
pub(in crate::serve) fn run_link(id: &str) -> Markup {
    html! { a href=(link::run(id)) { code { (clean(id)) } } }
}

/// What a machine is called: its processor, what figures mean on it, and the first digits of its name.
pub(in crate::serve) fn machine_title(fingerprint: &Fingerprint, name: &str) -> String {
    let field = |field: &str| fingerprint.0.get(field).map(|value| clean(value).trim().to_owned());
    let cpu = field("cpu.brand").filter(|brand| !brand.is_empty()).or_else(|| field("cpu.vendor"));
    let mode = field("mode").unwrap_or_else(|| "unknown mode".to_owned());
    format!(
        "{}, {mode} ({})",
        cpu.unwrap_or_else(|| "Unknown processor".to_owned()),
        name.get(..6).unwrap_or(name)
    )
}

/// A machine's title that leads to its page.
pub(in crate::serve) fn machine_link(title: &str, name: &str) -> Markup {
    html! { a href=(link::machine(name)) { (title) } }
}

/// A table that may be wider than the page.
pub(in crate::serve) fn wide(caption: &str, table: &Markup) -> Markup {
    html! { div.wide role="group" aria-label=(caption) tabindex="0" { (table) } }
}

/// What a machine is called, by the name of its fingerprint; `None` if it is not known.
pub(in crate::serve) type TitleOf<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Runs as a table, with the names of their machines by `title_of`; without it, all are of one machine.
pub(in crate::serve) fn runs_table(caption: &str, rows: &[RunRow], title_of: Option<TitleOf<'_>>) -> Markup {
    wide(
        caption,
        &html! {
            table {
                caption.quiet { (caption) }
                thead {
                    tr {
                        th scope="col" { "Run" } th scope="col" { "Started (UTC)" }
                        @if title_of.is_some() { th scope="col" { "Machine" } }
                        th scope="col" { "Made by" } th scope="col" { "Revision" }
                        th.number scope="col" { "Results" } th scope="col" { "Boots" }
                    }
                }
                tbody {
                    @for row in rows {
                        tr {
                            th scope="row" { (run_link(&row.id)) }
                            td { (moment(row.started)) }
                            @if let Some(title_of) = title_of { td.machine { (machine_cell(row, title_of)) } }
                            td { (clean(&row.command)) @if let Some(profile) = &row.profile { " " (clean(profile)) } }
                            td { @if let Some(revision) = &row.revision { (short(revision)) } }
                            td.number { (quantity::counted(row.results.into())) }
                            td { (ends(&row.ends)) }
                        }
                    }
                }
            }
        },
    )
}

fn machine_cell(row: &RunRow, title_of: TitleOf<'_>) -> Markup {
    let Some(name) = &row.machine else { return html! { span.dim { "not told" } } };
    machine_link(&title_of(name).unwrap_or_else(|| name.clone()), name)
}

/// The hidden fields of a form that changes something.
pub(in crate::serve) fn form_fields(form_token: &str, next: &str) -> Markup {
    html! {
        input type="hidden" name="form_token" value=(form_token);
        input type="hidden" name="next" value=(next);
    }
}
