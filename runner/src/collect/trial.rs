//! A kernel with its own sender, a machine in a time of its own, and a collection between them, for tests.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use perf_kernel::units::{Hertz, Ticks};
use perf_kernel::wire::{
    Beacon, BenchRecord, Clock, Command, Crash, Decoder, EndReason, Event, FORMAT_VERSION, Hello, Link,
    LinkError, Mode, Record, Sender, Start, Status,
};

use super::session::{Ends, run};
use super::{Boot, CollectError, Expected, Observer, Patience, Silent};
use crate::source::{Read, Source, SourceError};

pub(super) fn hello(entry_ticks: u64) -> Record {
    Record::Hello(Hello {
        format_version: FORMAT_VERSION,
        nonce: "n-1".to_owned(),
        image_hash: "0".repeat(32),
        plan_hash: "1".repeat(32),
        version: "0.1.0".to_owned(),
        compiler: "rustc 1.96.0".into(),
        benches_planned: 2,
        entry_ticks: Ticks(entry_ticks),
        resumes: None,
    })
}

pub(super) fn clock() -> Record {
    Record::Clock(Clock {
        mode: Mode::Hosted,
        frequency: Hertz(1_000_000_000),
        is_invariant: true,
        sources: Vec::new(),
        disagreement: None,
        is_valid: true,
        note: String::new(),
        overhead_ticks: 20,
    })
}

pub(super) fn start(id: &str) -> Record {
    Record::Start(Start { id: id.to_owned(), index: 0, total: 2 })
}

pub(super) fn bench(id: &str, status: Status) -> Record {
    Record::Bench(Box::new(BenchRecord {
        attempts: 10,
        successes: 10,
        overhead_ticks: 20,
        ..BenchRecord::new(id.to_owned(), status)
    }))
}

pub(super) fn crash() -> Record {
    Record::Crash(Box::new(Crash {
        cause: "#PF".to_owned(),
        message: "read of 0x0".to_owned(),
        bench: Some("env/pause".to_owned()),
        cpu: 0,
        registers: None,
        backtrace: vec![1, 2],
        image_base: 0,
        ticks: None,
    }))
}

/// The records of a boot of two benches, without its end.
pub(super) fn records(entry_ticks: u64) -> Vec<Record> {
    vec![
        hello(entry_ticks),
        clock(),
        start("env/pause"),
        bench("env/pause", Status::Measured),
        Record::Beacon(Beacon { ticks: Ticks(500) }),
        start("env/l1-load"),
        bench("env/l1-load", Status::Skipped),
    ]
}

/// The kernel's side of the line: its sender, and what it has put on the wire since it was last looked at.
pub(super) struct Kernel {
    pub(super) sender: Sender<Pipe>,
}

#[derive(Default)]
pub(super) struct Pipe {
    to_host: Vec<u8>,
    from_host: VecDeque<u8>,
}

impl Link for Pipe {
    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.to_host.extend_from_slice(bytes);
        Ok(())
    }

    fn receive(&mut self) -> Option<u8> {
        self.from_host.pop_front()
    }
}

impl Kernel {
    /// A kernel that has sent `records` and, with a reason, its end.
    pub(super) fn after(records: Vec<Record>, reason: Option<EndReason>) -> Self {
        let mut sender = Sender::new(Pipe::default());
        for record in records {
            sender.send(record).unwrap();
        }
        if let Some(reason) = reason {
            sender.end(reason).unwrap();
        }
        Self { sender }
    }

    pub(super) fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.sender.link_mut().to_host)
    }

    /// The frames on the wire, one by one.
    pub(super) fn take_frames(&mut self) -> Vec<Vec<u8>> {
        self.take_bytes().split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
    }
}

pub(super) fn transcript_of(records: Vec<Record>, reason: Option<EndReason>) -> Vec<u8> {
    Kernel::after(records, reason).take_bytes()
}

/// What a source does when it is read.
pub(super) enum Step {
    /// Gives bytes.
    Bytes(Vec<u8>),
    /// Gives nothing for that long.
    Quiet(Duration),
    /// Sets the stop flag, as Ctrl-C does, and gives nothing.
    Interrupt,
    /// Breaks.
    Break,
}

/// A machine on a line, in a time that passes only when it is waited for.
pub(super) struct Machine<'a> {
    steps: VecDeque<Step>,
    /// Answers commands, if it can hear.
    kernel: Option<Kernel>,
    /// Whether it stays on after its last step.
    stays_on: bool,
    is_live: bool,
    commands: Vec<(Duration, Command)>,
    now: &'a std::cell::Cell<Duration>,
    stop: &'a AtomicBool,
    is_stopped: bool,
    /// What it does after each reset that the host makes; it cannot be reset more often.
    after_resets: VecDeque<Vec<Step>>,
}

impl Source for Machine<'_> {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> Result<Read, SourceError> {
        match self.steps.pop_front() {
            Some(Step::Bytes(bytes)) => {
                let (piece, rest) = bytes.split_at(bytes.len().min(buffer.len()));
                buffer[..piece.len()].copy_from_slice(piece);
                if !rest.is_empty() {
                    self.steps.push_front(Step::Bytes(rest.to_vec()));
                }
                return Ok(Read::Bytes(piece.len()));
            }
            Some(Step::Quiet(time)) => {
                let waited = time.min(patience);
                self.now.set(self.now.get() + waited);
                if time > waited {
                    self.steps.push_front(Step::Quiet(time - waited));
                }
            }
            Some(Step::Interrupt) => self.stop.store(true, Ordering::Relaxed),
            Some(Step::Break) => return Err(SourceError::Qemu("it broke".to_owned())),
            None if self.stays_on => self.now.set(self.now.get() + patience),
            None => return Ok(Read::Ended("it is off".to_owned())),
        }
        Ok(Read::Quiet)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SourceError> {
        let Some(kernel) = &mut self.kernel else { panic!("nobody speaks to the deaf") };
        for event in Decoder::for_commands().push(bytes) {
            if let Event::Frame(command) = event {
                self.commands.push((self.now.get(), *command));
            }
        }
        kernel.sender.link_mut().from_host.extend(bytes);
        kernel.sender.poll_commands();
        self.steps.push_front(Step::Bytes(kernel.take_bytes()));
        Ok(())
    }

    fn can_hear(&self) -> bool {
        self.kernel.is_some()
    }

    fn is_live(&self) -> bool {
        self.is_live
    }

    fn reset(&mut self) -> Result<bool, SourceError> {
        let Some(steps) = self.after_resets.pop_front() else { return Ok(false) };
        self.steps = steps.into();
        Ok(true)
    }

    fn stop(&mut self) {
        self.is_stopped = true;
    }
}

/// What a collection gave, and what it did to the machine.
pub(super) struct Outcome {
    pub(super) result: Result<Vec<Boot>, CollectError>,
    pub(super) commands: Vec<(Duration, Command)>,
    pub(super) transcript: Vec<u8>,
    pub(super) took: Duration,
}

impl Outcome {
    pub(super) fn boots(self) -> Vec<Boot> {
        self.result.unwrap()
    }

    pub(super) fn boot(self) -> Boot {
        let [boot] = <[Boot; 1]>::try_from(self.boots()).unwrap();
        boot
    }
}

pub(super) const PATIENCE: Patience =
    Patience { hang: Duration::from_secs(10), boot: Duration::from_secs(60), resets_max: 2 };

/// A collection that a test is about to run.
pub(super) struct Trial {
    pub(super) steps: Vec<Step>,
    pub(super) kernel: Option<Kernel>,
    pub(super) stays_on: bool,
    pub(super) is_live: bool,
    pub(super) expected: Expected,
    pub(super) after_resets: Vec<Vec<Step>>,
}

impl Trial {
    pub(super) fn of(steps: Vec<Step>) -> Self {
        Self {
            steps,
            kernel: None,
            stays_on: false,
            is_live: true,
            expected: Expected::default(),
            after_resets: Vec::new(),
        }
    }

    pub(super) fn replay(transcript: Vec<u8>) -> Self {
        Self { is_live: false, ..Self::of(vec![Step::Bytes(transcript)]) }
    }

    pub(super) fn run(self) -> Outcome {
        let mut transcript = Vec::new();
        let mut outcome = self.run_with(&mut transcript, &mut Silent);
        outcome.transcript = transcript;
        outcome
    }

    pub(super) fn run_with(
        self,
        transcript: &mut dyn std::io::Write,
        observer: &mut dyn Observer,
    ) -> Outcome {
        let now = std::cell::Cell::new(Duration::from_secs(1000));
        let stop = AtomicBool::new(false);
        let mut machine = Machine {
            steps: self.steps.into(),
            kernel: self.kernel,
            stays_on: self.stays_on,
            is_live: self.is_live,
            commands: Vec::new(),
            now: &now,
            stop: &stop,
            is_stopped: false,
            after_resets: self.after_resets.into(),
        };
        let ends = Ends { source: &mut machine, transcript, observer, patience: &PATIENCE, stop: &stop };
        let result = run(self.expected, ends, &mut || now.get());
        assert!(machine.is_stopped);
        let took = now.get() - Duration::from_secs(1000);
        Outcome { result, commands: machine.commands, transcript: Vec::new(), took }
    }
}
