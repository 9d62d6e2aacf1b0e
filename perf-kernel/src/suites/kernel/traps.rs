//! Ways into the kernel and back.

use super::user::{TimedProcess, refused, with_user_mode};
use crate::measure::{BenchError, Bencher, Expected};
use crate::platform::Program;

/// One iteration is one null call of a program in user mode. The loop is the program's, and the program reads the
/// counter around it: beside the call, an iteration has the number of the call, the sum of results and the count, four
/// instructions in all.
pub(super) fn system_call(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    with_user_mode(bencher, |bencher, machine| {
        let mut program = TimedProcess::new(machine.start(Program::SystemCalls).map_err(refused)?);
        let measured = bencher.measure_timed(Expected::Each(1), |calls| program.run([calls, 0]));
        program.explain(measured)
    })
}

/// One iteration is UD2 in the kernel: the exception is delivered, the handler saves all registers, finds the
/// instruction among those that may fault, and returns behind it.
pub(super) fn invalid_opcode(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    with_user_mode(bencher, |bencher, machine| {
        bencher.measure(Expected::Each(1), || u64::from(machine.take_invalid_opcode()))
    })
}
