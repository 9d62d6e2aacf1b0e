//! Starts `multios-perf` on the built images, in a folder of its own.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use perf_kernel::wire::BenchRecord;
use runner::collect::{Boot, Observer, Patience, Silent, collect};
use runner::source::qemu::{Accelerator, Launch, QemuSource};
use runner::{config, image};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with profiles of its own and the built images.
pub(crate) struct Bench {
    folder: TempDir,
    /// The longest silence of a boot whose plan is given as text, if it is not the profile's.
    silence_max: Option<Duration>,
}

/// What a call of the program gave.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) code: i32,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Bench {
    /// A folder whose qemu.toml has one profile more, `test`, with `keys`. It never uses KVM.
    pub(crate) fn new(keys: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let profiles = fs::read_to_string(root().join("qemu.toml")).expect("the profiles can be read");
        let profiles = profiles.replace("accelerator = \"auto\"", "accelerator = \"tcg\"");
        let text = format!("{profiles}\n[profile.test]\n{keys}\n");
        fs::write(folder.path().join("qemu.toml"), text).expect("room");
        Self { folder, silence_max: None }
    }

    /// The same, where boots whose plan is given as text may be silent for no longer than `silence_max`.
    pub(crate) fn with_silence(self, silence_max: Duration) -> Self {
        Self { silence_max: Some(silence_max), ..self }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Calls `multios-perf` with its results in this folder.
    pub(crate) fn call(&self, arguments: &[&str]) -> Called {
        let mut command = Command::new(env!("CARGO_BIN_EXE_multios-perf"));
        command.args(arguments).args(["--db", "results.db"]);
        command.current_dir(self.folder.path()).env("HOME", self.folder.path()).env_remove("XDG_DATA_HOME");
        let output = command.output().expect("it starts");
        Called {
            code: output.status.code().unwrap_or(-1),
            output: String::from_utf8(output.stdout).expect("text"),
            errors: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// Boots `image` with the profile `profile` and the benches that `filters` select.
    pub(crate) fn boot(&self, image: &Path, profile: &str, filters: &[&str], more: &[&str]) -> Called {
        let image = image.to_str().expect("text");
        let mut arguments = vec!["run", "--profile", profile, "--image", image, "--json", "run.json"];
        arguments.extend(filters.iter().flat_map(|filter| ["--filter", filter]));
        arguments.extend(more);
        self.call(&arguments)
    }

    /// Boots a copy of `image` with `plan` in it, whatever this program thinks of the plan, and keeps the transcript
    /// under `transcript`.
    pub(crate) fn boot_plan(&self, image: &Path, plan: &str, transcript: &str) -> Boot {
        self.boot_with("bios", Accelerator::Tcg, image, plan, transcript, Vec::new())
    }

    /// The same on the machine of `profile`.
    pub(crate) fn boot_plan_on(&self, profile: &str, image: &Path, plan: &str, transcript: &str) -> Boot {
        self.boot_with(profile, Accelerator::Tcg, image, plan, transcript, Vec::new())
    }

    /// The same where ticks are instructions.
    pub(crate) fn boot_plan_exactly(&self, image: &Path, plan: &str, transcript: &str) -> Boot {
        self.boot_with("bios", Accelerator::Icount, image, plan, transcript, Vec::new())
    }

    /// As [`Self::boot_plan_on`], with more words of QEMU's command line.
    pub(crate) fn boot_devices(
        &self,
        profile: &str,
        image: &Path,
        plan: &str,
        transcript: &str,
        devices: Vec<OsString>,
    ) -> Boot {
        self.boot_with(profile, Accelerator::Tcg, image, plan, transcript, devices)
    }

    /// As [`Self::boot_devices`], under the eyes of `observer`.
    pub(crate) fn boot_watched(
        &self,
        profile: &str,
        image: &Path,
        plan: &str,
        transcript: &str,
        devices: Vec<OsString>,
        observer: &mut dyn Observer,
    ) -> Boot {
        let launch = self.launch(profile, Accelerator::Tcg, image, plan, devices);
        self.collect(&launch, transcript, observer)
    }

    fn boot_with(
        &self,
        profile: &str,
        accelerator: Accelerator,
        image: &Path,
        plan: &str,
        transcript: &str,
        devices: Vec<OsString>,
    ) -> Boot {
        let launch = self.launch(profile, accelerator, image, plan, devices);
        self.collect(&launch, transcript, &mut Silent)
    }

    /// What QEMU is started with, on a copy of `image`.
    fn launch(
        &self,
        profile: &str,
        accelerator: Accelerator,
        image: &Path,
        plan: &str,
        devices: Vec<OsString>,
    ) -> Launch {
        let config = config::load(&self.path("qemu.toml")).expect("profiles");
        let profile = config.profile(profile).expect("a profile").clone();
        let copy = self.path("copy.img");
        fs::copy(image, &copy).expect("room");
        image::write_plan(&copy, plan).expect("an image");
        Launch { profile, accelerator, image: copy, plan: None, devices }
    }

    fn collect(&self, launch: &Launch, transcript: &str, observer: &mut dyn Observer) -> Boot {
        let hang = self.silence_max.unwrap_or(launch.profile.silence_max);
        let patience = Patience { hang, boot: launch.profile.boot_max, resets_max: 3 };
        let mut qemu = QemuSource::start(launch).expect("QEMU starts");
        let mut bytes = Vec::new();
        let boots = collect(&mut qemu, &mut bytes, observer, &patience, &AtomicBool::new(false));
        fs::write(self.path(transcript), bytes).expect("room");
        let [boot] = <[Boot; 1]>::try_from(boots.expect("a boot")).expect("one boot");
        boot
    }

    /// The JSON of the last boot.
    pub(crate) fn results(&self) -> Value {
        let text = fs::read(self.path("run.json")).expect("the run wrote its results");
        serde_json::from_slice(&text).expect("results are JSON")
    }
}

/// What the bench of `record` says under `name`.
pub(crate) fn figure(record: &BenchRecord, name: &str) -> Option<u64> {
    record.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
}

/// An image of the kernel that `make perf-image` builds; `firmware` is `bios` or `uefi`.
pub(crate) fn image(firmware: &str) -> PathBuf {
    built("target/image", firmware)
}

/// An image of the kernel that has the benches for tests, those that fault on purpose among them.
pub(crate) fn fault_image(firmware: &str) -> PathBuf {
    built("target/fault-image", firmware)
}

/// That kernel with its debug information.
pub(crate) fn fault_kernel() -> PathBuf {
    fault_image("bios").with_file_name("perf-kernel")
}

fn built(folder: &str, firmware: &str) -> PathBuf {
    let path = root().join(folder).join(format!("multios-perf-{firmware}.img"));
    assert!(path.is_file(), "{} is missing: `make test` builds it", path.display());
    path
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the runner lies in the workspace").to_path_buf()
}
