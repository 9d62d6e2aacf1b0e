//! Two runs held against each other.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::layout::{View, answer};
use super::parts::{self, machine_title, run_link};
use super::verdicts;
use crate::analysis::{self, Comparison};
use crate::report::clean;
use crate::serve::error::PageError;
use crate::serve::gate::Viewer;
use crate::serve::query::Fields;
use crate::serve::reading::read;
use crate::serve::shared::Shared;
use crate::store::{RunFilter, RunRow, Store, StoreError};

/// Runs that a list to choose from has; others can be given by their ids in the address.
const CHOICES: u32 = 200;

/// A form to choose two runs, and what they show against each other.
pub(in crate::serve) async fn compare(
    State(shared): State<Shared>,
    Extension(viewer): Extension<Viewer>,
    fields: Fields,
) -> Response {
    answer(&viewer, read(&shared, move |store| view(store, &fields)).await)
}

/// The comparison of run `a`, before, with run `b`, after.
///
/// # Errors
/// There is no such run.
pub(in crate::serve) fn comparison_of(store: &Store, a: &str, b: &str) -> Result<Comparison, PageError> {
    let side = |id: &str| {
        let run = store.load(id).map_err(|error| match error {
            StoreError::NoSuchRun { .. } => PageError::no_run(id),
            other => other.into(),
        })?;
        run.side(None).ok_or_else(|| PageError::NotFound(format!("The run \"{id}\" has no boot.")))
    };
    Ok(analysis::compare(&side(a)?, &side(b)?))
}

fn view(store: &Store, fields: &Fields) -> Result<View, PageError> {
    let (mut a, b) = (fields.run("a")?, fields.run("b")?);
    if let (None, Some(b)) = (&a, &b) {
        a = store.run_before(b)?;
    }
    let mut choices = store.run_rows(RunFilter::All, CHOICES, 0)?;
    for id in [&a, &b].into_iter().flatten() {
        if !choices.iter().any(|row| row.id == *id) {
            let found = store.run_rows(RunFilter::Text(id), 1, 0)?;
            choices.extend(found.into_iter().filter(|row| row.id == *id));
        }
    }
    let titles: Vec<(String, String)> = store
        .machines()?
        .into_iter()
        .map(|line| (machine_title(&line.fingerprint, &line.name), line.name))
        .map(|(title, name)| (name, title))
        .collect();
    let outcome = match (&a, &b) {
        (Some(a), Some(b)) => Some((comparison_of(store, a, b)?, store.machine_of_run(b)?)),
        _ => None,
    };
    let content = html! {
        form.filter action="/compare" {
            (select("a", "Before", a.as_deref(), &choices, &titles))
            (select("b", "After", b.as_deref(), &choices, &titles))
            button { "Compare" }
        }
        @match &outcome {
            Some((comparison, machine)) => {
                p.lead { (run_link(&comparison.a)) " before, " (run_link(&comparison.b)) " after" }
                (verdicts::comparison(comparison, machine.as_deref()))
            },
            None if choices.is_empty() => p.dim { "There is no run to compare yet." },
            None => p.dim { "Choose the run before a change and the run after it." },
        }
    };
    Ok(View { title: "Compare".to_owned(), content })
}

fn select(
    name: &str,
    label: &str,
    chosen: Option<&str>,
    choices: &[RunRow],
    titles: &[(String, String)],
) -> Markup {
    html! {
        label { (label) " "
            select name=(name) required {
                option value="" { "choose a run" }
                @for row in choices {
                    option value=(row.id) selected[chosen == Some(row.id.as_str())] { (choice(row, titles)) }
                }
            }
        }
    }
}

fn choice(row: &RunRow, titles: &[(String, String)]) -> String {
    let at = row.started.to_string().replace('T', " ");
    let machine = row.machine.as_ref().and_then(|name| titles.iter().find(|(known, _)| known == name));
    let machine = machine.map(|(_, title)| format!(", {title}")).unwrap_or_default();
    let revision = row.revision.as_deref().map(|name| format!(", {}", clean(name))).unwrap_or_default();
    format!(
        "{} \u{b7} {}{machine}{revision}, {}",
        row.id,
        at.get(..16).unwrap_or(&at),
        parts::counted(u64::try_from(row.ends.len()).unwrap_or(0), "boot")
    )
}
