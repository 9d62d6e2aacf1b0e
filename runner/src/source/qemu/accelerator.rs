//! What executes a guest's instructions, found out by what it does.
//!
//! That `/dev/kvm` exists says little: nested and restricted virtualisation may abort QEMU, stop at an SSE instruction or
//! emulate every instruction a thousand times slower. A small guest with a known result tells, within a deadline.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::process::{Output, Process};
use super::{PROGRAM, find_program, probe};
use crate::config::{AcceleratorChoice, Profile};
use crate::source::SourceError;

/// How long the probe may take from QEMU's start.
const PROBE_MAX: Duration = Duration::from_millis(2_500);
/// How long its loop may take: some 20 times what a CPU needs, so that a loaded host does not look like a broken one.
const WORK_MAX: Duration = Duration::from_millis(1_000);

/// What executes a guest's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Accelerator {
    /// QEMU's emulation.
    Tcg,
    /// The CPU's own virtualisation.
    Kvm,
    /// Emulation with one instruction a tick.
    Icount,
}

impl fmt::Display for Accelerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcg => "tcg",
            Self::Kvm => "kvm",
            Self::Icount => "icount",
        })
    }
}

/// The accelerator for a boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// What to use.
    pub accelerator: Accelerator,
    /// Why it is not KVM, where the profile leaves it open.
    pub fallback_reason: Option<String>,
}

/// What a probe of KVM found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The guest gave the right result in good time.
    Works,
    /// It did not; why, in a few words.
    Unusable(String),
}

/// Picks the accelerator for `profile`, where it says `auto` or `kvm` by a probe whose outcome is remembered until the
/// host boots again.
///
/// # Errors
/// [`SourceError::Qemu`] if the profile wants KVM and KVM does not work; [`SourceError::Missing`] without QEMU.
pub fn choose(profile: &Profile) -> Result<Chosen, SourceError> {
    let without_probe = |accelerator| Ok(Chosen { accelerator, fallback_reason: None });
    let verdict = match profile.accelerator {
        AcceleratorChoice::Tcg => return without_probe(Accelerator::Tcg),
        AcceleratorChoice::Icount => return without_probe(Accelerator::Icount),
        AcceleratorChoice::Auto | AcceleratorChoice::Kvm => kvm(&profile.machine, &profile.cpu)?,
    };
    match (verdict, profile.accelerator) {
        (Verdict::Works, _) => without_probe(Accelerator::Kvm),
        (Verdict::Unusable(reason), AcceleratorChoice::Kvm) => Err(SourceError::Qemu(format!(
            "KVM does not work here ({reason}); use a profile with another accelerator than \"kvm\""
        ))),
        (Verdict::Unusable(reason), _) => {
            Ok(Chosen { accelerator: Accelerator::Tcg, fallback_reason: Some(reason) })
        }
    }
}

/// Whether KVM works for a guest on `machine` with `cpu`: from memory, or by a probe.
///
/// # Errors
/// [`SourceError::Missing`] without QEMU.
pub fn kvm(machine: &str, cpu: &str) -> Result<Verdict, SourceError> {
    let program = find_program(PROGRAM).ok_or_else(|| SourceError::Missing {
        what: PROGRAM.to_owned(),
        remedy: "run `make setup`, or install Debian's qemu-system-x86".to_owned(),
    })?;
    if let Err(error) = OpenOptions::new().read(true).write(true).open("/dev/kvm") {
        return Ok(Verdict::Unusable(match error.kind() {
            std::io::ErrorKind::NotFound => "/dev/kvm is missing".to_owned(),
            std::io::ErrorKind::PermissionDenied => {
                "/dev/kvm is not yours to open; join its group, often called kvm".to_owned()
            }
            _ => format!("/dev/kvm cannot be opened: {error}"),
        }));
    }
    let memory = Memory::of_user();
    let question = question(&program, machine, cpu);
    if let Some(verdict) = question.as_ref().and_then(|question| memory.recall(question)) {
        return Ok(verdict);
    }
    let verdict = run_probe(&program, "kvm", machine, cpu)
        .map_err(|error| SourceError::Io { what: format!("probe KVM with {}", program.display()), error })?;
    if let Some(question) = question {
        memory.keep(question, &verdict);
    }
    Ok(verdict)
}

/// Runs the guest of [`probe`] under `accelerator`.
fn run_probe(program: &Path, accelerator: &str, machine: &str, cpu: &str) -> std::io::Result<Verdict> {
    let folder = tempfile::Builder::new().prefix("multios-perf-").tempdir()?;
    let rom = folder.path().join("rom");
    std::fs::write(&rom, probe::rom())?;
    let exit = format!("isa-debug-exit,iobase={:#x},iosize=0x01", probe::EXIT_PORT);
    let words =
        ["-no-user-config", "-nodefaults", "-no-reboot", "-display", "none", "-m", "64", "-machine", machine];
    let more = ["-cpu", cpu, "-accel", accelerator, "-debugcon", "stdio", "-device", &exit, "-bios"];
    let mut arguments: Vec<OsString> = words.iter().chain(&more).map(OsString::from).collect();
    arguments.push(rom.into_os_string());
    let deadline = Instant::now() + PROBE_MAX;
    let mut process = Process::spawn(program, &arguments)?;
    let answer = collect(&mut process, deadline);
    if answer.is_complete() {
        return Ok(answer.verdict());
    }
    if answer.is_over {
        let how = process.explain();
        let complaint = complaint(&process.errors());
        return Ok(Verdict::Unusable(complaint.map_or(how, |line| format!("QEMU aborted: {line}"))));
    }
    let slow = || format!("too slow: no result within {:.1} s", PROBE_MAX.as_secs_f64());
    let complaint = complaint(&process.errors());
    Ok(Verdict::Unusable(complaint.map_or_else(slow, |line| format!("QEMU stopped the guest: {line}"))))
}

/// The first message that tells of more than a missing feature.
fn complaint(messages: &[String]) -> Option<String> {
    messages.iter().find(|line| !line.contains("warning: ")).cloned()
}

/// What the probe's guest wrote.
#[derive(Debug, Default)]
struct Answer {
    bytes: Vec<u8>,
    started: Option<Instant>,
    duration: Duration,
    /// Whether QEMU has closed its output.
    is_over: bool,
}

impl Answer {
    fn is_complete(&self) -> bool {
        self.bytes.len() > probe::expected().len()
    }

    fn verdict(&self) -> Verdict {
        if self.bytes[1..] != probe::expected() {
            return Verdict::Unusable("the guest computed a wrong result".to_owned());
        }
        if self.duration > WORK_MAX {
            let seconds = self.duration.as_secs_f64();
            return Verdict::Unusable(format!("too slow: {seconds:.1} s for a loop of 50 ms"));
        }
        Verdict::Works
    }
}

fn collect(process: &mut Process, deadline: Instant) -> Answer {
    let mut answer = Answer::default();
    let mut byte = [0];
    while !answer.is_complete() {
        match process.read(&mut byte, deadline.saturating_duration_since(Instant::now())) {
            Output::Bytes(_) => {}
            Output::Quiet => break,
            Output::Closed => {
                answer.is_over = true;
                break;
            }
        }
        // What comes before the mark is not the guest's.
        if answer.bytes.is_empty() && byte != [probe::MARK] {
            continue;
        }
        let started = *answer.started.get_or_insert_with(Instant::now);
        answer.duration = started.elapsed();
        answer.bytes.extend_from_slice(&byte);
    }
    answer
}

/// What a verdict holds for: this boot of the host, this QEMU, this kind of guest. `None` if the host cannot tell.
fn question(program: &Path, machine: &str, cpu: &str) -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let data = program.metadata().ok()?;
    // Size and time of the file stand for its version, without the time that asking QEMU takes.
    let modified = data.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?.as_nanos();
    let program = program.display();
    Some(format!("{} {program} {} {modified} {machine} {cpu}", boot.trim(), data.len()))
}

/// Verdicts on disk, in the user's cache folder (XDG Base Directory Specification).
struct Memory {
    file: Option<PathBuf>,
}

impl Memory {
    fn of_user() -> Self {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
        Self { file: cache.map(|folder| folder.join("multios-perf/accelerator.json")) }
    }

    fn recall(&self, question: &str) -> Option<Verdict> {
        let text = std::fs::read_to_string(self.file.as_ref()?).ok()?;
        let mut verdicts: BTreeMap<String, Option<String>> = serde_json::from_str(&text).ok()?;
        Some(verdicts.remove(question)?.map_or(Verdict::Works, Verdict::Unusable))
    }

    /// Keeps the verdict; where that fails, the next run probes again. Verdicts of earlier boots make room.
    fn keep(&self, question: String, verdict: &Verdict) {
        let Some(file) = &self.file else { return };
        let boot = question.split(' ').next().unwrap_or_default().to_owned();
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let mut verdicts: BTreeMap<String, Option<String>> = serde_json::from_str(&text).unwrap_or_default();
        verdicts.retain(|other, _| other.starts_with(&boot));
        verdicts.insert(
            question,
            match verdict {
                Verdict::Works => None,
                Verdict::Unusable(reason) => Some(reason.clone()),
            },
        );
        let Ok(text) = serde_json::to_string_pretty(&verdicts) else { return };
        let write = || {
            let folder = file.parent().unwrap_or(Path::new("/"));
            std::fs::create_dir_all(folder)?;
            // Written aside and moved, so that another runner never reads half of it.
            let mut aside = tempfile::NamedTempFile::new_in(folder)?;
            std::io::Write::write_all(&mut aside, text.as_bytes())?;
            aside.persist(file).map_err(|error| error.error)
        };
        let _probed_again = write();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qemu() -> PathBuf {
        find_program(PROGRAM).expect("set-up installs QEMU")
    }

    #[test]
    fn the_probe_computes_the_right_result_in_a_real_guest() {
        let folder = tempfile::tempdir().expect("there is room");
        let rom = folder.path().join("rom");
        std::fs::write(&rom, probe::rom()).expect("there is room");
        let exit = format!("isa-debug-exit,iobase={:#x},iosize=0x01", probe::EXIT_PORT);
        let words =
            ["-nodefaults", "-no-reboot", "-display", "none", "-machine", "q35", "-accel", "tcg", "-bios"];
        let mut arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
        arguments.extend([
            rom.into_os_string(),
            "-debugcon".into(),
            "stdio".into(),
            "-device".into(),
            exit.into(),
        ]);
        let mut process = Process::spawn(&qemu(), &arguments).expect("it starts");
        let answer = collect(&mut process, Instant::now() + Duration::from_secs(60));
        assert_eq!(answer.bytes.first(), Some(&probe::MARK));
        assert_eq!(answer.bytes.get(1..), Some(&probe::expected()[..]));
        assert!(process.wait(Duration::from_secs(20)).is_some_and(|status| status.code() == Some(1)));
    }

    #[test]
    fn a_qemu_that_refuses_is_quoted() {
        let verdict = run_probe(&qemu(), "tcg", "q35", "no-such-cpu").expect("it starts");
        let Verdict::Unusable(reason) = verdict else { panic!("{verdict:?}") };
        assert!(reason.starts_with("QEMU aborted: ") && reason.contains("no-such-cpu"), "{reason}");
    }

    #[test]
    fn silence_is_too_slow() {
        let sleep = find_program("sh").expect("every system has it");
        let mut process = Process::spawn(&sleep, &["-c".into(), "read -r line".into()]).expect("it starts");
        let answer = collect(&mut process, Instant::now() + Duration::from_millis(20));
        assert!(!answer.is_complete());
    }

    #[test]
    fn slow_and_wrong_results_are_told_apart() {
        let answer = |bytes: &[u8], duration| Answer {
            bytes: [&[probe::MARK], bytes].concat(),
            duration,
            ..Answer::default()
        };
        assert_eq!(answer(&probe::expected(), Duration::from_millis(50)).verdict(), Verdict::Works);
        let slow = answer(&probe::expected(), Duration::from_secs(2)).verdict();
        assert_eq!(slow, Verdict::Unusable("too slow: 2.0 s for a loop of 50 ms".to_owned()));
        let wrong = answer(&[0; 4], Duration::ZERO).verdict();
        assert_eq!(wrong, Verdict::Unusable("the guest computed a wrong result".to_owned()));
    }

    #[test]
    fn verdicts_are_remembered_until_the_host_boots_again() {
        let folder = tempfile::tempdir().expect("there is room");
        let memory = Memory { file: Some(folder.path().join("a/b.json")) };
        let unusable = Verdict::Unusable("slow".to_owned());
        assert_eq!(memory.recall("boot1 x"), None);
        memory.keep("boot1 x".to_owned(), &Verdict::Works);
        memory.keep("boot1 y".to_owned(), &unusable);
        assert_eq!(memory.recall("boot1 x"), Some(Verdict::Works));
        assert_eq!(memory.recall("boot1 y"), Some(unusable));
        memory.keep("boot2 x".to_owned(), &Verdict::Works);
        assert_eq!(memory.recall("boot1 x"), None);
    }

    #[test]
    fn a_damaged_memory_is_no_memory() {
        let folder = tempfile::tempdir().expect("there is room");
        let file = folder.path().join("b.json");
        std::fs::write(&file, "{").expect("there is room");
        let memory = Memory { file: Some(file) };
        assert_eq!(memory.recall("boot1 x"), None);
        memory.keep("boot1 x".to_owned(), &Verdict::Works);
        assert_eq!(memory.recall("boot1 x"), Some(Verdict::Works));
    }
}
