//! One PAUSE instruction: some ten cycles on older processors, about 140 on Intel's since Skylake
//! (Intel optimization reference manual, pause latency), in between on AMD's.

use crate::measure::{BenchError, Bencher, Expected};

pub(super) fn pause(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    bencher.measure(Expected::Each(0), || {
        core::hint::spin_loop();
        0
    })
}
