//! Connections: a bounded number of them, none for ever.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

/// Connections at the same time; more wait until one is free.
const CONNECTIONS_MAX: u32 = 128;

/// How long the head of a request may take to come, the wait for the next one included.
const HEAD_MAX: Duration = Duration::from_secs(15);

/// How long a connection may last. A browser begins live events anew by itself.
const CONNECTION_MAX: Duration = Duration::from_secs(3600);

/// How many bytes the head of a request may have.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// How long answers that are on their way may take when the dashboard ends.
const GRACE: Duration = Duration::from_secs(3);

/// Answers whoever connects to `listener` by `router` until `ending` turns true.
pub(super) async fn serve(listener: TcpListener, router: Router, mut ending: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(usize::try_from(CONNECTIONS_MAX).unwrap_or(1)));
    loop {
        let accepted = accept_until(&listener, &places, &mut ending).await;
        let Some((stream, place)) = accepted else { break };
        tokio::spawn(converse(stream, place, router.clone(), ending.clone()));
    }
    drop(listener);
    // Whoever is not done by then is cut off.
    let _ = timeout(GRACE, places.acquire_many(CONNECTIONS_MAX)).await;
}

/// The next connection with its place; `None` when the dashboard ends.
async fn accept_until(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    ending: &mut watch::Receiver<bool>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let mut accepted = pin!(accept(listener, places));
    let mut end = pin!(ending.wait_for(|is_ending| *is_ending));
    poll_fn(|context| {
        if end.as_mut().poll(context).is_ready() {
            return std::task::Poll::Ready(None);
        }
        accepted.as_mut().poll(context)
    })
    .await
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Some((stream, place)),
            // No file is free, or the other side is gone already.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Answers the requests of one connection.
async fn converse(
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
    router: Router,
    mut ending: watch::Receiver<bool>,
) {
    // Small answers are not held back; where that cannot be set, they come a little later.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let conversation = async {
        let mut connection = pin!(connection);
        let mut end = pin!(ending.wait_for(|is_ending| *is_ending));
        let mut is_asked = false;
        poll_fn(|context| {
            if !is_asked && end.as_mut().poll(context).is_ready() {
                is_asked = true;
                connection.as_mut().graceful_shutdown();
            }
            connection.as_mut().poll(context)
        })
        .await
    };
    // What went wrong on the line is the other side's to know.
    let _ = timeout(CONNECTION_MAX, conversation).await;
}
