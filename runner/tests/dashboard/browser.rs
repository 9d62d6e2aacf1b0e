//! The dashboard in a real browser: browser.mjs looks, and this side makes the results and the live run.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::live::Making;
use crate::results::{HOSTILE, hostile, ordinary, transcript};
use crate::samples;
use crate::world::{TOKEN, World};

/// Names under which the browser is installed.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// What browser.mjs prints when it waits for the live run to go on.
const NEXT: &str = "next";

/// The folder of that name in `PATH` with a program called `name`.
fn program(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the runner lies in the workspace")
}

#[test]
fn a_browser_shows_everything_and_nothing_of_others() {
    let browser = BROWSERS.iter().find_map(|name| program(name));
    let browser = browser.expect("no Chromium in PATH: `make setup-tests` installs it");
    let node = program("node").expect("no node in PATH: `make setup-tests` installs it");
    let place = root().join("target/dashboard-browser");
    let modules = place.join("node_modules/playwright-core");
    assert!(modules.is_dir(), "{} is not there: `make dashboard-modules` fetches it", modules.display());
    for name in ["browser.mjs", "looking.mjs"] {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dashboard").join(name);
        fs::copy(script, place.join(name)).expect("room");
    }

    let (world, evil) = (World::new(ordinary), World::new(hostile));
    let mut making = Making::begin(&world, "dd000001");
    let mut child = Command::new(node)
        .arg(place.join("browser.mjs"))
        .env("BROWSER", browser)
        .env("DASHBOARD", format!("http://{}", world.address))
        .env("HOSTILE_DASHBOARD", format!("http://{}", evil.address))
        .env("DASHBOARD_TOKEN", TOKEN)
        .env("SCREENSHOTS", root().join("target/dashboard-screenshots"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut input = child.stdin.take().expect("piped");
    let benches = [
        samples::bench("env/pause", 90, 1),
        samples::skipped("env/l1-load", "no cache"),
        samples::bench(HOSTILE, 10, 1),
    ];
    let mut pieces = transcript(1, &benches).into_iter();
    for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
        let line = line.expect("text");
        if line != NEXT {
            println!("{line}");
            continue;
        }
        match pieces.next() {
            Some(piece) => making.say(1, &piece),
            None => making.end(),
        }
        writeln!(input, "done").expect("it listens");
    }
    let status = child.wait().expect("it ends");
    assert!(status.success(), "the browser found something; see above");
}
