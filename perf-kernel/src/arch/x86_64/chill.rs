//! Chilling a CPU: it forgets what its caches and its TLB hold.

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};

use raw_cpuid::CpuId;
use x86_64::registers::control::{Cr4, Cr4Flags};

/// What [`chill`] empties and how.
pub const HOW: &str = "caches by WBINVD, TLB by CR4.PGE";

/// Times that a CPU was chilled since boot.
static CHILLS: AtomicU64 = AtomicU64::new(0);

/// Whether CR4.PGE can be changed (CPUID leaf 1, EDX bit 13).
#[must_use]
pub fn can_chill() -> bool {
    CpuId::new().get_feature_info().is_some_and(|leaf| leaf.has_pge())
}

/// Writes back and empties the caches of the calling CPU, with those that it shares with others, and empties its TLB. The
/// processor is one that [`can_chill`].
///
/// WBINVD empties all internal caches, and waits for it (Intel SDM volume 2, WBINVD; AMD APM volume 3, WBINVD). A write of
/// CR4 that changes PGE invalidates all TLB entries, global ones too, and all entries of paging-structure caches, for all
/// process contexts (Intel SDM volume 3, section 4.10.4.1; AMD APM volume 2, section 5.5.3). Branch predictors are not
/// touched: no instruction promises to make them forget everything. Both come last and in registers, so that no more is
/// warm again than the way back to the caller.
pub fn chill() {
    CHILLS.fetch_add(1, Ordering::Relaxed);
    let cr4 = Cr4::read_raw();
    // PGE (bit 7): translations of pages marked as global outlive a change of CR3. No page is, either way.
    let changed = cr4 ^ Cr4Flags::PAGE_GLOBAL.bits();
    // SAFETY: caches are written back before they are emptied, the tables in use stay what they are, and CR4 is left as it
    // was; CPUID has the bit.
    unsafe {
        asm!("wbinvd", "mov cr4, {changed}", "mov cr4, {cr4}", changed = in(reg) changed, cr4 = in(reg) cr4,
            options(nostack));
    }
}

/// Times that a CPU was chilled since boot.
#[must_use]
pub fn chills() -> u64 {
    CHILLS.load(Ordering::Relaxed)
}
