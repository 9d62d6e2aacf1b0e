//! What all pages have in common.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, html};
use serde_json::json;

use crate::serve::error::PageError;
use crate::serve::gate::{Right, Viewer};
use crate::serve::link;

/// A page without what all pages have in common.
pub(in crate::serve) struct View {
    /// Its title and heading.
    pub(in crate::serve) title: String,
    /// What stands under the heading.
    pub(in crate::serve) content: Markup,
}

/// The places that every page leads to.
const PLACES: [(&str, &str); 6] = [
    ("/", "Overview"),
    ("/runs", "Runs"),
    ("/machines", "Machines"),
    ("/benches", "Benches"),
    ("/compare", "Compare"),
    ("/findings", "Findings"),
];

/// The answer with `page`, or why there is none.
pub(in crate::serve) fn answer(viewer: &Viewer, page: Result<View, PageError>) -> Response {
    match page {
        Ok(view) => whole(viewer, &view).into_response(),
        Err(error) => refusal(viewer, &error),
    }
}

/// The answer that says why there is no other, as a page or as JSON.
pub(in crate::serve) fn refusal(viewer: &Viewer, error: &PageError) -> Response {
    let status = error.status();
    let text = error.to_string();
    if viewer.place.starts_with("/api/") {
        let body = json!({ "error": text }).to_string();
        return (status, [(CONTENT_TYPE, "application/json")], body).into_response();
    }
    let title = match error {
        PageError::NotFound(_) => "Not found",
        PageError::BadRequest(_) | PageError::TooLarge | PageError::Method => "Not understood",
        PageError::Unauthorized => "Token needed",
        PageError::Forbidden(_) => "Refused",
        PageError::NoResults => "No results yet",
        PageError::Busy => "Busy",
        PageError::Store(_) | PageError::Internal(_) => "Something went wrong",
    };
    let content = html! {
        p.lead { (crate::report::clean(&text)) }
        @match error {
            PageError::Unauthorized => p { a.button href=(link::login("/")) { "Sign in" } },
            PageError::NoResults => {},
            _ => p { a href="/" { "To the overview" } },
        }
    };
    (status, whole(viewer, &View { title: title.to_owned(), content })).into_response()
}

fn whole(viewer: &Viewer, view: &View) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (view.title) " \u{b7} multios-perf" }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/dashboard.css";
                script src="/assets/dashboard.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                (header(viewer))
                main #main tabindex="-1" {
                    h1 { (view.title) }
                    (view.content)
                }
            }
        }
    };
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], page.into_string()).into_response()
}

fn header(viewer: &Viewer) -> Markup {
    let path = viewer.place.split('?').next().unwrap_or("/");
    let is_here = |place: &str| path == place || (place != "/" && path.starts_with(&format!("{place}/")));
    html! {
        header.top {
            a.brand href="/" { "multios-perf" }
            nav aria-label="Main" {
                @for (place, name) in PLACES {
                    a href=(place) aria-current=[is_here(place).then_some("page")] { (name) }
                }
            }
            form.search role="search" action="/search" {
                label.quiet for="q" { "Search" }
                input #q type="search" name="q" placeholder="Search" maxlength="200" autocomplete="off";
            }
            @match &viewer.right {
                Right::Session { form_token, .. } => {
                    form.sign method="post" action="/logout" {
                        input type="hidden" name="form_token" value=(form_token);
                        button.plain { "Sign out" }
                    }
                },
                Right::Reader | Right::Bearer if path != "/login" => {
                    a.sign href=(link::login(&viewer.place)) { "Sign in" }
                },
                Right::Reader | Right::Bearer => {},
            }
        }
    }
}
