//! Ctrl-C and SIGTERM.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;

/// A flag that the first signal sets: whoever collects looks at it, stops the machine and keeps what came. The same in
/// every call.
pub(super) fn stop_flag() -> anyhow::Result<Arc<AtomicBool>> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if let Some(flag) = FLAG.get() {
        return Ok(Arc::clone(flag));
    }
    let flag = Arc::new(AtomicBool::new(false));
    let shared = Arc::clone(&flag);
    ctrlc::set_handler(move || shared.store(true, Ordering::Relaxed)).context("listen for Ctrl-C")?;
    Ok(Arc::clone(FLAG.get_or_init(|| flag)))
}
