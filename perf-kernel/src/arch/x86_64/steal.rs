//! Time that a KVM host gave to others (Linux, Documentation/virt/kvm/x86/msr.rst, `MSR_KVM_STEAL_TIME`).

use alloc::boxed::Box;
use core::ptr::NonNull;

use super::{PhysicalMemory, checked};

const MSR_KVM_STEAL_TIME: u32 = 0x4b56_4d03;
const ENABLE: u64 = 1;

/// What the host writes: the time, a version that is odd while it writes, and room.
#[repr(C, align(64))]
struct Area {
    steal_ns: u64,
    version: u32,
    rest: [u32; 13],
}

/// The host's account for this CPU.
#[derive(Debug)]
pub struct StealTime(NonNull<Area>);

// SAFETY: the area is only read.
unsafe impl Send for StealTime {}

// SAFETY: the area is only read.
unsafe impl Sync for StealTime {}

impl StealTime {
    /// Asks the host for an account. CPUID leaf 0x4000_0001, EAX bit 5 says whether there is one to ask for. `None`
    /// if the host refuses, or if the heap lies outside `memory`.
    #[must_use]
    pub fn enable(memory: &PhysicalMemory) -> Option<Self> {
        let area = Box::leak(Box::new(Area { steal_ns: 0, version: 0, rest: [0; 13] }));
        let address = memory.address_of(&raw const *area)?;
        // SAFETY: the host writes to the area, which is leaked, and which Rust reads as volatile from now on.
        unsafe { checked::write_msr(MSR_KVM_STEAL_TIME, address | ENABLE) }?;
        Some(Self(NonNull::from(area)))
    }

    /// Nanoseconds given to others since the account began; `None` if the host keeps writing.
    #[must_use]
    pub fn nanoseconds(&self) -> Option<u64> {
        const TRIES: usize = 100;
        (0..TRIES).find_map(|_| {
            let before = self.version();
            // SAFETY: the area lives for good.
            let place = unsafe { &raw const (*self.0.as_ptr()).steal_ns };
            // SAFETY: the same; the host may write at any time, so the read is volatile.
            let steal_ns = unsafe { place.read_volatile() };
            let is_stable = before.is_multiple_of(2) && before == self.version();
            is_stable.then_some(steal_ns)
        })
    }

    fn version(&self) -> u32 {
        // SAFETY: the area lives for good.
        let place = unsafe { &raw const (*self.0.as_ptr()).version };
        // SAFETY: the same; the host may write at any time, so the read is volatile.
        unsafe { place.read_volatile() }
    }
}
