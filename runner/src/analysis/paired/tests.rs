use super::*;
use crate::samples;
use crate::store::samples::boot;

const MARGIN: f64 = 0.01;

/// A boot whose bench takes `ticks` on a side in a round, for the first and the second time.
fn turns(mode: Mode, rounds: u32, ticks: impl Fn(Side, u32, u32) -> u64) -> Boot {
    let mut records = Vec::new();
    for round in 0..rounds {
        for (side, time) in [(Side::Base, 0), (Side::Candidate, 0), (Side::Candidate, 1), (Side::Base, 1)] {
            let record = samples::bench("memory/alloc-small/64", ticks(side, round, time), 10);
            records.push(BenchRecord { side: Some(side), round: u16::try_from(round).ok(), ..record });
        }
    }
    boot(mode, records)
}

fn single(found: &Paired) -> &PairedBench {
    let [bench] = &found.benches[..] else { panic!("one bench: {found:?}") };
    bench
}

/// Some spread that no median shows: up and down by round.
fn noise(round: u32) -> u64 {
    [0, 7, 2, 9, 4, 1, 8, 3, 6, 5, 11, 10][round as usize % 12]
}

/// Boots of one round.
fn boots(count: u32, ticks: impl Fn(Side, u32, u32) -> u64) -> Vec<Boot> {
    (0..count).map(|boot| turns(Mode::Hosted, 1, |side, _, time| ticks(side, boot, time))).collect()
}

#[test]
fn a_slower_candidate_has_regressed() {
    let slow = |side, boot, _| 10_000 + noise(boot) + if side == Side::Candidate { 500 } else { 0 };
    let found = paired(&boots(12, slow), MARGIN);
    let bench = single(&found);
    let Found::Ratio(ratio) = bench.found else { panic!("times: {bench:?}") };
    let expected = (Verdict::Regressed, Replicate::Boot, 12);
    assert_eq!((bench.verdict, found.replicate, ratio.replicates), expected);
    assert!((ratio.estimate - 1.05).abs() < 1e-3, "{ratio:?}");
    let (low, high) = ratio.interval.expect("twelve are enough");
    assert!(low <= ratio.estimate && ratio.estimate <= high && ratio.p < 0.001, "{ratio:?}");
    assert!(found.has_regressed());
}

#[test]
fn a_faster_candidate_has_improved_and_an_equal_one_is_equivalent() {
    let fast = |side, boot, _| 10_000 + noise(boot) - if side == Side::Candidate { 500 } else { 0 };
    assert_eq!(single(&paired(&boots(12, fast), MARGIN)).verdict, Verdict::Improved);
    let equal = |_, boot, _| 10_000 + noise(boot);
    let found = paired(&boots(12, equal), MARGIN);
    assert_eq!(single(&found).verdict, Verdict::Equivalent);
    assert!(!found.has_regressed());
}

#[test]
fn the_blocks_of_few_boots_show_a_difference_and_do_not_decide() {
    let slow = |side, round, _| 10_000 + noise(round) + if side == Side::Candidate { 500 } else { 0 };
    let found = paired([&turns(Mode::Hosted, 12, slow)], MARGIN);
    let Found::Ratio(ratio) = single(&found).found else { panic!("times") };
    assert_eq!((found.replicate, ratio.replicates), (Replicate::Block, 12));
    assert!(ratio.p_adjusted < 0.001 && (ratio.estimate - 1.05).abs() < 1e-3, "{ratio:?}");
    assert_eq!(single(&found).verdict, Verdict::Undecided);
    assert!(single(&found).reason.contains("layout"), "{}", single(&found).reason);
}

#[test]
fn a_drift_through_the_boot_cancels() {
    let place = |side, time| match (side, time) {
        (Side::Base, 0) => 0,
        (Side::Candidate, 0) => 1,
        (Side::Candidate, _) => 2,
        (Side::Base, _) => 3,
    };
    let drifting = |side, round, time| 10_000 + u64::from(4 * round + place(side, time)) * 200;
    let found = paired([&turns(Mode::Hosted, 12, drifting)], MARGIN);
    let bench = single(&found);
    assert_eq!(bench.verdict, Verdict::Equivalent, "{bench:?}");
}

#[test]
fn few_blocks_decide_nothing_and_say_so() {
    let slow = |side, _, _| if side == Side::Candidate { 20_000 } else { 10_000 };
    let found = paired([&turns(Mode::Hosted, 4, slow)], MARGIN);
    let bench = single(&found);
    assert_eq!((bench.verdict, bench.reason.as_str()), (Verdict::Undecided, "4 differences are too few"));
}

#[test]
fn enough_boots_are_the_replicates() {
    let slow = |side, round, _| 10_000 + noise(round) + if side == Side::Candidate { 500 } else { 0 };
    let boots: Vec<Boot> = (0..6).map(|_| turns(Mode::Hosted, 3, slow)).collect();
    let found = paired(&boots, MARGIN);
    let Found::Ratio(ratio) = single(&found).found else { panic!("times") };
    assert_eq!((found.replicate, ratio.replicates, ratio.p), (Replicate::Boot, 6, 0.031_25));
    assert_eq!(single(&found).verdict, Verdict::Regressed);
}

#[test]
fn one_instruction_is_a_regression_in_exact_mode() {
    let one_more = |side, _, _| if side == Side::Candidate { 1_010 } else { 1_000 };
    let found = paired([&turns(Mode::Icount, 1, one_more)], MARGIN);
    let bench = single(&found);
    let expected = Found::Counts { statistic: "p50", base: 100.0, candidate: 101.0 };
    assert_eq!((bench.found, bench.verdict), (expected, Verdict::Regressed));
    let equal = paired([&turns(Mode::Icount, 1, |_, _, _| 1_000)], MARGIN);
    assert_eq!((single(&equal).found, single(&equal).verdict), (Found::Equal, Verdict::Equivalent));
}

#[test]
fn counts_are_held_against_those_of_the_same_history() {
    // Either side takes more the second time.
    let warming = |_, _, time: u32| 1_000 + u64::from(time) * 30;
    let found = paired([&turns(Mode::Icount, 1, warming)], MARGIN);
    assert_eq!(single(&found).found, Found::Equal);
    let crossing = |side, _, time| if (side == Side::Base) == (time == 0) { 1_000 } else { 1_010 };
    let found = paired([&turns(Mode::Icount, 1, crossing)], MARGIN);
    assert_eq!(single(&found).verdict, Verdict::Undecided);
}

#[test]
fn a_side_that_failed_has_no_verdict() {
    let mut boot = turns(Mode::Hosted, 12, |_, _, _| 1_000);
    boot.benches[1].status = Status::Failed;
    boot.benches[1].reason = Some("wrong result".into());
    let found = paired([&boot], MARGIN);
    let bench = single(&found);
    assert_eq!((bench.verdict, bench.reason.as_str()), (Verdict::Invalid, "candidate: wrong result"));
    boot.benches.retain(|record| record.side == Some(Side::Base));
    assert_eq!(single(&paired([&boot], MARGIN)).reason, "candidate: not measured");
}

#[test]
fn what_neither_side_can_run_is_counted() {
    let mut boot = turns(Mode::Hosted, 1, |_, _, _| 1_000);
    for record in &mut boot.benches {
        record.status = Status::Skipped;
    }
    let found = paired([&boot], MARGIN);
    assert_eq!((found.benches.len(), found.skipped), (0, 1));
}

#[test]
fn many_benches_take_more_to_convince() {
    let slow = |side, _, _| if side == Side::Candidate { 10_300 } else { 10_000 };
    let mut all = boots(6, slow);
    assert_eq!(single(&paired(&all, MARGIN)).verdict, Verdict::Regressed);
    for (number, boot) in all.iter_mut().enumerate() {
        let alike = boot.benches.clone();
        for other in 0..4 {
            let undecided = |record: &BenchRecord| {
                let mut record = BenchRecord { id: format!("memory/other/{other}"), ..record.clone() };
                let summary = record.summary.as_mut().expect("measured");
                let is_up = number % 2 == 0;
                summary.p50 = if record.side == Some(Side::Candidate) && is_up { 10_500 } else { 10_200 };
                record
            };
            boot.benches.extend(alike.iter().map(undecided));
        }
    }
    let found = paired(&all, MARGIN);
    let Found::Ratio(ratio) = found.benches[0].found else { panic!("times") };
    assert!(ratio.p < MISS && ratio.p_adjusted > MISS, "{ratio:?}");
    assert_eq!(found.benches[0].verdict, Verdict::Undecided);
}
