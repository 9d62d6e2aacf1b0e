//! The sources of boots: a machine in QEMU, a process.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::request::HOSTED_REMEDY;
use super::session::{Session, Turn, plan_text};
use super::{BootImage, InTurn, TestError};
use crate::collect::Patience;
use crate::config::Profile;
use crate::image::kernel_hash;
use crate::progress::note;
use crate::source::qemu::{Launch, QemuSource, accelerator};
use crate::source::{ProcessSource, Read, Source, SourceError};

/// A process that runs for longer is stopped.
const PROCESS_MAX: Duration = Duration::from_secs(24 * 3600);

/// Makes the boots of `session` in QEMU.
pub(super) fn boot_in_qemu(
    session: &mut Session<'_>,
    profile: &Profile,
    images: &InTurn<BootImage>,
) -> Result<(), TestError> {
    let missing = TestError::source("boot the image in QEMU");
    let chosen = accelerator::choose(profile).map_err(&missing)?;
    let hashes = images.clone().try_map(|image| kernel_hash(&image.path))?;
    session.expect_images(hashes);
    let resets_max = session.resets_max();
    let patience = Patience { hang: profile.silence_max, boot: profile.boot_max, resets_max };
    let mut reason = chosen.fallback_reason;
    session.make(&patience, |turn: &Turn, progress| {
        if let Some(reason) = reason.take() {
            progress.say(&format!("emulated by TCG, since KVM does not work here: {reason}"));
        }
        let launch = Launch {
            profile: profile.clone(),
            accelerator: chosen.accelerator,
            image: images.of(turn.number).path.clone(),
            plan: Some(turn.plan.clone()),
            devices: Vec::new(),
        };
        let screen = (!profile.has_serial).then(|| turn.transcript.with_extension("ppm"));
        Ok(Machine { qemu: QemuSource::start(&launch).map_err(&missing)?, screen })
    });
    Ok(())
}

/// Makes the boots of `session` as processes.
pub(super) fn run_as_process(
    session: &mut Session<'_>,
    programs: &InTurn<PathBuf>,
    silence_max: Duration,
) -> Result<(), TestError> {
    let patience = Patience { hang: silence_max, boot: PROCESS_MAX, resets_max: 0 };
    let folder = tempfile::Builder::new().prefix("multios-perf-").tempdir();
    let folder = folder.map_err(TestError::io("make a folder for the plan"))?;
    session.make(&patience, |turn: &Turn, _progress| {
        let file = folder.path().join("plan.toml");
        let what = format!("write {}", file.display());
        fs::write(&file, plan_text(&turn.plan)?).map_err(TestError::io(what))?;
        let mut command = Command::new(programs.of(turn.number));
        command.arg("--plan").arg(&file);
        ProcessSource::start(command, HOSTED_REMEDY).map_err(TestError::source(""))
    });
    Ok(())
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

    fn reset(&mut self) -> Result<bool, SourceError> {
        self.qemu.reset()
    }

    fn stop(&mut self) {
        if let Some(screen) = self.screen.take() {
            let place = screen.display();
            note(&match self.qemu.screendump(&screen) {
                Ok(()) => format!(
                    "the machine has no UART, so that no records can come; its screen is kept in {place}"
                ),
                Err(error) => format!("the machine has no UART, and its screen could not be kept: {error}"),
            });
        }
        self.qemu.stop();
    }
}
