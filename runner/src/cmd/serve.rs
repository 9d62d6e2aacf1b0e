//! `serve`: the dashboard.

use clap::Args;

use super::arguments::StoreOptions;

#[derive(Args, Clone, Debug)]
pub(super) struct ServeOptions {
    #[command(flatten)]
    pub(super) store: StoreOptions,
}

pub(super) fn serve(options: &ServeOptions) -> anyhow::Result<u8> {
    anyhow::bail!("use {:?}: this command is being built", options.store.db)
}
