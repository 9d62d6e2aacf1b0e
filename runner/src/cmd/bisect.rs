//! `bisect`: where a finding begins.

use clap::Args;

use super::arguments::StoreOptions;

#[derive(Args, Clone, Debug)]
pub(super) struct BisectOptions {
    #[command(flatten)]
    pub(super) store: StoreOptions,
}

pub(super) fn bisect(options: &BisectOptions) -> anyhow::Result<u8> {
    anyhow::bail!("use {:?}: this command is being built", options.store.db)
}
