//! What it costs to call another process.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;

use multios_core::memory::FRAME_BYTES;
use multios_core::memory::paging::Access;

use super::refusals;
use super::user::{refused, with_user_mode};
use crate::kernel::ipc::{IpcError, IpcUsage, Right};
use crate::measure::{Batch, BenchError, Bencher, Expected};
use crate::platform::{
    CopyError, Ending, OnThreads, PROGRAM_DATA, Part, Program, Runner, UserMode, UserProcess, on_threads,
};
use crate::suites::buffer::buffer;
use crate::units::{Bytes, Ticks};
use crate::wire::CheckOutcome;

/// What a call returns whose other side is gone.
pub(super) const GONE: u64 = u64::MAX - 3;

/// One iteration is a call of a program with as many bytes as the scale says, and the answer of another, with as many. The
/// client's loop adds ten instructions, the server's nine. For cold samples the client has the CPU chilled behind a call
/// that finds the server waiting.
pub(super) fn call_and_reply(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    with_user_mode(bencher, |bencher, machine| {
        on_threads(bencher.platform(), refusals::Check(machine))?;
        bencher.add_check("refusals", CheckOutcome::Passed, refusals::DETAIL.into());
        on_threads(bencher.platform(), CallAndReply { bencher, machine })?;
        let left = machine.messages_usage();
        let is_clean = left == IpcUsage::default();
        is_clean.then_some(()).ok_or_else(|| BenchError::Failed(format!("endpoints are left: {left:?}")))
    })
}

struct CallAndReply<'bench, 'a> {
    bencher: &'bench mut Bencher<'a>,
    machine: &'bench (dyn UserMode + 'a),
}

impl OnThreads for CallAndReply<'_, '_> {
    type Output = ();

    fn run<R: Runner>(self, _runner: &R) -> Result<(), BenchError> {
        let Self { bencher, machine } = self;
        let bytes = bencher.scale();
        let length = usize::try_from(bytes).map_err(|_| BenchError::Skipped("too large".into()))?;
        let mut sent = buffer(bencher, length)?;
        let mut seen = buffer(bencher, length)?;
        bencher.fill_random(sent.as_mut_slice());
        bencher.set_bytes(Bytes(2 * bytes));
        let mut pair = Pair {
            machine,
            client: start(machine, Program::Call)?,
            server: start(machine, Program::Answer)?,
        };
        pair.client.copy_out(PROGRAM_DATA, sent.as_slice()).map_err(failed)?;
        let (mut calls, mut error) = (0_u64, None);
        let measured = bencher.measure_timed(Expected::Each(1), |count| {
            calls = calls.wrapping_add(count + 1);
            pair.run(count, bytes).unwrap_or_else(|reason| {
                error = Some(reason);
                Batch { ticks: 0, sum: u64::MAX, end: Ticks(0) }
            })
        });
        measured.map_err(|wrong| error.take().unwrap_or(wrong))?;
        if bencher.takes_cold() {
            // The client that chills goes on with the messages of the one before.
            pair.client.copy_in(PROGRAM_DATA, seen.as_mut_slice()).map_err(failed)?;
            pair.client = start(machine, Program::CallChilled)?;
            pair.client.copy_out(PROGRAM_DATA, seen.as_slice()).map_err(failed)?;
            bencher.measure_cold(|_| {
                calls = calls.wrapping_add(2);
                let Batch { ticks, sum, .. } = pair.run(1, bytes)?;
                let wrong = || BenchError::Failed(format!("an answer is {sum} above its call"));
                (sum == 1).then_some(ticks).ok_or_else(wrong)
            })?;
        }
        // Each message comes back with one added to its first word.
        if let Some(word) = sent.as_mut_slice().first_chunk_mut::<8>() {
            *word = u64::from_le_bytes(*word).wrapping_add(calls).to_le_bytes();
        }
        for process in [&pair.client, &pair.server] {
            process.copy_in(PROGRAM_DATA, seen.as_mut_slice()).map_err(failed)?;
            if seen.as_slice() != sent.as_slice() {
                return Err(BenchError::Failed("a message is not what was sent and added to".into()));
            }
        }
        Ok(())
    }
}

pub(in crate::suites) fn start<'m>(
    machine: &'m dyn UserMode,
    program: Program,
) -> Result<Box<dyn UserProcess + 'm>, BenchError> {
    let mut process = machine.start(program).map_err(refused)?;
    process.map(PROGRAM_DATA..PROGRAM_DATA + FRAME_BYTES, Access::ReadWrite).map_err(refused)?;
    Ok(process)
}

pub(in crate::suites) fn failed(error: CopyError) -> BenchError {
    BenchError::Failed(format!("failed to {error}"))
}

struct Pair<'m> {
    machine: &'m dyn UserMode,
    client: Box<dyn UserProcess + 'm>,
    server: Box<dyn UserProcess + 'm>,
}

impl Pair<'_> {
    /// So many calls, and one before, to a server that ends when its client has.
    fn run(&mut self, calls: u64, bytes: u64) -> Result<Batch, BenchError> {
        let refuse = |error: IpcError| BenchError::Failed(error.to_string());
        let endpoint = self.server.create_endpoint(Right::Receive).map_err(refuse)?;
        self.client.grant(endpoint, Right::Call).map_err(refuse)?;
        let mut parts = [
            Part { process: &mut *self.server, arguments: [0, bytes] },
            Part { process: &mut *self.client, arguments: [calls, bytes] },
        ];
        let together = self.machine.run_together(&mut parts).map_err(BenchError::Failed)?;
        match together.endings[..] {
            [Ending::Exited([served, GONE, _]), Ending::Exited([sum, begin, end])] if served == calls + 1 => {
                Ok(Batch { ticks: end.saturating_sub(begin), sum, end: Ticks(end) })
            }
            _ => Err(BenchError::Failed(format!("a call went wrong: {together:x?}"))),
        }
    }
}
