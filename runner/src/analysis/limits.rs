//! Figures held against the targets of the catalogue.

use perf_kernel::suites::{BoundUnit, Limit, Relation, Statistic};
use perf_kernel::wire::{BenchRecord, Mode};

use super::units::count;
use super::{FigureUnit, Figures};

/// How a limit came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The figure is on the right side of the bound.
    Met,
    /// It is not.
    Missed,
    /// Nothing can be said, for this reason.
    NotJudged(String),
}

/// The name of the figure that benches report their cache hit rate under.
const HIT_RATE_FIGURE: &str = "hit_rate_ppm";

/// Holds `figures` of `record` against `limit`. Limits are times and shares of a real machine, so that emulation is
/// not judged by them.
#[must_use]
pub fn judge(limit: &Limit, record: &BenchRecord, figures: &Figures, mode: Mode) -> Judgement {
    if !mode.has_meaningful_time() {
        return Judgement::NotJudged(mode.name().to_owned());
    }
    let Some(bound) = bound(limit, record) else {
        return Judgement::NotJudged("no amount of data".to_owned());
    };
    let figure = match value(limit, record, figures) {
        Ok(figure) => figure,
        Err(reason) => return Judgement::NotJudged(reason.to_owned()),
    };
    let is_met = match limit.relation {
        Relation::AtMost => figure <= bound,
        Relation::AtLeast => figure >= bound,
    };
    if is_met { Judgement::Met } else { Judgement::Missed }
}

/// The bound in the unit of the figure; `None` if it is for each KiB of nothing.
fn bound(limit: &Limit, record: &BenchRecord) -> Option<f64> {
    let bound = count(limit.bound);
    if limit.is_per_kib { Some(bound * count(record.bytes?.0) / 1024.0) } else { Some(bound) }
}

fn value(limit: &Limit, record: &BenchRecord, figures: &Figures) -> Result<f64, &'static str> {
    if limit.statistic == Statistic::HitRate {
        let figure = record.figures.iter().find(|figure| figure.name == HIT_RATE_FIGURE);
        return figure.map(|figure| count(figure.value)).ok_or("no hit rate");
    }
    let expected = match limit.written_in {
        BoundUnit::Microseconds | BoundUnit::Milliseconds => FigureUnit::Nanoseconds,
        BoundUnit::PartsPerMillion | BoundUnit::Percent => FigureUnit::PartsPerMillion,
        BoundUnit::Mebibytes => FigureUnit::Bytes,
    };
    if figures.unit != expected {
        return Err("other unit");
    }
    Ok(match limit.statistic {
        Statistic::Median => figures.p50,
        Statistic::P99 => figures.p99,
        Statistic::Max | Statistic::HitRate => figures.max,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use perf_kernel::units::Bytes;

    fn judged(limit: Limit, record: &BenchRecord, mode: Mode) -> Judgement {
        judge(&limit, record, &Figures::of(record, &samples::clock(mode)).expect("measured"), mode)
    }

    #[test]
    fn a_limit_holds_for_one_iteration() {
        let record = samples::bench("memory/alloc-small/64", 20_000, 10);
        assert_eq!(judged(Limit::p99_us(2), &record, Mode::Hosted), Judgement::Met, "p99 is 1.5 us");
        assert_eq!(judged(Limit::p99_us(1), &record, Mode::Hosted), Judgement::Missed);
    }

    #[test]
    fn emulation_is_not_judged() {
        let record = samples::bench("memory/alloc-small/64", 20_000, 10);
        assert_eq!(judged(Limit::p99_us(1), &record, Mode::Tcg), Judgement::NotJudged("tcg".into()));
    }

    #[test]
    fn a_limit_for_each_kib_grows_with_the_data() {
        let mut record = samples::bench("security/seal-aes256gcm/16ki", 20_000_000, 1);
        assert!(matches!(judged(Limit::p99_ms(1).per_kib(), &record, Mode::Hosted), Judgement::NotJudged(_)));
        record.bytes = Some(Bytes(16 << 10));
        assert_eq!(judged(Limit::p99_ms(1).per_kib(), &record, Mode::Hosted), Judgement::Met);
        record.bytes = Some(Bytes(4 << 10));
        assert_eq!(judged(Limit::p99_ms(1).per_kib(), &record, Mode::Hosted), Judgement::Missed);
    }

    #[test]
    fn a_hit_rate_that_nobody_measured_is_not_judged() {
        let mut record = samples::bench("memory/cache-sequential/16ki", 1_000, 1);
        let limit = Limit::hit_rate_percent(90);
        assert_eq!(judged(limit, &record, Mode::Hardware), Judgement::NotJudged("no hit rate".into()));
        let figure = perf_kernel::wire::Figure { name: HIT_RATE_FIGURE.into(), value: 950_000 };
        record.figures.push(figure);
        assert_eq!(judged(limit, &record, Mode::Hardware), Judgement::Met);
    }
}
