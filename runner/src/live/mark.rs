//! The mark beside the transcripts of a run that is being made.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::store::{Folder, StoreError};

/// The longest mark that is read.
const LENGTH_MAX: u64 = 4096;

/// What a mark says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkContent {
    /// Boots that the run is to have; `None` if the mark does not say.
    #[serde(default)]
    pub boots_asked: Option<u32>,
}

/// What a mark tells of its maker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkState {
    /// There is none: the run is over, or never was.
    Absent,
    /// The maker works on the run, or the file system cannot tell.
    Held(MarkContent),
    /// The maker is gone without having ended the run.
    Left(MarkContent),
}

/// Holds the mark of a run; dropping it takes the mark away.
///
/// The maker locks the file. The operating system lets go of the lock however a process ends, so that a mark left by a
/// killed one is told from a mark in use, which a process number that another process may have by now does not do.
#[derive(Debug)]
pub struct LiveMark {
    path: PathBuf,
    /// Keeps the lock.
    _file: File,
}

impl LiveMark {
    /// Marks `run` as being made.
    ///
    /// # Errors
    /// The disk does not take the mark.
    pub fn set(folder: &Folder, run: &str, content: MarkContent) -> Result<Self, StoreError> {
        let path = folder.live_mark(run);
        let failed = |error| StoreError::io(format!("mark the run in {}", path.display()), error);
        fs::create_dir_all(folder.transcripts()).map_err(failed)?;
        // Nobody sees a mark that is not locked yet.
        let new = path.with_extension("live.new");
        let mut file = File::create(&new).map_err(failed)?;
        // A file system without locks costs only the difference between held and left.
        let _ = file.try_lock();
        let text = serde_json::to_vec(&content).map_err(|error| failed(error.into()))?;
        file.write_all(&text).and_then(|()| fs::rename(&new, &path)).map_err(failed)?;
        Ok(Self { path, _file: file })
    }

    /// Takes away what killed makers left in `folder`.
    pub fn sweep(folder: &Folder) {
        for run in marked_runs(folder) {
            let path = folder.live_mark(&run);
            if matches!(state(&path), MarkState::Left(_)) {
                // One that cannot be removed is only shown for longer.
                let _ = fs::remove_file(path);
            }
        }
    }
}

impl Drop for LiveMark {
    fn drop(&mut self) {
        // A mark that stays is told to be left as soon as the lock is gone.
        let _ = fs::remove_file(&self.path);
    }
}

/// What the mark at `path` tells.
pub(super) fn state(path: &Path) -> MarkState {
    let Ok(file) = File::open(path) else { return MarkState::Absent };
    let mut text = Vec::new();
    // A mark that cannot be read is one that says nothing.
    let _ = (&file).take(LENGTH_MAX).read_to_end(&mut text);
    let content = serde_json::from_slice(&text).unwrap_or_default();
    match file.try_lock_shared() {
        Ok(()) if path.exists() => MarkState::Left(content),
        // It was removed after it was opened: its run has ended.
        Ok(()) => MarkState::Absent,
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => MarkState::Held(content),
    }
}

/// Ids of the runs that have a mark in `folder`, in no order.
pub(super) fn marked_runs(folder: &Folder) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder.transcripts()) else { return Vec::new() };
    let run = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        name.strip_suffix(".live").filter(|run| super::is_run_id(run)).map(str::to_owned)
    };
    entries.flatten().filter_map(run).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::find(Some(&place.path().join("results.db"))).expect("chosen");
        (place, folder)
    }

    #[test]
    fn a_mark_is_held_until_its_maker_lets_go() {
        let (_place, folder) = folder();
        let content = MarkContent { boots_asked: Some(3) };
        let path = folder.live_mark("3f2a91bc");
        assert_eq!(state(&path), MarkState::Absent);
        let mark = LiveMark::set(&folder, "3f2a91bc", content).expect("room");
        assert_eq!(state(&path), MarkState::Held(content));
        assert_eq!(marked_runs(&folder), ["3f2a91bc"]);
        LiveMark::sweep(&folder);
        assert_eq!(state(&path), MarkState::Held(content), "only what was left is swept");
        drop(mark);
        assert_eq!(state(&path), MarkState::Absent);
    }

    #[test]
    fn a_mark_whose_maker_was_killed_is_left_and_swept() {
        let (_place, folder) = folder();
        let path = folder.live_mark("3f2a91bc");
        fs::create_dir_all(folder.transcripts()).expect("room");
        fs::write(&path, b"\xff no JSON").expect("room");
        assert_eq!(state(&path), MarkState::Left(MarkContent::default()));
        LiveMark::sweep(&folder);
        assert_eq!(state(&path), MarkState::Absent);
    }

    #[test]
    fn only_names_of_runs_are_marks() {
        let (_place, folder) = folder();
        fs::create_dir_all(folder.transcripts()).expect("room");
        for name in ["../x.live", "3f2a91b.live", "3F2A91BC.live", "3f2a91bc.live.new", "3f2a91bc"] {
            let _ = fs::write(folder.transcripts().join(name), b"");
        }
        assert_eq!(marked_runs(&folder), Vec::<String>::new());
    }
}
