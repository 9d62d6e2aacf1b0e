//! `check`: the gate of a CI job.

use clap::Args;

use super::arguments::StoreOptions;

#[derive(Args, Clone, Debug)]
pub(super) struct CheckOptions {
    #[command(flatten)]
    pub(super) store: StoreOptions,
}

pub(super) fn check(options: &CheckOptions) -> anyhow::Result<u8> {
    anyhow::bail!("use {:?}: this command is being built", options.store.db)
}
