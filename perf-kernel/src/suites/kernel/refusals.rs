//! Calls that are refused, or whose other side does not play along: each returns with its reason, and nobody hangs.

use alloc::format;
use alloc::vec::Vec;

use super::messages::{GONE, failed, start};
use crate::arch::counter;
use crate::kernel::ipc::{IpcError, Right};
use crate::measure::BenchError;
use crate::platform::{Ending, OnThreads, PROGRAM_DATA, Part, Program, Runner, UserMode};

/// What is checked, in a few words.
pub(super) const DETAIL: &str =
    "handles, rights, buffers, deadlines and ends of the other side were refused or told";

const BUFFER: u64 = 4;
const CALL: u64 = 5;
const REPLY: u64 = 6;
const RECEIVE: u64 = 7;
const CHILL: u64 = 12;
/// What a call returns that names no reason.
const FAILED: u64 = u64::MAX;
const NO_HANDLE: u64 = u64::MAX - 1;
const NO_RIGHT: u64 = u64::MAX - 2;
const NO_CALLER: u64 = u64::MAX - 4;
const TIMED_OUT: u64 = u64::MAX - 5;
const BAD_BUFFER: u64 = u64::MAX - 6;
const NOWHERE: u64 = 0x50_0000_0000;
const WORDS: usize = 6;

/// RAX, RDI, RSI and RDX of a system call, and what it must return.
type Step = ([u64; 4], u64);

/// Runs scripts of system calls.
pub(super) struct Check<'m>(pub(super) &'m dyn UserMode);

impl OnThreads for Check<'_> {
    type Output = ();

    fn run<R: Runner>(self, _runner: &R) -> Result<(), BenchError> {
        let past = counter::now().0;
        let soon = past + 100_000;
        // One that has handle 0 to receive with and 1 to call with, alone: nobody ever comes.
        self.play(&[&[
            ([CALL, 9, 0, 0], NO_HANDLE),
            ([CALL, u64::MAX, 0, 0], NO_HANDLE),
            ([CALL, 0, 0, 0], NO_RIGHT),
            ([RECEIVE, 1, 0, 0], NO_RIGHT),
            ([REPLY, 0, 0, 0], NO_CALLER),
            ([CALL, 1, 8, 0], BAD_BUFFER),
            ([BUFFER, NOWHERE, 4096, 0], 0),
            ([CALL, 1, 8, 0], BAD_BUFFER),
            ([BUFFER, 0xffff_8000_0000_0000, 4096, 0], 0),
            ([CALL, 1, 8, 0], BAD_BUFFER),
            ([BUFFER, PROGRAM_DATA, u64::MAX, 0], 0),
            ([CALL, 1, 4097, 0], BAD_BUFFER),
            ([CALL, 1, 0, past], TIMED_OUT),
            ([CALL, 1, 8, soon], TIMED_OUT),
            ([RECEIVE, 0, 0, soon], TIMED_OUT),
            ([CHILL, 0, 0, 0], FAILED),
        ]])?;
        // A server that ends instead of answering.
        self.play(&[&[([RECEIVE, 0, 0, 0], 0)], &[([CALL, 1, 0, 0], GONE), ([CALL, 1, 0, 0], GONE)]])?;
        // One whose buffer is not there, and one whose caller's is not when the answer comes.
        self.play(&[
            &[([BUFFER, NOWHERE, 4096, 0], 0), ([RECEIVE, 0, 0, 0], BAD_BUFFER)],
            &[([BUFFER, PROGRAM_DATA, 4096, 0], 0), ([CALL, 1, 8, 0], GONE)],
        ])?;
        self.play(&[
            &[([BUFFER, PROGRAM_DATA, 4096, 0], 0), ([RECEIVE, 0, 0, 0], 0), ([REPLY, 0, 8, 0], GONE)],
            &[([BUFFER, NOWHERE, 4096, 0], 0), ([CALL, 1, 0, 0], BAD_BUFFER)],
        ])
    }
}

impl Check<'_> {
    /// Runs a process for each script at the same time. Each may call the first; the first may receive, and call itself if
    /// it is alone.
    fn play(&self, scripts: &[&[Step]]) -> Result<(), BenchError> {
        let refuse = |error: IpcError| BenchError::Failed(format!("failed to {error}"));
        let mut processes = Vec::new();
        let mut endpoint = None;
        for script in scripts {
            let mut process = start(self.0, Program::Script)?;
            let words = script.iter().flat_map(|(words, _)| words.iter().chain(&[0; WORDS - 4]));
            let bytes: Vec<u8> = words.flat_map(|word| word.to_le_bytes()).collect();
            process.copy_out(PROGRAM_DATA, &bytes).map_err(failed)?;
            let is_alone = scripts.len() == 1;
            let shared = match endpoint {
                None => process.create_endpoint(Right::Receive).map_err(refuse)?,
                // Their handle 0 is of no use to them.
                Some(shared) => {
                    process.create_endpoint(Right::Call).map_err(refuse)?;
                    shared
                }
            };
            if endpoint.is_some() || is_alone {
                process.grant(shared, Right::Call).map_err(refuse)?;
            }
            endpoint = Some(shared);
            processes.push(process);
        }
        let mut parts: Vec<Part<'_>> =
            processes.iter_mut().map(|process| Part { process: &mut **process, arguments: [0; 2] }).collect();
        let together = self.0.run_together(&mut parts).map_err(BenchError::Failed)?;
        for ((process, script), ending) in processes.iter().zip(scripts).zip(&together.endings) {
            let mut results = Vec::new();
            for number in 0..script.len() {
                let mut word = [0; 8];
                let offset = u64::try_from(number * WORDS * 8).unwrap_or(u64::MAX);
                process.copy_in(PROGRAM_DATA + offset, &mut word).map_err(failed)?;
                results.push(u64::from_le_bytes(word));
            }
            let is_right = script.iter().map(|(_, expected)| *expected).eq(results.iter().copied());
            if !is_right || !matches!(ending, Ending::Exited(_)) {
                let reason = format!("calls of {script:x?} returned {results:x?}, then {ending:x?}");
                return Err(BenchError::Failed(reason));
            }
        }
        Ok(())
    }
}
