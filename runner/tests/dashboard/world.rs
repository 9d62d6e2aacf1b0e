//! A dashboard with results of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use runner::serve::{Dashboard, DashboardOptions, Token};
use runner::store::{Folder, Store};
use runner::tracking;
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
    pub(crate) fn new(fill: impl FnOnce(&mut Store)) -> Self {
        Self::at("127.0.0.1:0", Some(fill))
    }

    /// At a loopback address without a database.
    pub(crate) fn empty() -> Self {
        Self::at("127.0.0.1:0", None::<fn(&mut Store)>)
    }

    pub(crate) fn at(listen: &str, fill: Option<impl FnOnce(&mut Store)>) -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let database = place.path().join("lab/results.db");
        if let Some(fill) = fill {
            let mut store = Store::open(&database).expect("room");
            fill(&mut store);
            tracking::catch_up(&mut store).expect("room");
        }
        let folder = Folder::find(Some(&database)).expect("chosen");
        let options = DashboardOptions {
            folder: folder.clone(),
            listen: listen.parse().expect("an address"),
            token: Token::of(TOKEN).expect("long enough"),
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

    /// What the address of a script gives.
    pub(crate) fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.get(path).body).expect("JSON")
    }

    /// The id of the first finding in a bench whose id begins with `bench`.
    pub(crate) fn finding(&self, bench: &str) -> String {
        let findings = self.json("/api/findings?state=standing");
        let all = findings.as_array().expect("a list");
        let found = all.iter().find(|one| one["bench"].as_str().is_some_and(|id| id.starts_with(bench)));
        found.expect("it was found")["id"].as_str().expect("an id").to_owned()
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
