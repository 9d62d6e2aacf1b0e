//! Runs as they happen.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use runner::live::{LiveMark, MarkContent};
use runner::store::SideFile;

use crate::client::Events;
use crate::results::{HOSTILE, head, ordinary, transcript};
use crate::samples;
use crate::world::World;

/// A run that this test makes.
pub(crate) struct Making<'a> {
    world: &'a World,
    id: &'static str,
    mark: Option<LiveMark>,
}

impl<'a> Making<'a> {
    pub(crate) fn begin(world: &'a World, id: &'static str) -> Self {
        let mark = LiveMark::set(&world.folder, id, MarkContent { boots_asked: Some(2) }).expect("room");
        SideFile::new(head(id, 99, None)).write(&world.folder.side_file(id)).expect("room");
        Self { world, id, mark: Some(mark) }
    }

    pub(crate) fn say(&self, turn: u32, bytes: &[u8]) {
        let path = self.world.folder.transcript(self.id, turn);
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("room");
        file.write_all(bytes).expect("room");
    }

    pub(crate) fn end(&mut self) {
        self.mark.take();
    }
}

#[test]
fn progress_arrives_as_frames_do() {
    let world = World::new(ordinary);
    let mut making = Making::begin(&world, "dd000001");
    let benches = [
        samples::bench("env/pause", 90, 1),
        samples::skipped("env/l1-load", "no cache"),
        samples::bench(HOSTILE, 10, 1),
    ];
    let pieces = transcript(1, &benches);
    let mut events = Events::of(world.address, "/live/dd000001/events");
    let progress = events.until("progress", |_| true);
    assert_eq!(
        (&progress["state"], &progress["doing"]),
        (&"going on".into(), &"is starting the machine".into())
    );
    making.say(1, &pieces[0]);
    events.until("progress", |progress| progress["planned"] == 3 && progress["mode"] == "tcg");
    making.say(1, &pieces[1]);
    let bench = events.until("bench", |_| true);
    assert_eq!(
        (&bench["id"], &bench["status"], &bench["figure"]),
        (&"env/pause".into(), &"measured".into(), &"45.0 ns".into())
    );
    making.say(1, b"a line of the firmware\n");
    assert_eq!(events.until("log", |_| true)["text"], "a line of the firmware");
    making.say(1, &pieces[2]);
    assert_eq!(events.until("bench", |_| true)["figure"], "no cache");
    making.say(1, &pieces[3]);
    making.say(1, &pieces[4]);
    let progress = events.until("progress", |progress| progress["has_ended"] == true);
    assert_eq!(
        (&progress["done"], &progress["measured"], &progress["skipped"]),
        (&3.into(), &2.into(), &1.into())
    );
    making.say(2, &transcript(2, &benches)[..2].concat());
    assert_eq!(events.until("boot", |turn| turn == 2), 2);
    let progress = events.until("progress", |progress| progress["done"] == 1);
    assert_eq!(progress["boot"], "boot 2 of 2");
    making.end();
    events.until("over", |_| true);
    assert!(events.next().is_none(), "the stream ends with the run");
}

#[test]
fn the_list_of_live_runs_follows_them() {
    let world = World::new(ordinary);
    let mut events = Events::of(world.address, "/live/events");
    assert_eq!(events.until("runs", |_| true), serde_json::json!([]));
    let mut making = Making::begin(&world, "dd000001");
    let runs = events.until("runs", |runs| runs.as_array().is_some_and(|runs| runs.len() == 1));
    assert_eq!(runs[0]["run"], "dd000001");
    making.say(1, &transcript(1, &[samples::bench("env/pause", 90, 1)])[..2].concat());
    events.until("runs", |runs| runs[0]["done"] == 1);
    assert!(world.get("/").body.contains("/live/dd000001"));
    making.end();
    events.until("runs", |runs| runs == &serde_json::json!([]));
}

#[test]
fn the_first_run_of_all_is_followed_before_there_are_results() {
    let world = World::empty();
    let page = world.get("/").body;
    assert!(page.contains("data-live") && page.contains("There are no results yet."), "{page}");
    let mut events = Events::of(world.address, "/live/events");
    events.until("runs", |runs| runs == &serde_json::json!([]));
    let making = Making::begin(&world, "dd000001");
    events.until("runs", |runs| runs[0]["run"] == "dd000001");
    assert!(world.get("/").body.contains("/live/dd000001"));
    drop(making);
}

#[test]
fn a_live_run_has_a_page_that_needs_no_script() {
    let world = World::new(ordinary);
    let making = Making::begin(&world, "dd000001");
    making.say(1, b"<b>firmware</b> \x1b[2J\xff\x1e{\"seq\":0}\n");
    making.say(1, &transcript(1, &[samples::bench(HOSTILE, 90, 1)])[..2].concat());
    let page = world.get("/live/dd000001").body;
    assert!(page.contains("1 of 1") && page.contains("&lt;b&gt;firmware"), "{page}");
    assert!(!page.contains("<script>alert") && !page.contains('\u{1b}'), "{page}");
    fs::remove_file(world.folder.side_file("dd000001")).expect("it is ours");
    assert_eq!(world.get("/live/dd000001").status, 404);
}
