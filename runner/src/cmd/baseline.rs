//! `baseline`: what later runs are held against.

use clap::Args;

use super::arguments::StoreOptions;

#[derive(Args, Clone, Debug)]
pub(super) struct BaselineOptions {
    #[command(flatten)]
    pub(super) store: StoreOptions,
}

pub(super) fn baseline(options: &BaselineOptions) -> anyhow::Result<u8> {
    anyhow::bail!("use {:?}: this command is being built", options.store.db)
}
