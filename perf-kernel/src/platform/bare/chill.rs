//! The means to chill the benching CPU.

use crate::arch::chill;
use crate::platform::Chiller;

/// Chills the CPU that calls.
pub(super) struct BareChiller(());

impl BareChiller {
    /// The means; `None` if the CPU lacks them.
    pub(super) fn detect() -> Option<Self> {
        chill::can_chill().then_some(Self(()))
    }
}

impl Chiller for BareChiller {
    fn how(&self) -> &'static str {
        chill::HOW
    }

    fn chill(&self) {
        chill::chill();
    }

    fn chills(&self) -> u64 {
        chill::chills()
    }
}
