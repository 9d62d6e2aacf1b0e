//! A cost that grows by another law than before.

use super::fit::fit;
use super::{Growth, GrowthChange, GrowthClass, ScaleCost};

/// The subjects whose cost is of another class after than before, in the order of `after`.
///
/// Both sides are fitted over the scales that they share. A change is reported only where both classes are clear and the
/// intervals of the exponents do not meet.
#[must_use]
pub fn change_of_class(before: &[Growth], after: &[Growth]) -> Vec<GrowthChange> {
    let change = |after: &Growth| {
        let before = before.iter().find(|before| before.subject == after.subject)?;
        change_of(before, after)
    };
    after.iter().filter_map(change).collect()
}

fn change_of(before: &Growth, after: &Growth) -> Option<GrowthChange> {
    if before.unit != after.unit {
        return None;
    }
    let old = fit(&shared(&before.costs, &after.costs));
    let new = fit(&shared(&after.costs, &before.costs));
    let are_clear = old.class != GrowthClass::Unclear && new.class != GrowthClass::Unclear;
    if !are_clear || old.class == new.class {
        return None;
    }
    let (old_interval, new_interval) = (old.interval?, new.interval?);
    let is_apart = old_interval.high < new_interval.low || new_interval.high < old_interval.low;
    is_apart.then_some(GrowthChange {
        subject: after.subject.clone(),
        before: old.class,
        after: new.class,
        exponent_before: old.exponent?,
        exponent_after: new.exponent?,
        interval_before: old_interval,
        interval_after: new_interval,
    })
}

/// Those of `costs` whose scale is among `others` too.
fn shared(costs: &[ScaleCost], others: &[ScaleCost]) -> Vec<ScaleCost> {
    let is_shared = |cost: &&ScaleCost| others.iter().any(|other| other.scale == cost.scale);
    costs.iter().filter(is_shared).cloned().collect()
}
