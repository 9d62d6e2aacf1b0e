//! `watch`: a run as it goes.

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use clap::Args;

use super::arguments::StoreOptions;
use super::failure::CommandError;
use super::interrupt::stop_flag;
use crate::exit_code;
use crate::report::Palette;
use crate::store::Folder;
use crate::watch::{Closed, Source, show};

#[derive(Args, Clone, Debug)]
pub(super) struct WatchOptions {
    /// The run: its id or the beginning of it [default: the newest that is going on; without one, the next]
    #[arg(value_name = "RUN")]
    run: Option<String>,
    #[command(flatten)]
    store: StoreOptions,
}

pub(super) fn watch(options: &WatchOptions) -> anyhow::Result<u8> {
    let folder = Folder::find(options.store.db.as_deref())?;
    let source = Source::new(folder, options.run.as_deref())
        .map_err(|error| CommandError::NoSuchBoot { what: "watch".to_owned(), reason: error.to_string() })?;
    if !io::stdout().is_terminal() {
        let reason = "standard output is no terminal; `multios-perf show` prints a stored run, and `serve` shows one \
                      that is going on in a browser";
        return Err(CommandError::Usage { what: "watch".to_owned(), reason: reason.to_owned() }.into());
    }
    let stop = stop_flag()?;
    match show(source, Palette::of(&io::stdout()), &stop).context("use the terminal")? {
        Closed::ByUser => Ok(exit_code::OK),
        Closed::BySignal => Ok(exit_code::INTERRUPTED),
    }
}
