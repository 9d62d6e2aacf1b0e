//! The benches of a run that have several scales.

use perf_kernel::wire::Status;

use super::fit::fit;
use super::{Growth, ScaleCost};
use crate::analysis::units::count;
use crate::analysis::{FigureUnit, MergedBench, catalogue};

/// How cost grows with scale, for each subject of the catalogue that was measured at two scales or more, in the order in
/// which subjects first appear.
///
/// The cost is that of one **operation**, as the bench's table counts them. A bench that seals or copies as many bytes as
/// its scale says has one operation an iteration, the whole buffer: it is linear by nature, and a step to the square
/// shows. A walk has one operation for each access, so that its cost is flat where caches hold it. Nothing is divided by
/// bytes.
#[must_use]
pub fn growth_of(benches: &[MergedBench<'_>]) -> Vec<Growth> {
    let catalogue = catalogue();
    let mut found: Vec<Growth> = Vec::new();
    for bench in benches {
        let selected = catalogue.get(bench.id);
        let Some((selected, scale)) = selected.and_then(|it| Some((it, it.scale?))) else { continue };
        let Some((unit, cost)) = cost_of(bench) else { continue };
        let size = count(scale.value);
        if size <= 0.0 {
            continue;
        }
        let cost = ScaleCost { scale: scale.name.to_owned(), size, cost, spread: bench.spread };
        match found.iter_mut().find(|growth| growth.subject == selected.bench.id) {
            Some(growth) if growth.unit == unit.name() => growth.costs.push(cost),
            Some(_) => {}
            None => found.push(Growth {
                subject: selected.bench.id.to_owned(),
                unit: unit.name().to_owned(),
                costs: vec![cost],
                exponent: None,
                interval: None,
                class: super::GrowthClass::Unclear,
            }),
        }
    }
    found.retain(|growth| growth.costs.len() > 1);
    found.into_iter().map(fitted).collect()
}

/// The median cost of one operation; `None` unless it was measured as time or work and is above zero.
fn cost_of(bench: &MergedBench<'_>) -> Option<(FigureUnit, f64)> {
    let figures = bench.figures.as_ref().filter(|_| bench.status == Status::Measured)?;
    let is_cost = matches!(figures.unit, FigureUnit::Nanoseconds | FigureUnit::Instructions);
    let record = bench.records.iter().find(|record| record.summary.is_some())?;
    let cost = figures.p50 / count(record.operations.max(1));
    (is_cost && cost > 0.0 && cost.is_finite()).then_some((figures.unit, cost))
}

fn fitted(mut growth: Growth) -> Growth {
    growth.costs.sort_by(|a, b| a.size.total_cmp(&b.size));
    let fit = fit(&growth.costs);
    Growth { exponent: fit.exponent, interval: fit.interval, class: fit.class, ..growth }
}
