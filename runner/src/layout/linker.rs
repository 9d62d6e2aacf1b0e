//! The linker that links a program once as the compiler asks, and then again at each layout.
//!
//! Every function has a section of its own, and LLD's `--shuffle-sections` puts the sections in an order that a seed
//! fixes. The seed is the number of the layout.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::LayoutError;

/// LLD under the names by which the C compiler looks for a linker, below the Rust compiler's folder.
const LINKERS: &str = "lib/rustlib/x86_64-unknown-linux-gnu/bin/gcc-ld";

/// What links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Linker {
    /// LLD itself, which the compiler finds.
    Lld,
    /// The C compiler, with the arguments that make it take LLD.
    Driver(Vec<String>),
}

impl Linker {
    /// The C compiler with the LLD of the Rust compiler in use.
    pub(super) fn through_driver() -> Result<Self, LayoutError> {
        let started = LayoutError::started("rustc");
        let output = Command::new("rustc").args(["--print", "sysroot"]).output().map_err(started)?;
        let folder = Path::new(String::from_utf8_lossy(&output.stdout).trim()).join(LINKERS);
        let mut arguments = vec![format!("-B{}", folder.display())];
        // Some distributions have it there as `ld` alone, which the driver takes unasked.
        if folder.join("ld.lld").exists() {
            arguments.push("-fuse-ld=lld".to_owned());
        }
        Ok(Self::Driver(arguments))
    }

    /// The program, and what goes before and behind the seed of a layout.
    fn words(&self) -> (&'static str, Vec<String>) {
        const SHUFFLE: &str = "--shuffle-sections=.text.*=";
        match self {
            Self::Lld => ("rust-lld", vec![SHUFFLE.to_owned()]),
            Self::Driver(arguments) => {
                let shuffle = format!("-Wl,{SHUFFLE}");
                ("cc", arguments.iter().cloned().chain([shuffle]).collect())
            }
        }
    }
}

/// A script in the linker's place.
pub(super) struct Wrapper {
    pub(super) linker: Linker,
    /// Where each layout goes, the first first.
    pub(super) programs: Vec<PathBuf>,
}

impl Wrapper {
    /// Writes the script for the program `name` into `folder` and says where. Its name tells the number of layouts, so
    /// that another number is another call for cargo, which then links anew.
    pub(super) fn write(&self, folder: &Path, name: &str) -> Result<PathBuf, LayoutError> {
        let script = folder.join(format!("link-{name}-{}.sh", self.programs.len()));
        for program in &self.programs {
            let folder = program.parent().unwrap_or(program);
            fs::create_dir_all(folder).map_err(LayoutError::io("make", folder))?;
        }
        let text = self.text();
        if fs::read_to_string(&script).is_ok_and(|held| held == text) {
            return Ok(script);
        }
        fs::write(&script, text).map_err(LayoutError::io("write", &script))?;
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&script, executable).map_err(LayoutError::io("change", &script))?;
        Ok(script)
    }

    fn text(&self) -> String {
        let (program, words) = self.linker.words();
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let mut text = format!("#!/bin/sh\nset -e\n{program} \"$@\"\n");
        for (seed, layout) in (1..).zip(&self.programs) {
            // The last of several outputs is the one that is written.
            let output = quoted(&layout.to_string_lossy());
            text.push_str(&format!("{program} \"$@\" {}{seed} -o {output}\n", words.join(" ")));
        }
        text
    }
}

/// `word` as the shell takes it for one word.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layout_has_its_seed_and_its_place() {
        let programs = vec![PathBuf::from("/b/it's/1/k"), PathBuf::from("/b/2/k")];
        let text = Wrapper { linker: Linker::Lld, programs }.text();
        let expected = "#!/bin/sh\nset -e\nrust-lld \"$@\"\n\
            rust-lld \"$@\" '--shuffle-sections=.text.*='1 -o '/b/it'\\''s/1/k'\n\
            rust-lld \"$@\" '--shuffle-sections=.text.*='2 -o '/b/2/k'\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_driver_is_given_what_makes_it_take_lld() {
        let linker = Linker::Driver(vec!["-B/lld".to_owned()]);
        let text = Wrapper { linker, programs: vec![PathBuf::from("/k")] }.text();
        assert!(text.ends_with("cc \"$@\" '-B/lld' '-Wl,--shuffle-sections=.text.*='1 -o '/k'\n"), "{text}");
    }
}
