//! A machine of fake programs: a root folder, a `PATH` with nothing else, and a log of what was called.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

/// What the script takes from the real machine.
const REAL_PROGRAMS: [&str; 13] =
    ["sh", "cat", "cut", "sed", "dirname", "basename", "mkdir", "ln", "uname", "touch", "chmod", "cp", "rm"];

/// Makes the files of a compiler below `$1`: programs in `$1/bin`, release `$2`, linker in `$3`.
const MAKE_COMPILER: &str = r#"
mkdir -p "$1/bin" "$1/lib/rustlib/src/rust/library/core/src" "$1/lib/rustlib/x86_64-unknown-linux-gnu/bin" "$3"
touch "$1/lib/rustlib/src/rust/library/core/src/lib.rs"
for name in bin/cargo bin/rustfmt bin/cargo-fmt bin/cargo-clippy bin/clippy-driver bin/rustc; do
    printf '#!/bin/sh\necho "rustc %s (fake)"\n' "$2" >"$1/$name"
    chmod +x "$1/$name"
done
cp "$1/bin/rustc" "$3/rust-lld"
"#;

const APT_CACHE: &str = r#"#!/bin/sh
echo "$2:"
echo "  Installed: (none)"
echo "  Candidate: $(cat "$FAKE/candidate")"
"#;

const APT_GET: &str = r#"#!/bin/sh
echo "apt-get $*" >>"$FAKE/calls"
case "$*" in
    *' update') cp "$FAKE/candidate-after-update" "$FAKE/candidate" ;;
    *)
        if [ -s "$FAKE/failures" ]; then
            sed -i 1d "$FAKE/failures"
            exit 100
        fi
        case "$*" in *rustc-web*)
            sh "$FAKE/make-compiler" "$SET_UP_ROOT/usr" 1.96.0 "$SET_UP_ROOT/usr/bin"
            for tool in llvm-objcopy-22 llvm-objdump-22; do cp "$SET_UP_ROOT/usr/bin/rustc" "$SET_UP_ROOT/usr/bin/$tool"; done ;;
        esac
        case "$*" in *qemu-system-x86*) cp "$FAKE/candidate" "$FAKE/bin/qemu-system-x86_64"; chmod +x "$FAKE/bin/qemu-system-x86_64" ;; esac
        case "$*" in *gcc*) cp "$FAKE/candidate" "$FAKE/bin/cc"; chmod +x "$FAKE/bin/cc" ;; esac
        for name in chromium nodejs npm; do
            case "$* " in *" $name "*) cp "$FAKE/candidate" "$FAKE/bin/${name%js}"; chmod +x "$FAKE/bin/${name%js}" ;; esac
        done
        case "$*" in *ovmf*)
            mkdir -p "$SET_UP_ROOT/usr/share/OVMF"
            touch "$SET_UP_ROOT/usr/share/OVMF/OVMF_CODE_4M.fd" "$SET_UP_ROOT/usr/share/OVMF/OVMF_VARS_4M.fd" ;;
        esac
        ;;
esac
"#;

const RUSTUP: &str = r#"#!/bin/sh
echo "rustup $*" >>"$FAKE/calls"
folder="$RUSTUP_HOME/toolchains/$3-x86_64-unknown-linux-gnu"
tools="$folder/lib/rustlib/x86_64-unknown-linux-gnu/bin"
sh "$FAKE/make-compiler" "$folder" "$3" "$tools"
cp "$tools/rust-lld" "$tools/llvm-objcopy"
cp "$tools/rust-lld" "$tools/llvm-objdump"
"#;

/// A machine.
pub(crate) struct World {
    folder: TempDir,
}

/// What a successful run printed.
pub(crate) struct Run {
    pub(crate) output: String,
}

impl Run {
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.output.lines().collect()
    }
}

impl World {
    /// A machine with nothing on it, its user being root.
    pub(crate) fn new() -> Self {
        let world = Self { folder: TempDir::new().expect("there is room") };
        fs::create_dir_all(world.root()).expect("there is room");
        fs::create_dir_all(world.path("bin")).expect("there is room");
        for name in REAL_PROGRAMS {
            let real = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(name));
            let real = real.into_iter().find(|path| path.exists()).expect("every system has it");
            symlink(real, world.path("bin").join(name)).expect("there is room");
        }
        world.program("bin/id", "#!/bin/sh\necho 0\n");
        world.write("make-compiler", MAKE_COMPILER);
        world
    }

    pub(crate) fn without_root(self) -> Self {
        self.program("bin/id", "#!/bin/sh\necho 1000\n");
        self
    }

    /// QEMU, OVMF and a C compiler.
    pub(crate) fn with_programs(self) -> Self {
        self.program("bin/qemu-system-x86_64", "#!/bin/sh\n");
        self.program("bin/cc", "#!/bin/sh\n");
        self.write("root/usr/share/OVMF/OVMF_CODE_4M.fd", "");
        self.write("root/usr/share/OVMF/OVMF_VARS_4M.fd", "");
        self
    }

    /// A node that brings its npm, as those from elsewhere than Debian do.
    pub(crate) fn with_node(self) -> Self {
        self.program("bin/node", "#!/bin/sh\n");
        self.program("bin/npm", "#!/bin/sh\n");
        self
    }

    /// Debian's compiler without links to LLVM's tools.
    pub(crate) fn with_debian(self, release: &str) -> Self {
        let usr = self.root().join("usr");
        self.make_compiler(&usr, release, &usr.join("bin"));
        self.program("root/usr/bin/llvm-objcopy-22", "#!/bin/sh\n");
        self.program("root/usr/bin/llvm-objdump-22", "#!/bin/sh\n");
        self
    }

    pub(crate) fn with_llvm_links(self) -> Self {
        for tool in ["llvm-objcopy", "llvm-objdump"] {
            self.program(&format!("root/usr/lib/rustlib/x86_64-unknown-linux-gnu/bin/{tool}"), "#!/bin/sh\n");
        }
        self
    }

    pub(crate) fn with_rustup_toolchain(self, release: &str) -> Self {
        self.with_rustup_toolchain_called(release, release)
    }

    pub(crate) fn with_rustup_toolchain_called(self, name: &str, release: &str) -> Self {
        let folder = self.path(&format!("rustup/toolchains/{name}-x86_64-unknown-linux-gnu"));
        let tools = folder.join("lib/rustlib/x86_64-unknown-linux-gnu/bin");
        self.make_compiler(&folder, release, &tools);
        for tool in ["llvm-objcopy", "llvm-objdump"] {
            fs::copy(tools.join("rust-lld"), tools.join(tool)).expect("there is room");
        }
        self
    }

    pub(crate) fn with_rustup(self) -> Self {
        self.program("bin/rustup", RUSTUP);
        self
    }

    /// An apt that offers one release, and another one once its lists are fresh.
    pub(crate) fn with_apt(self, candidate: &str, candidate_after_update: &str) -> Self {
        self.write("candidate", candidate);
        self.write("candidate-after-update", candidate_after_update);
        self.program("bin/apt-cache", APT_CACHE);
        self.program("bin/apt-get", APT_GET);
        self
    }

    /// The next installs by apt fail.
    pub(crate) fn failing_installs(self, count: usize) -> Self {
        self.write("failures", &"once\n".repeat(count));
        self
    }

    pub(crate) fn remove_library_source(&self) {
        let toolchain = self.path("rustup/toolchains/1.96.0-x86_64-unknown-linux-gnu");
        fs::remove_dir_all(toolchain.join("lib/rustlib/src")).expect("it is there");
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path("root")
    }

    /// Runs set-up, which must succeed.
    pub(crate) fn run(&self, variables: &[(&str, &str)]) -> Run {
        let (is_success, output, errors) = self.call(&[], variables);
        assert!(is_success, "{output}{errors}");
        Run { output }
    }

    /// Runs set-up with `option`, which must succeed.
    pub(crate) fn run_with(&self, option: &str) -> Run {
        let (is_success, output, errors) = self.call(&[option], &[]);
        assert!(is_success, "{output}{errors}");
        Run { output }
    }

    /// Runs set-up, which must fail, and gives its messages.
    pub(crate) fn fail(&self, variables: &[(&str, &str)]) -> String {
        let (is_success, output, errors) = self.call(&[], variables);
        assert!(!is_success, "{output}");
        errors
    }

    /// Runs set-up with `option`; it must fail, and its messages are given.
    pub(crate) fn fail_with(&self, option: &str) -> String {
        let (is_success, output, errors) = self.call(&[option], &[]);
        assert!(!is_success, "{output}");
        errors
    }

    /// What was called of apt-get and rustup.
    pub(crate) fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn has_llvm_links(&self) -> bool {
        let folder = self.root().join("usr/lib/rustlib/x86_64-unknown-linux-gnu/bin");
        ["llvm-objcopy", "llvm-objdump"].iter().all(|tool| folder.join(tool).is_file())
    }

    pub(crate) fn environment(&self) -> String {
        fs::read_to_string(self.environment_file()).expect("set-up has written it")
    }

    pub(crate) fn has_environment(&self) -> bool {
        self.environment_file().exists()
    }

    pub(crate) fn environment_time(&self) -> SystemTime {
        let data = self.environment_file().metadata().expect("set-up has written it");
        data.modified().expect("every file has a time")
    }

    /// Makes the file old, so that a new one shows.
    pub(crate) fn age_environment(&self) {
        let file =
            fs::File::options().write(true).open(self.environment_file()).expect("set-up has written it");
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)).expect("times can be set");
    }

    fn call(&self, options: &[&str], variables: &[(&str, &str)]) -> (bool, String, String) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/set-up.sh");
        let mut command = Command::new("/bin/sh");
        command
            .arg(script)
            .args(options)
            .arg(self.environment_file())
            .env_clear()
            .env("PATH", self.path("bin"));
        command.env("HOME", self.path("home")).env("RUSTUP_HOME", self.path("rustup"));
        command
            .env("FAKE", self.folder.path())
            .env("SET_UP_ROOT", self.root())
            .envs(variables.iter().copied());
        let output = command.output().expect("every system has a shell");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    }

    fn environment_file(&self) -> PathBuf {
        self.path("target/toolchain.env")
    }

    fn make_compiler(&self, folder: &Path, release: &str, linker_folder: &Path) {
        let mut command = Command::new("/bin/sh");
        command.arg(self.path("make-compiler")).arg(folder).arg(release).arg(linker_folder);
        assert!(command.status().is_ok_and(|status| status.success()));
    }

    fn program(&self, name: &str, text: &str) {
        self.write(name, text);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path(name), mode).expect("it is ours");
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is below the folder")).expect("there is room");
        fs::write(path, text).expect("there is room");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
