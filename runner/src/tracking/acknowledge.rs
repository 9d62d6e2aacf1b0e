//! What people say about findings.

use super::{Filter, TrackedFinding, findings};
use crate::store::{Found, Store, StoreError, UnixSeconds};

/// The longest reason that is kept, in characters.
const REASON_MAX: usize = 2_000;

/// Why nothing can be said about a finding.
#[derive(Debug, thiserror::Error)]
pub enum AcknowledgeError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No finding is meant, or more than one.
    #[error("find the finding \"{name}\": {reason}; `multios-perf findings --all` lists those stored")]
    NoSuchFinding {
        /// What the user wrote.
        name: String,
        /// What was found instead.
        reason: &'static str,
    },
    /// The reason says nothing, or too much.
    #[error("acknowledge the finding: its reason must have 1 to {REASON_MAX} characters")]
    Reason,
    /// It was not acknowledged.
    #[error("reopen the finding {0}: it is not acknowledged")]
    NotAcknowledged(String),
}

/// The finding whose id begins with `name`.
///
/// # Errors
/// No finding or more than one is meant, and what [`StoreError`] lists.
pub fn find(store: &Store, name: &str) -> Result<TrackedFinding, AcknowledgeError> {
    let id = full_id(store, name)?;
    let all = findings(store, &Filter::default())?;
    let found = all.into_iter().find(|finding| finding.finding.id.to_string() == id);
    found.ok_or(AcknowledgeError::NoSuchFinding { name: name.to_owned(), reason: "there is none" })
}

/// Keeps that the finding whose id begins with `name` was seen at `now` and may stay, for `reason`; gives its full id.
///
/// # Errors
/// See [`AcknowledgeError`].
pub fn acknowledge(
    store: &mut Store,
    name: &str,
    reason: &str,
    now: UnixSeconds,
) -> Result<String, AcknowledgeError> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        return Err(AcknowledgeError::Reason);
    }
    let id = full_id(store, name)?;
    store.tracking(|rows| rows.acknowledge(&id, now, reason))?;
    Ok(id)
}

/// Takes back that the finding whose id begins with `name` was acknowledged; gives its full id.
///
/// # Errors
/// See [`AcknowledgeError`].
pub fn reopen(store: &mut Store, name: &str) -> Result<String, AcknowledgeError> {
    let id = full_id(store, name)?;
    if store.tracking(|rows| rows.reopen(&id))? { Ok(id) } else { Err(AcknowledgeError::NotAcknowledged(id)) }
}

fn full_id(store: &Store, name: &str) -> Result<String, AcknowledgeError> {
    let prefix = name.trim().to_ascii_lowercase();
    let no_such = |reason| AcknowledgeError::NoSuchFinding { name: name.to_owned(), reason };
    if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(no_such("an id is the first of 16 hex digits"));
    }
    match store.tracked(|rows| rows.find_finding(&prefix))? {
        Found::One(id) => Ok(id),
        Found::None => Err(no_such("there is none")),
        Found::Several => Err(no_such("more than one begins like that")),
    }
}
