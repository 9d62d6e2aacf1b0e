//! What ticks mean: found out from the hypervisor's name and from how the counter behaves.

use crate::arch::counter;
use crate::wire::Mode;

/// The vendor string of QEMU's emulation (leaf 0x4000_0000).
const TCG_VENDOR: &str = "TCGTCGTCGTCG";
/// NOPs of the blocks that tell whether ticks are instructions.
const BLOCK_NOPS: [u64; 3] = [1_000, 2_000, 3_000];
/// How often the blocks run. A counter of time does not hit the exact numbers even once.
const ROUNDS: usize = 4;

/// The mode of a boot: of a process if `is_process`, else by the `hypervisor`'s name. Anything but QEMU's emulation
/// that sets the hypervisor bit runs on the processor's own virtualisation: KVM, Hyper-V, VMware, Xen, bhyve.
pub(super) fn detect(
    is_process: bool,
    hypervisor: Option<&str>,
    has_exact_ticks: impl FnOnce() -> bool,
) -> Mode {
    match hypervisor {
        _ if is_process => Mode::Hosted,
        None => Mode::Hardware,
        Some(TCG_VENDOR) if has_exact_ticks() => Mode::Icount,
        Some(TCG_VENDOR) => Mode::Tcg,
        Some(_) => Mode::Kvm,
    }
}

/// Whether a tick is an instruction here.
pub(super) fn has_exact_ticks() -> bool {
    let round = || {
        [
            counter::nop_block_ticks::<1_000>(),
            counter::nop_block_ticks::<2_000>(),
            counter::nop_block_ticks::<3_000>(),
        ]
    };
    (0..ROUNDS).all(|_| counts_instructions(round()))
}

/// Whether the `ticks` over the blocks differ by exactly the instructions that they differ by.
fn counts_instructions(ticks: [u64; 3]) -> bool {
    let differs_as_nops = |from: usize, to: usize| {
        ticks[to].checked_sub(ticks[from]) == Some(BLOCK_NOPS[to] - BLOCK_NOPS[from])
    };
    differs_as_nops(0, 1) && differs_as_nops(1, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_follows_platform_hypervisor_and_ticks() {
        let mode = |is_process, hypervisor, is_exact| detect(is_process, hypervisor, || is_exact);
        assert_eq!(mode(true, Some("KVMKVMKVM"), false), Mode::Hosted);
        assert_eq!(mode(false, None, true), Mode::Hardware);
        assert_eq!(mode(false, Some("TCGTCGTCGTCG"), true), Mode::Icount);
        assert_eq!(mode(false, Some("TCGTCGTCGTCG"), false), Mode::Tcg);
        for vendor in ["KVMKVMKVM", "Microsoft Hv", "VMwareVMware", "XenVMMXenVMM", "bhyve bhyve", "unnamed"]
        {
            assert_eq!(mode(false, Some(vendor), true), Mode::Kvm);
        }
    }

    #[test]
    fn instructions_are_counted_only_if_every_difference_is_exact() {
        assert!(counts_instructions([1_003, 2_003, 3_003]));
        assert!(!counts_instructions([1_003, 2_004, 3_004]));
        assert!(!counts_instructions([503, 1_003, 1_503]));
        assert!(!counts_instructions([3_000, 2_000, 1_000]));
    }
}
