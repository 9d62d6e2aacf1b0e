//! One side of a comparison.

use perf_kernel::units::Bytes;
use perf_kernel::wire::{BenchRecord, Clock, Mode, SampleSummary, Status};

use super::{Difference, FigureUnit, Figures, Fingerprint, cold_key};

/// One side of a comparison: boots of one image on one machine, or a baseline file.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// What the user calls it.
    pub name: String,
    /// The image that ran; `None` if no boot told.
    pub image_hash: Option<String>,
    /// What figures depend on besides the image.
    pub fingerprint: Fingerprint,
    /// What figures mean; `None` if no boot told.
    pub mode: Option<Mode>,
    /// Which benches were asked for, in words; `None` if that is not known.
    pub selection: Option<String>,
    /// Fields in which its own boots differ, the first boot that tells as `a`; a side that has any is compared with
    /// nothing.
    pub mixed: Vec<Difference>,
    /// The benches of each boot.
    pub boots: Vec<Vec<SideBench>>,
}

impl Side {
    /// The boots of all `sides` as one side; `None` if there are none. Where they differ in what figures depend on, or in
    /// the image, the field stands in `mixed`.
    #[must_use]
    pub fn pool(sides: Vec<Self>) -> Option<Self> {
        let mut sides = sides.into_iter();
        let mut pooled = sides.next()?;
        for side in sides {
            let mut differences = pooled.fingerprint.differences(&side.fingerprint);
            let images = pooled.image_hash.as_ref().zip(side.image_hash.as_ref());
            differences.extend(images.filter(|(a, b)| a != b).map(|(a, b)| Difference {
                field: "image".to_owned(),
                a: a.clone(),
                b: b.clone(),
            }));
            differences.extend(side.mixed);
            differences.retain(|new| pooled.mixed.iter().all(|old| old.field != new.field));
            pooled.mixed.append(&mut differences);
            pooled.name = format!("{} + {}", pooled.name, side.name);
            if pooled.selection != side.selection {
                pooled.selection = pooled.selection.zip(side.selection).map(|(a, b)| format!("{a}; {b}"));
            }
            pooled.boots.extend(side.boots);
        }
        Some(pooled)
    }
}

/// What a comparison looks at in a bench.
#[derive(Clone, Debug, PartialEq)]
pub struct SideBench {
    /// Bench id with its scale; of cold figures their key.
    pub id: String,
    /// Whether figures may be used.
    pub status: Status,
    /// What figures count; `None` without figures.
    pub unit: Option<FigureUnit>,
    /// Iterations in each sample.
    pub iterations: u64,
    /// Operations in one iteration.
    pub operations: u64,
    /// Bytes that one iteration processes.
    pub bytes: Option<Bytes>,
    /// Whole-number order statistics per sample.
    pub summary: Option<SampleSummary>,
    /// Median of one iteration.
    pub p50: Option<f64>,
    /// The whole record; `None` in a baseline file.
    pub record: Option<Box<BenchRecord>>,
}

impl SideBench {
    /// The bench as `record` has it.
    #[must_use]
    pub fn of(record: &BenchRecord, clock: Option<&Clock>) -> Self {
        let figures = clock.and_then(|clock| Figures::of(record, clock));
        Self {
            id: record.id.clone(),
            status: record.status,
            unit: figures.as_ref().map(|figures| figures.unit),
            iterations: record.iterations,
            operations: record.operations,
            bytes: record.bytes,
            summary: record.summary.clone(),
            p50: figures.map(|figures| figures.p50),
            record: Some(Box::new(record.clone())),
        }
    }

    /// The cold figures of `record` as a bench of their own; `None` if it has none that may be used.
    #[must_use]
    pub fn of_cold(record: &BenchRecord, clock: Option<&Clock>) -> Option<Self> {
        let cold = record.cold.as_ref().filter(|_| record.status == Status::Measured)?;
        let figures = clock.and_then(|clock| Figures::of_cold(record, clock));
        Some(Self {
            id: cold_key(&record.id),
            status: record.status,
            unit: figures.as_ref().map(|figures| figures.unit),
            iterations: 1,
            operations: record.operations,
            bytes: record.bytes,
            summary: Some(cold.summary.clone()),
            p50: figures.map(|figures| figures.p50),
            record: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::compare::tests::side;
    use super::*;
    use crate::samples;

    #[test]
    fn boots_of_runs_are_pooled_and_what_differs_is_kept() {
        let record = [samples::bench("env/pause", 100, 1)];
        let one = side(Mode::Hosted, &[&record, &record]);
        let mut other = side(Mode::Hosted, &[&record]);
        let pooled = Side::pool(vec![one.clone(), other.clone()]).expect("two sides");
        assert_eq!((pooled.boots.len(), pooled.mixed.len(), pooled.name.as_str()), (3, 0, "run + run"));
        other.fingerprint.0.insert("cpu.microcode".into(), "0x1".into());
        other.image_hash = Some("77aa".into());
        let pooled = Side::pool(vec![one, other]).expect("two sides");
        let fields: Vec<_> = pooled.mixed.iter().map(|difference| difference.field.as_str()).collect();
        assert_eq!(fields, ["cpu.microcode", "image"]);
        assert!(Side::pool(Vec::new()).is_none());
    }
}
