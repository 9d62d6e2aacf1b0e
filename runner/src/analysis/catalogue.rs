//! The catalogue by the ids that results carry.

use std::collections::HashMap;

use perf_kernel::plan::{Plan, ScaleChoice};
use perf_kernel::suites::{Selected, select};

/// Every bench of the catalogue at every scale, by id.
pub(crate) fn catalogue() -> HashMap<String, Selected> {
    let everything = Plan { scales: ScaleChoice::All, ..Plan::quick() };
    let selected = select(&everything).unwrap_or_default();
    selected.into_iter().map(|selected| (selected.id(), selected)).collect()
}

/// The suite of the bench `id`: its first part, whatever the catalogue knows.
pub(crate) fn suite_of(id: &str) -> &str {
    id.split('/').next().unwrap_or(id)
}
