//! Counters of Intel and AMD, played by scripts.

use raw_cpuid::CpuIdResult;

use super::scripted::{AMD, INTEL, Scripted, cpuid, leaf};
use super::{Absence, Figure, Pmu};

const SKYLAKE: u32 = 0x0005_0654;
const ICE_LAKE: u32 = 0x0006_06a6;
const SAPPHIRE_RAPIDS: u32 = 0x0008_06f8;
const ALDER_LAKE: u32 = 0x0009_0672;
const ZEN_2: u32 = 0x0083_0f10;
const ZEN_3: u32 = 0x00a0_0f11;
const ZEN_4: u32 = 0x00a1_0f11;
const ZEN_5: u32 = 0x00b0_0f21;

const FIXED_CONTROL: u32 = 0x38d;
const STATUS: u32 = 0x38e;
const CONTROL: u32 = 0x38f;
const CLEAR: u32 = 0x390;
const ENABLED: u64 = 1 << 22;

/// Leaf 0x0A of version `version` with `general` counters and `fixed` ones, all of 48 bits, and all seven events.
fn leaf_a(version: u32, general: u32, fixed: u32) -> (u32, CpuIdResult) {
    (0xa, leaf(7 << 24 | 48 << 16 | general << 8 | version, 0, 0, 48 << 5 | fixed))
}

/// Registers of Intel: general counter `n` goes up by `100 + n` at each read, fixed counter `n` by `1000 + n`.
fn intel_registers(general: u32, fixed: u32) -> Scripted {
    let registers = Scripted::with(&[(FIXED_CONTROL, 0), (STATUS, 0), (CONTROL, 0), (CLEAR, 0)]);
    // USR, OS, edge, PC, INT, AnyThread, EN, INV and the counter mask are there; what is above is reserved.
    (0..general).for_each(|n| counter(&registers, (0x186 + n, !0xffff_ffff), (0xc1 + n, n), 100));
    for n in 0..fixed {
        registers.set(0x309 + n, 0);
        registers.count(0x309 + n, u64::from(1000 + n));
        registers.select(1 << 30 | n, 0x309 + n);
    }
    registers.reserve(FIXED_CONTROL, !((1 << (4 * fixed)) - 1));
    registers
}

/// Registers of AMD with `core` extended counters and, with them, six of the cache: number `n` goes up by `100 + n` and
/// `500 + n`.
fn amd_registers(core: u32) -> Scripted {
    let registers = Scripted::default();
    (0..core).for_each(|n| {
        counter(&registers, (0xc001_0200 + 2 * n, 0xffff_fcf0 << 32), (0xc001_0201 + 2 * n, n), 100)
    });
    // No rings in the cache's: bits 16 and 17 are reserved.
    (0..6).for_each(|n| {
        counter(&registers, (0xc001_0230 + 2 * n, 0x3 << 16), (0xc001_0231 + 2 * n, 10 + n), 500)
    });
    registers
}

fn counter(registers: &Scripted, (select, reserved): (u32, u64), (value, selector): (u32, u32), speed: u32) {
    registers.set(select, 0);
    registers.reserve(select, reserved);
    registers.set(value, 0);
    let number = if selector >= 10 { selector - 10 } else { selector };
    registers.count(value, u64::from(speed + number));
    registers.select(selector, value);
}

fn intel(signature: u32, leaf: (u32, CpuIdResult), registers: &Scripted) -> Result<Pmu<&Scripted>, Absence> {
    Pmu::detect(&cpuid(INTEL, signature, &[leaf]), registers)
}

/// AMD with the extensions of core and cache, and version 2 with `counters` unless that is zero.
fn amd(signature: u32, counters: u32, registers: &Scripted) -> Result<Pmu<&Scripted>, Absence> {
    let highest = if counters > 0 { 0x8000_0022 } else { 0x8000_001e };
    let leaves = [
        (0x8000_0000, leaf(highest, 0, 0, 0)),
        (0x8000_0001, leaf(0, 0, 1 << 23 | 1 << 28, 0)),
        (0x8000_0022, leaf(1, counters, 0, 0)),
    ];
    Pmu::detect(&cpuid(AMD, signature, &leaves), registers)
}

/// What every pass counts.
fn passes<R: super::Registers>(pmu: &mut Pmu<R>) -> Vec<Vec<(Figure, Option<u64>)>> {
    (0..pmu.passes())
        .map(|pass| {
            pmu.start(pass);
            let counts = pmu.stop();
            pmu.figures(pass).map(|figure| (figure, counts.get(figure))).collect()
        })
        .collect()
}

#[test]
fn skylake_with_two_threads_a_core_needs_two_passes() {
    let registers = intel_registers(4, 3);
    let mut pmu = intel(SKYLAKE, leaf_a(4, 4, 3), &registers).expect("it counts");
    let expected = vec![
        vec![
            (Figure::Cycles, Some(1001)),
            (Figure::Instructions, Some(1000)),
            (Figure::LlcReferences, Some(103)),
            (Figure::LlcMisses, Some(102)),
            (Figure::BranchMisses, Some(101)),
        ],
        // Loads and stores.
        vec![(Figure::DtlbMisses, Some(103 + 102))],
    ];
    assert_eq!(passes(&mut pmu), expected);
}

#[test]
fn with_eight_counters_one_pass_has_room_for_events_of_the_first_four() {
    let registers = intel_registers(8, 4);
    let mut pmu = intel(SAPPHIRE_RAPIDS, leaf_a(5, 8, 4), &registers).expect("it counts");
    assert_eq!(pmu.passes(), 1);
    pmu.start(0);
    let selected: Vec<u64> =
        (0..8).filter_map(|n| registers.get(0x186 + n)).filter(|value| *value != 0).collect();
    let rings_and_enable = 0x43_0000;
    let events = [0x0e13, 0x0e12, 0x00c5, 0x412e, 0x4f2e].map(|event| event | rings_and_enable);
    assert_eq!(selected, events);
    assert!(registers.get(0x186 + 2).is_some_and(|value| value & 0xff == 0x13), "among the first four");
}

#[test]
fn ice_lake_has_the_walks_of_skylake() {
    let registers = intel_registers(8, 4);
    let mut pmu = intel(ICE_LAKE, leaf_a(5, 8, 4), &registers).expect("it counts");
    pmu.start(0);
    let events: Vec<u64> =
        (2..4).filter_map(|n| registers.get(0x186 + n)).map(|value| value & 0xffff).collect();
    assert_eq!(events, [0x0e49, 0x0e08]);
}

#[test]
fn what_is_counted_is_enabled_while_it_counts_and_nothing_is_left_behind() {
    let registers = intel_registers(4, 3);
    // Someone's bit for performance metrics, and a reserved one that faults if it is written.
    registers.set(CONTROL, 1 << 48);
    registers.reserve(CONTROL, 1 << 63);
    let mut pmu = intel(SKYLAKE, leaf_a(4, 4, 3), &registers).expect("it counts");
    registers.forget();
    pmu.start(0);
    assert_eq!(registers.get(CONTROL), Some(1 << 48 | 0b1110 | 0b11 << 32));
    assert_eq!(registers.get(FIXED_CONTROL), Some(0x33));
    assert!(registers.writes().contains(&(CLEAR, 0b1110 | 0b11 << 32)), "old overflows are forgotten");
    let first_write = registers.writes()[0];
    assert_eq!(first_write, (CONTROL, 1 << 48), "counters stand still while they are set");
    pmu.stop();
    assert_eq!((registers.get(CONTROL), registers.get(FIXED_CONTROL)), (Some(1 << 48), Some(0)));
    assert!((0x186..0x18a).all(|select| registers.get(select) == Some(0)));
}

#[test]
fn every_counter_begins_at_zero_whatever_it_held() {
    let registers = intel_registers(4, 3);
    registers.set(0xc1 + 3, 0xffff_ffff_fff0);
    let mut pmu = intel(SKYLAKE, leaf_a(4, 4, 3), &registers).expect("it counts");
    assert_eq!(passes(&mut pmu)[0][2], (Figure::LlcReferences, Some(103)));
    assert!(registers.writes().iter().all(|(index, value)| !(0xc1..0xc9).contains(index) || *value == 0));
}

#[test]
fn a_counter_that_overflowed_has_no_figure_and_the_others_have() {
    let registers = intel_registers(4, 3);
    let mut pmu = intel(SKYLAKE, leaf_a(4, 4, 3), &registers).expect("it counts");
    pmu.start(0);
    registers.set(STATUS, 1 << 33 | 1 << 2);
    let counts = pmu.stop();
    assert_eq!((counts.get(Figure::Cycles), counts.get(Figure::LlcMisses)), (None, None));
    assert_eq!(counts.get(Figure::Instructions), Some(1000));
}

#[test]
fn a_status_that_is_refused_leaves_no_figures() {
    let registers = intel_registers(4, 3);
    let mut pmu = intel(SKYLAKE, leaf_a(4, 4, 3), &registers).expect("it counts");
    registers.remove(STATUS);
    assert!(passes(&mut pmu).concat().iter().all(|(_, count)| count.is_none()));
}

#[test]
fn the_first_version_has_neither_fixed_counters_nor_registers_for_all() {
    let registers = intel_registers(2, 0);
    [FIXED_CONTROL, STATUS, CONTROL, CLEAR].iter().for_each(|index| registers.remove(*index));
    let mut pmu = intel(0x0000_06e8, leaf_a(1, 2, 0), &registers).expect("it counts");
    let figures: Vec<Vec<Figure>> = (0..pmu.passes()).map(|pass| pmu.figures(pass).collect()).collect();
    let expected = vec![
        vec![Figure::Cycles, Figure::Instructions],
        vec![Figure::LlcReferences, Figure::LlcMisses],
        vec![Figure::BranchMisses],
    ];
    assert_eq!(figures, expected);
    assert_eq!(passes(&mut pmu)[1], [(Figure::LlcReferences, Some(101)), (Figure::LlcMisses, Some(100))]);
    assert_eq!(registers.reads_of(&[STATUS, CONTROL]), 0);
}

#[test]
fn the_fifth_version_may_list_fixed_counters_one_by_one() {
    let registers = intel_registers(8, 2);
    registers.remove(0x309);
    let (index, mut leaf) = leaf_a(5, 8, 0);
    leaf.ecx = 0b10;
    let mut pmu = intel(SAPPHIRE_RAPIDS, (index, leaf), &registers).expect("it counts");
    let counts = passes(&mut pmu)[0].clone();
    assert_eq!(counts[0], (Figure::Cycles, Some(1001)), "the fixed one");
    assert_eq!(counts[1], (Figure::Instructions, Some(107)), "a general one");
}

#[test]
fn an_unknown_model_has_the_architectural_events_only() {
    let registers = intel_registers(8, 3);
    let pmu = intel(ALDER_LAKE, leaf_a(5, 8, 3), &registers).expect("it counts");
    assert_eq!(pmu.figures(0).collect::<Vec<_>>(), Figure::ALL[..5]);
    assert_eq!(pmu.passes(), 1);
}

#[test]
fn a_counter_that_someone_else_uses_is_left_alone() {
    let registers = intel_registers(4, 3);
    registers.set(0x186 + 3, ENABLED | 0x3c);
    // Fixed counter 1, which counts cycles, with an interrupt.
    registers.set(FIXED_CONTROL, 0xb0);
    let mut pmu = intel(SKYLAKE, leaf_a(4, 4, 3), &registers).expect("it counts");
    assert_eq!(pmu.taken(), 2);
    let counts = passes(&mut pmu).concat();
    assert_eq!(counts[0], (Figure::Cycles, Some(102)), "by a general counter");
    assert_eq!(registers.get(0x186 + 3), Some(ENABLED | 0x3c));
    assert_eq!(registers.get(FIXED_CONTROL), Some(0xb0));
    assert!(registers.writes().iter().all(|(index, _)| *index != 0xc1 + 3 && *index != 0x30a));
    assert!(counts.iter().all(|(_, count)| count.is_some()));
}

#[test]
fn counters_that_are_all_in_use_are_no_counters() {
    let registers = intel_registers(2, 3);
    (0..2).for_each(|n| registers.set(0x186 + n, ENABLED));
    registers.set(FIXED_CONTROL, 0xbbb);
    assert_eq!(intel(SKYLAKE, leaf_a(4, 2, 3), &registers).err(), Some(Absence::AllTaken));
    assert_eq!(registers.writes(), []);
}

#[test]
fn a_fault_at_any_register_costs_only_what_needs_it() {
    let all: Vec<u32> =
        (0x186..0x18a).chain(0xc1..0xc5).chain(0x309..0x30b).chain(FIXED_CONTROL..=CLEAR).collect();
    for refused in all {
        let registers = intel_registers(4, 3);
        registers.remove(refused);
        let Ok(mut pmu) = intel(SKYLAKE, leaf_a(4, 4, 3), &registers) else {
            assert!(refused == STATUS || refused == CONTROL, "only without these nothing can be believed");
            continue;
        };
        let counted = passes(&mut pmu).concat().iter().filter(|(_, count)| count.is_some()).count();
        assert!(counted >= 3, "{refused:#x} leaves {counted}");
    }
}

#[test]
fn a_write_that_faults_costs_the_figure() {
    let registers = intel_registers(4, 3);
    let mut pmu = intel(SKYLAKE, leaf_a(4, 4, 3), &registers).expect("it counts");
    registers.refuse_write(0x186 + 3);
    let counts = passes(&mut pmu)[0].clone();
    assert_eq!(counts[2], (Figure::LlcReferences, None));
    assert_eq!(counts[3], (Figure::LlcMisses, Some(102)));
}

#[test]
fn what_the_register_for_all_does_not_take_is_absent() {
    let registers = intel_registers(4, 3);
    let mut pmu = intel(SKYLAKE, leaf_a(4, 4, 3), &registers).expect("it counts");
    registers.make_deaf(CONTROL);
    assert!(passes(&mut pmu).concat().iter().all(|(_, count)| count.is_none()));
}

#[test]
fn cycles_that_stand_still_are_absent_and_misses_may_be_zero() {
    let registers = intel_registers(4, 3);
    let mut pmu = intel(SKYLAKE, leaf_a(4, 4, 3), &registers).expect("it counts");
    [0x30a, 0xc1 + 3].iter().for_each(|index| registers.count(*index, 0));
    let counts = passes(&mut pmu)[0].clone();
    assert_eq!((counts[0].1, counts[1].1, counts[2].1), (None, Some(1000), Some(0)));
}

#[test]
fn a_setting_that_a_hypervisor_drops_costs_the_figure() {
    let registers = intel_registers(4, 3);
    let mut pmu = intel(SKYLAKE, leaf_a(4, 4, 3), &registers).expect("it counts");
    registers.make_deaf(0x186 + 2);
    registers.make_deaf(FIXED_CONTROL);
    let counts = passes(&mut pmu);
    assert_eq!(counts[0][0].1, None, "fixed");
    assert_eq!(counts[0][2], (Figure::LlcReferences, Some(103)));
    assert_eq!(counts[0][3], (Figure::LlcMisses, None));
    assert_eq!(counts[1], [(Figure::DtlbMisses, None)], "one of two events is no figure");
}

#[test]
fn a_processor_without_counters_says_so() {
    let registers = Scripted::default();
    assert_eq!(Pmu::detect(&cpuid(INTEL, SKYLAKE, &[]), &registers).err(), Some(Absence::NoCounters));
    let none = intel(SKYLAKE, (0xa, leaf(0, 0, 0, 0)), &registers);
    assert_eq!(none.err(), Some(Absence::NoCounters));
    let without_width = intel(SKYLAKE, (0xa, leaf(7 << 24 | 4 << 8 | 1, 0, 0, 0)), &registers);
    assert_eq!(without_width.err(), Some(Absence::NoCounters));
    let refused = intel(SKYLAKE, leaf_a(4, 4, 3), &registers);
    assert_eq!(refused.err(), Some(Absence::Refused));
    assert_eq!(amd(0x0080_0f12, 0, &registers).err(), Some(Absence::UnknownModel));
    let other = Pmu::detect(&cpuid(*b"CentaurHauls", SKYLAKE, &[leaf_a(2, 4, 3)]), &registers);
    assert_eq!(other.err(), Some(Absence::UnknownVendor));
    assert_eq!(registers.writes(), []);
}

#[test]
fn an_emulator_that_answers_every_read_with_zero_has_no_counters() {
    let registers = amd_registers(6);
    for index in (0xc001_0200..0xc001_020c).chain(0xc001_0230..0xc001_023c) {
        registers.make_deaf(index);
    }
    assert_eq!(amd(ZEN_2, 0, &registers).err(), Some(Absence::StandStill));
    let registers = amd_registers(6);
    (0..6).for_each(|n| registers.count(0xc001_0201 + 2 * n, 0));
    (0..6).for_each(|n| registers.count(0xc001_0231 + 2 * n, 0));
    assert_eq!(amd(ZEN_2, 0, &registers).err(), Some(Absence::StandStill));
    assert!((0..6).all(|n| registers.get(0xc001_0200 + 2 * n) == Some(0)), "nothing is left enabled");
}

#[test]
fn every_zen_counts_all_in_one_pass() {
    for (signature, version_2) in [(ZEN_2, 0), (ZEN_3, 0), (ZEN_4, 6), (ZEN_5, 6)] {
        let registers = amd_registers(6);
        (0xc000_0300..=0xc000_0302).for_each(|index| registers.set(index, 0));
        let mut pmu = amd(signature, version_2, &registers).expect("it counts");
        let expected = [
            (Figure::Cycles, Some(105)),
            (Figure::Instructions, Some(104)),
            (Figure::LlcReferences, Some(505)),
            (Figure::LlcMisses, Some(504)),
            (Figure::BranchMisses, Some(103)),
            (Figure::DtlbMisses, Some(102)),
        ];
        assert_eq!(passes(&mut pmu), [expected], "{signature:#x}");
    }
}

#[test]
fn counters_of_the_cache_count_for_all_of_the_complex() {
    let select = |signature| {
        let registers = amd_registers(6);
        let mut pmu = amd(signature, 0, &registers).expect("it counts");
        pmu.start(0);
        [10, 8].map(|offset| registers.get(0xc001_0230 + offset).unwrap_or(0))
    };
    assert_eq!(select(ZEN_2), [0xff0f_0000_0040_ff04, 0xff0f_0000_0040_0106]);
    assert_eq!(select(ZEN_3), [0x0300_c000_0040_ff04, 0x0300_c000_0040_0106]);
    assert_eq!(select(ZEN_4), [0x0300_c000_0040_ff04, 0x0300_c000_0040_0104]);
    assert_eq!(select(ZEN_5), select(ZEN_4));
}

#[test]
fn the_second_version_of_amd_enables_and_tells_overflows_for_all() {
    let registers = amd_registers(6);
    (0xc000_0300..=0xc000_0302).for_each(|index| registers.set(index, 0));
    registers.reserve(0xc000_0301, !0x3f);
    let mut pmu = amd(ZEN_4, 6, &registers).expect("it counts");
    pmu.start(0);
    assert_eq!(registers.get(0xc000_0301), Some(0b11_1100));
    registers.set(0xc000_0300, 1 << 5);
    let counts = pmu.stop();
    assert_eq!(registers.get(0xc000_0301), Some(0));
    assert_eq!((counts.get(Figure::Cycles), counts.get(Figure::Instructions)), (None, Some(104)));
    assert_eq!(counts.get(Figure::LlcReferences), Some(505), "not among those that the status is of");
}

#[test]
fn without_the_extensions_amd_has_four_counters_and_no_cache() {
    let registers = Scripted::default();
    (0..4).for_each(|n| counter(&registers, (0xc001_0000 + n, 0xffff_fcf0 << 32), (0xc001_0004 + n, n), 100));
    let mut pmu = Pmu::detect(&cpuid(AMD, ZEN_2, &[]), &registers).expect("it counts");
    let expected = [
        (Figure::Cycles, Some(103)),
        (Figure::Instructions, Some(102)),
        (Figure::BranchMisses, Some(101)),
        (Figure::DtlbMisses, Some(100)),
    ];
    assert_eq!(passes(&mut pmu), [expected]);
}

#[test]
fn few_counters_make_many_passes_with_each_figure_in_one() {
    let registers = amd_registers(6);
    (0..5).for_each(|n| registers.set(0xc001_0200 + 2 * n, ENABLED));
    (0..5).for_each(|n| registers.set(0xc001_0230 + 2 * n, ENABLED));
    let mut pmu = amd(ZEN_3, 0, &registers).expect("it counts");
    assert_eq!((pmu.passes(), pmu.taken()), (4, 10));
    let counts = passes(&mut pmu);
    let figures: Vec<Figure> = counts.concat().iter().map(|(figure, _)| *figure).collect();
    assert!(Figure::ALL.iter().all(|one| figures.iter().filter(|figure| *figure == one).count() == 1));
    assert_eq!(counts[0], [(Figure::Cycles, Some(105)), (Figure::LlcReferences, Some(505))]);
}

#[test]
fn a_figure_that_needs_two_counters_is_absent_where_there_is_one() {
    let registers = intel_registers(1, 3);
    let pmu = intel(SKYLAKE, leaf_a(4, 1, 3), &registers).expect("it counts");
    let figures: Vec<Figure> = (0..pmu.passes()).flat_map(|pass| pmu.figures(pass)).collect();
    assert_eq!(figures, Figure::ALL[..5]);
}

#[test]
fn a_stop_without_a_start_and_a_pass_that_is_not_there_count_nothing() {
    let registers = intel_registers(4, 3);
    let mut pmu = intel(SKYLAKE, leaf_a(4, 4, 3), &registers).expect("it counts");
    registers.forget();
    assert_eq!(pmu.stop(), super::Counts::default());
    pmu.start(9);
    assert_eq!(pmu.stop(), super::Counts::default());
    assert_eq!(registers.writes(), []);
}

#[test]
fn a_start_during_a_pass_ends_that_pass() {
    let registers = intel_registers(4, 3);
    let mut pmu = intel(SKYLAKE, leaf_a(4, 4, 3), &registers).expect("it counts");
    pmu.start(0);
    pmu.start(1);
    assert_eq!(registers.get(0x186 + 1), Some(0), "the branch misses of the first");
    assert_eq!(pmu.stop().get(Figure::DtlbMisses), Some(205));
}
