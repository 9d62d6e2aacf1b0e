//! `serve`: the dashboard.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;

use super::arguments::StoreOptions;
use super::{interrupt, output};
use crate::exit_code;
use crate::progress::note;
use crate::serve::{Dashboard, DashboardOptions, Token};
use crate::store::Folder;

/// How often the stop flag is looked at.
const SLICE: Duration = Duration::from_millis(50);

#[derive(Args, Clone, Debug)]
pub(super) struct ServeOptions {
    /// Where to listen; reading is free at a loopback address and needs the token at any other
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7878")]
    pub(super) listen: SocketAddr,
    /// The token for changes, in a file that only you may read; made if it is missing [default: a new one, printed]
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) store: StoreOptions,
}

pub(super) fn serve(options: &ServeOptions) -> anyhow::Result<u8> {
    let folder = Folder::find(options.store.db.as_deref())?;
    let token = match &options.token_file {
        Some(path) => Token::from_file(path)?,
        None => Token::generate()?,
    };
    let asked = DashboardOptions { folder, listen: options.listen, token: token.clone() };
    let dashboard = Dashboard::bind(asked)?;
    let stop = interrupt::stop_flag()?;
    let address = dashboard.address();
    let holder = match &options.token_file {
        Some(path) => format!("the token lies in {}", path.display()),
        None => format!("token {}", token.reveal()),
    };
    // Whoever starts it waits for this line.
    output::print(&format!("http://{address}/\n{holder}\n"))?;
    if !address.ip().is_loopback() {
        note(
            "Whoever can reach this address needs the token even to read. Nothing here is encrypted: see docs/dashboard.md.",
        );
    }
    dashboard.run(async move {
        while !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(SLICE).await;
        }
    })?;
    Ok(exit_code::OK)
}
