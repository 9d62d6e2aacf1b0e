//! Which run is watched, and what its files say.

use std::fs;
use std::io;
use std::time::UNIX_EPOCH;

use super::snapshot::Snapshot;
use super::state::State;
use crate::live::{self, LiveState, News, RunTail};
use crate::store::{Folder, UnixSeconds};

/// Looks at one go at most, each of a few MiB: keys are not kept waiting for a long transcript.
const LOOKS_MAX: usize = 4;

/// Why no run can be watched under the name that was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownRun {
    /// No run has a name like that.
    #[error("no run beside {place} has an id that begins with \"{name}\"")]
    Missing {
        /// What the user wrote.
        name: String,
        /// The database beside which runs are looked for.
        place: String,
    },
    /// More than one has.
    #[error("the ids of {number} runs begin with \"{name}\"")]
    Ambiguous {
        /// What the user wrote.
        name: String,
        /// How many.
        number: usize,
    },
}

/// The run that is watched, or the waiting for one.
pub struct Source {
    folder: Folder,
    tail: Option<RunTail>,
}

impl Source {
    /// Watches the run of `folder` whose id begins with `name`, going on or over; without a name the newest that is going
    /// on, as soon as there is one.
    ///
    /// # Errors
    /// Not exactly one run has that name.
    pub fn new(folder: Folder, name: Option<&str>) -> Result<Self, UnknownRun> {
        let tail = name.map(|name| named(&folder, name)).transpose()?;
        Ok(Self { folder, tail })
    }

    /// Where runs are looked for.
    pub(super) fn place(&self) -> String {
        self.folder.database().display().to_string()
    }

    /// Changes to the newest run that is going on, if there is one.
    pub(super) fn follow_newest(&mut self) {
        let going_on = live::runs(&self.folder).into_iter().find(|run| run.state == LiveState::GoingOn);
        let newest = going_on.and_then(|run| RunTail::new(&self.folder, &run.head.id));
        if newest.is_some() {
            self.tail = newest;
        }
    }

    /// Reads what is new into `state`; whether something is.
    pub(super) fn look(&mut self, state: &mut State) -> bool {
        if self.tail.is_none() {
            self.follow_newest();
        }
        let Some(tail) = &mut self.tail else { return false };
        let is_first = state.snapshot.as_ref().is_none_or(|shown| shown.run != tail.run().head.id);
        let news = read(tail);
        let trouble = news.as_ref().err().map(|error| format!("the transcript cannot be read: {error}"));
        let is_new = is_first || state.trouble != trouble || matches!(news, Ok(News::More | News::Restarted));
        if is_new {
            state.trouble = trouble;
            state.changed = tail.run().transcript.as_deref().and_then(changed);
            state.take(Snapshot::of(tail));
        }
        is_new
    }
}

fn read(tail: &mut RunTail) -> io::Result<News> {
    let mut all = News::Nothing;
    for _ in 0..LOOKS_MAX {
        match tail.look()? {
            News::Nothing => break,
            news => all = news,
        }
    }
    Ok(all)
}

fn changed(path: &std::path::Path) -> Option<UnixSeconds> {
    let time = fs::metadata(path).ok()?.modified().ok()?;
    Some(UnixSeconds(time.duration_since(UNIX_EPOCH).ok()?.as_secs()))
}

fn named(folder: &Folder, name: &str) -> Result<RunTail, UnknownRun> {
    let ids = ids(folder, name);
    let missing =
        || UnknownRun::Missing { name: name.to_owned(), place: folder.database().display().to_string() };
    match ids.as_slice() {
        [id] => RunTail::new(folder, id).ok_or_else(missing),
        [] => Err(missing()),
        several => Err(UnknownRun::Ambiguous { name: name.to_owned(), number: several.len() }),
    }
}

/// The ids that begin with `name` of the runs that left files.
fn ids(folder: &Folder, name: &str) -> Vec<String> {
    let entries = fs::read_dir(folder.transcripts()).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let ids = names.filter_map(|file| file.strip_suffix(".run.json").map(str::to_owned));
    ids.filter(|id| live::is_run_id(id) && id.starts_with(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{LiveMark, MarkContent};
    use crate::store::{SideFile, samples};

    fn place() -> (tempfile::TempDir, Folder) {
        let files = tempfile::tempdir().expect("a folder");
        let folder = Folder::find(Some(&files.path().join("results.db"))).expect("chosen");
        (files, folder)
    }

    fn begin(folder: &Folder, id: &str) -> LiveMark {
        let mark = LiveMark::set(folder, id, MarkContent { boots_asked: Some(1) }).expect("room");
        SideFile::new(samples::run(id, Vec::new()).head).write(&folder.side_file(id)).expect("room");
        mark
    }

    fn state() -> State {
        State::new(String::new(), UnixSeconds(0))
    }

    #[test]
    fn without_a_name_it_waits_for_a_run_and_then_stays_with_it() {
        let (_files, folder) = place();
        let mut source = Source::new(folder.clone(), None).expect("no name");
        let mut state = state();
        assert!(!source.look(&mut state) && state.snapshot.is_none());
        let mark = begin(&folder, "aa000001");
        assert!(source.look(&mut state));
        assert!(!source.look(&mut state), "nothing is new");
        fs::write(folder.transcript("aa000001", 1), b"a line\n").expect("room");
        assert!(source.look(&mut state));
        assert_eq!(
            state.snapshot.as_ref().map(|shown| (shown.run.as_str(), shown.log.len())),
            Some(("aa000001", 1))
        );
        drop(mark);
        let _other = begin(&folder, "aa000002");
        assert!(source.look(&mut state));
        assert_eq!(state.snapshot.as_ref().map(|shown| shown.state), Some(LiveState::Over));
        source.follow_newest();
        assert!(source.look(&mut state));
        assert_eq!(state.snapshot.map(|shown| shown.run).as_deref(), Some("aa000002"));
    }

    #[test]
    fn a_name_means_one_run_or_is_refused() {
        let (_files, folder) = place();
        let _marks = ["aa000001", "aa000002", "bb000001"].map(|id| begin(&folder, id));
        assert!(Source::new(folder.clone(), Some("b")).is_ok());
        assert!(matches!(
            Source::new(folder.clone(), Some("aa")),
            Err(UnknownRun::Ambiguous { number: 2, .. })
        ));
        for name in ["cc", "../aa000001", "aa000001x"] {
            assert!(
                matches!(Source::new(folder.clone(), Some(name)), Err(UnknownRun::Missing { .. })),
                "{name}"
            );
        }
    }
}
