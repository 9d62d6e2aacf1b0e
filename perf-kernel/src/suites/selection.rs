//! Which benches a plan selects, at which scales.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Bench, SUITES, Scale, Suite};
use crate::plan::{Plan, ScaleChoice};

/// One bench at one scale.
#[derive(Clone, Copy, Debug)]
pub struct Selected {
    /// The suite that the bench stands in.
    pub suite: &'static Suite,
    /// Its table entry.
    pub bench: &'static Bench,
    /// The size; `None` for a bench without scales.
    pub scale: Option<Scale>,
}

impl Selected {
    /// The id with its scale, as in `memory/alloc-small/64`.
    #[must_use]
    pub fn id(&self) -> String {
        match self.scale {
            Some(scale) => alloc::format!("{}/{scale}", self.bench.id),
            None => self.bench.id.to_string(),
        }
    }

    /// The limits that hold at this scale.
    pub fn limits(&self) -> impl Iterator<Item = &'static super::Limit> + use<> {
        let limits = self.bench.limits.unwrap_or(self.suite.limits);
        let name = self.scale.map(|scale| scale.name);
        limits.iter().filter(move |limit| limit.at.is_none() || limit.at == name)
    }
}

/// Why nothing can be selected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// A filter that is the beginning of no id.
    #[error("no bench id begins with \"{0}\"; `multios-perf list` shows them all")]
    NoSuchBench(String),
}

/// The benches that `plan` asks for, in table order. A filter selects every id, with its scale, that begins with
/// it; a filter that names a scale selects it whatever the plan's choice of scales. Without filters, all are.
///
/// # Errors
/// Refuses a filter that selects nothing.
pub fn select(plan: &Plan) -> Result<Vec<Selected>, SelectionError> {
    let all: Vec<Selected> = all().collect();
    for filter in &plan.filter {
        if !all.iter().any(|selected| selected.id().starts_with(filter.as_str())) {
            return Err(SelectionError::NoSuchBench(filter.clone()));
        }
    }
    Ok(all.into_iter().filter(|selected| is_selected(selected, plan)).collect())
}

/// Every bench at every scale, in table order.
fn all() -> impl Iterator<Item = Selected> {
    SUITES.iter().copied().flat_map(|suite| {
        suite.benches.iter().flat_map(move |bench| {
            let whole = bench.scales.is_empty().then_some(Selected { suite, bench, scale: None });
            let scaled = bench.scales.iter().map(move |scale| Selected { suite, bench, scale: Some(*scale) });
            whole.into_iter().chain(scaled)
        })
    })
}

fn is_selected(selected: &Selected, plan: &Plan) -> bool {
    let id = selected.id();
    let is_chosen_scale = match (selected.scale, plan.scales) {
        (None, _) | (_, ScaleChoice::All) => true,
        (Some(scale), ScaleChoice::Smallest) => selected.bench.scales.first() == Some(&scale),
        (Some(scale), ScaleChoice::Middle) => {
            let scales = selected.bench.scales;
            scales[..=scales.len() / 2].contains(&scale)
        }
    };
    if plan.filter.is_empty() {
        return is_chosen_scale;
    }
    plan.filter.iter().any(|filter| {
        let names_scale = filter.len() > selected.bench.id.len();
        id.starts_with(filter.as_str()) && (names_scale || is_chosen_scale)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn ids(filter: &[&str], scales: ScaleChoice) -> Vec<String> {
        let filter = filter.iter().map(ToString::to_string).collect();
        let plan = Plan { filter, scales, ..Plan::quick() };
        select(&plan).expect("the filters name benches").iter().map(Selected::id).collect()
    }

    #[test]
    fn a_filter_takes_the_scales_of_the_plan() {
        assert_eq!(ids(&["memory/alloc-small"], ScaleChoice::Smallest), vec!["memory/alloc-small/16"]);
        assert_eq!(ids(&["memory/alloc-small"], ScaleChoice::All).len(), 4);
        assert_eq!(ids(&["memory/alloc-large"], ScaleChoice::Middle).len(), 2);
    }

    #[test]
    fn a_filter_that_names_a_scale_wins_over_the_plan() {
        assert_eq!(ids(&["memory/alloc-small/256"], ScaleChoice::Smallest), vec!["memory/alloc-small/256"]);
    }

    #[test]
    fn an_unknown_id_is_refused_by_name() {
        let plan = Plan { filter: vec!["memory/aloc".to_string()], ..Plan::quick() };
        assert_eq!(select(&plan).err(), Some(SelectionError::NoSuchBench("memory/aloc".to_string())));
    }

    #[test]
    fn without_a_filter_every_bench_is_selected() {
        let benches: usize = SUITES.iter().map(|suite| suite.benches.len()).sum();
        assert_eq!(ids(&[], ScaleChoice::Smallest).len(), benches);
    }
}
