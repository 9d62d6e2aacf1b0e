//! What a boot measures.

use alloc::string::{String, ToString};

use crate::measure::{Bencher, Conditions, skipped};
use crate::platform::Platform;
use crate::suites::{Body, Selected};
use crate::wire::BenchRecord;

/// A build of the suites together with the subsystems that they measure.
pub trait Subject: Sync {
    /// Runs `selected` once, or says why not.
    fn run(&self, conditions: &Conditions<'_>, selected: &Selected) -> BenchRecord;
}

/// The suites of this library.
#[derive(Clone, Copy, Debug)]
pub struct Suites;

impl Subject for Suites {
    fn run(&self, conditions: &Conditions<'_>, selected: &Selected) -> BenchRecord {
        measure(conditions, selected)
    }
}

/// Runs one bench of this library, or says why not.
#[must_use]
pub fn measure(conditions: &Conditions<'_>, selected: &Selected) -> BenchRecord {
    let platform = conditions.platform;
    let Body::Built(function) = selected.bench.body else {
        return skipped(selected, "not built yet".to_string());
    };
    if let Some(reason) = lack(platform, selected) {
        return skipped(selected, reason);
    }
    let id = selected.id();
    platform.set_running_bench(Some(&id));
    let mut bencher = Bencher::new(*conditions, selected);
    let result = function(&mut bencher);
    let record = bencher.finish(result);
    platform.set_running_bench(None);
    record
}

/// What the machine lacks for a bench.
pub(super) fn lack(platform: &dyn Platform, selected: &Selected) -> Option<String> {
    let needs = selected.suite.needs.iter().chain(selected.bench.needs);
    needs.filter_map(|need| platform.offers(*need).err()).next()
}
