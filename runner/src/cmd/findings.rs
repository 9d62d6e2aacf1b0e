//! `findings`: what the histories show, and what people say of it.

use std::io;

use clap::{Args, Subcommand};

use super::arguments::StoreOptions;
use super::output::print;
use super::tracked;
use crate::exit_code;
use crate::report::{Palette, finding_lines, to_json};
use crate::store::{Folder, Store, UnixSeconds};
use crate::tracking::{self, AcknowledgeError, Filter, FindingState, TrackedFinding};

#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct FindingsOptions {
    #[command(subcommand)]
    action: Option<Action>,
    /// Also those that were withdrawn, and the histories that are too short
    #[arg(long)]
    all: bool,
    /// Only those of this machine, by the first digits of its fingerprint
    #[arg(long, value_name = "FINGERPRINT")]
    machine: Option<String>,
    /// Print JSON (docs/json.md)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Say why a finding may stay, so that it calls for no action any more
    Acknowledge {
        /// The finding, by the first digits of its id
        #[arg(value_name = "ID")]
        id: String,
        /// Why it may stay
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        store: StoreOptions,
    },
    /// Take back that a finding was acknowledged
    Reopen {
        /// The finding, by the first digits of its id
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        store: StoreOptions,
    },
}

pub(super) fn findings(options: &FindingsOptions) -> anyhow::Result<u8> {
    match &options.action {
        None => list(options)?,
        Some(Action::Acknowledge { id, reason, store }) => {
            let mut store = existing(store, id)?;
            let id = tracking::acknowledge(&mut store, id, reason, UnixSeconds::now())?;
            print(&format!("finding {id} is acknowledged\n"))?;
        }
        Some(Action::Reopen { id, store }) => {
            let mut store = existing(store, id)?;
            let id = tracking::reopen(&mut store, id)?;
            print(&format!("finding {id} is open again\n"))?;
        }
    }
    Ok(exit_code::OK)
}

/// The database in which the finding `id` is to be.
pub(super) fn existing(options: &StoreOptions, id: &str) -> anyhow::Result<Store> {
    let folder = Folder::find(options.db.as_deref())?;
    let nothing = || AcknowledgeError::NoSuchFinding { name: id.to_owned(), reason: "nothing is stored yet" };
    Ok(Store::open_existing(folder.database())?.ok_or_else(nothing)?)
}

fn list(options: &FindingsOptions) -> anyhow::Result<()> {
    let mut found: Vec<TrackedFinding> = Vec::new();
    if let Some(store) = tracked::open(&options.store)? {
        for machine in tracked::machines(&store, options.machine.as_deref())? {
            let state = (!options.all).then_some(FindingState::Standing);
            let filter = Filter { machine: Some(machine.name), bench: None, state };
            found.extend(tracking::findings(&store, &filter)?);
        }
    }
    let short = found.iter().filter(|tracked| tracked.finding.is_of_short_history()).count();
    if !options.all {
        found.retain(|tracked| !tracked.finding.is_of_short_history());
    }
    if options.json {
        return print(&to_json(&found, 1));
    }
    let mut text =
        if found.is_empty() { String::new() } else { finding_lines(&found, Palette::of(&io::stdout())) };
    let open = found.iter().filter(|finding| finding.calls_for_action()).count();
    text.push_str(&format!("{} findings, {open} of them call for action\n", found.len()));
    if short > 0 {
        text.push_str(&format!("{short} histories are too short to say anything\n"));
    }
    print(&text)
}
