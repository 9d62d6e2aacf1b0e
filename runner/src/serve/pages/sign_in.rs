//! The page to sign in on.

use axum::response::Response;
use maud::html;

use super::layout::{View, answer};
use crate::serve::gate::Viewer;

/// The form to sign in, which leads to `next`; `trouble` says why it is shown again.
pub(in crate::serve) fn login(viewer: &Viewer, next: &str, trouble: Option<&str>) -> Response {
    let content = html! {
        p.lead { "Changes need the token that " code { "multios-perf serve" } " named when it started." }
        form.card.narrow method="post" action="/login" {
            input type="hidden" name="next" value=(next);
            @if let Some(trouble) = trouble { p #trouble.trouble role="alert" { (trouble) } }
            label for="token" { "Token" }
            input #token type="password" name="token" required autocomplete="current-password" autofocus
                aria-describedby=[trouble.map(|_| "trouble")] aria-invalid=[trouble.map(|_| "true")];
            button { "Sign in" }
        }
    };
    answer(viewer, Ok(View { title: "Sign in".to_owned(), content }))
}
