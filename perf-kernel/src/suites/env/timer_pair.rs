//! An empty timed region, held against a fenced pair of reads written by hand.

use alloc::string::String;
use alloc::vec::Vec;

use crate::measure::{BenchError, Bencher, loop_costs, statistics};
use crate::units::PartsPerMillion;
use crate::wire::{CheckOutcome, Mode};

/// The harness may cost a quarter more than the pair by hand.
const RATIO_MAX: PartsPerMillion = PartsPerMillion(1_250_000);
/// Pairs of each kind that the medians are of.
const PAIRS: usize = 10_001;
/// Pairs of each kind before these, so that code and branch predictors are warm.
const WARM_UP: usize = 1_000;

pub(super) fn timer_pair(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let counter = bencher.counter();
    let mut raw = Vec::with_capacity(PAIRS);
    let mut harness = Vec::with_capacity(PAIRS);
    // Turn by turn, so that a change of speed meets both.
    for turn in 0..WARM_UP + PAIRS {
        let (by_hand, by_harness) = (counter.raw_pair(), counter.time_empty().ticks);
        if turn >= WARM_UP {
            raw.push(by_hand);
            harness.push(by_harness);
        }
    }
    bencher.measure_values(|| Ok(counter.time_empty().ticks))?;
    let raw = statistics::median(&mut raw).unwrap_or(0);
    let harness = statistics::median(&mut harness).unwrap_or(0);
    let ratio = PartsPerMillion::of(harness, raw)
        .ok_or_else(|| BenchError::Failed("the counter stands still".into()))?;
    bencher.add_figure("raw_pair_ticks_p50", raw);
    bencher.add_figure("harness_pair_ticks_p50", harness);
    bencher.add_figure("ratio_ppm", ratio.0);
    let costs = loop_costs(counter);
    bencher.add_figure("raw_loop_milliticks_mean", costs.raw);
    bencher.add_figure("harness_loop_milliticks_mean", costs.harness);
    judge(bencher, ratio)
}

/// Fails where ticks are exact, and warns where they are not.
fn judge(bencher: &mut Bencher<'_>, ratio: PartsPerMillion) -> Result<(), BenchError> {
    if ratio <= RATIO_MAX {
        bencher.add_check("harness-cost", CheckOutcome::Passed, String::new());
        return Ok(());
    }
    let detail =
        alloc::format!("an empty region costs {} millionths of a fenced pair, over {}", ratio.0, RATIO_MAX.0);
    if bencher.platform().mode() == Mode::Icount {
        return Err(BenchError::Failed(detail));
    }
    bencher.add_check("harness-cost", CheckOutcome::Warned, detail);
    Ok(())
}
