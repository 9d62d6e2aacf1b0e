//! The list of runs.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::layout::{View, answer};
use super::parts::{self, machine_title};
use crate::serve::error::PageError;
use crate::serve::gate::Viewer;
use crate::serve::query::Fields;
use crate::serve::reading::read;
use crate::serve::shared::Shared;
use crate::store::{RunFilter, Store};

/// Runs on a page.
pub(in crate::serve) const PAGE: u32 = 50;

/// The list of runs, newest first, all or those of one machine.
pub(in crate::serve) async fn runs(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    fields: Fields,
) -> Response {
    answer(&viewer, read(&shared, move |store| view(store, &fields)).await)
}

fn view(store: &Store, fields: &Fields) -> Result<View, PageError> {
    let page = fields.page()?;
    let machine = fields.machine("machine")?;
    let filter = machine.as_deref().map_or(RunFilter::All, RunFilter::Machine);
    let count = store.run_count(filter)?;
    let pages = pages_of(count);
    let rows = store.run_rows(filter, PAGE, u64::from(page - 1) * u64::from(PAGE))?;
    let machines = store.machines()?;
    let titles: Vec<_> = machines
        .iter()
        .map(|line| (line.name.as_str(), machine_title(&line.fingerprint, &line.name)))
        .collect();
    let title_of =
        |name: &str| titles.iter().find(|(known, _)| *known == name).map(|(_, title)| title.clone());
    let content = html! {
        form.filter action="/runs" {
            label { "Machine "
                select name="machine" {
                    option value="" { "all" }
                    @for (name, title) in &titles {
                        option value=(name) selected[machine.as_deref() == Some(*name)] { (title) }
                    }
                }
            }
            button.plain { "Show" }
        }
        p.dim { (parts::counted(count, "run")) @if pages > 1 { ", page " (page) " of " (pages) } }
        @if rows.is_empty() { p { "There is no run on this page." } }
        @else { (parts::runs_table("Runs, newest first", &rows, Some(&title_of))) }
        (pager(page, pages, machine.as_deref()))
    };
    Ok(View { title: "Runs".to_owned(), content })
}

/// Pages that `count` runs fill.
pub(in crate::serve) fn pages_of(count: u64) -> u64 {
    count.div_ceil(u64::from(PAGE))
}

fn pager(page: u32, pages: u64, machine: Option<&str>) -> Markup {
    let to = |page: u32| {
        let machine = machine.map(|name| format!("&machine={name}")).unwrap_or_default();
        format!("/runs?page={page}{machine}")
    };
    html! {
        @if pages > 1 {
            nav.pager aria-label="Pages" {
                @if page > 1 { a rel="prev" href=(to(page - 1)) { "\u{2190} Newer" } }
                @if u64::from(page) < pages { a rel="next" href=(to(page + 1)) { "Older \u{2192}" } }
            }
        }
    }
}
