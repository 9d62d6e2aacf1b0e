use perf_kernel::wire::{BenchRecord, Mode, Status};
use proptest::prelude::*;

use super::{Score, score};
use crate::analysis::compare::tests::side;
use crate::analysis::{FigureUnit, Side};
use crate::history::noise::Noise;
use crate::samples::bench;

fn boot(ticks: [u64; 4]) -> Vec<BenchRecord> {
    let [reference, small, large, seal] = ticks;
    vec![
        bench("env/reference-loop", reference, 1),
        bench("memory/alloc-small/16", small, 1),
        bench("memory/alloc-large/1mi", large, 1),
        bench("security/seal-aes256gcm/64", seal, 1),
    ]
}

fn side_of(mode: Mode, boots: &[[u64; 4]]) -> Side {
    let boots: Vec<Vec<BenchRecord>> = boots.iter().map(|ticks| boot(*ticks)).collect();
    side(mode, &boots.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn scored(mode: Mode, before: [u64; 4], after: [u64; 4]) -> Score {
    score(&side_of(mode, &[before]), &side_of(mode, &[after])).expect("measured on both sides")
}

fn close(a: f64, b: f64) -> bool {
    (a / b - 1.0).abs() < 1e-9
}

#[test]
fn suites_count_alike_however_many_benches_they_have() {
    // Memory at twice and half its speed, security at four times.
    let found = scored(Mode::Kvm, [1_000, 400, 400, 4_000], [1_000, 200, 800, 1_000]);
    let suites: Vec<(&str, f64, usize)> =
        found.suites.iter().map(|part| (part.name.as_str(), part.points, part.benches)).collect();
    assert!(close(suites[0].1, 100.0) && close(suites[1].1, 400.0), "{suites:?}");
    assert_eq!((suites[0].0, suites[0].2, suites[1].0, suites[1].2), ("memory", 2, "security", 1));
    assert!(close(found.total.points, 200.0), "{}", found.total.points);
    assert_eq!((found.total.benches, found.left_out, found.machine_ratio), (3, 0, Some(1.0)));
}

#[test]
fn a_machine_at_half_its_speed_scores_a_hundred() {
    let found = scored(Mode::Hardware, [1_000, 400, 700, 4_000], [2_000, 800, 1_400, 8_000]);
    assert!(close(found.total.points, 100.0), "{found:?}");
    assert_eq!(found.machine_ratio, Some(2.0));
}

#[test]
fn instructions_are_not_divided_by_the_machine() {
    let found = scored(Mode::Icount, [1_000, 400, 700, 4_000], [2_000, 800, 1_400, 8_000]);
    assert!(close(found.total.points, 50.0), "{found:?}");
    assert_eq!(found.machine_ratio, Some(1.0));
}

#[test]
fn without_a_yardstick_costs_stand_as_they_are() {
    let mut after = side_of(Mode::Kvm, &[[1_000, 800, 800, 800]]);
    after.boots[0].remove(0);
    let found = score(&side_of(Mode::Kvm, &[[1_000, 400, 400, 400]]), &after).expect("measured");
    assert!(close(found.total.points, 50.0) && found.machine_ratio.is_none(), "{found:?}");
}

#[test]
fn benches_of_one_side_are_left_out_and_counted() {
    let before = side_of(Mode::Kvm, &[[1_000, 400, 400, 400]]);
    let mut after = before.clone();
    after.boots[0][1].status = Status::Invalid;
    after.boots[0][2].unit = Some(FigureUnit::Bytes);
    let found = score(&before, &after).expect("one is left");
    assert_eq!((found.total.benches, found.left_out, found.suites.len()), (1, 2, 1));
    after.boots[0].truncate(2);
    assert_eq!(score(&before, &after), None, "nothing but probes");
}

#[test]
fn other_modes_and_emulated_time_have_no_score() {
    let ticks = [1_000, 400, 400, 400];
    let tcg = side_of(Mode::Tcg, &[ticks]);
    assert_eq!(score(&tcg, &tcg), None);
    assert_eq!(score(&side_of(Mode::Kvm, &[ticks]), &side_of(Mode::Hosted, &[ticks])), None);
}

/// Boots of a machine that is the same but for its luck: a part for the whole boot, and one for each bench.
fn boots(noise: &mut Noise, count: usize, factor: f64) -> Side {
    let mut side = side_of(Mode::Kvm, &vec![[1_000; 4]; count]);
    for boot in &mut side.boots {
        let luck = (0.02 * noise.normal()).exp();
        for bench in boot {
            let own = (0.02 * noise.normal()).exp();
            let factor = if bench.id.starts_with("env/") { 1.0 } else { factor };
            bench.p50 = bench.p50.map(|p50| p50 * luck * own * factor);
        }
    }
    side
}

#[test]
fn one_boot_has_no_interval_and_more_boots_have_one_that_holds_the_truth() {
    let mut noise = Noise::new(51);
    let single = score(&boots(&mut noise, 1, 1.0), &boots(&mut noise, 8, 1.0)).expect("measured");
    assert_eq!(single.total.interval, None);
    for count in [2, 4, 10] {
        let mut held = 0;
        for _ in 0..100 {
            let found =
                score(&boots(&mut noise, count, 1.0), &boots(&mut noise, count, 1.25)).expect("measured");
            let interval = found.total.interval.expect("several boots");
            assert!(interval.low <= found.total.points && found.total.points <= interval.high);
            held += i32::from(interval.low <= 80.0 && 80.0 <= interval.high);
        }
        assert!(held >= 91, "{held} of 100 with {count} boots");
    }
}

#[test]
fn equal_sides_have_equal_scores() {
    let (before, after) = (boots(&mut Noise::new(52), 4, 1.0), boots(&mut Noise::new(53), 4, 1.1));
    assert_eq!(score(&before, &after), score(&before, &after));
}

proptest! {
    #[test]
    fn the_unit_of_time_does_not_matter(
        before in prop::array::uniform4(100_u64..1_000_000),
        after in prop::array::uniform4(100_u64..1_000_000),
        factor in 1e-3_f64..1e3,
    ) {
        let (mut a, mut b) = (side_of(Mode::Kvm, &[before]), side_of(Mode::Kvm, &[after]));
        let found = score(&a, &b).expect("measured");
        for bench in a.boots.iter_mut().chain(&mut b.boots).flatten() {
            bench.p50 = bench.p50.map(|p50| p50 * factor);
        }
        let scaled = score(&a, &b).expect("measured");
        prop_assert!(close(found.total.points, scaled.total.points));
    }

    #[test]
    fn the_way_back_is_the_inverse(
        before in prop::array::uniform4(100_u64..1_000_000),
        after in prop::array::uniform4(100_u64..1_000_000),
    ) {
        let there = scored(Mode::Kvm, before, after).total.points / 100.0;
        let back = scored(Mode::Kvm, after, before).total.points / 100.0;
        prop_assert!(close(there * back, 1.0));
    }
}
