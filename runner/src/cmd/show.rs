//! `show`: a stored run again.

use super::arguments::{ShowOptions, StoreOptions};
use super::failure::CommandError;
use super::output;
use crate::exit_code;
use crate::store::{Folder, Run, Selector, Store, StoreError};

pub(super) fn show(options: &ShowOptions) -> anyhow::Result<u8> {
    let store = open(&options.output.store, &options.run)?;
    output::report(&load_any(&store, &options.run)?, &options.output)?;
    Ok(exit_code::OK)
}

/// The database, in which `wanted` is to be found.
pub(super) fn open(options: &StoreOptions, wanted: &Selector) -> anyhow::Result<Store> {
    let folder = Folder::find(options.db.as_deref())?;
    let path = folder.database();
    let nothing = || StoreError::NoSuchRun {
        name: wanted.run.to_string(),
        path: path.to_owned(),
        reason: "nothing is stored there yet".to_owned(),
    };
    Ok(Store::open_existing(path)?.ok_or_else(nothing)?)
}

/// The run that `selector` names, with only the boot that it names if it names one. One that measured two builds is
/// refused: it can only be shown.
pub(super) fn load(store: &Store, selector: &Selector) -> anyhow::Result<Run> {
    let run = load_any(store, selector)?;
    if run.is_paired() {
        let id = &run.head.id;
        let reason = format!("it measured two builds in turn; `multios-perf show {id}` compares these");
        return Err(CommandError::NoSuchBoot { what: format!("use run {id}"), reason }.into());
    }
    Ok(run)
}

fn load_any(store: &Store, selector: &Selector) -> anyhow::Result<Run> {
    let mut run = store.load(&store.find(&selector.run)?)?;
    if let Some(number) = selector.boot {
        let boots = run.boots.len();
        run.boots.retain(|stored| stored.number == number);
        if run.boots.is_empty() {
            let what = format!("find boot {number} of run {}", run.head.id);
            return Err(CommandError::NoSuchBoot { what, reason: format!("it has {boots}") }.into());
        }
    }
    Ok(run)
}
