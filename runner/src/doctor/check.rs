//! Looks at every requirement.

use std::path::{Path, PathBuf};
use std::process::Command;

use perf_kernel::units::Bytes;

use super::{Requirement, State};
use crate::image::ImagePaths;
use crate::source::qemu::accelerator::{self, Verdict};
use crate::source::qemu::{PROGRAM, find_firmware, find_program, version};

/// The compiler release for host and kernel; set-up has the same.
const RELEASE: &str = "1.96.";
/// Where a compiler keeps its tools, below its root.
const TOOLS: &str = "lib/rustlib/x86_64-unknown-linux-gnu/bin";
/// A build with everything takes about half of this.
const DISK_SPACE_MIN: Bytes = Bytes(4 << 30);
/// The remedy for whatever set-up installs.
const SET_UP: &str = "make setup";

/// Where to look for what depends on the project or the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The project's build folder.
    pub target: PathBuf,
    /// Where results are kept.
    pub data: PathBuf,
}

impl Places {
    /// `target` in the current folder, and the user's data folder (XDG Base Directory Specification).
    #[must_use]
    pub fn of_user() -> Self {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || absolute("HOME").unwrap_or_else(|| PathBuf::from("/root")).join(".local/share");
        let data = absolute("XDG_DATA_HOME").unwrap_or_else(home).join("multios-perf");
        Self { target: PathBuf::from("target"), data }
    }
}

/// Every requirement, found or missing, for the current folder and user. Asking the programs for their versions takes
/// a second or so; probing KVM up to three more, once in every boot of the host.
#[must_use]
pub fn check() -> Vec<Requirement> {
    check_at(&Places::of_user())
}

/// As [`check`], for other places.
#[must_use]
pub fn check_at(places: &Places) -> Vec<Requirement> {
    let sysroot = sysroot(&places.target);
    let need = |name, purpose, state| Requirement { name, purpose, state };
    vec![
        need("Rust", "builds host and kernel", compiler(&places.target)),
        need(
            "library source",
            "the kernel builds its own core and alloc",
            library_source(sysroot.as_deref()),
        ),
        need("LLVM tools", "building the boot loader", llvm_tools(sysroot.as_deref())),
        need("clippy", "make test", cargo_tool(&places.target, "clippy")),
        need("rustfmt", "make test", cargo_tool(&places.target, "fmt")),
        need("C compiler", "builds the bundled SQLite", c_compiler()),
        need("QEMU", "boots images", qemu()),
        need("OVMF", "boots images by UEFI", firmware()),
        need("KVM", "speed in QEMU", kvm()),
        need("browser", "make test looks at the dashboard with it", browser()),
        need("image", "multios-perf run", image(&places.target)),
        need("disk space", "building", disk_space(&places.target)),
        need("data folder", "keeps results", data_folder(&places.data)),
    ]
}

fn missing(reason: impl Into<String>, remedy: impl Into<String>) -> State {
    State::Missing { reason: reason.into(), remedy: remedy.into() }
}

/// A program of the compiler that set-up chose, else of the one in `PATH`.
fn of_toolchain(target: &Path, program: &str) -> Command {
    let chosen = std::fs::read_to_string(target.join("toolchain.env")).ok();
    let folder = chosen.as_deref().and_then(folder_of_programs);
    let mut command =
        Command::new(folder.as_ref().map_or_else(|| program.into(), |folder| folder.join(program)));
    if let Some(folder) = folder {
        // Cargo finds its rustc and its subcommands in PATH.
        let mut path = folder.into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        command.env("PATH", path).env_remove("RUSTUP_TOOLCHAIN");
    }
    command
}

/// The folder in the line `PATH="FOLDER:$PATH"` of set-up's file.
fn folder_of_programs(environment: &str) -> Option<PathBuf> {
    let line = environment.lines().find_map(|line| line.strip_prefix("PATH=\""))?;
    Some(PathBuf::from(line.strip_suffix(":$PATH\"")?))
}

/// The first line that `command` prints.
fn line_of(mut command: Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

fn compiler(target: &Path) -> State {
    let mut command = of_toolchain(target, "rustc");
    command.arg("--version");
    match line_of(command) {
        None => missing("no rustc in PATH", SET_UP),
        Some(line) => {
            let is_fitting = line.split(' ').nth(1).is_some_and(|release| release.starts_with(RELEASE));
            if is_fitting { State::Found(line) } else { missing(format!("{line} is not {RELEASE}x"), SET_UP) }
        }
    }
}

fn sysroot(target: &Path) -> Option<PathBuf> {
    let mut command = of_toolchain(target, "rustc");
    command.args(["--print", "sysroot"]);
    line_of(command).map(PathBuf::from)
}

fn library_source(sysroot: Option<&Path>) -> State {
    let Some(sysroot) = sysroot else { return missing("there is no compiler", SET_UP) };
    let source = sysroot.join("lib/rustlib/src/rust/library");
    if source.join("core/src/lib.rs").is_file() {
        State::Found(source.display().to_string())
    } else {
        missing(format!("{} is not there", source.display()), SET_UP)
    }
}

fn llvm_tools(sysroot: Option<&Path>) -> State {
    let Some(sysroot) = sysroot else { return missing("there is no compiler", SET_UP) };
    let folder = sysroot.join(TOOLS);
    match ["llvm-objcopy", "llvm-objdump"].iter().find(|tool| !folder.join(tool).is_file()) {
        None => State::Found(folder.display().to_string()),
        Some(tool) => missing(format!("{} is not there", folder.join(tool).display()), SET_UP),
    }
}

fn cargo_tool(target: &Path, tool: &str) -> State {
    let mut command = of_toolchain(target, "cargo");
    command.args([tool, "--version"]);
    line_of(command).map_or_else(|| missing(format!("`cargo {tool}` does not run"), SET_UP), State::Found)
}

fn c_compiler() -> State {
    let Some(cc) = find_program("cc") else { return missing("no cc in PATH", SET_UP) };
    version(&cc).map_or_else(|| missing(format!("{} does not run", cc.display()), SET_UP), State::Found)
}

fn qemu() -> State {
    let Some(program) = find_program(PROGRAM) else {
        return missing(format!("no {PROGRAM} in PATH"), SET_UP);
    };
    let broken = || missing(format!("{} does not run", program.display()), SET_UP);
    version(&program).map_or_else(broken, State::Found)
}

fn firmware() -> State {
    match find_firmware() {
        Some(files) => State::Found(files.code.display().to_string()),
        None => missing("no OVMF_CODE and OVMF_VARS below /usr/share", SET_UP),
    }
}

/// KVM is a matter of speed: without it QEMU emulates.
fn kvm() -> State {
    match accelerator::kvm("q35", "max") {
        Ok(Verdict::Works) => State::Found("a guest gave the right result in good time".to_owned()),
        Ok(Verdict::Unusable(reason)) => State::Absent { reason: format!("{reason}; QEMU emulates (TCG)") },
        Err(error) => State::Absent { reason: format!("failed to {error}") },
    }
}

/// Only tests need it; set-up has the same names.
fn browser() -> State {
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(find_program);
    match [find_program("node"), find_program("npm")].iter().all(Option::is_some).then_some(found).flatten() {
        Some(program) => State::Found(program.display().to_string()),
        None => State::Absent {
            reason: "no chromium, node and npm in PATH; `make test` installs them".to_owned(),
        },
    }
}

fn image(target: &Path) -> State {
    let paths = ImagePaths::in_folder(&target.join("image"));
    match [&paths.bios, &paths.uefi, &paths.kernel].into_iter().find(|path| !path.is_file()) {
        None => State::Found(format!("{} and {}", paths.bios.display(), paths.uefi.display())),
        Some(path) => missing(format!("{} is not there", path.display()), "make perf-image"),
    }
}

/// The nearest folder above `path` that is there.
fn existing(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from("/"));
    absolute.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

fn disk_space(target: &Path) -> State {
    let folder = existing(target);
    let free = match rustix::fs::statvfs(&folder) {
        Ok(data) => Bytes(data.f_bavail.saturating_mul(data.f_frsize)),
        Err(error) => {
            return missing(format!("{} cannot be asked: {error}", folder.display()), "check the disk");
        }
    };
    let text = format!("{} MiB free at {}", free.0 >> 20, folder.display());
    if free >= DISK_SPACE_MIN {
        State::Found(text)
    } else {
        missing(text, format!("free {DISK_SPACE_MIN} there"))
    }
}

/// Made if it is not there, as `run` would do; written to, as permissions alone do not tell.
fn data_folder(folder: &Path) -> State {
    let written = std::fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
    match written {
        Ok(_) => State::Found(folder.display().to_string()),
        Err(error) => {
            let reason = format!("{} cannot be written to: {error}", folder.display());
            missing(reason, "make it writable, set XDG_DATA_HOME to another folder, or use --db")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_of_set_up_is_read() {
        let text = "# The compiler.\nPATH=\"/opt/rust/bin:$PATH\"\nexport PATH\n";
        assert_eq!(folder_of_programs(text), Some(PathBuf::from("/opt/rust/bin")));
        assert_eq!(folder_of_programs("unset RUSTUP_TOOLCHAIN\n"), None);
    }

    #[test]
    fn a_missing_image_is_told_with_its_remedy() {
        let folder = tempfile::tempdir().expect("there is room");
        let State::Missing { reason, remedy } = image(folder.path()) else { panic!("there is no image") };
        assert!(reason.contains("multios-perf-bios.img is not there"), "{reason}");
        assert_eq!(remedy, "make perf-image");
        let paths = ImagePaths::in_folder(&folder.path().join("image"));
        std::fs::create_dir(folder.path().join("image")).expect("there is room");
        for path in [&paths.bios, &paths.uefi, &paths.kernel] {
            std::fs::write(path, "").expect("there is room");
        }
        assert!(matches!(image(folder.path()), State::Found(_)));
    }

    #[test]
    fn a_data_folder_that_is_a_file_is_told() {
        let folder = tempfile::tempdir().expect("there is room");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("there is room");
        assert!(matches!(data_folder(&file.join("below")), State::Missing { .. }));
        assert!(matches!(data_folder(&folder.path().join("a/b")), State::Found(_)));
    }

    #[test]
    fn a_compiler_without_library_source_is_told() {
        let folder = tempfile::tempdir().expect("there is room");
        assert!(matches!(library_source(Some(folder.path())), State::Missing { .. }));
        assert!(matches!(llvm_tools(None), State::Missing { .. }));
    }

    #[test]
    fn disk_space_is_that_of_the_folder_to_be() {
        let folder = tempfile::tempdir().expect("there is room");
        assert_eq!(existing(&folder.path().join("a/b/c")), folder.path());
    }
}
