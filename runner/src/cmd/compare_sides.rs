//! Which boots `compare` holds against which.

use anyhow::Context as _;
use perf_kernel::wire::Mode;

use super::compare::CompareOptions;
use super::failure::CommandError;
use super::show::load;
use crate::analysis::Side;
use crate::store::{Run, RunName, Selector, Store, StoreError};

/// The sides of each comparison that `options` asks for.
pub(super) fn pairs(store: &Store, options: &CompareOptions) -> anyhow::Result<Vec<(Side, Side)>> {
    if !options.before.is_empty() {
        return sets(store, &options.before, &options.after);
    }
    match (&options.within, &options.a, &options.b) {
        (_, Some(a), Some(b)) => Ok(vec![(side(&load(store, a)?)?, side(&load(store, b)?)?)]),
        (Some(run), ..) | (None, Some(run), None) => boots_of(&load(store, run)?),
        (None, None, _) => newest(store),
    }
}

/// The run before the last and the last; the boots of the last, if they are of exact mode or if there is no run before.
fn newest(store: &Store) -> anyhow::Result<Vec<(Side, Side)>> {
    let run = load(store, &Selector { run: RunName::Last(0), boot: None })?;
    let has_boots = run.boots.len() > 1;
    if has_boots && run.mode() == Some(Mode::Icount) {
        return boots_of(&run);
    }
    let before = match store.find(&RunName::Last(1)) {
        Err(StoreError::NoSuchRun { .. }) if has_boots => return boots_of(&run),
        before => before?,
    };
    Ok(vec![(side(&store.load(&before)?)?, side(&run)?)])
}

/// The run, or the boot that was chosen of it, as a side.
pub(super) fn side(run: &Run) -> anyhow::Result<Side> {
    let number = run.boots.first().filter(|_| run.boots.len() == 1).map(|stored| stored.number);
    // A run of one boot is called by its own name unless that boot is not its first.
    let side = run.side(number.filter(|number| *number > 1));
    side.with_context(|| format!("compare run {}: it has no boots", run.head.id))
}

/// The first boot of `run` with each other one in exact mode, else its first half with its second.
fn boots_of(run: &Run) -> anyhow::Result<Vec<(Side, Side)>> {
    if run.boots.len() < 2 {
        return Err(CommandError::NoSuchBoot {
            what: format!("compare the boots of run {}", run.head.id),
            reason: "it has fewer than two; name a second run, or boot more with --boots".to_owned(),
        }
        .into());
    }
    if run.mode() == Some(Mode::Icount) {
        let mut sides = run.boots.iter().filter_map(|stored| run.side(Some(stored.number)));
        let first = sides.next();
        return Ok(first
            .map(|first| sides.map(|other| (first.clone(), other)).collect())
            .unwrap_or_default());
    }
    let (first, second) = run.boots.split_at(run.boots.len() / 2);
    let half = |boots: &[crate::store::StoredBoot]| -> anyhow::Result<Side> {
        let mut half = side(&Run { head: run.head.clone(), boots: boots.to_vec() })?;
        if let Some((first, last)) = boots.first().zip(boots.last()) {
            half.name = match (first.number, last.number) {
                (first, last) if first == last => format!("{}:{first}", run.head.id),
                (first, last) => format!("{}, boots {first} to {last}", run.head.id),
            };
        }
        Ok(half)
    };
    Ok(vec![(half(first)?, half(second)?)])
}

/// Boots of several runs on each side.
fn sets(store: &Store, before: &[Selector], after: &[Selector]) -> anyhow::Result<Vec<(Side, Side)>> {
    let mut taken: Vec<(String, u32)> = Vec::new();
    let mut pool = |selectors: &[Selector], name: &str| -> anyhow::Result<Side> {
        let mut sides = Vec::new();
        for selector in selectors {
            let run = load(store, selector)?;
            for stored in &run.boots {
                let boot = (run.head.id.clone(), stored.number);
                if taken.contains(&boot) {
                    let what = format!("take boot {} of run {} twice", boot.1, boot.0);
                    let reason = "a boot is one piece of evidence and stands on one side".to_owned();
                    return Err(CommandError::NoSuchBoot { what, reason }.into());
                }
                taken.push(boot);
            }
            sides.push(side(&run)?);
        }
        let pooled = Side::pool(sides).with_context(|| format!("find a boot {name}"))?;
        match pooled.mixed.first() {
            None => Ok(pooled),
            Some(difference) => Err(CommandError::NotComparable {
                what: format!("take the boots {name} together"),
                reason: format!(
                    "they are not alike: {} is \"{}\" and \"{}\"",
                    difference.field, difference.a, difference.b
                ),
            }
            .into()),
        }
    };
    Ok(vec![(pool(before, "before")?, pool(after, "after")?)])
}
