//! What is to be measured, and who follows it.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use perf_kernel::plan::Plan;

use super::TestError;
use crate::config::Profile;
use crate::image::ImagePaths;
use crate::progress::Shown;
use crate::store::Folder;

/// Where `make perf-image` puts images.
const IMAGE_FOLDER: &str = "target/image";

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
}

/// What runs the benches.
#[derive(Clone, Debug)]
pub enum Target {
    /// A boot image in QEMU.
    Qemu {
        /// The machine.
        profile: Box<Profile>,
        /// The image.
        image: PathBuf,
        /// The kernel with its debug information, if it is there.
        elf: Option<PathBuf>,
    },
    /// The same suites as a Linux process.
    Hosted {
        /// The program.
        program: PathBuf,
        /// Its longest silence.
        silence_max: Duration,
    },
}

impl Target {
    /// `image`, or else the one that `make perf-image` builds, on the machine of `profile`.
    ///
    /// # Errors
    /// The image is not there.
    pub fn qemu(profile: Profile, image: Option<PathBuf>) -> Result<Self, TestError> {
        let paths = ImagePaths::in_folder(Path::new(IMAGE_FOLDER));
        let image = image.unwrap_or_else(|| paths.for_firmware(profile.firmware).to_owned());
        if !image.is_file() {
            return Err(TestError::Missing {
                what: format!("boot the image {}", image.display()),
                remedy: "build it with `make perf-image`, or name another with --image".to_owned(),
            });
        }
        let elf = kernel_of(&image, &paths);
        Ok(Self::Qemu { profile: Box::new(profile), image, elf })
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
        if program.is_file() {
            return Ok(Self::Hosted { program, silence_max });
        }
        let what = format!("start {}", program.display());
        Err(TestError::Missing { what, remedy: HOSTED_REMEDY.to_owned() })
    }

    /// `plan` as this target needs it.
    pub(super) fn adapt(&self, mut plan: Plan) -> Plan {
        if let Self::Qemu { profile, .. } = self
            && profile.has_serial
        {
            plan.exit_port = plan.exit_port.or(Some(EXIT_PORT));
        }
        plan
    }
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

/// The kernel that lies beside `image`, else that of the standard place.
fn kernel_of(image: &Path, paths: &ImagePaths) -> Option<PathBuf> {
    let beside = image.parent().map(|folder| ImagePaths::in_folder(folder).kernel);
    [beside, Some(paths.kernel.clone())].into_iter().flatten().find(|path| path.is_file())
}
