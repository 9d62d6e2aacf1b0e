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
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.into_iter().flatten()
}
