//! Work on results, away from the event loop.

use std::time::Duration;

use super::error::PageError;
use super::shared::Shared;
use crate::store::Store;

/// How long a request waits for a free worker.
const PATIENCE: Duration = Duration::from_secs(5);

/// What `read` makes of the results.
///
/// # Errors
/// What `read` gives, [`PageError::NoResults`] without a database, [`PageError::Busy`] when too much is going on.
pub(super) async fn read<T: Send + 'static>(
    shared: &Shared,
    read: impl FnOnce(&Store) -> Result<T, PageError> + Send + 'static,
) -> Result<T, PageError> {
    let path = shared.folder.database().to_owned();
    work(shared, move || {
        let store = Store::open_read_only(&path)?.ok_or(PageError::NoResults)?;
        read(&store)
    })
    .await
}

/// What `write` makes of the results. Other programs may write too: each waits for the other for a moment.
///
/// # Errors
/// As [`read`].
pub(super) async fn write<T: Send + 'static>(
    shared: &Shared,
    write: impl FnOnce(&mut Store) -> Result<T, PageError> + Send + 'static,
) -> Result<T, PageError> {
    let path = shared.folder.database().to_owned();
    work(shared, move || {
        let mut store = Store::open_existing(&path)?.ok_or(PageError::NoResults)?;
        write(&mut store)
    })
    .await
}

/// What `work` gives, on a thread that may wait for the disk.
///
/// # Errors
/// As [`read`].
pub(super) async fn work<T: Send + 'static>(
    shared: &Shared,
    work: impl FnOnce() -> Result<T, PageError> + Send + 'static,
) -> Result<T, PageError> {
    let place = shared.workers.clone().acquire_owned();
    let place = tokio::time::timeout(PATIENCE, place).await.map_err(|_| PageError::Busy)?;
    let place = place.map_err(|_| PageError::Busy)?;
    let done = tokio::task::spawn_blocking(move || {
        // A worker whose page is no longer waited for keeps its place until it is done.
        let _place = place;
        work()
    });
    done.await.map_err(|error| PageError::Internal(format!("make the page: {error}")))?
}
