//! How much of a boot is left.

use std::collections::HashMap;
use std::time::Duration;

use perf_kernel::plan::Plan;
use perf_kernel::suites::select;
use perf_kernel::wire::Status;

/// Counts the benches of a boot. Only those that the image can run take time.
#[derive(Clone, Debug, Default)]
pub struct Remaining {
    /// Whether each bench still has to run.
    is_left: HashMap<String, bool>,
    ran: u32,
}

impl Remaining {
    /// The benches that `plan` asks for.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let selected = select(plan).unwrap_or_default();
        let built = selected.iter().filter(|selected| selected.bench.is_built());
        Self { is_left: built.map(|selected| (selected.id(), true)).collect(), ran: 0 }
    }

    /// Notes that the bench `id` has ended. One that could not run here took no time.
    pub fn ended(&mut self, id: &str, status: Status) {
        let was_left = self.is_left.insert(id.to_owned(), false).unwrap_or(false);
        if was_left && status != Status::Skipped {
            self.ran += 1;
        }
    }

    /// Whether the image can run the bench `id`.
    #[must_use]
    pub fn is_built(&self, id: &str) -> bool {
        self.is_left.contains_key(id)
    }

    /// The time that the rest will take if it goes on as in the `elapsed` time since the first bench; `None` before
    /// there is anything to judge by.
    #[must_use]
    pub fn time_left(&self, elapsed: Duration) -> Option<Duration> {
        let left = u32::try_from(self.is_left.values().filter(|is_left| **is_left).count()).ok()?;
        Some(elapsed.checked_div(self.ran)?.saturating_mul(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remaining(ids: &[&str]) -> Remaining {
        Remaining { is_left: ids.iter().map(|id| ((*id).to_owned(), true)).collect(), ran: 0 }
    }

    #[test]
    fn the_rest_takes_as_long_a_bench_as_what_was() {
        let mut remaining = remaining(&["a/a", "a/b", "a/c", "a/d"]);
        assert_eq!(remaining.time_left(Duration::from_secs(9)), None);
        remaining.ended("a/a", Status::Measured);
        remaining.ended("a/b", Status::Failed);
        assert_eq!(remaining.time_left(Duration::from_secs(10)), Some(Duration::from_secs(10)));
    }

    #[test]
    fn skipped_and_unknown_benches_take_no_time() {
        let mut remaining = remaining(&["a/a", "a/b", "a/c"]);
        remaining.ended("a/a", Status::Skipped);
        remaining.ended("x/y", Status::Measured);
        remaining.ended("a/b", Status::Measured);
        assert_eq!(remaining.time_left(Duration::from_secs(4)), Some(Duration::from_secs(4)));
    }
}
