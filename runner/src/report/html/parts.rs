//! Pieces that many parts of the page are made of.

use maud::{Markup, html};
use perf_kernel::wire::Status;

use super::view::{BenchView, View};
use crate::analysis::Verdict;
use crate::report::clean::clean;
use crate::report::words;

/// A verdict as a sign and a word.
pub(super) fn verdict(verdict: Verdict) -> Markup {
    html! {
        span class={ "badge " (words::verdict_class(verdict)) } {
            span.sign aria-hidden="true" { (words::verdict_mark(verdict)) } (verdict.name())
        }
    }
}

/// A status as a word; nothing for what was measured.
pub(super) fn status(status: Status) -> Markup {
    let (class, word) = match status {
        Status::Measured => return html! {},
        Status::Skipped => ("not-comparable", "skipped"),
        Status::Failed => ("failed", "failed"),
        Status::Invalid => ("invalid", "invalid"),
    };
    badge(class, "\u{d7}", word)
}

/// A sign and a word in the colour of `class`.
pub(super) fn badge(class: &str, sign: &str, word: &str) -> Markup {
    html! { span class={ "badge " (class) } { span.sign aria-hidden="true" { (sign) } (word) } }
}

/// A bench id, its slashes set back.
pub(super) fn id(id: &str) -> Markup {
    let id = clean(id);
    html! {
        code.id {
            @for (place, part) in id.split('/').enumerate() {
                @if place > 0 { span.slash { "/" } }
                (part)
            }
        }
    }
}

/// A bench id that leads to the bench's page if it has one.
pub(super) fn link(view: &View<'_>, bench: &str) -> Markup {
    match view.anchor_of(bench) {
        Some(anchor) => html! { a.bench-link href={ "#" (anchor) } { (id(bench)) } },
        None => id(bench),
    }
}

/// The words by which a bench is found in the filter, in lower case.
pub(super) fn keywords(bench: &BenchView<'_>) -> String {
    let status = match bench.merged.status {
        Status::Measured => "",
        Status::Skipped => " skipped",
        Status::Failed => " failed",
        Status::Invalid => " invalid",
    };
    let verdict = bench.verdict.map_or(String::new(), |it| format!(" {}", it.verdict.name()));
    let missed = if bench.targets.iter().any(|it| it.is_met == Some(false)) { " missed" } else { "" };
    format!("{}{status}{verdict}{missed}", clean(bench.merged.id)).to_lowercase()
}

/// A table that may be wider than the page.
pub(super) fn wide(caption: &str, table: &Markup) -> Markup {
    html! { div.wide role="region" aria-label=(caption) tabindex="0" { (table) } }
}

/// Names with their values; nothing without any.
pub(super) fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! {
        @if !facts.is_empty() {
            dl.facts { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
        }
    }
}

/// Text from outside, made harmless.
pub(super) fn text(text: &str) -> Markup {
    html! { (clean(text)) }
}
