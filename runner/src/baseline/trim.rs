//! What is worth keeping of a run.

use perf_kernel::wire::{Mode, Status};

use crate::report::Document;
use crate::store::Run;

/// The document of `run` as a repository should keep it: without places on this machine, benches that have no figures,
/// and single samples. Of boots in exact mode, which are equal to the instruction, the first stands for all.
#[must_use]
pub fn trimmed(run: &Run) -> Document {
    let mut document = Document::of(run);
    if document.mode == Some(Mode::Icount) {
        document.boots.truncate(1);
    }
    for boot in &mut document.boots {
        boot.transcript = None;
        boot.benches.retain(|bench| bench.status != Status::Skipped);
        for bench in &mut boot.benches {
            bench.raw = None;
            bench.slowest.clear();
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::store::samples::{boot, run};

    fn boots_kept(mode: Mode) -> Document {
        let benches = || vec![samples::bench("env/pause", 100, 1), samples::skipped("env/l1-load", "no")];
        let mut run = run("3f2a91bc", vec![boot(mode, benches()), boot(mode, benches())]);
        run.boots[0].transcript = Some("/home/u/3f2a91bc-1.transcript".into());
        run.boots[0].boot.benches[0].raw = Some(vec![1, 2, 3]);
        trimmed(&run)
    }

    #[test]
    fn places_of_a_machine_and_single_samples_are_not_kept() {
        let document = boots_kept(Mode::Hosted);
        let text = document.to_text();
        assert!(!text.contains("/home") && !text.contains("env/l1-load") && !text.contains("\"raw\""));
        let medians: Vec<_> = document.boots.iter().map(|boot| boot.benches[0].p50).collect();
        assert_eq!(medians, [Some(50.0), Some(50.0)]);
    }

    #[test]
    fn one_exact_boot_stands_for_all() {
        assert_eq!(boots_kept(Mode::Icount).boots.len(), 1);
    }
}
