//! Processes: made, run, and taken apart.

use super::isolation;
use super::user::{refused, with_user_mode};
use crate::measure::{BenchError, Bencher, Expected};
use crate::platform::{Ending, Program, UserMode};

/// One iteration makes an address space with a program in it, runs the program, which uses its stack and exits, and
/// gives all back. That no program can do more than that is checked before.
pub(super) fn spawn_and_exit(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    with_user_mode(bencher, |bencher, machine| {
        isolation::check(bencher, machine)?;
        // Memory that is too small for one process skips the bench.
        drop(machine.start(Program::Exit).map_err(refused)?);
        bencher.measure(Expected::Each(7), || run_once(machine))
    })
}

fn run_once(machine: &dyn UserMode) -> u64 {
    let Ok(mut process) = machine.start(Program::Exit) else { return 0 };
    match process.run([3, 4]) {
        Ending::Exited([status, ..]) => status,
        Ending::Faulted(_) | Ending::Signalled(_) => 0,
    }
}
