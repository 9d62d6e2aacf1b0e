//! Cold figures, as far as an emulator can show them: that they are taken as the tables say, and when.

use perf_kernel::suites::{Cold, SUITES};
use perf_kernel::wire::{BenchRecord, Status};
use runner::collect::{Boot, BootEnd};

use crate::harness::{Bench, image};

/// Whether the table says that the bench `id`, with its scale, has cold figures.
fn has_cold(id: &str) -> bool {
    let mut benches = SUITES.iter().flat_map(|suite| suite.benches);
    let is_it = |bench: &&perf_kernel::suites::Bench| {
        id.strip_prefix(bench.id).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let bench = benches.find(is_it).unwrap_or_else(|| panic!("{id} is in no table"));
    !matches!(bench.cold, Cold::No(_))
}

/// The records of `boot` that the table gives cold figures, each of which has as many samples as `samples` allows.
fn chilled(boot: &Boot, samples: std::ops::RangeInclusive<u64>) -> Vec<&BenchRecord> {
    assert_eq!(boot.end, BootEnd::Done, "{boot:#?}");
    assert!(!boot.log.iter().any(|line| line.text.contains("no cold figures")), "{:#?}", boot.log);
    let measured = boot.benches.iter().filter(|record| record.status == Status::Measured);
    let (chilled, others): (Vec<_>, Vec<_>) = measured.partition(|record| has_cold(&record.id));
    assert!(others.iter().all(|record| record.cold.is_none()), "{others:#?}");
    for record in &chilled {
        let cold = record.cold.as_ref().unwrap_or_else(|| panic!("no cold figures: {record:#?}"));
        let summary = &cold.summary;
        assert!(samples.contains(&summary.n), "{record:#?}");
        assert!(0 < summary.min && summary.min <= summary.p50, "{record:#?}");
        assert!(summary.p50 <= summary.p90 && summary.p90 <= summary.max, "{record:#?}");
        assert_eq!(cold.emptied, "caches by WBINVD, TLB by CR4.PGE");
        assert!(cold.overhead_ticks > 0, "{record:#?}");
    }
    chilled
}

#[test]
fn every_bench_that_has_cold_figures_takes_as_many_samples_as_planned_at_all_scales() {
    let plan = "filter = [\"kernel/\"]\nscales = \"all\"\ncold = true\nexit_port = 244\n";
    let boot = Bench::new("").boot_plan_exactly(&image("bios"), plan, "transcript");
    let chilled = chilled(&boot, 10..=10);
    assert_eq!(chilled.len(), 22, "{boot:#?}");
    for record in chilled {
        let cold = record.cold.as_ref().map(|cold| &cold.summary).expect("checked above");
        let hot = record.summary.as_ref().expect("it is measured");
        // An emulator has nothing that could be cold. A batch spreads its readings of the counter over its iterations, and
        // has a loop around them.
        let apart = cold.p50.abs_diff(hot.p50 / record.iterations);
        assert!(apart <= 16, "{apart} instructions apart: {record:#?}");
    }
}

#[test]
fn benches_are_chilled_where_ticks_are_time() {
    let plan = "filter = [\"kernel/\"]\ncold = true\nexit_port = 244\n";
    let boot = Bench::new("").boot_plan(&image("bios"), plan, "transcript");
    assert_eq!(chilled(&boot, 10..=100).len(), 12, "{boot:#?}");
}

#[test]
fn an_emulator_is_not_chilled_unless_that_is_asked_for_and_says_so_once() {
    let plan = "filter = [\"kernel/syscall-null\", \"kernel/user-copy\"]\nexit_port = 244\n";
    let boot = Bench::new("").boot_plan_exactly(&image("bios"), plan, "transcript");
    assert_eq!(boot.benches.len(), 2, "{boot:#?}");
    assert!(boot.benches.iter().all(|record| record.cold.is_none()), "{boot:#?}");
    let said = boot.log.iter().filter(|line| line.text == "no cold figures: an emulator has no caches");
    assert_eq!(said.count(), 1, "{:#?}", boot.log);
}
