//! Addresses, and who answers them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};

use super::shared::Shared;
use super::{api, assets, events, gate, login, pages};

/// The largest body of a request, in bytes. Forms are all that is sent.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// All addresses of the dashboard.
pub(super) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(pages::overview))
        .route("/runs", get(pages::runs))
        .route("/runs/{id}", get(pages::run))
        .route("/runs/{id}/run.json", get(pages::run_json))
        .route("/runs/{id}/run.csv", get(pages::run_csv))
        .route("/machines", get(pages::machines))
        .route("/machines/{name}", get(pages::machine))
        .route("/benches", get(pages::benches))
        .route("/benches/{*id}", get(pages::bench))
        .route("/compare", get(pages::compare))
        .route("/findings", get(pages::findings))
        .route("/findings/{id}/acknowledge", post(pages::acknowledge))
        .route("/findings/{id}/reopen", post(pages::reopen))
        .route("/search", get(pages::search))
        .route("/live/events", get(events::of_all))
        .route("/live/{id}", get(pages::live))
        .route("/live/{id}/events", get(events::of_run))
        .route("/login", get(login::form).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/assets/dashboard.css", get(assets::style))
        .route("/assets/dashboard.js", get(assets::script))
        .route("/assets/icon.svg", get(assets::icon))
        .nest("/api", api::router())
        .fallback(gate::nowhere)
        .method_not_allowed_fallback(gate::no_such_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(shared.clone(), gate::gate))
        .with_state(shared)
}
