//! What every request passes on its way in, and every response on its way out.

use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::error::PageError;
use super::shared::Shared;
use super::{host, link, pages, session};

/// How long an answer may take. Live events begin to be answered at once.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// Only what comes from here is loaded, and only pages of here may show or send to these.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What whoever asks may do.
#[derive(Clone, Debug)]
pub(super) enum Right {
    /// Read, where reading is free.
    Reader,
    /// Change things by the forms of a page.
    Session {
        /// The secret of its cookie.
        secret: String,
        /// What its forms hold.
        form_token: String,
    },
    /// Change things: the request itself carries the token, which no browser adds by itself.
    Bearer,
}

/// Whoever asks, and for what.
#[derive(Clone, Debug)]
pub(super) struct Viewer {
    /// What it may do.
    pub(super) right: Right,
    /// Path and query of the request.
    pub(super) place: String,
}

impl Viewer {
    /// What forms have to hold; `None` for who may change nothing by forms.
    pub(super) fn form_token(&self) -> Option<&str> {
        match &self.right {
            Right::Session { form_token, .. } => Some(form_token),
            Right::Reader | Right::Bearer => None,
        }
    }
}

/// Lets through what may pass, tells the rest why not, and puts the headers of protection on every answer.
pub(super) async fn gate(State(shared): State<Shared>, mut request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with("/assets/");
    let place = request.uri().path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let mut viewer = Viewer { right: Right::Reader, place };
    let mut response = match admit(&shared, &request, &mut viewer) {
        Ok(()) => {
            request.extensions_mut().insert(viewer.clone());
            let answer = tokio::time::timeout(ANSWER_MAX, next.run(request)).await;
            answer.unwrap_or_else(|_| pages::refusal(&viewer, &PageError::Busy))
        }
        Err(PageError::Unauthorized) if is_page(&request) => {
            Redirect::to(&link::login(&viewer.place)).into_response()
        }
        Err(error) => pages::refusal(&viewer, &error),
    };
    protect(response.headers_mut(), is_asset);
    response
}

/// Whether the request may pass, and what it may do.
fn admit(shared: &Shared, request: &Request, viewer: &mut Viewer) -> Result<(), PageError> {
    let headers = request.headers();
    let host = header_text(headers, &header::HOST)
        .ok_or_else(|| PageError::BadRequest("The request names no host.".to_owned()))?;
    if shared.is_open_to_read() && !host::is_loopback_name(host, shared.address) {
        let known = shared.address;
        let text = format!("This dashboard answers to its own address only: http://{known}/.");
        return Err(PageError::Forbidden(text));
    }
    let is_change = match *request.method() {
        Method::GET | Method::HEAD => false,
        Method::POST => true,
        _ => return Err(PageError::Method),
    };
    if is_change && !is_from_here(headers, host) {
        return Err(PageError::Forbidden("The request comes from a page of another site.".to_owned()));
    }
    viewer.right = right(shared, headers)?;
    let path = request.uri().path();
    let is_free = path == "/login" || path.starts_with("/assets/");
    let has_right = !matches!(viewer.right, Right::Reader);
    let may_pass = is_free || has_right || (shared.is_open_to_read() && !is_change);
    may_pass.then_some(()).ok_or(PageError::Unauthorized)
}

/// What the headers give a right to.
fn right(shared: &Shared, headers: &HeaderMap) -> Result<Right, PageError> {
    if let Some(credentials) = header_text(headers, &header::AUTHORIZATION) {
        let token = credentials.strip_prefix("Bearer ").unwrap_or_default();
        return shared.token.is(token).then_some(Right::Bearer).ok_or(PageError::Unauthorized);
    }
    let secret = header_text(headers, &header::COOKIE).and_then(session::secret_in);
    let session = secret.and_then(|secret| shared.sessions.find(secret, Instant::now()));
    Ok(session
        .map_or(Right::Reader, |found| Right::Session { secret: found.secret, form_token: found.form_token }))
}

/// Whether nothing says that the request was made by a page of another site. Programs say nothing; browsers do.
fn is_from_here(headers: &HeaderMap, host: &str) -> bool {
    let origin = headers.get(header::ORIGIN).map(HeaderValue::to_str);
    let is_origin_ours =
        origin.is_none_or(|origin| origin.is_ok_and(|origin| host::is_same_site(origin, host)));
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    is_origin_ours && site.is_none_or(|site| matches!(site, b"same-origin" | b"none"))
}

/// Whether a person asks for a page, who can sign in.
fn is_page(request: &Request) -> bool {
    let path = request.uri().path();
    let is_person = !request.headers().contains_key(header::AUTHORIZATION);
    is_person && request.method() == Method::GET && !path.starts_with("/api/") && !path.ends_with("/events")
}

fn header_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn protect(headers: &mut HeaderMap, is_asset: bool) {
    let caching = if is_asset { "private, max-age=300" } else { "no-store" };
    let all = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // With `no-referrer` a browser hides the origin of forms from this site too (Fetch Standard, section 3.2).
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::CACHE_CONTROL, caching),
    ];
    for (name, value) in all {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The answer for an address that is none.
pub(super) async fn nowhere(request: Request) -> Response {
    refuse(&request, &PageError::NotFound("There is no page at this address.".to_owned()))
}

/// The answer for a method that an address does not take.
pub(super) async fn no_such_method(request: Request) -> Response {
    refuse(&request, &PageError::Method)
}

fn refuse(request: &Request, error: &PageError) -> Response {
    match request.extensions().get::<Viewer>() {
        Some(viewer) => pages::refusal(viewer, error),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
