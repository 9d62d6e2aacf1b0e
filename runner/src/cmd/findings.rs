//! `findings`: what the histories show.

use clap::Args;

use super::arguments::StoreOptions;

#[derive(Args, Clone, Debug)]
pub(super) struct FindingsOptions {
    #[command(flatten)]
    pub(super) store: StoreOptions,
}

pub(super) fn findings(options: &FindingsOptions) -> anyhow::Result<u8> {
    anyhow::bail!("use {:?}: this command is being built", options.store.db)
}
