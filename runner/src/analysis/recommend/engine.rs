//! Asks all rules.

use std::cmp::Reverse;

use super::rule::{Context, Rule};
use super::{Recommendation, boots, clock, comparison, counters, figures, interference, sampling};
use crate::analysis::Comparison;
use crate::store::Run;

/// The families in the order in which equally serious findings are told: what makes figures wrong comes first.
const FAMILIES: [&[Rule]; 7] = [
    clock::RULES,
    interference::RULES,
    comparison::RULES,
    boots::RULES,
    sampling::RULES,
    figures::RULES,
    counters::RULES,
];

/// What to look at next in `run` and in its `comparison` with a reference, the most serious first. Each rule is told at
/// most once, and none on figures that are not there. Rules about time are silent where time says nothing about speed.
#[must_use]
pub fn recommend(run: &Run, comparison: Option<&Comparison>) -> Vec<Recommendation> {
    let context = Context::new(run, comparison);
    let rules = FAMILIES.into_iter().flatten().filter(|rule| context.is_in(rule.scope));
    let mut all: Vec<Recommendation> = rules.filter_map(|rule| recommendation(rule, &context)).collect();
    all.sort_by_key(|recommendation| Reverse(recommendation.severity));
    all
}

fn recommendation(rule: &Rule, context: &Context<'_>) -> Option<Recommendation> {
    let found = (rule.find)(context)?;
    Some(Recommendation {
        rule: rule.name.to_owned(),
        severity: found.severity,
        found: found.sentence,
        evidence: found.evidence,
        advice: rule.advice.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::store::samples::{boot, run};
    use perf_kernel::wire::{Interference, Mode};
    use std::collections::HashSet;

    #[test]
    fn each_rule_has_a_name_of_its_own_and_advice() {
        let rules: Vec<&Rule> = FAMILIES.into_iter().flatten().collect();
        let names: HashSet<&str> = rules.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), rules.len());
        assert!(rules.iter().all(|rule| !rule.advice.is_empty()));
    }

    #[test]
    fn management_interrupts_are_told_with_their_number_and_absent_counts_are_not() {
        let mut disturbed = boot(Mode::Hardware, vec![samples::bench("memory/alloc-small/16", 142, 1)]);
        let quiet = recommend(&run("3f2a91bc", vec![disturbed.clone()]), None);
        assert!(quiet.iter().all(|told| told.rule != "smi"), "{quiet:?}");
        disturbed.ledger = Some(Interference { smi_count: Some(12), ..Interference::default() });
        let told = recommend(&run("3f2a91bc", vec![disturbed]), None);
        let smi = told.iter().find(|told| told.rule == "smi").expect("it was disturbed");
        assert!(smi.evidence.iter().any(|evidence| evidence.value.contains("12")), "{smi:?}");
    }
}
