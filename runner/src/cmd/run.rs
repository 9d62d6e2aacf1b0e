//! `run`: boots in QEMU.

use std::path::{Path, PathBuf};
use std::time::Duration;

use perf_kernel::plan::Plan;

use super::arguments::RunOptions;
use super::failure::{CommandError, while_doing};
use super::session::{Request, Session, Turn};
use super::{output, planning};
use crate::collect::Patience;
use crate::config::{self, Profile};
use crate::image::{ImagePaths, kernel_hash};
use crate::progress::Progress;
use crate::source::qemu::accelerator::Chosen;
use crate::source::qemu::{Accelerator, Launch, QemuSource, accelerator};
use crate::source::{Read, Source, SourceError};

/// Where `make perf-image` puts images.
const IMAGE_FOLDER: &str = "target/image";

/// The port by which the kernel ends QEMU: the usual one of `isa-debug-exit`.
const EXIT_PORT: u16 = 0xf4;

pub(super) fn run(options: &RunOptions) -> anyhow::Result<u8> {
    let mut setting = Setting::find(options)?;
    let image = setting.image(options, IMAGE_FOLDER);
    let session = Session::begin(setting.request("run", &image, options)?)?;
    let patience = setting.patience();
    session.make(&patience, |turn: &Turn, progress| setting.start(&image, turn, progress))
}

/// What images boot on, and what they are asked to do.
pub(super) struct Setting {
    profile: Profile,
    pub(super) plan: Plan,
    accelerator: Accelerator,
    /// Why it is not KVM, until that is said.
    fallback_reason: Option<String>,
}

impl Setting {
    /// The machine and the plan that `options` name.
    pub(super) fn find(options: &RunOptions) -> anyhow::Result<Self> {
        let config = config::load(&options.config)?;
        let profile = config.profile(&options.profile)?.clone();
        let mut plan = planning::plan(&profile.plan, &options.boot)?;
        if profile.has_serial {
            plan.exit_port = plan.exit_port.or(Some(EXIT_PORT));
        }
        let chosen = accelerator::choose(&profile).map_err(missing)?;
        let Chosen { accelerator, fallback_reason } = chosen;
        Ok(Self { profile, plan, accelerator, fallback_reason })
    }

    /// The image that `options` name, else the one in `folder` that the machine's firmware boots.
    pub(super) fn image(&self, options: &RunOptions, folder: &str) -> PathBuf {
        let paths = ImagePaths::in_folder(Path::new(folder));
        options.image.clone().unwrap_or_else(|| paths.for_firmware(self.profile.firmware).to_owned())
    }

    /// Whether ticks will be instructions.
    pub(super) fn is_exact(&self) -> bool {
        self.accelerator == Accelerator::Icount
    }

    /// A run of `image` by `command`.
    pub(super) fn request<'a>(
        &self,
        command: &'static str,
        image: &Path,
        options: &'a RunOptions,
    ) -> anyhow::Result<Request<'a>> {
        require(image)?;
        Ok(Request {
            command,
            profile: Some(self.profile.name.clone()),
            plan: self.plan.clone(),
            boots: options.boot.boots.unwrap_or(1),
            elf: kernel_of(image),
            image_hash: kernel_hash(image)?,
            output: &options.output,
        })
    }

    /// How long to wait for the machine.
    pub(super) fn patience(&self) -> Patience {
        Patience { hang: self.profile.silence_max, boot: self.profile.boot_max }
    }

    /// Starts `image` for `turn`.
    pub(super) fn start(
        &mut self,
        image: &Path,
        turn: &Turn,
        progress: &mut Progress,
    ) -> anyhow::Result<Machine> {
        if let Some(reason) = self.fallback_reason.take() {
            progress.say(&format!("emulated by TCG, since KVM does not work here: {reason}"));
        }
        let launch = Launch {
            profile: self.profile.clone(),
            accelerator: self.accelerator,
            image: image.to_owned(),
            plan: Some(turn.plan.clone()),
        };
        let screen = (!self.profile.has_serial).then(|| turn.transcript.with_extension("ppm"));
        Ok(Machine { qemu: QemuSource::start(&launch).map_err(missing)?, screen })
    }
}

fn missing(error: SourceError) -> anyhow::Error {
    while_doing("boot the image in QEMU".to_owned(), error)
}

/// A machine in QEMU. Without a UART it speaks by its screen, which is kept before it goes.
pub(super) struct Machine {
    qemu: QemuSource,
    screen: Option<PathBuf>,
}

impl Source for Machine {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> Result<Read, SourceError> {
        self.qemu.read(buffer, patience)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SourceError> {
        self.qemu.write(bytes)
    }

    fn can_hear(&self) -> bool {
        self.qemu.can_hear()
    }

    fn stop(&mut self) {
        if let Some(screen) = self.screen.take() {
            let place = screen.display();
            output::note(&match self.qemu.screendump(&screen) {
                Ok(()) => format!(
                    "the machine has no UART, so that no records can come; its screen is kept in {place}"
                ),
                Err(error) => format!("the machine has no UART, and its screen could not be kept: {error}"),
            });
        }
        self.qemu.stop();
    }
}

fn require(image: &Path) -> anyhow::Result<()> {
    let missing = || CommandError::Missing {
        what: format!("boot the image {}", image.display()),
        remedy: "build it with `make perf-image`, or name another with --image".to_owned(),
    };
    Ok(image.is_file().then_some(()).ok_or_else(missing)?)
}

/// The kernel that lies beside `image`, else that of the standard place.
fn kernel_of(image: &Path) -> Option<PathBuf> {
    let folders = [image.parent(), Some(Path::new(IMAGE_FOLDER))];
    let kernels = folders.into_iter().flatten().map(|folder| ImagePaths::in_folder(folder).kernel);
    kernels.into_iter().find(|path| path.is_file())
}
