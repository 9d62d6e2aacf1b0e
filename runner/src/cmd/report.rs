//! `report`: a run for readers and other tools.

use clap::Args;

use super::arguments::StoreOptions;

#[derive(Args, Clone, Debug)]
pub(super) struct ReportOptions {
    #[command(flatten)]
    pub(super) store: StoreOptions,
}

pub(super) fn report(options: &ReportOptions) -> anyhow::Result<u8> {
    anyhow::bail!("use {:?}: this command is being built", options.store.db)
}
