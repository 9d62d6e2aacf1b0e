//! What all requests share.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use super::session::Sessions;
use super::token::Token;
use crate::store::Folder;

/// Requests that read or write results at the same time.
const WORKERS: usize = 8;

/// Pages that follow live runs at the same time.
const FOLLOWERS: usize = 24;

/// What all requests share.
#[derive(Clone)]
pub(super) struct Shared(Arc<Parts>);

/// Its parts.
pub(super) struct Parts {
    /// Where results lie.
    pub(super) folder: Folder,
    /// Who knows it may change things.
    pub(super) token: Token,
    /// Who has shown the token.
    pub(super) sessions: Sessions,
    /// Where the dashboard listens.
    pub(super) address: SocketAddr,
    /// A place for each request that works on results.
    pub(super) workers: Arc<Semaphore>,
    /// A place for each page that follows live runs.
    pub(super) followers: Arc<Semaphore>,
    /// Turns true when the dashboard ends.
    pub(super) ending: watch::Receiver<bool>,
}

impl Shared {
    /// The parts of a dashboard at `address`.
    pub(super) fn new(
        folder: Folder,
        token: Token,
        address: SocketAddr,
        ending: watch::Receiver<bool>,
    ) -> Self {
        Self(Arc::new(Parts {
            folder,
            token,
            sessions: Sessions::default(),
            address,
            workers: Arc::new(Semaphore::new(WORKERS)),
            followers: Arc::new(Semaphore::new(FOLLOWERS)),
            ending,
        }))
    }

    /// Whether reading is free. Only who is on this machine reaches a loopback address.
    pub(super) fn is_open_to_read(&self) -> bool {
        self.address.ip().is_loopback()
    }
}

impl std::ops::Deref for Shared {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
