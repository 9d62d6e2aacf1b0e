//! What version control knows.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Most revisions that are searched; more are a mistake.
const REVISIONS_MAX: usize = 100_000;

/// Why version control does not help.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// Git cannot be started.
    #[error("start git: {0}")]
    NoGit(io::Error),
    /// A command failed.
    #[error("ask git in {folder} to {doing}: {reason}")]
    Failed {
        /// Where.
        folder: PathBuf,
        /// What it was to do.
        doing: String,
        /// What it said.
        reason: String,
    },
    /// A name means no revision here.
    #[error("find the revision \"{0}\" in this repository; name its folder with --repository")]
    NoSuchRevision(String),
    /// The bad revision does not follow from the good one.
    #[error("find the revisions between {good} and {bad}: the first is no ancestor of the second")]
    NotInOrder {
        /// The last good one.
        good: String,
        /// The first bad one.
        bad: String,
    },
}

/// A git repository.
#[derive(Clone, Debug)]
pub struct Repository {
    root: PathBuf,
}

impl Repository {
    /// The repository that `folder` lies in.
    ///
    /// # Errors
    /// It lies in none, or there is no git.
    pub fn at(folder: &Path) -> Result<Self, RepositoryError> {
        let here = Self { root: folder.to_owned() };
        let root = here.git("find the top of the repository", &["rev-parse", "--show-toplevel"])?;
        Ok(Self { root: PathBuf::from(root.trim_end_matches('\n')) })
    }

    /// Its top folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The full hash of the commit that `name` means.
    ///
    /// # Errors
    /// It means none.
    pub fn commit(&self, name: &str) -> Result<String, RepositoryError> {
        let no_such = || RepositoryError::NoSuchRevision(name.to_owned());
        // A name from a database must not become an option.
        if name.starts_with('-') || name.is_empty() || name.contains('\0') {
            return Err(no_such());
        }
        let wanted = format!("{name}^{{commit}}");
        match self.git("find a revision", &["rev-parse", "--quiet", "--verify", &wanted]) {
            Ok(hash) => Ok(hash.trim().to_owned()),
            Err(RepositoryError::Failed { .. }) => Err(no_such()),
            Err(error) => Err(error),
        }
    }

    /// The revisions after `good` up to `bad`, oldest first, along first parents where there are merges.
    ///
    /// # Errors
    /// `good` is no ancestor of `bad`.
    pub fn between(&self, good: &str, bad: &str) -> Result<Vec<String>, RepositoryError> {
        let (good, bad) = (self.commit(good)?, self.commit(bad)?);
        let not_in_order = || RepositoryError::NotInOrder { good: good.clone(), bad: bad.clone() };
        if self.git("compare revisions", &["merge-base", "--is-ancestor", &good, &bad]).is_err() {
            return Err(not_in_order());
        }
        let range = format!("{good}..{bad}");
        let listed =
            self.git("list revisions", &["rev-list", "--first-parent", "--reverse", &range, "--"])?;
        let revisions: Vec<String> = listed.lines().take(REVISIONS_MAX).map(str::to_owned).collect();
        if revisions.is_empty() { Err(not_in_order()) } else { Ok(revisions) }
    }

    /// The first line of a commit's message.
    ///
    /// # Errors
    /// See [`RepositoryError`].
    pub fn subject(&self, hash: &str) -> Result<String, RepositoryError> {
        let text =
            self.git("read a message", &["log", "-1", "--no-show-signature", "--format=%s", hash, "--"])?;
        Ok(text.trim().to_owned())
    }

    /// What a git command prints.
    pub(super) fn git(&self, doing: &str, arguments: &[&str]) -> Result<String, RepositoryError> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.root).args(arguments).stdin(Stdio::null());
        let output = command.output().map_err(RepositoryError::NoGit)?;
        let failed = |reason: &str| RepositoryError::Failed {
            folder: self.root.clone(),
            doing: doing.to_owned(),
            reason: reason.trim().to_owned(),
        };
        if !output.status.success() {
            return Err(failed(&String::from_utf8_lossy(&output.stderr)));
        }
        String::from_utf8(output.stdout).map_err(|_| failed("it printed no UTF-8 text"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A repository whose commits each write their number into the file `speed`; gives their hashes.
    pub(in super::super) fn scratch(folder: &Path, commits: usize) -> Vec<String> {
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            let identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"];
            command.arg("-C").arg(folder).args(identity).args(arguments);
            let output = command.output().expect("git is there");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).expect("text").trim().to_owned()
        };
        git(&["init", "--quiet"]);
        let commit = |number: usize| {
            std::fs::write(folder.join("speed"), format!("{number}\n")).expect("room");
            git(&["add", "speed"]);
            git(&["commit", "--quiet", "-m", &format!("change {number}")]);
            git(&["rev-parse", "HEAD"])
        };
        (0..commits).map(commit).collect()
    }

    #[test]
    fn revisions_between_two_are_listed_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let hashes = scratch(folder.path(), 5);
        let repository = Repository::at(folder.path()).expect("a repository");
        assert_eq!(repository.between(&hashes[1][..10], &hashes[4]).expect("in order"), hashes[2..=4]);
        assert_eq!(repository.subject(&hashes[2]).expect("there"), "change 2");
        let error = repository.between(&hashes[4], &hashes[1]).expect_err("backwards");
        assert!(matches!(error, RepositoryError::NotInOrder { .. }), "{error}");
        assert!(repository.between(&hashes[1], &hashes[1]).is_err());
    }

    #[test]
    fn names_that_are_options_or_nothing_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        scratch(folder.path(), 1);
        let repository = Repository::at(folder.path()).expect("a repository");
        for name in ["", "--output=x", "-1", "nothing", "HEAD\0", "$(touch x)", "HEAD:speed"] {
            let error = repository.commit(name).expect_err(name);
            assert!(matches!(error, RepositoryError::NoSuchRevision(_)), "{name}: {error}");
        }
        assert!(!folder.path().join("x").exists());
    }

    #[test]
    fn a_folder_without_a_repository_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Repository::at(&folder.path().join("none")).is_err());
    }
}
