//! The boots of a run as one line a bench.

use std::collections::HashMap;

use perf_kernel::wire::{BenchRecord, Status};

use super::Figures;
use crate::collect::Boot;

/// One bench over all boots of a run.
#[derive(Debug)]
pub struct MergedBench<'a> {
    /// Bench id with its scale.
    pub id: &'a str,
    /// Its records, one for each boot that has one, in boot order.
    pub records: Vec<&'a BenchRecord>,
    /// The worst status of any boot.
    pub status: Status,
    /// Medians over the boots (minimum of minima, maximum of maxima, sum of sample counts); `None` unless some boot
    /// has figures.
    pub figures: Option<Figures>,
    /// The same of cold samples; `None` unless some boot has them.
    pub cold: Option<Figures>,
    /// Distance of the largest from the smallest boot median, as a share of the median; `None` below two boots.
    pub spread: Option<f64>,
}

impl MergedBench<'_> {
    /// The record that speaks for the bench: the first with the worst status.
    #[must_use]
    pub fn worst(&self) -> Option<&BenchRecord> {
        self.records.iter().find(|record| record.status == self.status).copied()
    }

    /// How many times as much a cold iteration costs as a hot one, by their medians; `None` without both.
    #[must_use]
    pub fn cold_ratio(&self) -> Option<f64> {
        let (cold, hot) = self.cold.as_ref().zip(self.figures.as_ref())?;
        (cold.unit == hot.unit && hot.p50 > 0.0).then(|| cold.p50 / hot.p50)
    }
}

/// One line a bench, in the order in which benches first appear.
#[must_use]
pub fn merge<'a>(boots: impl IntoIterator<Item = &'a Boot>) -> Vec<MergedBench<'a>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut lines: Vec<Line<'a>> = Vec::new();
    for boot in boots {
        for record in &boot.benches {
            let place = *places.entry(&record.id).or_insert_with(|| {
                lines.push(Line::default());
                lines.len() - 1
            });
            let line = &mut lines[place];
            line.records.push(record);
            line.figures.extend(boot.clock.as_ref().and_then(|clock| Figures::of(record, clock)));
            line.cold.extend(boot.clock.as_ref().and_then(|clock| Figures::of_cold(record, clock)));
        }
    }
    lines.into_iter().filter_map(Line::merged).collect()
}

/// What the boots say of one bench.
#[derive(Default)]
struct Line<'a> {
    records: Vec<&'a BenchRecord>,
    figures: Vec<Figures>,
    cold: Vec<Figures>,
}

impl<'a> Line<'a> {
    fn merged(self) -> Option<MergedBench<'a>> {
        let Self { records, figures, cold } = self;
        let id = &records.first()?.id;
        let status = records.iter().map(|record| record.status).max_by_key(|status| gravity(*status))?;
        let (spread, figures) = (spread(&figures), over_boots(&figures));
        Some(MergedBench { id, records, status, figures, cold: over_boots(&cold), spread })
    }
}

/// How bad a status is: of several boots the worst stands for all.
pub(super) const fn gravity(status: Status) -> u8 {
    match status {
        Status::Skipped => 0,
        Status::Measured => 1,
        Status::Invalid => 2,
        Status::Failed => 3,
    }
}

/// The middle of `values`, or the mean of the two in the middle; `None` if there are none.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(values[values.len() / 2 - 1], upper))
}

fn over_boots(figures: &[Figures]) -> Option<Figures> {
    let first = figures.first()?;
    if figures.len() == 1 || figures.iter().any(|figures| figures.unit != first.unit) {
        return Some(first.clone());
    }
    let middle = |field: fn(&Figures) -> f64| median(figures.iter().map(field)).unwrap_or_default();
    let rates = figures.iter().filter_map(|figures| figures.rates);
    // The boot whose rate is in the middle speaks for all: its three rates belong together.
    let mut rates: Vec<_> = rates.collect();
    rates.sort_by(|a, b| a.operations.total_cmp(&b.operations));
    Some(Figures {
        unit: first.unit,
        n: figures.iter().fold(0, |sum, figures| sum.saturating_add(figures.n)),
        min: figures.iter().map(|figures| figures.min).fold(f64::INFINITY, f64::min),
        p50: middle(|figures| figures.p50),
        p90: middle(|figures| figures.p90),
        p95: middle(|figures| figures.p95),
        p99: middle(|figures| figures.p99),
        p999: median(figures.iter().filter_map(|figures| figures.p999)),
        max: figures.iter().map(|figures| figures.max).fold(0.0, f64::max),
        mean: middle(|figures| figures.mean),
        deviation: middle(|figures| figures.deviation),
        mad: middle(|figures| figures.mad),
        rates: rates.get(rates.len() / 2).copied(),
    })
}

fn spread(figures: &[Figures]) -> Option<f64> {
    let middle = median(figures.iter().map(|figures| figures.p50))?;
    let low = figures.iter().map(|figures| figures.p50).fold(f64::INFINITY, f64::min);
    let high = figures.iter().map(|figures| figures.p50).fold(0.0, f64::max);
    (figures.len() > 1 && middle > 0.0).then(|| (high - low) / middle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::store::samples::boot;
    use perf_kernel::wire::Mode;

    #[test]
    fn boots_are_merged_by_their_medians() {
        let boots = [2_000, 2_200, 4_000]
            .map(|ticks| boot(Mode::Hosted, vec![samples::bench("memory/alloc-small/64", ticks, 1)]));
        let merged = merge(&boots);
        assert_eq!(merged.len(), 1);
        let figures = merged[0].figures.as_ref().expect("measured");
        assert_eq!((figures.n, figures.p50, figures.max), (3_000, 1_100.0, 6_000.0));
        assert!((merged[0].spread.expect("three boots") - 1_000.0 / 1_100.0).abs() < 1e-9);
    }

    #[test]
    fn cold_figures_are_merged_beside_the_hot_ones() {
        let mut boots = [2_000, 4_000].map(|ticks| {
            let mut record = samples::bench("kernel/syscall-null", ticks, 10);
            record.cold = Some(crate::assess::samples::cold(ticks));
            boot(Mode::Hardware, vec![record])
        });
        let ratio = |boots: &[Boot]| merge(boots)[0].cold_ratio();
        let cold = merge(&boots)[0].cold.clone().expect("both boots have them");
        assert_eq!((cold.n, cold.p50, ratio(&boots)), (200, 1_500.0, Some(10.0)));
        boots[0].benches[0].cold = None;
        assert_eq!(merge(&boots)[0].cold.as_ref().map(|cold| cold.n), Some(100));
        boots[1].benches[0].cold = None;
        assert_eq!((merge(&boots)[0].cold.clone(), ratio(&boots)), (None, None));
    }

    #[test]
    fn the_worst_status_of_any_boot_counts() {
        let good = samples::bench("memory/alloc-small/64", 100, 1);
        let mut bad = good.clone();
        bad.status = Status::Failed;
        let boots = [good, bad].map(|record| boot(Mode::Hosted, vec![record]));
        assert_eq!(merge(&boots)[0].status, Status::Failed);
        assert_eq!(merge(&boots)[0].worst().map(|record| record.status), Some(Status::Failed));
    }

    #[test]
    fn the_median_of_two_lies_between_them() {
        assert_eq!(median([3.0, 1.0]), Some(2.0));
        assert_eq!(median([]), None);
    }
}
