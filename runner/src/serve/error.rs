//! Why a page cannot be shown.

use axum::http::StatusCode;

use crate::store::StoreError;

/// Why a page cannot be shown. `Display` is a whole sentence for whoever asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    /// There is nothing of that name.
    #[error("{0}")]
    NotFound(String),
    /// The request makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// The token is needed.
    #[error("This needs the token that `multios-perf serve` named at its start.")]
    Unauthorized,
    /// It comes from another site, or from a form that is too old.
    #[error("{0}")]
    Forbidden(String),
    /// There are no results at all yet.
    #[error(
        "There are no results yet. The first run makes them: `multios-perf run` boots the benchmark kernel."
    )]
    NoResults,
    /// More is asked at once than is answered.
    #[error("The dashboard is busy. Try again in a moment.")]
    Busy,
    /// The body is larger than any form.
    #[error("The request is larger than any form here.")]
    TooLarge,
    /// The address knows no such method.
    #[error("This address does not take that method.")]
    Method,
    /// The results cannot be read or written.
    #[error("The dashboard failed to {0}.")]
    Store(#[from] StoreError),
    /// Something that should not happen.
    #[error("The dashboard failed to {0}.")]
    Internal(String),
}

impl PageError {
    /// No run has that id.
    pub(super) fn no_run(id: &str) -> Self {
        Self::NotFound(format!("No run has the id \"{id}\"."))
    }

    /// The status by RFC 9110, section 15.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) | Self::Store(StoreError::NoSuchRun { .. }) => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NoResults => StatusCode::OK,
            Self::Busy | Self::Store(StoreError::Busy { .. }) => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Store(_) | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
