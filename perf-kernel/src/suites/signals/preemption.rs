//! Programs that make no system calls, and still leave the CPU to others.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::hint::black_box;
use core::time::Duration;

use multios_core::sync::Scheduler;

use super::rules::{Step, write_steps};
use crate::kernel::ipc::Right;
use crate::measure::{BenchError, Bencher, Expected};
use crate::platform::{
    Ending, OnThreads, PROGRAM_DATA, Part, Program, Runner, Together, UserMode, UserProcess, on_threads,
};
use crate::suites::kernel::messages::{failed, start};
use crate::suites::kernel::user::with_user_mode;

const RECEIVE: u64 = 7;
const SEND: u64 = 10;
const TIMED_OUT: u64 = u64::MAX - 5;
const KILL: u8 = 9;
const USR1: u64 = 10;

/// How long two programs count before a third ends them: several turns.
const PATIENCE: Duration = Duration::from_millis(80);
/// What they have in their registers.
const NUMBERS: [u64; 2] = [0x1111_2222_3333_4444, 0x5555_6666_7777_8888];

/// Two programs count on one CPU and make no system call, until a third, which sleeps, sends one a signal that it handles
/// and the other KILL. Both must have counted, and no register may have changed.
pub(in crate::suites) fn preemption(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    with_user_mode(bencher, |bencher, machine| {
        let platform = bencher.platform();
        if platform.interrupts().is_none() {
            return Err(BenchError::Skipped("there is no local APIC".into()));
        }
        let counts = on_threads(platform, Loops(machine))?;
        for (name, count) in ["counted_until_handled", "counted_until_killed"].into_iter().zip(counts) {
            bencher.add_figure(name, count);
        }
        // All that counts has been done; this is the figure that a record must have.
        bencher.measure(Expected::Each(1), || black_box(1))
    })
}

struct Loops<'m>(&'m dyn UserMode);

impl OnThreads for Loops<'_> {
    type Output = [u64; 2];

    fn run<R: Runner>(self, runner: &R) -> Result<[u64; 2], BenchError> {
        let refuse = |error: &dyn core::fmt::Display| BenchError::Failed(format!("failed to {error}"));
        let mut loops: [Box<dyn UserProcess + '_>; 2] =
            [start(self.0, Program::Loop)?, start(self.0, Program::Loop)?];
        let mut third = start(self.0, Program::Script)?;
        let endpoint = third.create_endpoint(Right::Receive).map_err(|error| refuse(&error))?;
        for process in &mut loops {
            process.grant(endpoint, Right::Call).map_err(|error| refuse(&error))?;
            let target = process.signal_target().map_err(|error| refuse(&error))?;
            third.allow_signals(target).map_err(|error| refuse(&error))?;
        }
        let deadline = runner.scheduler().deadline(PATIENCE).0;
        let steps: [Step; 3] =
            [([RECEIVE, 0, 0, deadline], TIMED_OUT), ([SEND, 1, USR1, 0], 0), ([SEND, 2, KILL.into(), 0], 0)];
        write_steps(&*third, &steps)?;
        let mut together = Err(String::new());
        let [one, other] = &mut loops;
        let mut parts = [
            Part { process: &mut **one, arguments: [NUMBERS[0], 0] },
            Part { process: &mut **other, arguments: [NUMBERS[1], 0] },
            Part { process: &mut *third, arguments: [0; 2] },
        ];
        runner.preemptibly(&mut || together = self.0.run_together(&mut parts));
        let together = together.map_err(BenchError::Failed)?;
        let mut killed = [0; 8];
        loops[1].copy_in(PROGRAM_DATA, &mut killed).map_err(failed)?;
        check(&together, u64::from_le_bytes(killed)).map_err(BenchError::Failed)
    }
}

fn check(together: &Together, killed: u64) -> Result<[u64; 2], String> {
    match together.endings[..] {
        [Ending::Exited([handled, 0, _]), Ending::Signalled(KILL), Ending::Exited(_)]
            if handled > 0 && killed > 0 =>
        {
            Ok([handled, killed])
        }
        _ => Err(format!("the programs ended as {together:x?}, and one had counted to {killed}")),
    }
}
