//! The baseline that a user names, as one side of a comparison.

use std::fs;
use std::io;
use std::path::Path;

use perf_kernel::wire::Mode;

use super::failure::CommandError;
use crate::analysis::Side;
use crate::baseline::{Baseline, BaselineFile, BaselineKind, BaselineName, Window, population_boots, window};
use crate::store::{Others, Run, Store, UnixSeconds};

/// A baseline as one side of a comparison.
pub(super) struct Against {
    /// Its figures.
    pub(super) side: Side,
    /// The baseline.
    pub(super) baseline: Baseline,
    /// What a reader should know of the choice, a sentence each.
    pub(super) notes: Vec<String>,
}

/// The baseline `wanted`, a name or a file, that `run` is held against: that of its machine, or the one that is least
/// unlike if there is none, so that a comparison shows the differences.
pub(super) fn against(store: &Store, wanted: &str, run: &Run) -> anyhow::Result<Against> {
    let fingerprint = run.fingerprint();
    let entries = named_or_read(store, wanted)?.into_iter();
    let nearest = entries.min_by_key(|entry| entry.fingerprint.differences(&fingerprint).len());
    let baseline = nearest.ok_or_else(|| missing(wanted))?;
    let mut notes: Vec<String> = baseline
        .accepted
        .iter()
        .map(|reason| format!("{wanted} was pinned although it was refused: {reason}"))
        .collect();
    let side = match &baseline.kind {
        BaselineKind::Pinned(document) => document.side(wanted),
        BaselineKind::Rolling { boots } => {
            let chosen = choose(store, &baseline, *boots, Others::Before(&run.head.id))?;
            notes.extend(rolling_notes(wanted, *boots, &chosen));
            rolling_side(store, wanted, &baseline, &chosen, run)?
        }
    };
    Ok(Against { side, baseline, notes })
}

/// The baselines of a name or of a file.
pub(super) fn named_or_read(store: &Store, wanted: &str) -> anyhow::Result<Vec<Baseline>> {
    let name: Option<BaselineName> = wanted.parse().ok();
    if let Some(name) = &name {
        let stored = store.baselines(Some(name))?;
        if !stored.is_empty() {
            return Ok(stored);
        }
    }
    let path = Path::new(wanted);
    if name.is_some() && !path.exists() {
        return Err(missing(wanted).into());
    }
    Ok(read(path)?.into_entries())
}

/// The baselines in the file at `path`; results of `--json`, which have no name, are called by the file's.
pub(super) fn read(path: &Path) -> anyhow::Result<BaselineFile> {
    let what = || format!("read the baseline {}", path.display());
    let text = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => CommandError::Missing {
            what: what(),
            remedy: "`multios-perf baseline export NAME FILE` makes such a file".to_owned(),
        },
        _ => CommandError::File { what: what(), reason: error.to_string() },
    })?;
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let unnamed = stem.parse().or_else(|_| "baseline".parse::<BaselineName>())?;
    let parsed = BaselineFile::parse(&text, &unnamed, UnixSeconds::now());
    parsed.map_err(|error| anyhow::Error::new(error).context(format!("use {}", path.display())))
}

pub(super) fn missing(wanted: &str) -> CommandError {
    CommandError::Missing {
        what: format!("find the baseline \"{wanted}\""),
        remedy: "`multios-perf baseline list` shows those stored, `baseline pin` makes one".to_owned(),
    }
}

/// The boots that a rolling baseline consists of, chosen from `among`.
pub(super) fn choose(
    store: &Store,
    baseline: &Baseline,
    boots: u32,
    among: Others<'_>,
) -> anyhow::Result<Window> {
    let newest = store.newest_boots(&baseline.fingerprint.name(), among, population_boots(boots))?;
    Ok(window(&newest, boots, &baseline.fingerprint))
}

/// What a reader should know of the boots that were chosen.
pub(super) fn rolling_notes(name: &str, boots: u32, chosen: &Window) -> Vec<String> {
    let mut notes = Vec::new();
    let found = chosen.chosen.len();
    if u64::try_from(found).is_ok_and(|found| found < u64::from(boots)) {
        notes.push(format!("{name} asks for {boots} healthy boots and finds {found}"));
    }
    let left_out = chosen.left_out.iter();
    notes.extend(
        left_out.map(|boot| format!("{name} leaves out {}:{}: it {}", boot.run, boot.number, boot.why)),
    );
    notes
}

fn rolling_side(
    store: &Store,
    name: &str,
    baseline: &Baseline,
    chosen: &Window,
    run: &Run,
) -> anyhow::Result<Side> {
    // Exact boots of different images are different figures and no sample of one: the newest stands for all.
    let most = if run.mode() == Some(Mode::Icount) { 1 } else { chosen.chosen.len() };
    let mut parts: Vec<(&str, Vec<u32>)> = Vec::new();
    for (id, number) in chosen.chosen.iter().take(most).rev() {
        match parts.last_mut().filter(|(last, _)| last == id) {
            Some((_, numbers)) => numbers.push(*number),
            None => parts.push((id, vec![*number])),
        }
    }
    let mut sides = Vec::new();
    for (id, numbers) in parts {
        let mut part = store.load(id)?;
        part.boots.retain(|stored| numbers.contains(&stored.number));
        sides.extend(part.side(None));
    }
    let image_hash = common(sides.iter().map(|side| &side.image_hash));
    let selection = common(sides.iter().map(|side| &side.selection));
    Ok(Side {
        name: name.to_owned(),
        image_hash,
        fingerprint: baseline.fingerprint.clone(),
        mode: run.mode(),
        selection,
        mixed: Vec::new(),
        boots: sides.into_iter().flat_map(|side| side.boots).collect(),
    })
}

/// What all `values` are; `None` if they differ or one is not known.
fn common<'a>(values: impl IntoIterator<Item = &'a Option<String>>) -> Option<String> {
    let mut values = values.into_iter();
    let first = values.next()?;
    values.all(|value| value == first).then(|| first.clone()).flatten()
}
