//! `history`: the course of one bench.

use clap::Args;

use super::arguments::StoreOptions;

#[derive(Args, Clone, Debug)]
pub(super) struct HistoryOptions {
    #[command(flatten)]
    pub(super) store: StoreOptions,
}

pub(super) fn history(options: &HistoryOptions) -> anyhow::Result<u8> {
    anyhow::bail!("use {:?}: this command is being built", options.store.db)
}
