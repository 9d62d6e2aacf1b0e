//! The runs of a folder that are going on.

use std::io;
use std::path::PathBuf;

use super::mark::{self, MarkState};
use super::{News, Tail};
use crate::collect::BootEnd;
use crate::store::{Folder, RunHead, SideFile};

/// Boots that a run may have, by the command line.
const BOOTS_MAX: u32 = 1000;

/// Whether a run is still being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveState {
    /// It is.
    GoingOn,
    /// Its maker is gone without having ended it: a killed process, a host that lost power.
    BrokenOff,
    /// It is not.
    Over,
}

/// A run as its files tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveRun {
    /// What was asked.
    pub head: RunHead,
    /// Whether it is still being made.
    pub state: LiveState,
    /// Boots that it is to have; `None` if that is not known, as when it is over.
    pub boots_asked: Option<u32>,
    /// How its boots ended so far, in order.
    pub ends: Vec<BootEnd>,
    /// The newest start, from 1; 0 before the first. A start has more than one boot if the machine starts again.
    pub turn: u32,
    /// The transcript of that start.
    pub transcript: Option<PathBuf>,
}

/// Whether `text` is a run id as this program makes them: eight lower-case hex digits. Nothing else may become a part of
/// a path.
#[must_use]
pub fn is_run_id(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The runs of `folder` that are going on or were broken off, the newest first. Costs a look at each name in the folder,
/// and files are read of these runs only.
#[must_use]
pub fn runs(folder: &Folder) -> Vec<LiveRun> {
    let mut found: Vec<LiveRun> = mark::marked_runs(folder).iter().filter_map(|id| run(folder, id)).collect();
    found.retain(|run| run.state != LiveState::Over);
    found.sort_by(|a, b| b.head.started.cmp(&a.head.started).then_with(|| a.head.id.cmp(&b.head.id)));
    found
}

/// The run `id` as the files of `folder` tell, going on or over; `None` if that is no run id or there are no files of it.
#[must_use]
pub fn run(folder: &Folder, id: &str) -> Option<LiveRun> {
    if !is_run_id(id) {
        return None;
    }
    let (state, boots_asked) = match mark::state(&folder.live_mark(id)) {
        MarkState::Held(content) => (LiveState::GoingOn, content.boots_asked),
        MarkState::Left(content) => (LiveState::BrokenOff, content.boots_asked),
        MarkState::Absent => (LiveState::Over, None),
    };
    let side = SideFile::read(&folder.side_file(id)).filter(|side| side.run.id == id)?;
    let turns = (1..=BOOTS_MAX).map(|turn| folder.transcript(id, turn)).take_while(|path| path.is_file());
    let (turn, transcript) = (1..).zip(turns).last().map_or((0, None), |(turn, path)| (turn, Some(path)));
    let ends = side.boots.iter().map(|boot| boot.end).collect();
    Some(LiveRun { head: side.run, state, boots_asked, ends, turn, transcript })
}

/// Follows a run from start to start.
pub struct RunTail {
    folder: Folder,
    run: LiveRun,
    tail: Option<Tail>,
}

impl RunTail {
    /// Follows the run `id` of `folder`; `None` as [`run`].
    #[must_use]
    pub fn new(folder: &Folder, id: &str) -> Option<Self> {
        let run = run(folder, id)?;
        let tail = run.transcript.as_deref().map(Tail::new);
        Some(Self { folder: folder.clone(), run, tail })
    }

    /// The run, as of the newest look.
    #[must_use]
    pub const fn run(&self) -> &LiveRun {
        &self.run
    }

    /// The newest start; `None` before the first.
    #[must_use]
    pub const fn tail(&self) -> Option<&Tail> {
        self.tail.as_ref()
    }

    /// Reads what is new. A run that has begun another start is [`News::Restarted`], one that has ended [`News::More`].
    ///
    /// # Errors
    /// The transcript cannot be read. The next look tries again.
    pub fn look(&mut self) -> io::Result<News> {
        let mut news = News::Nothing;
        // Files of a run whose folder was emptied meanwhile: what is known stays.
        if let Some(run) = run(&self.folder, &self.run.head.id).filter(|run| *run != self.run) {
            news = News::More;
            if run.transcript != self.run.transcript {
                self.tail = run.transcript.as_deref().map(Tail::new);
                news = News::Restarted;
            }
            self.run = run;
        }
        let Some(tail) = &mut self.tail else { return Ok(news) };
        Ok(match (news, tail.look()?) {
            (News::Restarted, _) | (_, News::Restarted) => News::Restarted,
            (News::More, _) | (_, News::More) => News::More,
            (News::Nothing, News::Nothing) => News::Nothing,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::live::{LiveMark, MarkContent};
    use crate::store::samples;

    struct Place {
        folder: Folder,
        _files: tempfile::TempDir,
    }

    fn place() -> Place {
        let files = tempfile::tempdir().expect("a folder");
        let folder = Folder::find(Some(&files.path().join("results.db"))).expect("chosen");
        Place { folder, _files: files }
    }

    impl Place {
        fn begin(&self, id: &str, started_after_s: u64) -> LiveMark {
            let mut head = samples::run(id, Vec::new()).head;
            head.started.0 += started_after_s;
            let mark = LiveMark::set(&self.folder, id, MarkContent { boots_asked: Some(2) }).expect("room");
            SideFile::new(head).write(&self.folder.side_file(id)).expect("room");
            mark
        }

        fn write(&self, id: &str, turn: u32, text: &str) {
            fs::write(self.folder.transcript(id, turn), text).expect("room");
        }
    }

    #[test]
    fn runs_that_are_being_made_are_listed_newest_first() {
        let place = place();
        assert_eq!(runs(&place.folder), []);
        let _first = place.begin("aa000001", 0);
        let second = place.begin("aa000002", 5);
        let ids = || runs(&place.folder).into_iter().map(|run| run.head.id).collect::<Vec<_>>();
        assert_eq!(ids(), ["aa000002", "aa000001"]);
        drop(second);
        assert_eq!(ids(), ["aa000001"]);
        assert_eq!(run(&place.folder, "aa000002").map(|run| run.state), Some(LiveState::Over));
    }

    #[test]
    fn a_run_whose_maker_is_gone_is_broken_off() {
        let place = place();
        drop(place.begin("aa000001", 0));
        fs::write(place.folder.live_mark("aa000001"), b"{\"boots_asked\":2}").expect("room");
        let found = runs(&place.folder);
        assert_eq!((found[0].state, found[0].boots_asked), (LiveState::BrokenOff, Some(2)));
    }

    #[test]
    fn what_is_no_run_id_reaches_no_file() {
        let place = place();
        let _mark = place.begin("aa000001", 0);
        for id in ["", "AA000001", "aa00000", "../aa000001", "aa000001/..", "aa00000/", "aa00000%"] {
            assert!(run(&place.folder, id).is_none(), "{id}");
        }
    }

    #[test]
    fn a_run_is_followed_from_start_to_start() {
        let place = place();
        let mark = place.begin("aa000001", 0);
        let mut tail = RunTail::new(&place.folder, "aa000001").expect("it has begun");
        assert_eq!((tail.look().expect("readable"), tail.run().turn), (News::Nothing, 0));
        place.write("aa000001", 1, "one\n");
        assert_eq!((tail.look().expect("readable"), tail.run().turn), (News::Restarted, 1));
        place.write("aa000001", 2, "two\n");
        assert_eq!((tail.look().expect("readable"), tail.run().turn), (News::Restarted, 2));
        let follower = tail.tail().expect("two starts").follower();
        assert_eq!(follower.log().0[0].text, "two");
        drop(mark);
        assert_eq!((tail.look().expect("readable"), tail.run().state), (News::More, LiveState::Over));
    }
}
