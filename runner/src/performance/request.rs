//! What is to be measured, and who follows it.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use perf_kernel::plan::{BENCH_S_MAX_DEFAULT, Plan};

use super::{InTurn, TestError};
use crate::config::Profile;
use crate::image::ImagePaths;
use crate::progress::Shown;
use crate::store::Folder;

/// Where `make perf-image` puts images.
const IMAGE_FOLDER: &str = "target/image";

/// What to do without images.
const IMAGE_REMEDY: &str = "build it with `make perf-image`, or name another with --image";

/// The port by which the kernel ends QEMU: the usual one of `isa-debug-exit`.
const EXIT_PORT: u16 = 0xf4;

/// The program with the suites.
const HOSTED_PROGRAM: &str = "perf-hosted";

/// What to do without it.
pub(super) const HOSTED_REMEDY: &str = "build it with `make hosted`, or name it with --program";

/// A run that is to be made.
#[derive(Clone, Debug)]
pub struct TestRequest {
    /// What runs the benches.
    pub target: Target,
    /// Which benches, how long, from which seed.
    pub plan: Plan,
    /// Boots, one after the other.
    pub boots: u32,
    /// The source revision that is measured, if it is known.
    pub revision: Option<String>,
    /// Where results are kept.
    pub folder: Folder,
    /// What the results are for.
    pub purpose: Purpose,
}

/// What the results of a run are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// They are the next points of the machine's histories.
    #[default]
    History,
    /// An older revision is measured again, which would look like the newest kernel in a history.
    Aside,
    /// Two builds are measured in turn, which are held against each other and nothing else.
    Pair,
}

/// What runs the benches.
#[derive(Clone, Debug)]
pub enum Target {
    /// A boot image in QEMU.
    Qemu {
        /// The machine.
        profile: Box<Profile>,
        /// The images, of which each boot takes the next.
        images: InTurn<BootImage>,
    },
    /// The same suites as a Linux process.
    Hosted {
        /// The programs, of which each boot takes the next.
        programs: InTurn<PathBuf>,
        /// Their longest silence.
        silence_max: Duration,
    },
}

/// An image that boots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootImage {
    /// The image.
    pub path: PathBuf,
    /// The kernel with its debug information, if it is there.
    pub elf: Option<PathBuf>,
}

impl Target {
    /// `image`, or else the one that `make perf-image` builds, on the machine of `profile`.
    ///
    /// # Errors
    /// The image is not there.
    pub fn qemu(profile: Profile, image: Option<PathBuf>) -> Result<Self, TestError> {
        let paths = ImagePaths::in_folder(Path::new(IMAGE_FOLDER));
        let image = image.unwrap_or_else(|| paths.for_firmware(profile.firmware).to_owned());
        Self::qemu_in_turn(profile, InTurn::one(image), IMAGE_REMEDY)
    }

    /// `images` in turn, on the machine of `profile`; `remedy` is what to do if one of them is missing.
    ///
    /// # Errors
    /// An image is not there.
    pub fn qemu_in_turn(profile: Profile, images: InTurn<PathBuf>, remedy: &str) -> Result<Self, TestError> {
        let images = images.try_map(|path| {
            required(&path, "boot the image", remedy)?;
            let elf = kernel_of(&path);
            Ok::<_, TestError>(BootImage { path, elf })
        })?;
        Ok(Self::Qemu { profile: Box::new(profile), images })
    }

    /// `program`, or else the one beside this program, or else the one in the build folder of its own profile.
    ///
    /// # Errors
    /// It is not there.
    pub fn hosted(program: Option<PathBuf>, silence_max: Duration) -> Result<Self, TestError> {
        let here = env::current_exe().ok().and_then(|program| Some(program.parent()?.to_path_buf()));
        let here = here.unwrap_or_default();
        let places = [here.join(HOSTED_PROGRAM), here.join("../hosted").join(HOSTED_PROGRAM)];
        let first = || places.iter().find(|place| place.is_file()).unwrap_or(&places[0]).clone();
        let program = program.unwrap_or_else(first);
        Self::hosted_in_turn(InTurn::one(program), silence_max, HOSTED_REMEDY)
    }

    /// `programs` in turn; `remedy` is what to do if one of them is missing.
    ///
    /// # Errors
    /// A program is not there.
    pub fn hosted_in_turn(
        programs: InTurn<PathBuf>,
        silence_max: Duration,
        remedy: &str,
    ) -> Result<Self, TestError> {
        programs.iter().try_for_each(|program| required(program, "start", remedy))?;
        Ok(Self::Hosted { programs, silence_max })
    }

    /// Where the debug information of what boot `turn` runs is, counted from 1; `None` if it is not there.
    pub(super) fn elf(&self, turn: u32) -> Option<&Path> {
        match self {
            Self::Qemu { images, .. } => images.of(turn).elf.as_deref(),
            Self::Hosted { programs, .. } => Some(programs.of(turn)),
        }
    }

    /// `plan` as this target needs it.
    pub(super) fn adapt(&self, mut plan: Plan) -> Plan {
        if let Self::Qemu { profile, .. } = self
            && profile.has_serial
        {
            plan.exit_port = plan.exit_port.or(Some(EXIT_PORT));
        }
        if let Self::Qemu { profile, .. } = self {
            plan.bench_s_max = plan.bench_s_max.or_else(|| bench_s_max(profile.silence_max));
        }
        plan
    }
}

/// The deadline of a bench where the kernel's own would come after a silence of `silence_max`: the kernel says which bench
/// overran it, a silent boot does not.
fn bench_s_max(silence_max: Duration) -> Option<u32> {
    let seconds = silence_max.as_secs() * 3 / 4;
    let is_shorter = silence_max.as_secs() <= u64::from(BENCH_S_MAX_DEFAULT);
    u32::try_from(seconds.max(1)).ok().filter(|_| is_shorter)
}

/// Who follows a run, and who may stop it.
#[derive(Clone, Debug)]
pub struct Control {
    /// Where progress goes.
    pub shown: Shown,
    /// Once it is set, the machine is stopped and what came is kept.
    pub stop: Arc<AtomicBool>,
}

impl Control {
    /// Nobody follows and nobody stops.
    #[must_use]
    pub fn silent() -> Self {
        Self { shown: Shown::Never, stop: Arc::default() }
    }
}

/// An error with `remedy` unless there is a file at `path`, for which the words of `doing` want it.
fn required(path: &Path, doing: &str, remedy: &str) -> Result<(), TestError> {
    let missing =
        || TestError::Missing { what: format!("{doing} {}", path.display()), remedy: remedy.to_owned() };
    path.is_file().then_some(()).ok_or_else(missing)
}

/// The kernel that lies beside `image`, else that of the standard place.
fn kernel_of(image: &Path) -> Option<PathBuf> {
    let folders = [image.parent(), Some(Path::new(IMAGE_FOLDER))];
    let kernels = folders.into_iter().flatten().map(|folder| ImagePaths::in_folder(folder).kernel);
    kernels.into_iter().find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_rings_before_the_host_loses_patience() {
        let of = |seconds| bench_s_max(Duration::from_secs(seconds));
        assert_eq!((of(60), of(46)), (None, None), "its own deadline is short enough");
        assert_eq!((of(45), of(20), of(1)), (Some(33), Some(15), Some(1)));
    }
}
