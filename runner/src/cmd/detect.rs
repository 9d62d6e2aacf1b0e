//! `detect`: change points in a file.

use clap::Args;

use super::arguments::StoreOptions;

#[derive(Args, Clone, Debug)]
pub(super) struct DetectOptions {
    #[command(flatten)]
    pub(super) store: StoreOptions,
}

pub(super) fn detect(options: &DetectOptions) -> anyhow::Result<u8> {
    anyhow::bail!("use {:?}: this command is being built", options.store.db)
}
