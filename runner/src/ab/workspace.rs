//! The workspace that links two builds, written into the build folder of the candidate.

use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

use super::manifest::{self, Dependency};
use super::revision::{Sides, extract};
use super::{AbError, lock};

/// Where everything lies, below the candidate's folder.
pub(super) const FOLDER: &str = "target/ab";

const CORE_BASE: Dependency =
    Dependency { name: "multios-core-base", package: "multios-core-base", path: "../../base/multios-core" };
const CORE_CANDIDATE: Dependency =
    Dependency { name: "multios-core", package: "multios-core-candidate", path: "../multios-core-candidate" };
const SUITES_BASE: Dependency =
    Dependency { name: "perf-kernel-base", package: "perf-kernel-base", path: "../perf-kernel-base" };
const SUITES_CANDIDATE: Dependency =
    Dependency { name: "perf-kernel", package: "perf-kernel-candidate", path: "../perf-kernel-candidate" };

/// A workspace that links two builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// The candidate's folder.
    pub root: PathBuf,
    /// Its own folder.
    pub folder: PathBuf,
    /// Where cargo is to build.
    pub build_folder: PathBuf,
    /// The two sides in words.
    pub sides: String,
    /// What the sides do not differ in, though they should, each in a sentence.
    pub notes: Vec<String>,
}

/// Writes the workspace for the candidate in `root` against the commit `base`. Files that are already right are left
/// alone, so that cargo builds only what has changed.
///
/// # Errors
/// See [`AbError`].
pub fn prepare(root: &Path, base: &str) -> Result<Workspace, AbError> {
    let root = root.canonicalize().map_err(AbError::io("find", root))?;
    let sides = Sides::find(&root, base)?;
    let folder = root.join(FOLDER);
    let base_folder = folder.join("base");
    extract(&root, &sides.base, &base_folder)?;
    name_base(&base_folder, &sides)?;
    let files = Files { root: &root, folder: folder.join("workspace") };
    files.write_manifests()?;
    files.copy_programs()?;
    let lock_of = |folder: &Path| fs::read_to_string(folder.join("Cargo.lock")).unwrap_or_default();
    let notes = lock::differences(&lock_of(&base_folder), &lock_of(&root));
    let build_folder = folder.join("build");
    Ok(Workspace { folder: files.folder, root: root.clone(), build_folder, sides: sides.to_string(), notes })
}

/// Makes the base a workspace of its own, with its own versions, whose package has a name of its own.
fn name_base(folder: &Path, sides: &Sides) -> Result<(), AbError> {
    let core = folder.join("multios-core/Cargo.toml");
    if !core.is_file() {
        let reason = "it has no multios-core".to_owned();
        return Err(AbError::Unusable { commit: sides.base.clone(), reason });
    }
    let root = folder.join("Cargo.toml");
    let mut workspace = manifest::workspace(&read(&root)?, &["multios-core"]);
    // Profiles are those of the workspace that links both.
    workspace.remove("profile");
    write_table(&root, &workspace)?;
    write_table(&core, &manifest::renamed(&read(&core)?, CORE_BASE.package))
}

/// The files of the workspace.
struct Files<'a> {
    root: &'a Path,
    folder: PathBuf,
}

impl Files<'_> {
    fn write_manifests(&self) -> Result<(), AbError> {
        let of_root = |path: &str| self.root.join(path).to_string_lossy().into_owned();
        let (core, suites) = (of_root("multios-core"), of_root("perf-kernel"));
        let core_manifest = read(&self.root.join("multios-core/Cargo.toml"))?;
        let suites_manifest = read(&self.root.join("perf-kernel/Cargo.toml"))?;
        let base_of_suites = Dependency { name: CORE_CANDIDATE.name, ..CORE_BASE };
        let members = ["perf-kernel", CORE_CANDIDATE.package, SUITES_BASE.package, SUITES_CANDIDATE.package];
        let manifests = [
            (".", manifest::workspace(&read(&self.root.join("Cargo.toml"))?, &members)),
            (CORE_CANDIDATE.package, manifest::library(&core_manifest, CORE_CANDIDATE.package, &core, &[])),
            (
                SUITES_BASE.package,
                manifest::library(&suites_manifest, SUITES_BASE.package, &suites, &[base_of_suites]),
            ),
            (
                SUITES_CANDIDATE.package,
                manifest::library(&suites_manifest, SUITES_CANDIDATE.package, &suites, &[CORE_CANDIDATE]),
            ),
            (
                "perf-kernel",
                manifest::programs_with(
                    &suites_manifest,
                    &SUITES_CANDIDATE,
                    &[CORE_CANDIDATE, CORE_BASE, SUITES_BASE],
                ),
            ),
        ];
        for (package, manifest) in manifests {
            write_table(&self.folder.join(package).join("Cargo.toml"), &manifest)?;
        }
        // The versions of libraries are the candidate's. Cargo adds the packages of this workspace, and what it wrote
        // stays while the candidate's file does.
        let (from, copied) = (self.root.join("Cargo.lock"), self.folder.join("candidate.lock"));
        if write(&copied, &read_bytes(&from)?)? {
            self.copy("Cargo.lock", "Cargo.lock")?;
        }
        Ok(())
    }

    /// Copies the programs, with the modules that measure two builds in place of those that measure one.
    fn copy_programs(&self) -> Result<(), AbError> {
        for package in ["perf-kernel", SUITES_BASE.package, SUITES_CANDIDATE.package] {
            for file in ["build.rs", "x86_64-multios.json"] {
                self.copy(&format!("perf-kernel/{file}"), &format!("{package}/{file}"))?;
            }
        }
        for (from, to) in [("perf-kernel/src/bin", "src/bin"), ("perf-kernel/src/ab", "src/subjects")] {
            let folder = self.root.join(from);
            for entry in fs::read_dir(&folder).map_err(AbError::io("read", &folder))? {
                let name = entry.map_err(AbError::io("read", &folder))?.file_name();
                let name = name.to_string_lossy();
                self.copy(&format!("{from}/{name}"), &format!("perf-kernel/{to}/{name}"))?;
            }
        }
        Ok(())
    }

    fn copy(&self, from: &str, to: &str) -> Result<bool, AbError> {
        write(&self.folder.join(to), &read_bytes(&self.root.join(from))?)
    }
}

fn read(path: &Path) -> Result<Table, AbError> {
    let text = fs::read_to_string(path).map_err(AbError::io("read", path))?;
    let wrong = |error: toml::de::Error| AbError::Manifest {
        path: path.to_owned(),
        reason: error.message().replace('\n', " "),
    };
    text.parse().map_err(wrong)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, AbError> {
    fs::read(path).map_err(AbError::io("read", path))
}

fn write_table(path: &Path, table: &Table) -> Result<(), AbError> {
    write(path, table.to_string().as_bytes()).map(drop)
}

/// Makes `path` hold `bytes`; whether it did not.
fn write(path: &Path, bytes: &[u8]) -> Result<bool, AbError> {
    if fs::read(path).is_ok_and(|held| held == bytes) {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(AbError::io("make", folder))?;
    fs::write(path, bytes).map_err(AbError::io("write", path))?;
    Ok(true)
}
