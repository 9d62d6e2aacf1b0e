//! A folder of its own for old revisions.

use std::path::{Path, PathBuf};

use super::repository::{Repository, RepositoryError};

/// Where old revisions are built, below the top of the repository.
const FOLDER: &str = "target/bisect";

/// A work tree beside the user's, which goes when it is dropped.
#[derive(Debug)]
pub struct Worktree<'a> {
    repository: &'a Repository,
    path: PathBuf,
}

impl<'a> Worktree<'a> {
    /// Makes the work tree `target/bisect/NAME` at `revision`. One that was left there by a search that was killed goes first.
    ///
    /// # Errors
    /// The folder is there and no work tree of this repository, and what git says.
    pub fn make(repository: &'a Repository, name: &str, revision: &str) -> Result<Self, RepositoryError> {
        let path = repository.root().join(FOLDER).join(name);
        let tree = Self { repository, path };
        if tree.path.exists() {
            tree.git("remove a work tree that was left behind", &["worktree", "remove", "--force", "PATH"])?;
        }
        tree.git(
            "make a work tree",
            &["worktree", "add", "--quiet", "--detach", "--force", "PATH", revision],
        )?;
        Ok(tree)
    }

    /// Goes to another revision; what was built stays, so that the next build is short.
    ///
    /// # Errors
    /// See [`RepositoryError`].
    pub fn check_out(&self, revision: &str) -> Result<(), RepositoryError> {
        self.git(
            "check out a revision",
            &["-C", "PATH", "checkout", "--quiet", "--detach", "--force", revision],
        )
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn git(&self, doing: &str, arguments: &[&str]) -> Result<(), RepositoryError> {
        let path = self.path.to_string_lossy();
        let named: Vec<&str> = arguments
            .iter()
            .map(|argument| if *argument == "PATH" { path.as_ref() } else { argument })
            .collect();
        self.repository.git(doing, &named).map(drop)
    }
}

impl Drop for Worktree<'_> {
    fn drop(&mut self) {
        // Whoever interrupts git here finds the folder again, and the next search removes it.
        let _ = self.git("remove a work tree", &["worktree", "remove", "--force", "PATH"]);
        let _ = self.repository.git("forget it", &["worktree", "prune"]);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::repository::tests::scratch;
    use super::*;

    #[test]
    fn a_work_tree_goes_from_revision_to_revision_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let hashes = scratch(folder.path(), 3);
        let repository = Repository::at(folder.path()).expect("a repository");
        let tree = Worktree::make(&repository, "one", &hashes[0]).expect("room");
        let speed = tree.path().join("speed");
        assert_eq!(fs::read_to_string(&speed).expect("there"), "0\n");
        fs::write(&speed, "changed by a build").expect("room");
        tree.check_out(&hashes[1]).expect("there");
        assert_eq!(fs::read_to_string(&speed).expect("there"), "1\n");
        let path = tree.path().to_owned();
        // A search that is killed does not drop.
        std::mem::forget(tree);
        let tree = Worktree::make(&repository, "one", &hashes[2]).expect("the old one goes");
        drop(tree);
        assert!(!path.exists());
        assert_eq!(fs::read_to_string(folder.path().join("speed")).expect("there"), "2\n");
        let listed = repository.git("list", &["worktree", "list"]).expect("git");
        assert_eq!(listed.lines().count(), 1, "{listed}");
    }

    #[test]
    fn a_folder_of_the_users_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let hashes = scratch(folder.path(), 1);
        let repository = Repository::at(folder.path()).expect("a repository");
        let mine = folder.path().join("target/bisect/one");
        fs::create_dir_all(&mine).expect("room");
        fs::write(mine.join("notes"), "mine").expect("room");
        assert!(Worktree::make(&repository, "one", &hashes[0]).is_err());
        assert_eq!(fs::read_to_string(mine.join("notes")).expect("there"), "mine");
    }
}
