//! Findings, wherever they come from.

use std::fmt;

use crate::store::{Store, StoreError, UnixSeconds};
use crate::tracking::TrackedFinding;

/// Keeps findings and what people said about them.
pub trait Triage: fmt::Debug + Send + Sync {
    /// All findings, withdrawn ones too, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn findings(&self, store: &Store) -> Result<Vec<TrackedFinding>, StoreError>;

    /// Notes that somebody has seen the finding `id` and why it may stay; whether there is such a finding.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn acknowledge(
        &self,
        store: &mut Store,
        id: &str,
        reason: &str,
        now: UnixSeconds,
    ) -> Result<bool, StoreError>;

    /// Takes back what was said about the finding `id`; whether there is such a finding.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn reopen(&self, store: &mut Store, id: &str) -> Result<bool, StoreError>;
}
