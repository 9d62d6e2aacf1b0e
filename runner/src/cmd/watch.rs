//! `watch`: a run as it goes.

use clap::Args;

use super::arguments::StoreOptions;

#[derive(Args, Clone, Debug)]
pub(super) struct WatchOptions {
    #[command(flatten)]
    pub(super) store: StoreOptions,
}

pub(super) fn watch(options: &WatchOptions) -> anyhow::Result<u8> {
    anyhow::bail!("use {:?}: this command is being built", options.store.db)
}
