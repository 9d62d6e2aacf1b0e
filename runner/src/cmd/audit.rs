//! `audit`: how far the verdicts can be trusted.

use clap::Args;

use super::arguments::StoreOptions;

#[derive(Args, Clone, Debug)]
pub(super) struct AuditOptions {
    #[command(flatten)]
    pub(super) store: StoreOptions,
}

pub(super) fn audit(options: &AuditOptions) -> anyhow::Result<u8> {
    anyhow::bail!("use {:?}: this command is being built", options.store.db)
}
