//! What it costs to send a signal and go on from it.

use crate::measure::{Batch, BenchError, Bencher, Expected};
use crate::platform::Program;
use crate::suites::kernel::messages::start;
use crate::suites::kernel::user::{TimedProcess, with_user_mode};

/// One iteration is a signal that a process sends to itself: the call, the handler, which counts, and the way back. The
/// program adds six instructions, the handler two, and the function that it returns to two.
pub(in crate::suites) fn delivery(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    with_user_mode(bencher, |bencher, machine| {
        let mut process = TimedProcess::new(start(machine, Program::Signals)?);
        let (mut sent, mut handled) = (0, 0);
        let result = bencher.measure_timed(Expected::Each(1), |count| {
            let batch: Batch = process.run([count, 0]);
            sent += count;
            handled += batch.sum;
            batch
        });
        process.explain(result)?;
        bencher.add_figure("signals_sent", sent);
        bencher.add_figure("signals_handled", handled);
        Ok(())
    })
}
