//! `list` and `runs`.

use std::io;

use super::arguments::{ListOptions, StoreOptions};
use super::output::print;
use crate::exit_code;
use crate::report::{Palette, entries, listing, run_lines, to_json};
use crate::store::{Folder, Store};

pub(super) fn list(options: &ListOptions) -> anyhow::Result<u8> {
    let text = if options.json { to_json(&entries(), 1) } else { listing(Palette::of(&io::stdout())) };
    print(&text)?;
    Ok(exit_code::OK)
}

pub(super) fn runs(options: &StoreOptions) -> anyhow::Result<u8> {
    let folder = Folder::find(options.db.as_deref())?;
    let store = Store::open_existing(folder.database())?;
    let runs = store.map_or(Ok(Vec::new()), |store| store.runs())?;
    print(&run_lines(&runs, Palette::of(&io::stdout())))?;
    Ok(exit_code::OK)
}
