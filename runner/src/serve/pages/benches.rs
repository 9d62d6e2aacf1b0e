//! All benches.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use maud::html;

use super::layout::{View, answer};
use super::machine::by_suite;
use super::parts::{self, bench_link};
use crate::report::clean;
use crate::serve::error::PageError;
use crate::serve::gate::Viewer;
use crate::serve::query::Fields;
use crate::serve::reading::read;
use crate::serve::shared::Shared;
use crate::store::Store;

/// Benches that a list has at most.
const BENCHES_MAX: u32 = 2000;

/// All benches with a figure, by suite; only those that contain what is searched for.
pub(in crate::serve) async fn benches(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    fields: Fields,
) -> Response {
    answer(&viewer, read(&shared, move |store| view(store, fields.search().unwrap_or_default())).await)
}

fn view(store: &Store, text: &str) -> Result<View, PageError> {
    let ids = store.bench_ids(text, BENCHES_MAX)?;
    let content = html! {
        form.filter action="/benches" {
            label { "Containing " input type="search" name="q" value=(text) maxlength="200" autocomplete="off"; }
            button.plain { "Show" }
        }
        p.dim { (parts::counted(u64::try_from(ids.len()).unwrap_or(0), "bench")) " with a figure" }
        @for (suite, ids) in by_suite(&ids) {
            section {
                h2 { (clean(suite)) " " span.tally { (ids.len()) } }
                ul.columns { @for id in ids { li { (bench_link(id, None)) } } }
            }
        }
    };
    Ok(View { title: "Benches".to_owned(), content })
}
