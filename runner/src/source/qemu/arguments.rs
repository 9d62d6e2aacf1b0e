//! QEMU's command line.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::{Accelerator, FirmwareFiles};
use crate::config::Profile;

/// The files that one machine works with.
pub(super) struct MachineFiles<'a> {
    /// The disk, which the machine may write to.
    pub(super) disk: &'a Path,
    /// The socket on which this process waits for QEMU's monitor.
    pub(super) monitor: &'a Path,
    /// UEFI firmware, its variables to be written to; `None` for BIOS.
    pub(super) firmware: Option<FirmwareFiles>,
    /// What a reset does.
    pub(super) on_reset: OnReset,
}

/// What QEMU does when the machine is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnReset {
    /// The machine starts again, with its memory as it is.
    StartAgain,
    /// QEMU ends.
    End,
}

/// The arguments for `profile`, with `devices` among them. The UART is on standard input and output: a pipe takes 64 KiB before the machine has to
/// wait, a socket takes a few hundred bytes that come one by one.
pub(super) fn arguments(
    profile: &Profile,
    accelerator: Accelerator,
    exit_port: Option<u16>,
    files: &MachineFiles<'_>,
    devices: &[OsString],
) -> Vec<OsString> {
    let mut list = Arguments(Vec::new());
    list.add(["-no-user-config", "-nodefaults", "-display", "none", "-vga", "std", "-nic", "none"]);
    if files.on_reset == OnReset::End {
        list.add(["-no-reboot"]);
    }
    list.add(["-machine", &profile.machine, "-cpu", &profile.cpu]);
    list.add(["-m", &(profile.memory.0 >> 20).to_string(), "-smp", &profile.smp.to_string()]);
    match accelerator {
        Accelerator::Kvm => list.add(["-accel", "kvm"]),
        Accelerator::Tcg => list.add(["-accel", "tcg"]),
        Accelerator::Icount => {
            list.add(["-accel", "tcg", "-icount", "shift=0,sleep=off"]);
            // What else differs from boot to boot: the time of day, and what RDRAND gives.
            list.add(["-rtc", "base=2026-01-01T00:00:00,clock=vm", "-seed", "1"]);
        }
    }
    if let Some(firmware) = &files.firmware {
        list.add_file("-drive", "if=pflash,unit=0,format=raw,readonly=on,file=", &firmware.code);
        list.add_file("-drive", "if=pflash,unit=1,format=raw,file=", &firmware.variables);
    }
    list.add_file("-drive", "index=0,media=disk,format=raw,file=", files.disk);
    if profile.has_serial {
        list.add(["-chardev", "stdio,id=uart,signal=off", "-serial", "chardev:uart"]);
    }
    if let Some(port) = exit_port {
        list.add(["-device", &format!("isa-debug-exit,iobase={port:#x},iosize=0x04")]);
    }
    list.0.extend_from_slice(devices);
    list.add_file("-chardev", "socket,id=monitor,path=", files.monitor);
    list.add(["-mon", "chardev=monitor,mode=control"]);
    list.0
}

struct Arguments(Vec<OsString>);

impl Arguments {
    fn add<const N: usize>(&mut self, words: [&str; N]) {
        self.0.extend(words.map(OsString::from));
    }

    /// Adds `option` with `keys` and a file name, in which QEMU wants every comma doubled.
    fn add_file(&mut self, option: &str, keys: &str, file: &Path) {
        let mut value = keys.as_bytes().to_vec();
        for byte in file.as_os_str().as_bytes() {
            value.push(*byte);
            if *byte == b',' {
                value.push(b',');
            }
        }
        self.0.push(option.into());
        self.0.push(OsString::from_vec(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, parse};

    fn config() -> Config {
        parse(Path::new("qemu.toml"), include_str!("../../../../qemu.toml")).expect("it is right")
    }

    fn line(profile: &str, accelerator: Accelerator, exit_port: Option<u16>) -> String {
        let firmware = FirmwareFiles { code: "/fw/code".into(), variables: "/run/a,b/vars".into() };
        let config = config();
        let profile = config.profile(profile).expect("it is there");
        let is_uefi = profile.firmware == crate::config::Firmware::Uefi;
        let files = MachineFiles {
            disk: Path::new("/run/a,b/disk"),
            monitor: Path::new("/run/m"),
            firmware: is_uefi.then_some(firmware),
            on_reset: if exit_port.is_some() { OnReset::StartAgain } else { OnReset::End },
        };
        let words = arguments(profile, accelerator, exit_port, &files, &["-device".into(), "nvme".into()]);
        words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn commas_in_paths_are_doubled() {
        assert!(line("bios", Accelerator::Tcg, None).contains("format=raw,file=/run/a,,b/disk"));
    }

    #[test]
    fn only_uefi_has_flash() {
        assert!(!line("bios", Accelerator::Tcg, None).contains("pflash"));
        let line = line("uefi", Accelerator::Tcg, None);
        assert!(line.contains("unit=0,format=raw,readonly=on,file=/fw/code"));
        assert!(line.contains("unit=1,format=raw,file=/run/a,,b/vars"));
    }

    #[test]
    fn exact_mode_fixes_everything_that_varies() {
        let line = line("icount", Accelerator::Icount, None);
        for part in ["-accel tcg", "-icount shift=0,sleep=off", "-rtc base=", "-seed 1"] {
            assert!(line.contains(part), "{line}");
        }
    }

    #[test]
    fn the_exit_device_is_there_only_with_a_port() {
        assert!(
            line("default", Accelerator::Kvm, Some(0xf4)).contains("isa-debug-exit,iobase=0xf4,iosize=0x04")
        );
        assert!(!line("default", Accelerator::Kvm, None).contains("isa-debug-exit"));
    }

    #[test]
    fn a_machine_that_may_start_again_does() {
        assert!(line("bios", Accelerator::Tcg, None).contains(" -no-reboot "));
        assert!(!line("bios", Accelerator::Tcg, Some(0xf4)).contains("-no-reboot"));
    }

    #[test]
    fn further_devices_are_added() {
        assert!(line("bios", Accelerator::Tcg, None).contains(" -device nvme "));
    }

    #[test]
    fn a_machine_without_uart_has_none() {
        assert!(!line("no-uart", Accelerator::Tcg, None).contains("-serial"));
    }
}
