//! What the commands about histories share.

use super::arguments::StoreOptions;
use super::failure::CommandError;
use crate::progress::note;
use crate::report::clean;
use crate::store::{Folder, MachineLine, Store};
use crate::tracking::{self, Change};

/// The database with all runs taken up; `None` if there is none.
pub(super) fn open(options: &StoreOptions) -> anyhow::Result<Option<Store>> {
    let folder = Folder::find(options.db.as_deref())?;
    let Some(mut store) = Store::open_existing(folder.database())? else { return Ok(None) };
    if let Err(error) = tracking::catch_up(&mut store) {
        note(&format!("the newest runs are not in the histories yet: failed to {error}"));
    }
    Ok(Some(store))
}

/// Says on standard error what a run changed, a line for each.
pub(super) fn tell(changes: &[Change]) {
    changes.iter().filter(|change| change.is_news()).for_each(|change| note(&change.sentence()));
}

/// The machines whose names begin with `prefix`, the one with the newest run first; all without one.
///
/// # Errors
/// A prefix that no machine has.
pub(super) fn machines(store: &Store, prefix: Option<&str>) -> anyhow::Result<Vec<MachineLine>> {
    let mut machines = store.machines()?;
    let Some(prefix) = prefix else { return Ok(machines) };
    let names: Vec<String> = machines.iter().map(|machine| machine.name.clone()).collect();
    machines.retain(|machine| !prefix.is_empty() && machine.name.starts_with(&prefix.to_ascii_lowercase()));
    if machines.is_empty() {
        let what = format!("find the machine \"{}\"", clean(prefix));
        let reason = if names.is_empty() {
            "no run is stored".to_owned()
        } else {
            format!("there are {}", names.join(", "))
        };
        return Err(CommandError::NoSuchBoot { what, reason }.into());
    }
    Ok(machines)
}
