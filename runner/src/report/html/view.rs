//! An assessment arranged by bench, with a place in the page for each.

use std::collections::{HashMap, HashSet};

use perf_kernel::suites::{SUITES, Selected, Suite};
use perf_kernel::wire::{BenchRecord, Clock, Mode, Status};

use crate::analysis::{
    BenchVerdict, Figures, Growth, MergedBench, bench_of, catalogue, cold_key, merge, suite_of,
};
use crate::assess::{Assessment, Course, TargetVerdict};
use crate::report::headline;

/// An assessment arranged by bench.
pub(super) struct View<'a> {
    /// All that is known.
    pub(super) assessment: &'a Assessment,
    /// What figures mean.
    pub(super) mode: Option<Mode>,
    /// The suites with benches of the run, in the order in which they ran.
    pub(super) suites: Vec<SuiteView<'a>>,
}

/// A suite of the run.
pub(super) struct SuiteView<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Where it stands in the page.
    pub(super) anchor: String,
    /// Its table; `None` if this version has none of that name.
    pub(super) suite: Option<&'static Suite>,
    /// Its benches in the order in which they ran, skipped ones too.
    pub(super) benches: Vec<BenchView<'a>>,
}

/// A bench of the run with all that is said of it.
pub(super) struct BenchView<'a> {
    /// Its boots as one line.
    pub(super) merged: MergedBench<'a>,
    /// Where it stands in the page, unlike all others.
    pub(super) anchor: String,
    /// Its entry in the catalogue; `None` if this version has none.
    pub(super) selected: Option<Selected>,
    /// Its records with the boots that they are of.
    pub(super) boots: Vec<BootRecord<'a>>,
    /// What the comparison says.
    pub(super) verdict: Option<&'a BenchVerdict>,
    /// What it says of the cold figures.
    pub(super) cold_verdict: Option<&'a BenchVerdict>,
    /// Its history.
    pub(super) course: Option<&'a Course>,
    /// How its cost grows with its scale.
    pub(super) growth: Option<&'a Growth>,
    /// Its targets.
    pub(super) targets: Vec<&'a TargetVerdict>,
}

/// What one boot says of a bench.
#[derive(Clone)]
pub(super) struct BootRecord<'a> {
    /// Place of the boot in the run, from 1.
    pub(super) number: u32,
    /// Its record.
    pub(super) record: &'a BenchRecord,
    /// The boot's clock.
    pub(super) clock: Option<&'a Clock>,
    /// The record in figures.
    pub(super) figures: Option<Figures>,
}

impl<'a> View<'a> {
    /// Arranges `assessment`.
    pub(super) fn of(assessment: &'a Assessment) -> Self {
        let mut parts = Parts::of(assessment);
        let mut suites: Vec<SuiteView<'a>> = Vec::new();
        for merged in merge(assessment.run.boots.iter().map(|stored| &stored.boot)) {
            let name = suite_of(merged.id);
            let at = suites.iter().position(|suite| suite.name == name).unwrap_or_else(|| {
                suites.push(SuiteView {
                    name,
                    anchor: parts.anchors.unused("s", name),
                    suite: SUITES.iter().find(|known| known.name == name).copied(),
                    benches: Vec::new(),
                });
                suites.len() - 1
            });
            suites[at].benches.push(parts.bench(merged));
        }
        Self { assessment, mode: assessment.run.mode(), suites }
    }

    /// All benches in the order of the page, suite by suite.
    pub(super) fn benches(&self) -> impl Iterator<Item = &BenchView<'a>> {
        self.suites.iter().flat_map(|suite| &suite.benches)
    }

    /// The benches that have a page of their own: all but the skipped.
    pub(super) fn shown(&self) -> impl Iterator<Item = &BenchView<'a>> {
        self.benches().filter(|bench| bench.is_shown())
    }

    /// Where the page of the bench `id` stands, or of the bench whose cold figures have that key; `None` if it has none.
    pub(super) fn anchor_of(&self, id: &str) -> Option<&str> {
        let id = bench_of(id);
        self.shown().find(|bench| bench.merged.id == id).map(|bench| bench.anchor.as_str())
    }

    /// Number of benches that are `status`.
    pub(super) fn number(&self, status: Status) -> usize {
        self.benches().filter(|bench| bench.merged.status == status).count()
    }
}

impl BenchView<'_> {
    /// Whether it has a page: skipped benches have nothing to show.
    pub(super) fn is_shown(&self) -> bool {
        self.merged.status != Status::Skipped
    }

    /// The id without its suite.
    pub(super) fn subject(&self) -> &str {
        self.merged.id.split_once('/').map_or(self.merged.id, |(_, subject)| subject)
    }

    /// The name of its scale.
    pub(super) fn scale(&self) -> Option<&str> {
        let in_id = || self.merged.id.splitn(3, '/').nth(2);
        self.selected.map_or_else(in_id, |selected| selected.scale.map(|scale| scale.name))
    }
}

/// What is said of benches, by id, while they are arranged.
struct Parts<'a> {
    catalogue: HashMap<String, Selected>,
    boots: HashMap<&'a str, Vec<BootRecord<'a>>>,
    verdicts: HashMap<&'a str, &'a BenchVerdict>,
    courses: HashMap<&'a str, &'a Course>,
    growth: HashMap<&'a str, &'a Growth>,
    targets: HashMap<&'a str, Vec<&'a TargetVerdict>>,
    anchors: Anchors,
}

impl<'a> Parts<'a> {
    fn of(assessment: &'a Assessment) -> Self {
        let mut boots: HashMap<&str, Vec<BootRecord<'_>>> = HashMap::new();
        for stored in &assessment.run.boots {
            let clock = stored.boot.clock.as_ref();
            for record in &stored.boot.benches {
                let figures = clock.and_then(|clock| Figures::of(record, clock));
                let boot = BootRecord { number: stored.number, record, clock, figures };
                boots.entry(&record.id).or_default().push(boot);
            }
        }
        let mut targets: HashMap<&str, Vec<&TargetVerdict>> = HashMap::new();
        for target in &assessment.targets {
            targets.entry(&target.bench).or_default().push(target);
        }
        let verdicts = headline::verdicts(assessment).iter().map(|it| (it.id.as_str(), it));
        Self {
            catalogue: catalogue(),
            boots,
            verdicts: verdicts.collect(),
            courses: assessment.courses.iter().map(|it| (it.series.bench.as_str(), it)).collect(),
            growth: assessment.growth.iter().map(|it| (it.subject.as_str(), it)).collect(),
            targets,
            anchors: Anchors::default(),
        }
    }

    fn bench(&mut self, merged: MergedBench<'a>) -> BenchView<'a> {
        let id = merged.id;
        let subject = id.rsplit_once('/').map_or(id, |(subject, _)| subject);
        BenchView {
            anchor: self.anchors.unused("b", id),
            selected: self.catalogue.get(id).copied(),
            boots: self.boots.get(id).cloned().unwrap_or_default(),
            verdict: self.verdicts.get(id).copied(),
            cold_verdict: self.verdicts.get(cold_key(id).as_str()).copied(),
            course: self.courses.get(id).copied(),
            growth: self.growth.get(subject).or_else(|| self.growth.get(id)).copied(),
            targets: self.targets.get(id).cloned().unwrap_or_default(),
            merged,
        }
    }
}

/// Names of places in the page.
#[derive(Default)]
struct Anchors(HashSet<String>);

impl Anchors {
    /// A name for `text` of letters, digits, `-` and `_` that no other text has.
    fn unused(&mut self, kind: &str, text: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let name: String = text.chars().take(80).map(plain).collect();
        let name = format!("{kind}-{name}");
        let names = std::iter::once(name.clone()).chain((2_u64..).map(|number| format!("{name}_{number}")));
        let mut free = names.filter(|name| !self.0.contains(name));
        let name = free.next().unwrap_or_default();
        self.0.insert(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_plain_names_that_differ() {
        let mut anchors = Anchors::default();
        let names = ["memory/a", "memory_a", "memory/\"><script>"].map(|text| anchors.unused("b", text));
        assert_eq!(names, ["b-memory_a", "b-memory_a_2", "b-memory____script_"]);
    }

    #[test]
    fn what_is_said_of_a_bench_stands_with_it() {
        let assessment = crate::assess::samples::assessment();
        let view = View::of(&assessment);
        let bench =
            view.benches().find(|bench| bench.merged.id == "memory/alloc-small/16").expect("measured");
        assert!(bench.verdict.is_some() && bench.course.is_some() && bench.growth.is_some());
        assert_eq!((bench.targets.len(), bench.boots.len(), bench.scale()), (1, 2, Some("16")));
        assert_eq!(view.anchor_of("kernel/syscall"), None, "skipped benches have no page");
        assert_eq!(
            view.suites.iter().map(|suite| suite.name).collect::<Vec<_>>(),
            ["env", "memory", "kernel"]
        );
    }
}
