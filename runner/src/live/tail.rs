//! A transcript on disk that is being written.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::Follower;

/// Bytes that one look takes at most, so that no file keeps its reader for long.
const LOOK_BYTES_MAX: u64 = 4 << 20;

/// Bytes of a transcript that are followed at most: what they hold is kept in memory.
const FOLLOWED_BYTES_MAX: u64 = 256 << 20;

/// Bytes before the place of reading that must not have changed.
const MEMORY_BYTES: usize = 64;

/// What a look brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing new, for now.
    Nothing,
    /// The boot has told more.
    More,
    /// The file is another one than before: everything known is from the new one.
    Restarted,
}

/// Reads what is new of a transcript whenever it is asked to look. The file may be missing still, and it may be cut or
/// replaced: what is known is then begun anew.
pub struct Tail {
    path: PathBuf,
    open: Option<Open>,
    follower: Follower,
    is_too_long: bool,
}

struct Open {
    file: File,
    identity: (u64, u64),
    read: u64,
    /// The newest bytes that were read.
    memory: Vec<u8>,
}

impl Tail {
    /// A tail of the transcript at `path`; nothing is read yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), open: None, follower: Follower::new(), is_too_long: false }
    }

    /// The transcript.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What its bytes told so far.
    #[must_use]
    pub const fn follower(&self) -> &Follower {
        &self.follower
    }

    /// Bytes read so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.read)
    }

    /// Whether the transcript is longer than what is followed.
    #[must_use]
    pub const fn is_too_long(&self) -> bool {
        self.is_too_long
    }

    /// Reads what is new, a few MiB at most: after [`News::More`] there may be more at once.
    ///
    /// # Errors
    /// The file cannot be read. The next look tries again.
    pub fn look(&mut self) -> io::Result<News> {
        let had_read = self.bytes_read() > 0;
        let is_new = match self.reopen() {
            Ok(is_new) => is_new,
            // Not made yet, or taken away: what is known stays.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(News::Nothing),
            Err(error) => return Err(error),
        };
        if is_new {
            self.follower = Follower::new();
        }
        let Some(open) = &mut self.open else { return Ok(News::Nothing) };
        let room = FOLLOWED_BYTES_MAX.saturating_sub(open.read).min(LOOK_BYTES_MAX);
        let mut bytes = Vec::new();
        (&open.file).take(room).read_to_end(&mut bytes)?;
        open.note(&bytes);
        self.is_too_long = open.read >= FOLLOWED_BYTES_MAX;
        self.follower.push(&bytes);
        Ok(match (is_new && had_read, bytes.is_empty()) {
            (true, _) => News::Restarted,
            (false, true) => News::Nothing,
            (false, false) => News::More,
        })
    }

    /// Opens the file if that is not the one that is open, or no longer what it was; whether it did.
    fn reopen(&mut self) -> io::Result<bool> {
        let found = std::fs::metadata(&self.path)?;
        let is_same = match &self.open {
            Some(open) => open.identity == identity(&found) && open.is_continued()?,
            None => false,
        };
        if is_same {
            return Ok(false);
        }
        let file = File::open(&self.path)?;
        let identity = identity(&file.metadata()?);
        self.open = Some(Open { file, identity, read: 0, memory: Vec::new() });
        Ok(true)
    }
}

impl Open {
    /// Whether what was read last still stands where it was read.
    fn is_continued(&self) -> io::Result<bool> {
        let mut found = vec![0; self.memory.len()];
        let place = self.read.saturating_sub(u64::try_from(found.len()).unwrap_or(0));
        match self.file.read_exact_at(&mut found, place) {
            Ok(()) => Ok(found == self.memory),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn note(&mut self, bytes: &[u8]) {
        self.read = self.read.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
        self.memory
            .extend_from_slice(bytes.get(bytes.len().saturating_sub(MEMORY_BYTES)..).unwrap_or_default());
        self.memory.drain(..self.memory.len().saturating_sub(MEMORY_BYTES));
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write as _;

    use super::*;

    fn append(path: &Path, bytes: &[u8]) {
        let mut file = OpenOptions::new().append(true).create(true).open(path).expect("room");
        file.write_all(bytes).expect("room");
    }

    fn lines(tail: &Tail) -> Vec<&str> {
        tail.follower().log().0.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn what_is_appended_is_read_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.transcript");
        let mut tail = Tail::new(&path);
        assert_eq!(tail.look().expect("missing is no error"), News::Nothing);
        append(&path, b"one\ntw");
        assert_eq!(tail.look().expect("readable"), News::More);
        assert_eq!(lines(&tail), ["one"]);
        assert_eq!(tail.look().expect("readable"), News::Nothing);
        append(&path, b"o\n");
        assert_eq!(tail.look().expect("readable"), News::More);
        assert_eq!((lines(&tail), tail.bytes_read()), (vec!["one", "two"], 8));
    }

    #[test]
    fn a_cut_or_replaced_file_is_read_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.transcript");
        let mut tail = Tail::new(&path);
        let restarts: [(&str, &dyn Fn()); 4] = [
            ("cut", &|| fs::write(&path, b"b\n").expect("room")),
            ("written over", &|| fs::write(&path, b"b\nc\nd\ne\n").expect("room")),
            ("cut and grown beyond", &|| fs::write(&path, "b\n".repeat(100)).expect("room")),
            ("replaced", &|| {
                let other = folder.path().join("other");
                fs::write(&other, b"b\nand some more than before\n").expect("room");
                fs::rename(&other, &path).expect("one folder");
            }),
        ];
        for (how, restart) in restarts {
            fs::write(&path, b"one\ntwo\n").expect("room");
            while tail.look().expect("readable") != News::Nothing {}
            assert_eq!(lines(&tail), ["one", "two"], "before it was {how}");
            restart();
            assert_eq!(tail.look().expect("readable"), News::Restarted, "{how}");
            assert_eq!(lines(&tail)[0], "b", "{how}");
        }
        fs::remove_file(&path).expect("it is ours");
        assert_eq!(tail.look().expect("missing is no error"), News::Nothing);
        assert_eq!(lines(&tail)[0], "b", "what is known stays");
    }
}
