//! Builds the programs of a workspace that links two builds, as the ordinary ones are built.

use std::io::{BufRead as _, BufReader, ErrorKind};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::diagnosis::diagnose;
use super::{AbError, Workspace};

/// The variable by which the program learns what its sides are called.
const SIDES_VARIABLE: &str = "AB_SIDES";

/// What to build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// The kernel of the bootable image.
    Kernel,
    /// The process.
    Hosted,
}

impl Product {
    /// The call of cargo. The project's `.cargo/config.toml` lies above the workspace and says what `kernel` is.
    pub(crate) const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Kernel => &["kernel"],
            Self::Hosted => &[
                "build",
                "--profile",
                "hosted",
                "--package",
                "perf-kernel",
                "--bin",
                "perf-hosted",
                "--features",
                "hosted",
            ],
        }
    }

    /// The program's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kernel => "perf-kernel",
            Self::Hosted => "perf-hosted",
        }
    }

    /// The program, seen from cargo's folder.
    pub(crate) const fn place(self) -> &'static str {
        match self {
            Self::Kernel => "x86_64-multios/kernel/perf-kernel",
            Self::Hosted => "hosted/perf-hosted",
        }
    }
}

/// Builds `product` and says where it is. Each line that cargo says goes to `watch`.
///
/// # Errors
/// See [`AbError`].
pub fn build(
    workspace: &Workspace,
    product: Product,
    watch: &mut dyn FnMut(&str),
) -> Result<PathBuf, AbError> {
    let mut command = Command::new("cargo");
    command.args(product.arguments()).arg("--target-dir").arg(&workspace.build_folder);
    command.current_dir(&workspace.folder).env(SIDES_VARIABLE, &workspace.sides);
    if product == Product::Kernel {
        // As in the Makefile.
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    command.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET");
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    let failed =
        |error: std::io::Error| AbError::Program { program: "cargo".to_owned(), reason: error.to_string() };
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => AbError::Missing { program: "cargo", remedy: "run `make setup`" },
        _ => failed(error),
    })?;
    let mut lines = Vec::new();
    for line in child.stderr.take().map(BufReader::new).into_iter().flat_map(|reader| reader.split(b'\n')) {
        let line = String::from_utf8_lossy(&line.map_err(failed)?).into_owned();
        watch(&line);
        lines.push(line);
    }
    if !child.wait().map_err(failed)?.success() {
        return Err(diagnose(&lines));
    }
    Ok(workspace.build_folder.join(product.place()))
}
