//! Signing in and out.

use std::time::Instant;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::{HeaderValue, SET_COOKIE};
use axum::response::{IntoResponse as _, Redirect, Response};

use super::change::{self, Change};
use super::error::PageError;
use super::gate::{Right, Viewer};
use super::query::Fields;
use super::shared::Shared;
use super::{link, pages, session};

/// The form.
pub(super) async fn form(Extension(viewer): Extension<Viewer>, fields: Fields) -> Response {
    pages::login(&viewer, link::local(fields.get("next")), None)
}

/// The form as sent: begins a session for who knows the token.
pub(super) async fn sign_in(State(shared): State<Shared>, request: Request) -> Response {
    let viewer = request.extensions().get::<Viewer>().cloned();
    let viewer = viewer.unwrap_or(Viewer { right: Right::Reader, place: "/login".to_owned() });
    let fields = match change::form(request, &shared).await {
        Ok(fields) => fields,
        Err(error) => return pages::refusal(&viewer, &error),
    };
    let next = link::local(fields.get("next"));
    if !fields.get("token").is_some_and(|token| shared.token.is(token)) {
        let wrong = "That is not the token. It was printed when the dashboard started, or lies in the file that was named then.";
        return pages::login(&viewer, next, Some(wrong));
    }
    match shared.sessions.begin(Instant::now()) {
        Ok(session) => with_cookie(Redirect::to(next).into_response(), Some(&session.secret)),
        Err(error) => pages::refusal(&viewer, &PageError::Internal(format!("begin a session: {error}"))),
    }
}

/// Ends the session.
pub(super) async fn sign_out(State(shared): State<Shared>, change: Change) -> Response {
    if let Right::Session { secret, .. } = &change.viewer.right {
        shared.sessions.end(secret, Instant::now());
    }
    with_cookie(Redirect::to("/").into_response(), None)
}

fn with_cookie(mut response: Response, secret: Option<&str>) -> Response {
    match HeaderValue::from_str(&session::cookie(secret)) {
        Ok(cookie) => {
            response.headers_mut().insert(SET_COOKIE, cookie);
            response
        }
        // Secrets are hex digits.
        Err(_) => PageError::Internal("make a cookie".to_owned()).status().into_response(),
    }
}
