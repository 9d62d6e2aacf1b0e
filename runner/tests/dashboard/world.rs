//! A dashboard with results of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use runner::serve::{Dashboard, DashboardOptions, Token, Triage};
use runner::store::{Folder, Store, StoreError, UnixSeconds};
use runner::tracking::{Acknowledgement, TrackedFinding};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::client::{Answer, raw};

pub(crate) const TOKEN: &str = "correct-horse-battery-staple";

/// A dashboard that runs until it is dropped.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) folder: Folder,
    place: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl World {
    /// At a loopback address, with what `fill` puts into the database.
    pub(crate) fn new(fill: impl FnOnce(&mut Store) -> Vec<TrackedFinding>) -> Self {
        Self::at("127.0.0.1:0", Some(fill))
    }

    /// At a loopback address without a database.
    pub(crate) fn empty() -> Self {
        Self::at("127.0.0.1:0", None::<fn(&mut Store) -> Vec<TrackedFinding>>)
    }

    pub(crate) fn at(listen: &str, fill: Option<impl FnOnce(&mut Store) -> Vec<TrackedFinding>>) -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let database = place.path().join("lab/results.db");
        let findings = fill.map(|fill| fill(&mut Store::open(&database).expect("room"))).unwrap_or_default();
        let folder = Folder::find(Some(&database)).expect("chosen");
        let options = DashboardOptions {
            folder: folder.clone(),
            listen: listen.parse().expect("an address"),
            token: Token::of(TOKEN).expect("long enough"),
            triage: Arc::new(Kept(Mutex::new(findings))),
        };
        let dashboard = Dashboard::bind(options).expect("a free port");
        let address = dashboard.address();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            dashboard.run(async { drop(stopped.await) }).expect("it serves");
        });
        Self { address, folder, place, stop: Some(stop), thread: Some(thread) }
    }

    /// A path beside the database's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Ends the dashboard and waits until it has.
    pub(crate) fn end(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it ends well");
        }
    }

    /// The same dashboard by the address that a browser on this machine uses.
    pub(crate) fn local(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.address.port()))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    /// A request with more `headers` and a form as its `body`, if there is one.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let address = self.local();
        let mut head = vec![format!("{method} {path} HTTP/1.1")];
        if !headers.iter().any(|header| header.starts_with("Host:")) {
            head.push(format!("Host: {address}"));
        }
        head.extend(headers.iter().map(|header| (*header).to_owned()));
        if method == "POST" {
            head.push("Content-Type: application/x-www-form-urlencoded".to_owned());
            head.push(format!("Content-Length: {}", body.len()));
        }
        raw(address, &head, body.as_bytes())
    }

    /// Signs in; the header that a browser sends from then on.
    pub(crate) fn sign_in(&self) -> String {
        let answer = self.ask("POST", "/login", &[], &format!("token={TOKEN}&next=/findings"));
        assert_eq!((answer.status, answer.header("location")), (303, Some("/findings")), "{}", answer.body);
        let cookie = answer.header("set-cookie").expect("a session");
        format!("Cookie: {}", cookie.split(';').next().expect("a value"))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.end();
    }
}

/// Findings in memory.
#[derive(Debug)]
struct Kept(Mutex<Vec<TrackedFinding>>);

impl Kept {
    fn change(&self, id: &str, change: impl FnOnce(&mut TrackedFinding)) -> bool {
        let mut findings = self.0.lock().expect("nobody panicked");
        let found = findings.iter_mut().find(|tracked| tracked.finding.id.to_string() == id);
        found.map(change).is_some()
    }
}

impl Triage for Kept {
    fn findings(&self, _store: &Store) -> Result<Vec<TrackedFinding>, StoreError> {
        Ok(self.0.lock().expect("nobody panicked").clone())
    }

    fn acknowledge(
        &self,
        _store: &mut Store,
        id: &str,
        reason: &str,
        now: UnixSeconds,
    ) -> Result<bool, StoreError> {
        let said = Acknowledgement { at: now, reason: reason.to_owned() };
        Ok(self.change(id, |tracked| tracked.acknowledgement = Some(said)))
    }

    fn reopen(&self, _store: &mut Store, id: &str) -> Result<bool, StoreError> {
        Ok(self.change(id, |tracked| tracked.acknowledgement = None))
    }
}
