//! Bencher Metric Format: figures by bench and measure, for a service that tracks them.

use serde::{Serialize, Serializer};

use super::case::{self, Case};
use super::clean::clean;
use super::document::rounded;
use super::json::to_json;
use crate::analysis::FigureUnit;
use crate::assess::Assessment;

/// How deep lines are broken: each measure has one.
const OPEN_DEPTH: usize = 2;

/// A map that keeps the order of its entries.
struct Entries<V>(Vec<(String, V)>);

impl<V: Serialize> Serialize for Entries<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[derive(Serialize)]
struct Metric {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

/// The figures of the benches that were measured. `latency` is the median of one iteration in nanoseconds and
/// `throughput` operations a second, which are built into Bencher; in exact mode there are `instructions` instead. From
/// two boots up the bounds are the lowest and the highest boot median; those of a rate are its slowest and fastest window.
#[must_use]
pub fn bencher(assessment: &Assessment) -> String {
    let cases = case::suites(assessment).into_iter().flat_map(|suite| suite.cases);
    let measured = cases.filter_map(|case| Some((clean(&case.id).into_owned(), measures(&case)?)));
    to_json(&Entries(measured.collect()), OPEN_DEPTH)
}

fn measures(case: &Case<'_>) -> Option<Entries<Metric>> {
    let figures = case.figures()?;
    let name = match figures.unit {
        FigureUnit::Nanoseconds => "latency",
        FigureUnit::Instructions => "instructions",
        FigureUnit::PartsPerMillion => "parts-per-million",
        FigureUnit::Bytes => "bytes",
    };
    let has_range = case.medians.len() > 1;
    let bound = |fold: fn(f64, f64) -> f64| case.medians.iter().copied().reduce(fold).filter(|_| has_range);
    let mut measures = vec![(name.to_owned(), metric(figures.p50, bound(f64::min), bound(f64::max)))];
    if let Some(rates) = figures.rates {
        let operations = metric(rates.operations, rates.operations_sustained, rates.operations_peak);
        measures.push(("throughput".to_owned(), operations));
        let bytes = rates.bytes().map(|bytes| metric(bytes, rates.bytes_sustained(), rates.bytes_peak()));
        measures.extend(bytes.map(|bytes| ("bytes-per-second".to_owned(), bytes)));
    }
    Some(Entries(measures))
}

fn metric(value: f64, lower: Option<f64>, upper: Option<f64>) -> Metric {
    Metric { value: rounded(value), lower_value: lower.map(rounded), upper_value: upper.map(rounded) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::samples::assessment;
    use crate::samples;
    use perf_kernel::wire::Mode;
    use serde_json::{Value, json};

    fn format(assessment: &Assessment) -> Value {
        serde_json::from_str(&bencher(assessment)).expect("it is JSON")
    }

    #[test]
    fn times_are_latencies_with_the_range_of_the_boots() {
        let mut assessment = assessment();
        assessment.run.boots[1].boot.benches[1] = samples::bench("memory/alloc-small/16", 150, 1);
        let format = format(&assessment);
        let latency = &format["memory/alloc-small/16"]["latency"];
        assert_eq!(*latency, json!({"value": 73.0, "lower_value": 71.0, "upper_value": 75.0}));
        let throughput = &format["memory/alloc-small/16"]["throughput"];
        assert!(throughput["lower_value"].as_f64() < throughput["upper_value"].as_f64(), "{throughput}");
    }

    #[test]
    fn one_boot_has_no_range_and_exact_mode_counts_instructions() {
        let mut assessment = assessment();
        assessment.run.boots.truncate(1);
        assessment.run.boots[0].boot.clock = Some(samples::clock(Mode::Icount));
        let bench = format(&assessment)["memory/alloc-small/16"].clone();
        assert_eq!(bench, json!({"instructions": {"value": 142.0}}));
    }

    #[test]
    fn only_what_was_measured_has_a_metric() {
        let format = format(&assessment());
        let names: Vec<_> = format.as_object().expect("benches").keys().collect();
        assert_eq!(names, ["env/reference-loop", "memory/alloc-small/16", "memory/alloc-small/64"]);
    }
}
