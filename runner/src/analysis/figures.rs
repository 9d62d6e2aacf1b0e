//! The figures of a bench, for one iteration.

use perf_kernel::wire::{BenchRecord, Clock, SampleSummary};

use super::units::{Conversion, FigureUnit, count, nanoseconds};

/// The figures of a bench, for one iteration, in `unit`.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// What the figures count.
    pub unit: FigureUnit,
    /// Number of samples.
    pub n: u64,
    /// Smallest.
    pub min: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile; `None` below 10,000 samples.
    pub p999: Option<f64>,
    /// Largest.
    pub max: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
    /// Median absolute deviation from the median.
    pub mad: f64,
    /// Rates; `None` where samples are no timed batches or ticks no time.
    pub rates: Option<Rates>,
}

/// How much was done in a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Operations a second over all samples.
    pub operations: f64,
    /// Operations a second in the fastest window.
    pub operations_peak: Option<f64>,
    /// Operations a second in the slowest window.
    pub operations_sustained: Option<f64>,
    /// Bytes for each operation; `None` if the bench is not about data.
    bytes_each: Option<f64>,
}

impl Rates {
    /// Bytes a second over all samples.
    #[must_use]
    pub fn bytes(&self) -> Option<f64> {
        Some(self.bytes_each? * self.operations)
    }

    /// Bytes a second in the fastest window.
    #[must_use]
    pub fn bytes_peak(&self) -> Option<f64> {
        Some(self.bytes_each? * self.operations_peak?)
    }

    /// Bytes a second in the slowest window.
    #[must_use]
    pub fn bytes_sustained(&self) -> Option<f64> {
        Some(self.bytes_each? * self.operations_sustained?)
    }
}

impl Figures {
    /// The figures of `record` under `clock`; `None` if it has no samples or nothing to convert them by.
    #[must_use]
    pub fn of(record: &BenchRecord, clock: &Clock) -> Option<Self> {
        let summary = record.summary.as_ref()?;
        let conversion = Conversion::of(record, clock)?;
        let rates = rates(record, clock, conversion.unit);
        Some(Self { rates, ..Self::converted(summary, &conversion) })
    }

    /// The cold figures of `record`, without rates; `None` if it has none or nothing to convert them by.
    #[must_use]
    pub fn of_cold(record: &BenchRecord, clock: &Clock) -> Option<Self> {
        let summary = &record.cold.as_ref()?.summary;
        Some(Self::converted(summary, &Conversion::of_single(record, clock)?))
    }

    fn converted(summary: &SampleSummary, conversion: &Conversion) -> Self {
        let figure = |sample| conversion.figure(sample);
        Self {
            unit: conversion.unit,
            n: summary.n,
            min: figure(summary.min),
            p50: figure(summary.p50),
            p90: figure(summary.p90),
            p95: figure(summary.p95),
            p99: figure(summary.p99),
            p999: summary.p999.map(figure),
            max: figure(summary.max),
            mean: conversion.figure_of_thousandths(summary.mean_milli),
            deviation: conversion.figure_of_thousandths(summary.deviation_milli),
            mad: figure(summary.mad),
            rates: None,
        }
    }

    /// Instructions for each byte at the median, in exact mode and for a bench about data.
    #[must_use]
    pub fn instructions_per_byte(&self, record: &BenchRecord) -> Option<f64> {
        let bytes = record.bytes.filter(|bytes| bytes.0 > 0)?;
        (self.unit == FigureUnit::Instructions).then(|| self.p50 / count(bytes.0))
    }
}

fn rates(record: &BenchRecord, clock: &Clock, unit: FigureUnit) -> Option<Rates> {
    let summary = record.summary.as_ref()?;
    let is_timed_batch = record.unit != perf_kernel::suites::Unit::GapTicks;
    if unit != FigureUnit::Nanoseconds || !is_timed_batch {
        return None;
    }
    let operations = count(record.operations.max(1));
    let each_sample = count(record.iterations) * operations;
    let per_second = |samples: f64, ticks: f64| {
        let seconds = nanoseconds(ticks, clock.frequency)? / 1e9;
        (seconds > 0.0).then(|| samples * each_sample / seconds)
    };
    let windows = record.windows.as_ref();
    let in_window = |ticks: u64| windows.and_then(|windows| per_second(count(windows.samples), count(ticks)));
    let ticks_total = windows
        .map_or(count(summary.mean_milli) / 1000.0 * count(summary.n), |windows| count(windows.ticks_total));
    Some(Rates {
        operations: per_second(count(summary.n), ticks_total)?,
        operations_peak: windows.and_then(|windows| in_window(windows.ticks_best)),
        operations_sustained: windows.and_then(|windows| in_window(windows.ticks_worst)),
        // A message of no bytes is no data.
        bytes_each: record.bytes.filter(|bytes| bytes.0 > 0).map(|bytes| count(bytes.0) / operations),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use perf_kernel::units::Bytes;
    use perf_kernel::wire::Mode;

    #[test]
    fn figures_are_for_one_iteration() {
        let record = samples::bench("memory/alloc-small/64", 1000, 10);
        let figures = Figures::of(&record, &samples::clock(Mode::Hosted)).expect("it was measured");
        assert_eq!(figures.unit, FigureUnit::Nanoseconds);
        assert!((figures.p50 - 50.0).abs() < 1e-9, "1000 ticks at 2 GHz are 500 ns for 10: {}", figures.p50);
    }

    #[test]
    fn rates_count_operations_and_bytes() {
        let mut record = samples::bench("memory/bandwidth-read/16ki", 2000, 1);
        record.bytes = Some(Bytes(16_384));
        record.operations = 2;
        record.windows = None;
        record.summary.as_mut().expect("it was measured").mean_milli = 2_000_000;
        let rates = Figures::of(&record, &samples::clock(Mode::Hosted)).and_then(|figures| figures.rates);
        let rates = rates.expect("timed");
        assert!((rates.operations - 2e6).abs() < 1.0, "{}", rates.operations);
        assert!((rates.bytes().expect("about data") - 16.384e9).abs() < 1e3);
    }

    #[test]
    fn a_bench_at_a_scale_of_no_bytes_has_operations_a_second() {
        let mut record = samples::bench("kernel/ipc-call-reply/0", 2000, 1);
        record.bytes = Some(Bytes(0));
        let figures = Figures::of(&record, &samples::clock(Mode::Hosted)).expect("it was measured");
        let rates = figures.rates.expect("timed");
        assert_eq!((rates.bytes(), rates.bytes_peak(), rates.bytes_sustained()), (None, None, None));
        assert!(rates.operations > 0.0);
    }

    #[test]
    fn cold_figures_are_of_one_iteration_whatever_the_batch() {
        let mut record = samples::bench("kernel/syscall-null", 1000, 10);
        assert_eq!(Figures::of_cold(&record, &samples::clock(Mode::Hardware)), None);
        record.cold = Some(crate::assess::samples::cold(4000));
        let figures = Figures::of_cold(&record, &samples::clock(Mode::Hardware)).expect("it is there");
        assert_eq!((figures.unit, figures.p50, figures.rates), (FigureUnit::Nanoseconds, 2000.0, None));
    }

    #[test]
    fn exact_mode_has_instructions_and_no_rates() {
        let mut record = samples::bench("memory/bandwidth-read/16ki", 1000, 10);
        record.bytes = Some(Bytes(50));
        let figures = Figures::of(&record, &samples::clock(Mode::Icount)).expect("it was measured");
        assert_eq!((figures.unit, figures.p50), (FigureUnit::Instructions, 100.0));
        assert_eq!(figures.rates, None);
        assert_eq!(figures.instructions_per_byte(&record), Some(2.0));
    }

    #[test]
    fn nothing_to_divide_by_gives_no_figures() {
        let mut record = samples::bench("memory/alloc-small/64", 1000, 0);
        assert_eq!(Figures::of(&record, &samples::clock(Mode::Tcg)), None);
        record.iterations = 1;
        let mut clock = samples::clock(Mode::Tcg);
        clock.frequency.0 = 0;
        assert_eq!(Figures::of(&record, &clock), None);
    }
}
