//! Forms that change something.

use axum::extract::{Form, FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::error::PageError;
use super::gate::{Right, Viewer};
use super::pages;
use super::query::Fields;
use super::token::is_equal;

/// A form that was sent by somebody who may change things: by a page of here with its session's form token, or with the
/// token itself. There is no other way to have one.
#[derive(Debug)]
pub(super) struct Change {
    /// What it says.
    pub(super) fields: Fields,
    /// Who sent it.
    pub(super) viewer: Viewer,
}

impl<S: Send + Sync> FromRequest<S> for Change {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let Some(viewer) = request.extensions().get::<Viewer>().cloned() else {
            return Err(StatusCode::INTERNAL_SERVER_ERROR.into_response());
        };
        let allowed = match form(request, state).await {
            Ok(fields) => check(&viewer, &fields).map(|()| fields),
            Err(error) => Err(error),
        };
        match allowed {
            Ok(fields) => Ok(Self { fields, viewer }),
            Err(error) => Err(pages::refusal(&viewer, &error)),
        }
    }
}

/// The fields of a form, whoever sent it.
///
/// # Errors
/// The body is no form, or larger than one.
pub(super) async fn form<S: Send + Sync>(request: Request, state: &S) -> Result<Fields, PageError> {
    match Form::<Vec<(String, String)>>::from_request(request, state).await {
        Ok(Form(fields)) => Ok(Fields::new(fields)),
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(PageError::TooLarge),
        Err(_) => Err(PageError::BadRequest("The request holds no form.".to_owned())),
    }
}

fn check(viewer: &Viewer, fields: &Fields) -> Result<(), PageError> {
    match &viewer.right {
        Right::Reader => Err(PageError::Unauthorized),
        Right::Bearer => Ok(()),
        Right::Session { form_token, .. } => {
            let is_ours = fields.get("form_token").is_some_and(|sent| is_equal(sent, form_token));
            let text = "The form is not from this session. Load the page again and repeat.";
            is_ours.then_some(()).ok_or_else(|| PageError::Forbidden(text.to_owned()))
        }
    }
}
