//! QEMU as a source, with guests of a few instructions.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use perf_kernel::plan::{PLAN_FILE_BYTES, Plan};
use runner::config::{self, Profile};
use runner::image::read_plan;
use runner::source::qemu::{Accelerator, Launch, QemuSource};
use runner::source::{Read, Source, SourceError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tempfile::TempDir;

/// Long enough for any step on a loaded host.
const PATIENCE: Duration = Duration::from_secs(60);
/// The sector in which the guests' file system begins.
const PARTITION_START: u32 = 64;
const PARTITION_SECTORS: u32 = 2048;

/// Writes `>` to COM1, echoes what it reads there up to a line feed, and writes 5 to the exit port.
const ECHO: [u8; 35] = [
    0x31, 0xc0, 0x8e, 0xd8, // xor ax, ax; mov ds, ax
    0xba, 0xf8, 0x03, 0xb0, b'>', 0xee, // mov dx, 0x3f8; mov al, '>'; out dx, al
    0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74,
    0xf8, // wait: mov dx, 0x3fd; in al, dx; test al, 1; jz wait
    0xba, 0xf8, 0x03, 0xec, 0xee, // mov dx, 0x3f8; in al, dx; out dx, al
    0x3c, b'\n', 0x75, 0xef, // cmp al, '\n'; jne wait
    0xb0, 0x05, 0xe6, 0xf4, // mov al, 5; out 0xf4, al
    0xfa, 0xf4, 0xeb, 0xfd, // cli; halt: hlt; jmp halt
];
/// cli; hlt; jmp to the hlt.
const HALT: [u8; 4] = [0xfa, 0xf4, 0xeb, 0xfd];
/// jmp to itself.
const SPIN: [u8; 2] = [0xeb, 0xfe];
/// Resets the machine through the keyboard controller: mov al, 0xfe; out 0x64, al; hlt.
const RESET: [u8; 5] = [0xb0, 0xfe, 0xe6, 0x64, 0xf4];

struct Guest {
    folder: TempDir,
}

impl Guest {
    /// A disk that boots `code`, with a partition and a plan as an image has them.
    fn new(code: &[u8]) -> Self {
        let guest = Self { folder: TempDir::new().expect("there is room") };
        let mut sector = vec![0; 512];
        sector[..code.len()].copy_from_slice(code);
        sector[446 + 4] = 0x0c;
        sector[446 + 8..446 + 12].copy_from_slice(&PARTITION_START.to_le_bytes());
        sector[446 + 12..446 + 16].copy_from_slice(&PARTITION_SECTORS.to_le_bytes());
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        let mut disk = sector;
        disk.resize(usize::try_from(PARTITION_START).expect("small") * 512, 0);
        disk.extend(guest.file_system());
        std::fs::write(guest.image(), disk).expect("there is room");
        guest
    }

    fn file_system(&self) -> Vec<u8> {
        let path = self.folder.path().join("partition");
        let mut file =
            OpenOptions::new().read(true).write(true).create_new(true).open(&path).expect("there is room");
        file.set_len(u64::from(PARTITION_SECTORS) * 512).expect("there is room");
        fatfs::format_volume(&mut file, fatfs::FormatVolumeOptions::new()).expect("it can be formatted");
        file.seek(SeekFrom::Start(0)).expect("it is a file");
        let system = fatfs::FileSystem::new(file, fatfs::FsOptions::new()).expect("it is new");
        let mut plan = system.root_dir().create_file("ramdisk").expect("there is room");
        plan.write_all(&[b'\n'; PLAN_FILE_BYTES]).expect("there is room");
        drop(plan);
        system.unmount().expect("it is intact");
        std::fs::read(&path).expect("it is there")
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    fn launch(&self, profile: &str) -> Launch {
        let plan = Plan { exit_port: Some(0xf4), nonce: "n-7".to_owned(), ..Plan::quick() };
        let profile = profile_called(profile);
        Launch {
            profile,
            accelerator: Accelerator::Tcg,
            image: self.image(),
            plan: Some(plan),
            devices: Vec::new(),
        }
    }
}

fn profile_called(name: &str) -> Profile {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../qemu.toml");
    let config = config::load(&file).expect("it is right");
    config.profile(name).expect("it is there").clone()
}

/// Reads up to `wanted` bytes; the second part is how the source ended, if it did.
fn read(source: &mut QemuSource, wanted: usize) -> (Vec<u8>, Option<String>) {
    let deadline = Instant::now() + PATIENCE;
    let mut all = Vec::new();
    let mut buffer = [0; 64];
    while all.len() < wanted {
        assert!(Instant::now() < deadline, "only {:?} came", String::from_utf8_lossy(&all));
        match source.read(&mut buffer, Duration::from_secs(1)).expect("the source is whole") {
            Read::Bytes(bytes) => all.extend_from_slice(&buffer[..bytes]),
            Read::Quiet => {}
            Read::Ended(how) => return (all, Some(how)),
        }
    }
    (all, None)
}

#[test]
fn bytes_flow_both_ways_and_the_exit_port_ends_the_machine() {
    let guest = Guest::new(&ECHO);
    let before = std::fs::read(guest.image()).expect("it is there");
    let mut source = QemuSource::start(&guest.launch("default")).expect("it starts");
    assert!(source.can_hear());
    assert_eq!(read(&mut source, 1), (b">".to_vec(), None));
    source.write(b"hello\n").expect("it listens");
    let ended = Some("the kernel ended the machine with value 5".to_owned());
    assert_eq!(read(&mut source, 100), (b"hello\n".to_vec(), ended.clone()));
    assert_eq!(read(&mut source, 1), (Vec::new(), ended));
    source.write(b"is anybody there?").expect("what comes too late is dropped");
    assert!(std::fs::read(guest.image()).expect("it is there") == before, "the image has changed");
    assert_eq!(read_plan(&guest.image()).expect("it is an image"), "");
}

#[test]
fn a_machine_without_uart_ends_when_its_kernel_halts_and_shows_its_screen() {
    let guest = Guest::new(&HALT);
    let mut source = QemuSource::start(&guest.launch("no-uart")).expect("it starts");
    assert!(!source.can_hear());
    source.write(b"into the void").expect("it is dropped");
    assert_eq!(read(&mut source, 1), (Vec::new(), Some("the kernel has halted".to_owned())));
    let picture = guest.folder.path().join("screen.ppm");
    source.screendump(&picture).expect("QEMU still runs");
    assert!(std::fs::read(&picture).expect("it is there").starts_with(b"P6\n"));
}

#[test]
fn a_hung_machine_is_quiet_until_it_is_stopped() {
    let guest = Guest::new(&SPIN);
    let mut source = QemuSource::start(&guest.launch("default")).expect("it starts");
    assert_eq!(source.read(&mut [0], Duration::from_millis(1)).expect("the source is whole"), Read::Quiet);
    source.stop();
    assert!(read(&mut source, 1).1.is_some_and(|how| how.starts_with("QEMU ")));
}

#[test]
fn a_reset_is_told() {
    let guest = Guest::new(&RESET);
    let mut launch = guest.launch("default");
    launch.plan = launch.plan.map(|plan| Plan { resets_max: 0, ..plan });
    let mut source = QemuSource::start(&launch).expect("it starts");
    let how = "QEMU exited with status 0 (the machine was reset or switched off)";
    assert_eq!(read(&mut source, 1), (Vec::new(), Some(how.to_owned())));
}

#[test]
fn a_machine_that_is_reset_starts_again() {
    let guest = Guest::new(&ECHO);
    let mut source = QemuSource::start(&guest.launch("default")).expect("it starts");
    for _ in 0..2 {
        assert_eq!(read(&mut source, 1), (b">".to_vec(), None));
        assert!(source.reset().expect("QEMU runs"));
    }
    assert_eq!(read(&mut source, 1), (b">".to_vec(), None));
}

#[test]
fn a_machine_that_qemu_refuses_is_an_error_in_its_words() {
    let guest = Guest::new(&HALT);
    let mut launch = guest.launch("default");
    launch.profile.cpu = "no-such-cpu".to_owned();
    let error = QemuSource::start(&launch).expect_err("there is no such CPU");
    let text = error.to_string();
    assert!(matches!(error, SourceError::Qemu(_)), "{text}");
    assert!(text.contains("unable to find CPU model 'no-such-cpu'"), "{text}");
    assert!(text.ends_with("check profile \"default\" in qemu.toml"), "{text}");
}

#[test]
fn an_image_that_is_not_there_or_none_is_an_error() {
    let guest = Guest::new(&HALT);
    let mut launch = guest.launch("default");
    launch.image = guest.folder.path().join("missing");
    let error = QemuSource::start(&launch).expect_err("there is no image").to_string();
    assert!(error.ends_with("missing: not found; build it with `make perf-image`"), "{error}");
    std::fs::write(&launch.image, vec![0; 4096]).expect("there is room");
    let error = QemuSource::start(&launch).expect_err("it is no image").to_string();
    assert!(error.contains("no partition with a plan"), "{error}");
}

/// Set in the copy of this program that starts QEMU and is killed.
const ROLE: &str = "QEMU_SOURCE_ROLE";

#[test]
fn qemu_ends_with_the_runner_however_that_ends() {
    if std::env::var_os(ROLE).is_some() {
        return be_killed();
    }
    let program = std::env::current_exe().expect("this is a file");
    let arguments = ["--exact", "qemu_ends_with_the_runner_however_that_ends", "--nocapture"];
    // What the killed runner leaves behind is this test's to remove.
    let folder = TempDir::new().expect("there is room");
    let mut command = Command::new(program);
    command.args(arguments).env(ROLE, "runner").env("TMPDIR", folder.path());
    let mut runner = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(runner.stdout.take().expect("it is piped")).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.ends_with("started"))));
    let qemu = children(runner.id()).into_iter().next().expect("QEMU is its child");
    let qemu = pidfd_open(qemu, PidfdFlags::empty()).expect("it runs");
    runner.kill().expect("it runs");
    runner.wait().expect("it was killed");
    let timeout = Timespec::try_from(PATIENCE).expect("it is short");
    let ready = poll(&mut [PollFd::new(&qemu, PollFlags::IN)], Some(&timeout));
    assert_eq!(ready.expect("it can be waited for"), 1, "QEMU lives on");
}

/// Starts QEMU and waits for the end.
fn be_killed() {
    let guest = Guest::new(&SPIN);
    let _source = QemuSource::start(&guest.launch("default")).expect("it starts");
    println!("started");
    let _never_returns = std::io::stdin().read_line(&mut String::new());
}

/// The child processes of process `id`, whichever thread started them.
fn children(id: u32) -> Vec<Pid> {
    let threads = std::fs::read_dir(format!("/proc/{id}/task")).expect("it runs");
    let lists =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
    let ids: Vec<i32> = lists
        .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect();
    ids.into_iter().filter_map(Pid::from_raw).collect()
}

#[test]
fn the_folder_of_a_machine_goes_with_it() {
    let guest = Guest::new(&SPIN);
    let launch = guest.launch("default");
    let source = QemuSource::start(&launch).expect("it starts");
    let folder = source.folder().to_owned();
    assert!(read_plan(&folder.join("disk")).expect("it is a copy of the image").contains("nonce = \"n-7\""));
    drop(source);
    assert!(!folder.exists());
}
