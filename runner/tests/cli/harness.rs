//! A folder of its own for each test, transcripts to read, and programs to start.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use perf_kernel::wire::{
    BenchRecord, EndReason, Hello, Link, LinkError, Mode, Record, Sender, Start, Status,
};
use tempfile::TempDir;

use crate::samples;

/// A place where nothing of the user's is found.
pub(crate) struct Place {
    folder: TempDir,
}

/// What a call of the program gave.
pub(crate) struct Called {
    pub(crate) code: i32,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).expect("room");
        path
    }

    /// A shell script that can be started as a program.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name, format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_multios-perf"));
        command.args(arguments);
        self.settle(&mut command);
        command
    }

    /// Gives `command` this folder as its own and its home.
    pub(crate) fn settle(&self, command: &mut Command) {
        command.current_dir(self.folder.path()).env_remove("XDG_DATA_HOME").env("HOME", self.folder.path());
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> Called {
        Called::of(self.command(arguments).output().expect("it starts"))
    }

    /// Stores the boots as one run and gives its id. Equal boots under another `nonce` are another run.
    pub(crate) fn stored(&self, nonce: &str, mode: Mode, boots: &[&[BenchRecord]]) -> String {
        let mut arguments = vec!["replay".to_owned()];
        for (number, boot) in boots.iter().enumerate() {
            let nonce = format!("{nonce}-{number}");
            let bytes = transcript(&nonce, mode, boot, Some(EndReason::Done));
            arguments.push(text(&self.file(&nonce, bytes)).to_owned());
        }
        arguments.extend(["--json".to_owned(), "-".to_owned()]);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let called = self.call(&arguments);
        let document: serde_json::Value = serde_json::from_str(&called.output).expect("JSON");
        document["run"].as_str().expect("an id").to_owned()
    }

    /// Makes an empty database there.
    pub(crate) fn make_database(&self) {
        drop(runner::store::Store::open(&self.database()).expect("room"));
    }

    /// Where results go without `--db`.
    pub(crate) fn database(&self) -> PathBuf {
        self.path(".local/share/multios-perf/results.db")
    }
}

impl Called {
    pub(crate) fn of(output: Output) -> Self {
        let called = Self {
            code: output.status.code().unwrap_or(-1),
            output: String::from_utf8(output.stdout).expect("text"),
            errors: String::from_utf8(output.stderr).expect("text"),
        };
        for text in [&called.output, &called.errors] {
            assert!(!text.contains('\u{1b}'), "an escape sequence although nothing is a terminal: {text:?}");
            assert!(!text.contains("panicked"), "{text}");
        }
        called
    }

    /// Holds the call to have failed with `code` and one line that contains each of `parts`.
    #[track_caller]
    pub(crate) fn fails_with(&self, code: u8, parts: &[&str]) {
        assert_eq!(self.code, i32::from(code), "{}{}", self.output, self.errors);
        let lines: Vec<_> = self.errors.lines().filter(|line| line.starts_with("multios-perf: ")).collect();
        assert_eq!(lines.len(), 1, "one sentence: {}", self.errors);
        for part in parts {
            assert!(lines[0].contains(part), "\"{part}\" is not in \"{}\"", lines[0]);
        }
    }
}

#[derive(Default)]
struct Pipe(Vec<u8>);

impl Link for &mut Pipe {
    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.0.write_all(bytes).map_err(|_| LinkError::TimedOut)
    }

    fn receive(&mut self) -> Option<u8> {
        None
    }
}

/// The bytes of a boot that measured `benches`; without a reason they end in the middle.
pub(crate) fn transcript(
    nonce: &str,
    mode: Mode,
    benches: &[BenchRecord],
    end: Option<EndReason>,
) -> Vec<u8> {
    let total = u32::try_from(benches.len()).expect("few");
    transcript_from(samples::hello(nonce, total), mode, benches, end)
}

/// The same after a `hello` of one's own.
pub(crate) fn transcript_from(
    hello: Hello,
    mode: Mode,
    benches: &[BenchRecord],
    end: Option<EndReason>,
) -> Vec<u8> {
    let total = hello.benches_planned;
    let mut pipe = Pipe::default();
    let mut sender = Sender::new(&mut pipe);
    let mut records =
        vec![Record::Hello(hello), Record::Machine(samples::machine()), Record::Clock(samples::clock(mode))];
    for (index, bench) in (0..).zip(benches) {
        records.push(Record::Start(Start { id: bench.id.clone(), index, total }));
        records.push(Record::Bench(Box::new(bench.clone())));
    }
    for record in records {
        sender.send(record).expect("a pipe takes all");
    }
    if let Some(reason) = end {
        sender.end(reason).expect("a pipe takes all");
    }
    drop(sender);
    pipe.0
}

/// Two measured benches, a failed and a skipped one.
pub(crate) fn benches() -> Vec<BenchRecord> {
    let mut failed = samples::skipped("security/verify-ed25519", "a forged signature passed");
    failed.status = Status::Failed;
    vec![
        samples::bench("env/timer-pair", 90, 1),
        samples::bench("memory/alloc-small/64", 4_000, 64),
        failed,
        samples::skipped("kernel/syscall-null", "not built yet"),
    ]
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}
