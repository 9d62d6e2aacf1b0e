//! `run`: boots in QEMU.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::arguments::RunOptions;
use super::failure::{CommandError, while_doing};
use super::session::{Request, Session, Turn};
use super::{output, planning, revision};
use crate::collect::Patience;
use crate::config;
use crate::image::{ImagePaths, kernel_hash};
use crate::source::qemu::{Launch, QemuSource, accelerator};
use crate::source::{Read, Source, SourceError};
use crate::store::ASIDE;

/// Where `make perf-image` puts images.
const IMAGE_FOLDER: &str = "target/image";

/// The port by which the kernel ends QEMU: the usual one of `isa-debug-exit`.
const EXIT_PORT: u16 = 0xf4;

pub(super) fn run(options: &RunOptions) -> anyhow::Result<u8> {
    let config = config::load(&options.config)?;
    let profile = config.profile(&options.profile)?;
    let mut plan = planning::plan(&profile.plan, &options.boot)?;
    if profile.has_serial {
        plan.exit_port = plan.exit_port.or(Some(EXIT_PORT));
    }
    let paths = ImagePaths::in_folder(Path::new(IMAGE_FOLDER));
    let image = options.image.clone().unwrap_or_else(|| paths.for_firmware(profile.firmware).to_owned());
    require(&image)?;
    let missing = |error| while_doing("boot the image in QEMU".to_owned(), error);
    let chosen = accelerator::choose(profile).map_err(missing)?;
    let request = Request {
        command: if options.boot.aside { ASIDE } else { "run" },
        profile: Some(profile.name.clone()),
        plan,
        boots: options.boot.boots,
        revision: revision::measured(&options.boot),
        elf: kernel_of(&image, &paths),
        image_hash: kernel_hash(&image)?,
        output: &options.output,
    };
    let patience = Patience { hang: profile.silence_max, boot: profile.boot_max };
    let session = Session::begin(request)?;
    let mut reason = chosen.fallback_reason;
    session.make(&patience, |turn: &Turn, progress| {
        if let Some(reason) = reason.take() {
            progress.say(&format!("emulated by TCG, since KVM does not work here: {reason}"));
        }
        let launch = Launch {
            profile: profile.clone(),
            accelerator: chosen.accelerator,
            image: image.clone(),
            plan: Some(turn.plan.clone()),
        };
        let screen = (!profile.has_serial).then(|| turn.transcript.with_extension("ppm"));
        Ok(Machine { qemu: QemuSource::start(&launch).map_err(missing)?, screen })
    })
}

/// A machine in QEMU. Without a UART it speaks by its screen, which is kept before it goes.
struct Machine {
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
fn kernel_of(image: &Path, paths: &ImagePaths) -> Option<PathBuf> {
    let beside = image.parent().map(|folder| ImagePaths::in_folder(folder).kernel);
    [beside, Some(paths.kernel.clone())].into_iter().flatten().find(|path| path.is_file())
}
