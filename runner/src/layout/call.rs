//! The call of cargo that links a program at several layouts.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use toml::Table;

use super::linker::{Linker, Wrapper};
use super::{LayoutError, Product};
use crate::performance::InTurn;

/// Cargo's settings, with the call that builds the kernel.
const SETTINGS: &str = ".cargo/config.toml";

/// How a program is built and linked at several layouts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What is built.
    pub product: Product,
    /// How many layouts.
    pub layouts: usize,
    /// Where cargo builds, and the layouts lie beside.
    pub build_folder: PathBuf,
}

impl Call {
    /// The program at `layout`, from 1.
    #[must_use]
    pub fn program(&self, layout: usize) -> PathBuf {
        self.layouts_folder().join(layout.to_string()).join(self.product.name())
    }

    /// The programs at all layouts.
    #[must_use]
    pub fn programs(&self) -> Vec<PathBuf> {
        (1..=self.layouts).map(|layout| self.program(layout)).collect()
    }

    /// The programs, for boots that take the layouts in turn.
    #[must_use]
    pub fn in_turn(&self) -> InTurn<PathBuf> {
        InTurn::new(self.program(1), (2..=self.layouts).map(|layout| self.program(layout)).collect())
    }

    /// The command, for a workspace whose cargo takes the settings in `root`. The compiler generates code once; only the
    /// linker runs for each layout.
    ///
    /// # Errors
    /// See [`LayoutError`].
    pub fn command(&self, root: &Path) -> Result<Command, LayoutError> {
        let mut words: Vec<OsString> = match self.product {
            Product::Hosted => HOSTED.map(OsString::from).into(),
            Product::Kernel => {
                let path = root.join(SETTINGS);
                let text = fs::read_to_string(&path).map_err(LayoutError::io("read", &path))?;
                let reason = "it has no alias `kernel` that builds";
                let call = kernel_call(&text).ok_or(LayoutError::Configuration { path, reason })?;
                call.into_iter().map(OsString::from).collect()
            }
        };
        // The arguments behind `--` then go to the compiler of the program alone.
        words[0] = "rustc".into();
        let linker = match self.product {
            Product::Kernel => Linker::Lld,
            Product::Hosted => Linker::through_driver()?,
        };
        let wrapper = Wrapper { linker, programs: self.programs() };
        let script = wrapper.write(&self.layouts_folder(), self.product.name())?;
        let mut linker = OsString::from("-Clinker=");
        linker.push(script);
        let mut command = Command::new("cargo");
        command.args(words).arg("--target-dir").arg(&self.build_folder).arg("--").arg(linker);
        if self.product == Product::Kernel {
            // The library source is built with the compiler's own features, which is what this switch is for.
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        command.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET");
        Ok(command)
    }

    fn layouts_folder(&self) -> PathBuf {
        self.build_folder.join("layouts")
    }
}

/// The call that builds the process, as in the Makefile.
const HOSTED: [&str; 9] = [
    "build",
    "--profile",
    "hosted",
    "--package",
    "perf-kernel",
    "--bin",
    "perf-hosted",
    "--features",
    "hosted",
];

/// What `cargo kernel` stands for in the settings `text`; `None` if it builds nothing.
fn kernel_call(text: &str) -> Option<Vec<String>> {
    let settings: Table = text.parse().ok()?;
    let words = settings.get("alias")?.get("kernel")?.as_array()?;
    let words: Option<Vec<String>> = words.iter().map(|word| word.as_str().map(str::to_owned)).collect();
    words.filter(|words| words.first().is_some_and(|word| word == "build"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_built_as_the_project_builds_it() {
        let text = include_str!("../../../.cargo/config.toml");
        let words = kernel_call(text).expect("it builds");
        assert!(words.iter().any(|word| word == "-Zbuild-std=core,alloc"), "{words:?}");
    }

    #[test]
    fn settings_without_a_build_are_refused() {
        assert_eq!(kernel_call("[alias]\nkernel = [\"clippy\"]\n"), None);
        assert_eq!(kernel_call("[alias]\nkernel = \"build\"\n"), None);
        assert_eq!(kernel_call("not settings"), None);
    }

    #[test]
    fn the_compiler_is_told_once_and_the_linker_for_each_layout() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let call = Call { product: Product::Kernel, layouts: 3, build_folder: folder.path().join("build") };
        let command = call.command(&root).expect("the settings are there");
        let words: Vec<String> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(words[0], "rustc");
        let script = words.last().and_then(|word| word.strip_prefix("-Clinker=")).expect("a linker");
        let text = fs::read_to_string(script).expect("it was written");
        for program in call.programs() {
            assert!(text.contains(&program.display().to_string()), "{text}");
        }
    }
}
