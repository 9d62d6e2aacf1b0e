//! The dashboard as a whole.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use tokio::runtime;
use tokio::sync::watch;

use super::connection;
use super::routes;
use super::shared::Shared;
use super::token::Token;
use crate::store::{Folder, Store, StoreError};

/// Threads of the event loop; work on results has its own.
const EVENT_THREADS: usize = 2;

/// How long work on results may go on when the dashboard ends.
const GRACE: Duration = Duration::from_secs(1);

/// What a dashboard shows, and to whom.
#[derive(Clone, Debug)]
pub struct DashboardOptions {
    /// Where results lie.
    pub folder: Folder,
    /// Where to listen. Reading is free at a loopback address, and needs the token at any other.
    pub listen: SocketAddr,
    /// Who knows it may change things.
    pub token: Token,
}

/// Why there is no dashboard.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened at.
    #[error("listen at {address}: {error}; choose another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        error: io::Error,
    },
    /// The event loop cannot be made.
    #[error("start the dashboard: {0}")]
    Start(io::Error),
    /// The database is not one that can be shown.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A dashboard that listens.
#[derive(Debug)]
pub struct Dashboard {
    options: DashboardOptions,
    listener: TcpListener,
    address: SocketAddr,
}

impl Dashboard {
    /// Listens, but answers nothing yet. A database of an older version is brought up to date, none is made.
    ///
    /// # Errors
    /// The address is taken, or the database cannot be used.
    pub fn bind(options: DashboardOptions) -> Result<Self, ServeError> {
        drop(Store::open_existing(options.folder.database())?);
        let failed = |error| ServeError::Listen { address: options.listen, error };
        let listener = TcpListener::bind(options.listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { options, listener, address })
    }

    /// Where it listens: port 0 has become a real one.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` is over, and lets answers that are on their way go out.
    ///
    /// # Errors
    /// The event loop cannot be made.
    pub fn run(self, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(EVENT_THREADS)
            .enable_all()
            .build()
            .map_err(ServeError::Start)?;
        let outcome = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(self.listener).map_err(ServeError::Start)?;
            let (end, ending) = watch::channel(false);
            let DashboardOptions { folder, token, .. } = self.options;
            let shared = Shared::new(folder, token, self.address, ending.clone());
            let answering = tokio::spawn(connection::serve(listener, routes::router(shared), ending));
            stop.await;
            // Whoever listens for the end may be gone already.
            let _ = end.send(true);
            answering.await.map_err(|error| ServeError::Start(error.into()))
        });
        runtime.shutdown_timeout(GRACE);
        outcome
    }
}
