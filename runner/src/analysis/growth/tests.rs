use perf_kernel::wire::{BenchRecord, Mode, Status};

use super::fit::fit;
use super::{Growth, GrowthClass, ScaleCost, change_of_class, growth_of};
use crate::analysis::merge;
use crate::history::noise::Noise;
use crate::samples::bench;
use crate::store::samples::boot;

/// Scales of the catalogue: three far apart, four far apart, four near each other.
const SIZES: [&[f64]; 3] =
    [&[10.0, 1e3, 1e4], &[64.0, 1_024.0, 16_384.0, 1_048_576.0], &[16.0, 64.0, 256.0, 1_024.0]];

fn costs(sizes: &[f64], law: impl Fn(f64) -> f64) -> Vec<ScaleCost> {
    let cost =
        |size: &f64| ScaleCost { scale: size.to_string(), size: *size, cost: law(*size), spread: None };
    sizes.iter().map(cost).collect()
}

/// Classes of 100 sets of costs about `law` with a relative noise of `deviation`.
fn classes(sizes: &[f64], deviation: f64, law: impl Fn(f64) -> f64) -> Vec<GrowthClass> {
    let mut noise = Noise::new(41);
    let noisy = |size: f64, noise: &mut Noise| law(size) * (deviation * noise.normal()).exp();
    (0..100)
        .map(|_| {
            let sampled: Vec<f64> = sizes.iter().map(|size| noisy(*size, &mut noise)).collect();
            let mut costs = costs(sizes, |_| 0.0);
            costs.iter_mut().zip(sampled).for_each(|(cost, sampled)| cost.cost = sampled);
            fit(&costs).class
        })
        .collect()
}

fn share(classes: &[GrowthClass], class: GrowthClass) -> f64 {
    classes.iter().filter(|found| **found == class).count() as f64 / classes.len() as f64
}

/// A cost by size.
type Law = fn(f64) -> f64;

#[test]
fn laws_with_noise_are_recovered() {
    let laws: [(GrowthClass, Law); 6] = [
        (GrowthClass::Flat, |_| 80.0),
        (GrowthClass::Logarithmic, |n| 20.0 * n.ln()),
        (GrowthClass::Sublinear, |n| 30.0 * n.sqrt()),
        (GrowthClass::Linear, |n| 0.3 * n),
        (GrowthClass::Linearithmic, |n| 0.3 * n * n.ln()),
        (GrowthClass::Quadratic, |n| 0.01 * n * n),
    ];
    for sizes in SIZES {
        for (class, law) in laws {
            let found = classes(sizes, 0.02, law);
            assert!(share(&found, class) >= 0.95, "{class} over {sizes:?}: {found:?}");
        }
    }
}

#[test]
fn a_constant_part_does_not_hide_the_law() {
    let linear = classes(SIZES[1], 0.02, |n| 400.0 + 0.4 * n);
    assert!(share(&linear, GrowthClass::Linear) >= 0.95, "{linear:?}");
    let fit = fit(&costs(SIZES[1], |n| 400.0 + 0.4 * n));
    assert!(
        fit.exponent.is_some_and(|exponent| exponent < 0.9),
        "the power over the range is lower: {fit:?}"
    );
}

#[test]
fn no_law_is_found_in_the_steps_of_caches() {
    let walk = costs(&[16_384.0, 262_144.0, 8_388_608.0, 67_108_864.0], |size| match size {
        small if small < 30_000.0 => 1.2,
        middle if middle < 500_000.0 => 3.1,
        large if large < 9e6 => 11.0,
        _ => 92.0,
    });
    assert_eq!(fit(&walk).class, GrowthClass::Unclear);
}

#[test]
fn what_few_scales_cannot_tell_is_unclear() {
    assert_eq!(fit(&costs(&[10.0, 1e3], |n| n)).exponent, None);
    assert_eq!(fit(&costs(&[10.0, 1e3], |n| n)).class, GrowthClass::Unclear);
    // Nine tenths constant: the rise at the end may follow any steep law.
    assert_eq!(fit(&costs(SIZES[0], |n| 100.0 + 0.005 * n)).class, GrowthClass::Unclear);
    assert_eq!(fit(&costs(SIZES[0], |n| 1e4 / n.sqrt())).class, GrowthClass::Unclear, "it falls");
}

#[test]
fn boots_that_are_far_apart_leave_the_class_open() {
    let mut noisy = costs(SIZES[1], |_| 100.0);
    assert_eq!(fit(&noisy).class, GrowthClass::Flat);
    noisy[2].spread = Some(0.9);
    assert_eq!(fit(&noisy).class, GrowthClass::Unclear);
}

#[test]
fn the_interval_of_the_exponent_holds_it() {
    let mut noise = Noise::new(43);
    for sizes in SIZES {
        let mut held = 0;
        for _ in 0..200 {
            let costs = costs(sizes, |n| n.powf(1.3));
            let noisy = costs
                .into_iter()
                .map(|cost| ScaleCost { cost: cost.cost * (0.05 * noise.normal()).exp(), ..cost });
            let interval = fit(&noisy.collect::<Vec<_>>()).interval.expect("three scales");
            held += i32::from(interval.low <= 1.3 && 1.3 <= interval.high);
        }
        assert!(held >= 188, "{held} of 200 over {sizes:?}");
    }
}

fn growth(class_costs: Vec<ScaleCost>) -> Growth {
    let fit = fit(&class_costs);
    Growth {
        subject: "update/resolve-chain".into(),
        unit: "ns".into(),
        costs: class_costs,
        exponent: fit.exponent,
        interval: fit.interval,
        class: fit.class,
    }
}

#[test]
fn a_step_from_linear_to_the_square_is_a_finding() {
    let linear = growth(costs(SIZES[0], |n| 90.0 + 3.0 * n));
    let square = growth(costs(SIZES[0], |n| 90.0 + 3.0 * n * n));
    let changes = change_of_class(std::slice::from_ref(&linear), std::slice::from_ref(&square));
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].before, changes[0].after), (GrowthClass::Linear, GrowthClass::Quadratic));
    assert!(changes[0].is_worse());
    assert!(!change_of_class(&[square], std::slice::from_ref(&linear))[0].is_worse());
    assert_eq!(change_of_class(std::slice::from_ref(&linear), std::slice::from_ref(&linear)), []);
}

#[test]
fn a_change_needs_scales_in_common_and_clear_classes() {
    let linear = growth(costs(SIZES[0], |n| 3.0 * n));
    let square = growth(costs(SIZES[0], |n| 3.0 * n * n));
    let mut shorter = square.clone();
    shorter.costs.pop();
    assert_eq!(change_of_class(std::slice::from_ref(&linear), &[shorter]), [], "two scales in common");
    let mut other = square.clone();
    other.unit = "instructions".into();
    assert_eq!(change_of_class(std::slice::from_ref(&linear), &[other]), []);
    let unclear = growth(costs(SIZES[0], |n| 100.0 + 0.005 * n));
    assert_eq!(change_of_class(&[unclear], &[square]), []);
}

fn grown(records: Vec<BenchRecord>) -> Vec<Growth> {
    let boot = boot(Mode::Hosted, records);
    growth_of(&merge([&boot]))
}

#[test]
fn the_scales_of_a_subject_come_together_by_size() {
    let ids =
        ["memory/alloc-small/1024", "memory/alloc-small/16", "memory/alloc-small/256", "memory/realloc/64"];
    let found = grown(ids.map(|id| bench(id, 200, 1)).into());
    assert_eq!(found.len(), 1, "a subject with one scale does not grow");
    let sizes: Vec<f64> = found[0].costs.iter().map(|cost| cost.size).collect();
    assert_eq!((found[0].subject.as_str(), sizes), ("memory/alloc-small", vec![16.0, 256.0, 1_024.0]));
    assert_eq!((found[0].class, found[0].unit.as_str()), (GrowthClass::Flat, "ns"));
}

#[test]
fn a_cost_is_that_of_one_operation() {
    let scales = [("16ki", 256), ("256ki", 4_096), ("8mi", 131_072)];
    let walk = |(scale, lines): (&str, u64)| BenchRecord {
        operations: lines,
        ..bench(&format!("memory/cache-sequential/{scale}"), 4 * lines, 1)
    };
    let found = grown(scales.map(walk).into());
    assert_eq!(found[0].class, GrowthClass::Flat, "a walk of n lines costs n times an access");
    assert_eq!(found[0].costs[0].cost, 2.0);
    let seals = [("64", 100), ("1ki", 1_000), ("16ki", 15_400), ("1mi", 983_000)];
    let seal = |(scale, ticks): (&str, u64)| bench(&format!("security/seal-aes256gcm/{scale}"), ticks, 1);
    assert_eq!(grown(seals.map(seal).into())[0].class, GrowthClass::Linear, "a seal is one operation");
}

#[test]
fn what_is_not_measured_or_not_in_the_catalogue_is_left_out() {
    let mut invalid = bench("memory/alloc-small/64", 100, 1);
    invalid.status = Status::Invalid;
    let nothing = BenchRecord { iterations: 0, ..bench("memory/alloc-small/256", 100, 1) };
    let unknown = [1, 2].map(|scale| bench(&format!("memory/gone/{scale}"), 100, 1));
    let records = [bench("memory/alloc-small/16", 100, 1), invalid, nothing].into_iter().chain(unknown);
    assert_eq!(grown(records.collect()), []);
}
