//! What pages load besides themselves, all of it built into the program.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

const STYLE: &str = concat!(include_str!("../report/html/shared.css"), include_str!("assets/dashboard.css"));
const SCRIPT: &str = include_str!("assets/dashboard.js");
const ICON: &str = include_str!("assets/icon.svg");

/// The style sheet.
pub(super) async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// The script: live progress. Pages need it for nothing else.
pub(super) async fn script() -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT).into_response()
}

/// The icon.
pub(super) async fn icon() -> Response {
    ([(CONTENT_TYPE, "image/svg+xml")], ICON).into_response()
}
