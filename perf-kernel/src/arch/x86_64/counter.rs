//! The time stamp counter, read so that the work stays between the reads.
//!
//! RDTSC is not ordered with what stands around it (Intel SDM volume 2B, RDTSC). `LFENCE; RDTSC` reads after all
//! earlier instructions have completed, and an `LFENCE` behind it keeps later ones from starting before the read
//! (ibid., RDTSC and LFENCE). RDTSCP itself waits for earlier instructions and loads, not for later ones, so it needs
//! the LFENCE behind it only (ibid., RDTSCP). On AMD, LFENCE orders execution when MSR C001_1029 bit 1 is set
//! (APM volume 2, section 3.2.5; volume 3, LFENCE), which Linux and firmware do and CPUID Fn8000_0021 EAX bit 2 can
//! promise. Stores may still be on their way to the cache at the second read: draining them (MFENCE) would charge
//! every bench for them. CPUID is no fence here: it exits to a hypervisor.

use core::arch::asm;

use crate::units::Ticks;

/// Reads the counter before the work: nothing earlier is still running, nothing later has begun.
#[inline(always)]
#[must_use]
pub fn start() -> Ticks {
    let ticks: u64;
    // SAFETY: the instructions read a counter into registers that are declared as written; user mode may execute
    // RDTSC as CR4.TSD is clear in our kernel and under Linux.
    unsafe {
        asm!(
            "lfence",
            "rdtsc",
            "shl rdx, 32",
            "lea {ticks}, [rax + rdx]",
            "lfence",
            ticks = out(reg) ticks,
            out("rax") _,
            out("rdx") _,
            options(nostack),
        );
    }
    Ticks(ticks)
}

/// Reads the counter after the work, on any x86-64 processor: `LFENCE; RDTSC; LFENCE`.
#[inline(always)]
#[must_use]
pub fn stop() -> Ticks {
    let ticks: u64;
    // SAFETY: as in `start`.
    unsafe {
        asm!(
            "lfence",
            "rdtsc",
            "lfence",
            "shl rdx, 32",
            "or rax, rdx",
            out("rax") ticks,
            out("rdx") _,
            options(nostack),
        );
    }
    Ticks(ticks)
}

/// Reads the counter where the order does not matter.
#[inline(always)]
#[must_use]
pub fn now() -> Ticks {
    let ticks: u64;
    // SAFETY: as in `start`.
    unsafe {
        asm!("rdtsc", "shl rdx, 32", "or rax, rdx", out("rax") ticks, out("rdx") _, options(nomem, nostack));
    }
    Ticks(ticks)
}

/// Takes `value` as if something looked at it, so that its computation stays, and stays before what follows.
#[inline(always)]
pub fn consume(value: u64) {
    // SAFETY: the assembly is empty.
    unsafe {
        asm!("/* {value} */", value = in(reg) value, options(nostack, preserves_flags));
    }
}

/// A way to end a timed region. The choice is made by type, so that no branch stands inside the region.
pub trait Stop {
    /// Reads the counter after the work.
    fn stop() -> Ticks;

    /// Ticks between the reads of an empty fenced pair, written out by hand: what [`start`] and [`Stop::stop`] would
    /// cost if nothing stood between them.
    fn raw_pair() -> u64;
}

/// Ends a region with RDTSCP.
#[derive(Clone, Copy, Debug)]
pub struct ByRdtscp;

/// Ends a region with `LFENCE; RDTSC`, for processors without RDTSCP.
#[derive(Clone, Copy, Debug)]
pub struct ByRdtsc;

impl Stop for ByRdtscp {
    #[inline(always)]
    fn stop() -> Ticks {
        let ticks: u64;
        // SAFETY: as in `start`; whoever chooses this type has seen CPUID promise RDTSCP.
        unsafe {
            asm!(
                "rdtscp",
                "lfence",
                "shl rdx, 32",
                "or rax, rdx",
                out("rax") ticks,
                out("rdx") _,
                out("rcx") _,
                options(nostack),
            );
        }
        Ticks(ticks)
    }

    #[inline(never)]
    fn raw_pair() -> u64 {
        let (before, after): (u64, u64);
        // SAFETY: as in `stop`.
        unsafe {
            asm!(
                "lfence",
                "rdtsc",
                "shl rdx, 32",
                "lea {before}, [rax + rdx]",
                "lfence",
                "rdtscp",
                "lfence",
                "shl rdx, 32",
                "or rax, rdx",
                before = out(reg) before,
                out("rax") after,
                out("rdx") _,
                out("rcx") _,
                options(nostack),
            );
        }
        after.wrapping_sub(before)
    }
}

impl Stop for ByRdtsc {
    #[inline(always)]
    fn stop() -> Ticks {
        stop()
    }

    #[inline(never)]
    fn raw_pair() -> u64 {
        let (before, after): (u64, u64);
        // SAFETY: as in `start`.
        unsafe {
            asm!(
                "lfence",
                "rdtsc",
                "shl rdx, 32",
                "lea {before}, [rax + rdx]",
                "lfence",
                "lfence",
                "rdtsc",
                "lfence",
                "shl rdx, 32",
                "or rax, rdx",
                before = out(reg) before,
                out("rax") after,
                out("rdx") _,
                options(nostack),
            );
        }
        after.wrapping_sub(before)
    }
}

/// Ticks over `NOPS` NOP instructions and a constant rest, unfenced: where the counter counts instructions, two such
/// blocks differ by exactly the NOPs that one has more.
#[inline(never)]
#[must_use]
pub fn nop_block_ticks<const NOPS: usize>() -> u64 {
    let (before, after): (u64, u64);
    // SAFETY: as in `start`.
    unsafe {
        asm!(
            "rdtsc",
            "shl rdx, 32",
            "lea {before}, [rax + rdx]",
            ".rept {nops}",
            "nop",
            ".endr",
            "rdtsc",
            "shl rdx, 32",
            "or rax, rdx",
            before = out(reg) before,
            nops = const NOPS,
            out("rax") after,
            out("rdx") _,
            options(nomem, nostack),
        );
    }
    after.wrapping_sub(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::cpuid;

    #[test]
    fn the_counter_goes_up_over_work() {
        let before = start();
        (0..1000).for_each(consume);
        let after = stop();
        assert!(after > before);
        assert!(now() >= after);
    }

    #[test]
    fn both_kinds_of_pair_take_time() {
        let best = |pair: fn() -> u64| (0..1000).map(|_| pair()).min();
        assert!(best(ByRdtsc::raw_pair) > Some(0));
        if cpuid::has_rdtscp() {
            assert!(best(ByRdtscp::raw_pair) > Some(0));
        }
    }

    #[test]
    fn more_nops_take_longer() {
        let best = |block: fn() -> u64| (0..1000).map(|_| block()).min();
        assert!(best(nop_block_ticks::<3000>) > best(nop_block_ticks::<1000>));
    }
}
