//! One program linked in several layouts: does where code lies change what it takes?

use std::collections::BTreeMap;

use perf_kernel::wire::{Mode, Status};

use super::{FigureUnit, Figures, median};
use crate::collect::Boot;

/// What came of the boots of several layouts.
#[derive(Clone, Debug, PartialEq)]
pub struct Layouts {
    /// What figures mean; `None` if no boot told.
    pub mode: Option<Mode>,
    /// Layouts that were measured.
    pub layouts: usize,
    /// Boots of each, the fewest.
    pub boots: usize,
    /// Benches measured in every boot, in the order in which they ran.
    pub benches: Vec<LayoutBench>,
}

/// A bench in all layouts.
#[derive(Clone, Debug, PartialEq)]
pub struct LayoutBench {
    /// Bench id with its scale.
    pub id: String,
    /// What the figures count.
    pub unit: FigureUnit,
    /// Median of each layout's boots, in the order of layouts.
    pub medians: Vec<f64>,
    /// Distance of the highest of them from the lowest, as a share of their median.
    pub spread_of_layouts: f64,
    /// The same of the boots of one layout, of the layout where it is largest; `None` with one boot of each.
    pub spread_of_boots: Option<f64>,
    /// What that says.
    pub sensitivity: Sensitivity,
}

/// Whether the layout changes a bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensitivity {
    /// More than boots of one layout differ.
    Sensitive,
    /// No more than they differ.
    NotSeen,
    /// There is nothing to hold it against.
    Unknown,
}

impl Layouts {
    /// Whether instructions were counted and a layout changed their number, which no layout can: the bench does other
    /// work, or branches on addresses.
    #[must_use]
    pub fn is_exact_broken(&self) -> bool {
        self.mode == Some(Mode::Icount) && self.benches.iter().any(|bench| bench.spread_of_layouts > 0.0)
    }
}

/// What the boots of each layout say; those of one image are of one layout, and are compared by their medians. A bench is
/// sensitive if the layouts' medians lie further apart than the boots of any one layout: with four layouts of four boots
/// or more, noise alone does that in less than one bench of twenty.
#[must_use]
pub fn layouts<'a>(boots: impl IntoIterator<Item = &'a Boot>) -> Layouts {
    let boots = by_image(boots);
    let all = || boots.iter().flatten();
    let mode = all().find_map(|boot| boot.clock.as_ref()).map(|clock| clock.mode);
    let mut order: Vec<&str> = Vec::new();
    let mut figures: BTreeMap<&str, Vec<Vec<(f64, FigureUnit)>>> = BTreeMap::new();
    for (layout, boot) in
        boots.iter().enumerate().flat_map(|(at, boots)| boots.iter().map(move |boot| (at, boot)))
    {
        for record in boot.benches.iter().filter(|record| record.status == Status::Measured) {
            let Some(found) = boot.clock.as_ref().and_then(|clock| Figures::of(record, clock)) else {
                continue;
            };
            let of_bench = figures.entry(&record.id).or_insert_with(|| {
                order.push(&record.id);
                vec![Vec::new(); boots.len()]
            });
            of_bench[layout].push((found.p50, found.unit));
        }
    }
    let is_complete = |of_layouts: &&Vec<Vec<(f64, FigureUnit)>>| {
        of_layouts
            .iter()
            .zip(&boots)
            .all(|(measured, boots)| measured.len() == boots.len() && !boots.is_empty())
    };
    let benches = order.iter().filter_map(|id| bench(id, figures.get(id).filter(is_complete)?, mode));
    Layouts {
        mode,
        layouts: boots.len(),
        boots: boots.iter().map(Vec::len).min().unwrap_or(0),
        benches: benches.collect(),
    }
}

/// The boots of each image, in the order in which the images came. A boot that does not tell its image is of none.
fn by_image<'a>(boots: impl IntoIterator<Item = &'a Boot>) -> Vec<Vec<&'a Boot>> {
    let mut images: Vec<(&str, Vec<&'a Boot>)> = Vec::new();
    for boot in boots {
        let Some(hash) = boot.hello.as_ref().map(|hello| hello.image_hash.as_str()) else { continue };
        match images.iter_mut().find(|(image, _)| *image == hash) {
            Some((_, boots)) => boots.push(boot),
            None => images.push((hash, vec![boot])),
        }
    }
    images.into_iter().map(|(_, boots)| boots).collect()
}

fn bench(id: &str, of_layouts: &[Vec<(f64, FigureUnit)>], mode: Option<Mode>) -> Option<LayoutBench> {
    let values = |boots: &[(f64, FigureUnit)]| boots.iter().map(|(value, _)| *value).collect::<Vec<_>>();
    let medians: Vec<f64> = of_layouts.iter().filter_map(|boots| median(values(boots))).collect();
    let spread_of_layouts = spread(&medians)?;
    let has_several = of_layouts.iter().all(|boots| boots.len() > 1);
    let spreads = of_layouts.iter().filter_map(|boots| spread(&values(boots)));
    let spread_of_boots = has_several.then(|| spreads.fold(0.0, f64::max));
    let sensitivity = match spread_of_boots {
        _ if mode == Some(Mode::Icount) && spread_of_layouts > 0.0 => Sensitivity::Sensitive,
        _ if mode == Some(Mode::Icount) => Sensitivity::NotSeen,
        None => Sensitivity::Unknown,
        Some(of_boots) if spread_of_layouts > of_boots => Sensitivity::Sensitive,
        Some(_) => Sensitivity::NotSeen,
    };
    let unit = of_layouts.first()?.first()?.1;
    Some(LayoutBench { id: id.to_owned(), unit, medians, spread_of_layouts, spread_of_boots, sensitivity })
}

/// How far apart `values` lie, as a share of their median; `None` if that is nothing.
fn spread(values: &[f64]) -> Option<f64> {
    let middle = median(values.iter().copied()).filter(|middle| *middle > 0.0)?;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some((high - low) / middle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::store::samples::boot;

    fn of(mode: Mode, ticks: &[&[u64]]) -> Layouts {
        let boot_of = |layout: usize, ticks: u64| {
            let boot = boot(mode, vec![samples::bench("memory/alloc-small/64", ticks, 1)]);
            of_image(boot, layout)
        };
        let boots = ticks
            .iter()
            .enumerate()
            .flat_map(|(layout, ticks)| ticks.iter().map(move |ticks| boot_of(layout, *ticks)));
        let boots: Vec<Boot> = boots.collect();
        layouts(&boots)
    }

    fn of_image(mut boot: Boot, layout: usize) -> Boot {
        boot.hello.as_mut().expect("it says hello").image_hash = format!("image {layout}");
        boot
    }

    #[test]
    fn layouts_further_apart_than_boots_are_seen() {
        let found = of(
            Mode::Hosted,
            &[&[1000, 1002, 1001], &[1050, 1051, 1049], &[1000, 999, 1001], &[1000, 1000, 1000]],
        );
        let bench = &found.benches[0];
        assert_eq!((bench.sensitivity, found.layouts, found.boots), (Sensitivity::Sensitive, 4, 3));
        assert!((bench.spread_of_layouts - 0.05).abs() < 1e-3, "{bench:?}");
        let noisy = of(
            Mode::Hosted,
            &[&[1000, 1100, 1001], &[1050, 1051, 1049], &[1000, 999, 1001], &[1000, 1000, 1000]],
        );
        assert_eq!(noisy.benches[0].sensitivity, Sensitivity::NotSeen);
    }

    #[test]
    fn one_boot_of_each_says_nothing_of_times_and_all_of_counts() {
        let times = of(Mode::Hosted, &[&[1000], &[2000], &[1000], &[1000]]);
        assert_eq!(times.benches[0].sensitivity, Sensitivity::Unknown);
        let counts = of(Mode::Icount, &[&[1000], &[1000], &[1000], &[1000]]);
        assert!(!counts.is_exact_broken() && counts.benches[0].sensitivity == Sensitivity::NotSeen);
        let broken = of(Mode::Icount, &[&[1000], &[1001], &[1000], &[1000]]);
        assert!(broken.is_exact_broken() && broken.benches[0].sensitivity == Sensitivity::Sensitive);
    }

    #[test]
    fn a_bench_that_a_boot_lacks_is_left_out() {
        let boot = || boot(Mode::Hosted, vec![samples::bench("env/pause", 100, 1)]);
        let mut boots: Vec<Boot> = (0..4).map(|layout| of_image(boot(), layout)).collect();
        assert_eq!(layouts(&boots).benches.len(), 1);
        boots[2].benches.clear();
        assert!(layouts(&boots).benches.is_empty());
    }

    #[test]
    fn noise_alone_is_seldom_taken_for_the_layout() {
        // Sums of uniform numbers from a generator of George Marsaglia's (xorshift), which are close to normal.
        let mut state = 88_172_645_463_325_252_u64;
        let mut uniform = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % 1_000
        };
        let mut noise = || 1_000_000 + (0..6).map(|_| uniform()).sum::<u64>();
        let trials = 2_000;
        let alarms = (0..trials).filter(|_| {
            let ticks: Vec<Vec<u64>> = (0..4).map(|_| (0..4).map(|_| noise()).collect()).collect();
            let ticks: Vec<&[u64]> = ticks.iter().map(Vec::as_slice).collect();
            of(Mode::Hosted, &ticks).benches[0].sensitivity == Sensitivity::Sensitive
        });
        let alarms = alarms.count();
        assert!(alarms < trials / 20, "{alarms} of {trials}");
    }
}
