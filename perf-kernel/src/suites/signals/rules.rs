//! Programs that send, catch, block and forge signals: each does what it must, and the kernel goes on.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::hint::black_box;

use super::cases;
use crate::kernel::ipc::Right;
use crate::measure::{BenchError, Bencher, Expected};
use crate::platform::{
    Ending, OnThreads, PROGRAM_DATA, PROGRAM_NOTES, Part, Program, Runner, UserMode, UserProcess, on_threads,
};
use crate::suites::kernel::messages::{failed, start};
use crate::suites::kernel::user::with_user_mode;

/// Words of a step of a script.
const WORDS: usize = 6;

/// RAX, RDI, RSI and RDX of a step, and what it must return. One that does not return keeps its number.
pub(super) type Step = ([u64; 4], u64);

/// How a program has to end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Must {
    Exit,
    Signal(u8),
    /// By this exception.
    Fault(u8),
}

/// A program, and what must come of it.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) steps: Vec<Step>,
    /// What it forges: the place in the frame, and the word.
    pub(super) forged: [u64; 2],
    /// Signals that it must have noted, with what it was told of each.
    pub(super) notes: Vec<[u64; 3]>,
    pub(super) ending: Must,
}

/// Programs that run at the same time. The first has an endpoint at which the others may call. The others may send signals
/// to it, by number 1, and it to each of them, by its place.
pub(super) type Case = (&'static str, Vec<Script>);

/// Runs all programs once. A wrong one fails it.
pub(in crate::suites) fn rules(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    with_user_mode(bencher, |bencher, machine| {
        let cases = cases::all();
        on_threads(bencher.platform(), Play { machine, cases: &cases })?;
        bencher.add_figure("cases", cases.len() as u64);
        // All that counts has been done; this is the figure that a record must have.
        bencher.measure(Expected::Each(1), || black_box(1))
    })
}

struct Play<'p> {
    machine: &'p dyn UserMode,
    cases: &'p [Case],
}

impl OnThreads for Play<'_> {
    type Output = ();

    fn run<R: Runner>(self, _runner: &R) -> Result<(), BenchError> {
        for (name, scripts) in self.cases {
            play(self.machine, scripts).map_err(|error| match error {
                BenchError::Failed(reason) => BenchError::Failed(format!("{name}: {reason}")),
                other => other,
            })?;
        }
        Ok(())
    }
}

fn play(machine: &dyn UserMode, scripts: &[Script]) -> Result<(), BenchError> {
    let refuse = |error: &dyn core::fmt::Display| BenchError::Failed(format!("failed to {error}"));
    let mut processes: Vec<Box<dyn UserProcess + '_>> = Vec::new();
    let mut shared = None;
    for script in scripts {
        let mut process = start(machine, Program::Script)?;
        write_steps(&*process, &script.steps)?;
        let forged = script.forged.map(u64::to_le_bytes).concat();
        process.copy_out(PROGRAM_DATA + 1024, &forged).map_err(failed)?;
        let target = process.signal_target().map_err(|error| refuse(&error))?;
        match (shared, processes.first_mut()) {
            (Some((endpoint, first)), Some(first_process)) => {
                process.grant(endpoint, Right::Call).map_err(|error| refuse(&error))?;
                process.allow_signals(first).map_err(|error| refuse(&error))?;
                first_process.allow_signals(target).map_err(|error| refuse(&error))?;
            }
            _ => {
                let endpoint = process.create_endpoint(Right::Receive).map_err(|error| refuse(&error))?;
                shared = Some((endpoint, target));
            }
        }
        processes.push(process);
    }
    let mut parts: Vec<Part<'_>> =
        processes.iter_mut().map(|process| Part { process: &mut **process, arguments: [0; 2] }).collect();
    let together = machine.run_together(&mut parts).map_err(BenchError::Failed)?;
    for (number, (process, script)) in processes.iter().zip(scripts).enumerate() {
        let ending = together.endings.get(number).copied();
        check(&**process, script, ending)
            .map_err(|reason| BenchError::Failed(format!("program {number}: {reason}")))?;
    }
    Ok(())
}

/// Writes the steps of a script to where its program finds them.
pub(super) fn write_steps(process: &dyn UserProcess, steps: &[Step]) -> Result<(), BenchError> {
    let words = steps.iter().flat_map(|(words, _)| words.iter().chain(&[0; WORDS - 4]));
    let bytes: Vec<u8> = words.flat_map(|word| word.to_le_bytes()).collect();
    process.copy_out(PROGRAM_DATA, &bytes).map_err(failed)
}

/// What is not as it must be.
fn check(process: &dyn UserProcess, script: &Script, ending: Option<Ending>) -> Result<(), String> {
    let is_right = match (script.ending, ending) {
        (Must::Exit, Some(Ending::Exited(_))) => true,
        (Must::Signal(number), Some(Ending::Signalled(by))) => by == number,
        (Must::Fault(vector), Some(Ending::Faulted(fault))) => fault.vector == vector,
        _ => false,
    };
    if !is_right {
        return Err(format!("it ended as {ending:x?} and not as {:?}", script.ending));
    }
    for (number, (words, expected)) in script.steps.iter().enumerate() {
        let result = word(process, PROGRAM_DATA + (number * WORDS * 8) as u64)?;
        if result != *expected {
            return Err(format!("step {number}, {words:x?}, returned {result:x} and not {expected:x}"));
        }
    }
    let noted = word(process, PROGRAM_NOTES)?;
    let mut notes = Vec::new();
    for number in 0..noted.min(64) {
        let place = PROGRAM_NOTES + 8 + 24 * number;
        notes.push([word(process, place)?, word(process, place + 8)?, word(process, place + 16)?]);
    }
    if notes != script.notes {
        return Err(format!("it noted {notes:x?} and not {:x?}", script.notes));
    }
    Ok(())
}

fn word(process: &dyn UserProcess, address: u64) -> Result<u64, String> {
    let mut word = [0; 8];
    process.copy_in(address, &mut word).map_err(|error| error.to_string())?;
    Ok(u64::from_le_bytes(word))
}
