//! The two sides as git knows them.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};

use super::AbError;

/// What of a revision makes a side.
const CORE: &str = "multios-core";
/// What says how it is built.
const WORKSPACE_FILES: [&str; 2] = ["Cargo.toml", "Cargo.lock"];
/// Hex digits of a commit that people see.
const COMMIT_DIGITS: usize = 12;
/// The file that says which commit a folder holds.
const STAMP: &str = "commit";

/// The two sides by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sides {
    /// The base's commit, 40 hex digits.
    pub(super) base: String,
    /// The base as the user wrote it.
    base_name: String,
    /// The commit that the candidate started from; `None` before the first.
    candidate: Option<String>,
    /// Whether the candidate has changes that no commit has.
    is_changed: bool,
}

impl Sides {
    /// Finds the base `revision`, and what the candidate in `root` is.
    pub(super) fn find(root: &Path, revision: &str) -> Result<Self, AbError> {
        let inside = git(root, ["rev-parse", "--git-dir"])?;
        if !inside.status.success() {
            return Err(AbError::NotARepository { root: root.to_owned(), reason: complaint(&inside) });
        }
        let commit = |revision: &str| -> Result<Option<String>, AbError> {
            let name = format!("{revision}^{{commit}}");
            let found = git(root, ["rev-parse", "--verify", "--quiet", "--end-of-options", &name])?;
            Ok(found.status.success().then(|| text(&found.stdout)))
        };
        let base =
            commit(revision)?.ok_or_else(|| AbError::UnknownRevision { revision: revision.to_owned() })?;
        let candidate = commit("HEAD")?;
        let changes =
            git(root, ["status", "--porcelain", "--", CORE, "perf-kernel", "Cargo.toml", "Cargo.lock"])?;
        let is_changed = !changes.status.success() || !changes.stdout.is_empty();
        Ok(Self { base, base_name: revision.to_owned(), candidate, is_changed })
    }
}

impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |commit: &str| commit.chars().take(COMMIT_DIGITS).collect::<String>();
        write!(f, "base {}", short(&self.base))?;
        if !self.base.starts_with(&self.base_name) {
            write!(f, " ({})", self.base_name)?;
        }
        match &self.candidate {
            Some(commit) => write!(f, ", candidate {}", short(commit))?,
            None => write!(f, ", candidate without a commit")?,
        }
        if self.is_changed { f.write_str(" with uncommitted changes") } else { Ok(()) }
    }
}

/// Puts the subsystems of `commit`, and how they were built, into `folder`. What lies there of another commit, or was
/// half put there, is replaced.
pub(super) fn extract(root: &Path, commit: &str, folder: &Path) -> Result<(), AbError> {
    let stamp = folder.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|held| held == commit) {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(AbError::io("make", parent))?;
    let scratch = tempfile::tempdir_in(parent).map_err(AbError::io("make a folder in", parent))?;
    let archive = scratch.path().join("base.tar");
    let output = ["--format=tar", "--output"].map(OsStr::new);
    let paths = [CORE, WORKSPACE_FILES[0], WORKSPACE_FILES[1]].map(OsStr::new);
    let arguments = [OsStr::new("archive")].into_iter().chain(output).chain([archive.as_os_str()]);
    let archived = git(root, arguments.chain([OsStr::new(commit), OsStr::new("--")]).chain(paths))?;
    if !archived.status.success() {
        return Err(AbError::Unusable { commit: commit.to_owned(), reason: complaint(&archived) });
    }
    let files = scratch.path().join("base");
    fs::create_dir(&files).map_err(AbError::io("make", &files))?;
    let mut tar = Command::new("tar");
    // Not with the times of the commit: cargo takes what is older than its last build, of another base, for built.
    tar.arg("-xmf").arg(&archive).arg("-C").arg(&files);
    let unpacked = run(tar, "tar", "install it")?;
    if !unpacked.status.success() {
        return Err(AbError::Program { program: "tar -x".to_owned(), reason: complaint(&unpacked) });
    }
    fs::write(files.join(STAMP), commit).map_err(AbError::io("write", &stamp))?;
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(AbError::io("empty", folder)(error)),
        _ => fs::rename(&files, folder).map_err(AbError::io("make", folder)),
    }
}

fn git(root: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Output, AbError> {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(arguments);
    run(command, "git", "install it")
}

/// Runs `command`, the program called `program`, to its end.
fn run(mut command: Command, program: &'static str, remedy: &'static str) -> Result<Output, AbError> {
    command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => AbError::Missing { program, remedy },
        _ => AbError::Program { program: program.to_owned(), reason: error.to_string() },
    })
}

/// The first line that a program wrote on standard error.
fn complaint(output: &Output) -> String {
    text(&output.stderr).lines().next().unwrap_or("it says nothing").to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
