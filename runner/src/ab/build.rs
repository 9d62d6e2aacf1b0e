//! Builds a program of two builds, as the ordinary one is built, and links it at several layouts.

use std::io::{BufRead as _, BufReader, ErrorKind};
use std::path::PathBuf;
use std::process::Stdio;

use super::diagnosis::diagnose;
use super::{AbError, Workspace};
use crate::layout::{Call, Product, require_different};

/// The variable by which the program learns what its sides are called.
const SIDES_VARIABLE: &str = "AB_SIDES";

/// Layouts of a program: as many as boots are measured by default, so that where the code of either side happens to lie
/// is another chance in each.
pub const LAYOUTS: usize = 12;

/// How `product` of the project in the current folder is built.
#[must_use]
pub fn call(product: Product) -> Call {
    Call { product, layouts: LAYOUTS, build_folder: PathBuf::from(super::workspace::FOLDER).join("build") }
}

/// Builds `product` and says where it lies at each layout. Each line that cargo says goes to `watch`.
///
/// # Errors
/// See [`AbError`].
pub fn build(
    workspace: &Workspace,
    product: Product,
    watch: &mut dyn FnMut(&str),
) -> Result<Vec<PathBuf>, AbError> {
    let build_folder = workspace.build_folder.clone();
    let call = Call { build_folder, ..call(product) };
    let mut command = call.command(&workspace.root)?;
    command.current_dir(&workspace.folder).env(SIDES_VARIABLE, &workspace.sides);
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
    let programs = call.programs();
    require_different(&programs)?;
    Ok(programs)
}
