//! QEMU as the source of a boot.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use super::arguments::{MachineFiles, OnReset, arguments};
use super::monitor::{Monitor, is_halted};
use super::process::{Output, Process};
use super::{FirmwareFiles, Launch, PROGRAM, find_firmware, find_program};
use crate::config::Firmware;
use crate::image::write_plan;
use crate::source::{Read, Source, SourceError};

/// How often a machine without a UART is asked whether it is done.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// The longest path of a Unix socket (unix(7)), its end mark apart.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// A boot in QEMU.
#[derive(Debug)]
pub struct QemuSource {
    process: Process,
    monitor: Monitor,
    has_serial: bool,
    exit_port: Option<u16>,
    /// When a machine without a UART was last asked, and whether it stood still then.
    last_look: Instant,
    was_halted: bool,
    ended: Option<String>,
    /// The machine's disk, variables and socket; removed with this.
    folder: TempDir,
}

impl QemuSource {
    /// Boots what `launch` says. When this returns `Ok` the machine runs.
    ///
    /// # Errors
    /// [`SourceError::Missing`] if QEMU, OVMF or the image is not there; [`SourceError::Qemu`] with QEMU's own words if it
    /// refuses the machine.
    pub fn start(launch: &Launch) -> Result<Self, SourceError> {
        let program = find_program(PROGRAM).ok_or_else(|| SourceError::Missing {
            what: PROGRAM.to_owned(),
            remedy: "run `make setup`, or install Debian's qemu-system-x86".to_owned(),
        })?;
        let folder = tempfile::Builder::new()
            .prefix("multios-perf-")
            .tempdir()
            .map_err(io_error("create a folder for the machine".to_owned()))?;
        let disk = copy_of_image(launch, folder.path())?;
        let firmware = copy_of_firmware(launch, folder.path())?;
        let socket = folder.path().join("monitor");
        let listener = listen(&socket)?;
        let exit_port = launch.plan.as_ref().and_then(|plan| plan.exit_port);
        // A plan that is not known here may allow resets.
        let may_reset = launch.plan.as_ref().is_none_or(|plan| plan.resets_max > 0);
        let on_reset = if may_reset { OnReset::StartAgain } else { OnReset::End };
        let files = MachineFiles { disk: &disk, monitor: &socket, firmware, on_reset };
        let arguments = arguments(&launch.profile, launch.accelerator, exit_port, &files, &launch.devices);
        let mut process =
            Process::spawn(&program, &arguments).map_err(io_error(format!("start {}", program.display())))?;
        let monitor = Monitor::accept(&listener, &mut process).map_err(|error| {
            let reason = match process.wait(Duration::from_secs(1)) {
                Some(_) => process.explain(),
                None => format!("it runs, but its monitor does not answer ({error})"),
            };
            SourceError::Qemu(format!("{reason}; check profile \"{}\" in qemu.toml", launch.profile.name))
        })?;
        Ok(Self {
            process,
            monitor,
            has_serial: launch.profile.has_serial,
            exit_port,
            last_look: Instant::now(),
            was_halted: false,
            ended: None,
            folder,
        })
    }

    /// Writes what the machine's screen shows to `path`, as a portable pixmap (PPM).
    ///
    /// # Errors
    /// QEMU has ended or cannot write there.
    pub fn screendump(&mut self, path: &Path) -> Result<(), SourceError> {
        let what = format!("take a picture of the screen to {}", path.display());
        // QEMU has the folder of this process, but says less when it cannot write.
        let absolute = std::path::absolute(path).map_err(io_error(what.clone()))?;
        let written = self.monitor.execute("screendump", json!({ "filename": absolute }));
        written.map(drop).map_err(io_error(what))
    }

    /// What QEMU has written to standard error so far, a line each.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        self.process.errors()
    }

    /// Where the machine's own files are while this exists.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether the kernel has halted for good: the machine is on, and nothing will ever happen in it.
    ///
    /// # Errors
    /// QEMU has ended or does not answer.
    pub fn is_halted(&mut self) -> Result<bool, SourceError> {
        let registers = self.monitor.ask("info registers");
        Ok(is_halted(&registers.map_err(io_error("ask QEMU for the machine's registers".to_owned()))?))
    }

    /// A machine without a UART tells that it is done by standing still.
    fn look(&mut self) -> Option<String> {
        if self.has_serial || self.last_look.elapsed() < LOOK_AGAIN {
            return None;
        }
        self.last_look = Instant::now();
        // An error here means that QEMU is ending, which the next read tells better.
        let is_halted = self.is_halted().unwrap_or(false);
        // Twice, as firmware too may halt for a moment.
        let is_done = is_halted && self.was_halted;
        self.was_halted = is_halted;
        is_done.then(|| "the kernel has halted".to_owned())
    }

    fn explain_end(&mut self) -> String {
        let text = self.process.explain();
        let status = self.process.wait(Duration::ZERO).and_then(|status| status.code());
        match (status, self.exit_port) {
            // The device leaves with twice the value written, plus one (hw/misc/debugexit.c of QEMU).
            (Some(code), Some(_)) if code > 1 && code % 2 == 1 => {
                format!("the kernel ended the machine with value {}", code / 2)
            }
            (Some(0), _) => format!("{text} (the machine was reset or switched off)"),
            _ => text,
        }
    }
}

impl Source for QemuSource {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> Result<Read, SourceError> {
        let deadline = Instant::now() + patience;
        while self.ended.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            let patience = if self.has_serial { left } else { left.min(LOOK_AGAIN) };
            match self.process.read(buffer, patience) {
                Output::Bytes(bytes) => return Ok(Read::Bytes(bytes)),
                Output::Closed => self.ended = Some(self.explain_end()),
                Output::Quiet => {
                    self.ended = self.look();
                    if self.ended.is_none() && Instant::now() >= deadline {
                        return Ok(Read::Quiet);
                    }
                }
            }
        }
        Ok(Read::Ended(self.ended.clone().unwrap_or_default()))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SourceError> {
        if !self.has_serial {
            return Ok(());
        }
        match self.process.write(bytes) {
            // QEMU has ended, which the next read tells.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            result => result.map_err(io_error("send to QEMU".to_owned())),
        }
    }

    fn can_hear(&self) -> bool {
        self.has_serial
    }

    fn reset(&mut self) -> Result<bool, SourceError> {
        let done = self.monitor.execute("system_reset", json!({}));
        done.map(|_| true).map_err(io_error("reset the machine in QEMU".to_owned()))
    }

    fn stop(&mut self) {
        self.process.stop();
    }
}

fn io_error(what: String) -> impl FnOnce(std::io::Error) -> SourceError {
    move |error| SourceError::Io { what, error }
}

/// The machine's own disk, with its plan.
fn copy_of_image(launch: &Launch, folder: &Path) -> Result<PathBuf, SourceError> {
    let image = &launch.image;
    if !image.is_file() {
        let what = format!("image {}", image.display());
        return Err(SourceError::Missing { what, remedy: "build it with `make perf-image`".to_owned() });
    }
    let disk = folder.join("disk");
    std::fs::copy(image, &disk).map_err(io_error(format!("copy image {}", image.display())))?;
    let Some(plan) = &launch.plan else { return Ok(disk) };
    let put =
        |error: &dyn std::fmt::Display| SourceError::Qemu(format!("put the plan into the image: {error}"));
    let text = toml::to_string(plan).map_err(|error| put(&error))?;
    write_plan(&disk, &text).map_err(|error| put(&error))?;
    Ok(disk)
}

/// The machine's own firmware variables beside the common code; `None` for BIOS, which QEMU brings along.
fn copy_of_firmware(launch: &Launch, folder: &Path) -> Result<Option<FirmwareFiles>, SourceError> {
    if launch.profile.firmware == Firmware::Bios {
        return Ok(None);
    }
    let files = find_firmware().ok_or_else(|| SourceError::Missing {
        what: "OVMF, the UEFI firmware for QEMU".to_owned(),
        remedy: "run `make setup`, or install Debian's ovmf".to_owned(),
    })?;
    let variables = folder.join("variables");
    // Copied by content: the original may be read-only, and its copy must not be.
    let contents = std::fs::read(&files.variables);
    let written = contents.and_then(|contents| std::fs::write(&variables, contents));
    written.map_err(io_error(format!("copy {}", files.variables.display())))?;
    Ok(Some(FirmwareFiles { code: files.code, variables }))
}

fn listen(socket: &Path) -> Result<UnixListener, SourceError> {
    if socket.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
        let reason =
            format!("the path of its socket is too long ({}); set TMPDIR to a shorter one", socket.display());
        return Err(SourceError::Qemu(reason));
    }
    UnixListener::bind(socket).map_err(io_error(format!("listen on {}", socket.display())))
}
