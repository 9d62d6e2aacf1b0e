//! Which source revision a run measures.

use std::process::{Command, Stdio};

use super::arguments::BootOptions;

/// The revision that the user names, else the commit of this folder. A tree with changes is no commit, and has none.
pub(super) fn measured(options: &BootOptions) -> Option<String> {
    options.revision.clone().or_else(|| {
        let is_clean = git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
        git(&["rev-parse", "HEAD"]).filter(|_| is_clean)
    })
}

/// What git prints; `None` if there is no git, or no repository here.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
