//! What it costs to switch between processes.

use alloc::boxed::Box;
use alloc::format;

use multios_core::memory::FRAME_BYTES;
use multios_core::memory::paging::Access;

use super::user::{refused, with_user_mode};
use crate::measure::{BenchError, Bencher};
use crate::platform::{
    Ending, OnThreads, PROGRAM_DATA, Part, Program, Runner, UserMode, UserProcess, on_threads,
};
use crate::suites::buffer::buffer;

/// Yields of one sample, each of which is two switches, where the processes touch nothing.
const YIELDS: u64 = 500;
/// The same where they touch something.
const TOUCHING_YIELDS: u64 = 4;
/// Yields of the program before it times itself.
const EARLIER_YIELDS: u64 = 2;

/// A sample is the time of one switch, as the mean over 1,000 of them, or 8 where memory is touched: two processes yield to
/// each other from user mode, and each adds a number of its own to all its memory before. The program adds six
/// instructions, and four for a word. A cold sample is the mean over two switches, there and back, and the program has the
/// CPU chilled before.
pub(super) fn switch(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    with_user_mode(bencher, |bencher, machine| {
        on_threads(bencher.platform(), ProcessSwitch { bencher, machine })
    })
}

struct ProcessSwitch<'bench, 'a> {
    bencher: &'bench mut Bencher<'a>,
    machine: &'bench (dyn UserMode + 'a),
}

/// A process and what it adds to each word of its memory in a turn.
struct Player<'a> {
    process: Box<dyn UserProcess + 'a>,
    increment: u64,
    turns: u64,
}

impl<'a> Player<'a> {
    fn new(
        machine: &'a dyn UserMode,
        program: Program,
        increment: u64,
        bytes: u64,
    ) -> Result<Self, BenchError> {
        let mut process = machine.start(program).map_err(refused)?;
        let end = PROGRAM_DATA + FRAME_BYTES + bytes.next_multiple_of(FRAME_BYTES);
        process.map(PROGRAM_DATA..end, Access::ReadWrite).map_err(refused)?;
        process
            .copy_out(PROGRAM_DATA, &increment.to_le_bytes())
            .map_err(|error| BenchError::Failed(format!("failed to {error}")))?;
        Ok(Self { process, increment, turns: 0 })
    }

    /// Whether each word of its memory is what its own turns make of zero.
    fn has_own(&self, memory: &mut [u8]) -> bool {
        let expected = self.increment.wrapping_mul(self.turns).to_le_bytes();
        self.process.copy_in(PROGRAM_DATA + FRAME_BYTES, memory).is_ok()
            && memory.chunks(size_of::<u64>()).all(|word| word == expected)
    }
}

impl OnThreads for ProcessSwitch<'_, '_> {
    type Output = ();

    fn run<R: Runner>(self, _runner: &R) -> Result<(), BenchError> {
        let Self { bencher, machine } = self;
        let bytes = bencher.scale();
        let yields = if bytes == 0 { YIELDS } else { TOUCHING_YIELDS };
        let length = usize::try_from(bytes).map_err(|_| BenchError::Skipped("too large".into()))?;
        let mut memory = buffer(bencher, length)?;
        let [one, other] = [bencher.random(), bencher.random()];
        let start = |program, increment| Player::new(machine, program, increment, bytes);
        let mut chilled = bencher.takes_cold().then(|| start(Program::TakeTurnsChilled, one)).transpose()?;
        let mut one = start(Program::TakeTurns, one)?;
        let mut other = start(Program::TakeTurns, other)?;
        bencher.measure_values(|| play(machine, [&mut one, &mut other], yields, bytes))?;
        if let Some(chilled) = &mut chilled {
            bencher.measure_cold(|_| play(machine, [chilled, &mut other], 1, bytes))?;
        }
        for player in [Some(&one), Some(&other), chilled.as_ref()].into_iter().flatten() {
            if !player.has_own(memory.as_mut_slice()) {
                let reason = "the memory of a process is not what it alone has made of it";
                return Err(BenchError::Failed(reason.into()));
            }
        }
        Ok(())
    }
}

/// One game of two, and how long one switch took in the timed part of the first.
fn play(
    machine: &dyn UserMode,
    players: [&mut Player<'_>; 2],
    yields: u64,
    bytes: u64,
) -> Result<u64, BenchError> {
    let increments = [players[0].increment, players[1].increment];
    let mut parts = players.map(|player| {
        player.turns += yields;
        Part { process: &mut *player.process, arguments: [yields, bytes] }
    });
    let together = machine.run_together(&mut parts).map_err(BenchError::Failed)?;
    let wrong = || BenchError::Failed(format!("two processes did not take turns: {together:x?}"));
    let [Ending::Exited([one, begin, end]), Ending::Exited([other, ..])] = together.endings[..] else {
        return Err(wrong());
    };
    // Each of the first one's yields leads to the other and back.
    let is_right = [one, other] == increments && together.switches >= 2 * (yields + EARLIER_YIELDS);
    is_right.then(|| end.saturating_sub(begin) / (2 * yields)).ok_or_else(wrong)
}
