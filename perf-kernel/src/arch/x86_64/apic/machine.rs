//! The local APICs of this machine.

use core::arch::asm;
use core::ptr::NonNull;

use raw_cpuid::{CpuId, CpuIdReaderNative};
use spin::Once;

use super::registers::{ApicRegisters, Command, Register};
use super::{LocalApic, Vectors};
use crate::arch::{PhysicalMemory, Ring0, checked};

const IA32_APIC_BASE: u32 = 0x1b;
/// Bit 10: x2APIC mode. It can be left only by switching the APIC off.
const BASE_X2APIC: u64 = 1 << 10;
/// Bit 11: the APIC is switched on.
const BASE_ENABLED: u64 = 1 << 11;
/// Bits 51 to 12: the page of an xAPIC.
const BASE_ADDRESS: u64 = 0x000f_ffff_ffff_f000;
const PAGE_BYTES: usize = 4096;

const IA32_TSC_DEADLINE: u32 = 0x6e0;
/// The interrupt command register of an x2APIC is one of 64 bits.
const X2APIC_COMMAND: u32 = 0x830;
/// The halves of an xAPIC's.
const COMMAND_LOW: usize = 0x300;
const COMMAND_HIGH: usize = 0x310;

static LOCAL: Once<LocalApic<ApicAccess>> = Once::new();

/// How the local APICs are reached.
#[derive(Clone, Copy, Debug)]
pub enum ApicAccess {
    /// In a page of memory, where each CPU finds its own.
    Memory(ApicPage),
    /// By model-specific registers.
    Msrs(Ring0),
}

/// The page of the xAPICs.
#[derive(Clone, Copy, Debug)]
pub struct ApicPage(NonNull<u8>);

// SAFETY: each CPU that reads or writes there reaches its own APIC.
unsafe impl Send for ApicPage {}

// SAFETY: as above.
unsafe impl Sync for ApicPage {}

/// Finds out how the local APICs are reached: as x2APICs wherever CPUID has them. `None` if there is none, or if the
/// page of the xAPICs cannot be reached.
pub fn detect(ring0: Ring0, memory: &PhysicalMemory) -> Option<&'static LocalApic<ApicAccess>> {
    let features = CpuId::with_cpuid_reader(CpuIdReaderNative).get_feature_info()?;
    if !features.has_apic() {
        return None;
    }
    let access = if features.has_x2apic() {
        ApicAccess::Msrs(ring0)
    } else {
        let address = checked::read_msr(IA32_APIC_BASE)? & BASE_ADDRESS;
        // Refused if memory lies there.
        let _ = memory.registers(address, PAGE_BYTES)?;
        ApicAccess::Memory(ApicPage(memory.pointer(address, PAGE_BYTES)?))
    };
    Some(LOCAL.call_once(|| LocalApic::new(access)))
}

/// The local APIC of the CPU that calls, once [`detect`] has found out.
#[must_use]
pub fn local() -> Option<&'static LocalApic<ApicAccess>> {
    LOCAL.get()
}

/// Whether the timer can wait for a value of the time stamp counter (CPUID leaf 1, ECX bit 24).
#[must_use]
pub fn has_tsc_deadline() -> bool {
    let features = CpuId::with_cpuid_reader(CpuIdReaderNative).get_feature_info();
    features.is_some_and(|leaf| leaf.has_tsc_deadline())
}

impl LocalApic<ApicAccess> {
    /// Switches this CPU's local APIC on, in the mode in which it is reached. `None` if the CPU refuses.
    pub fn switch_on(&self, vectors: Vectors) -> Option<()> {
        let base = checked::read_msr(IA32_APIC_BASE)?;
        // From off to x2APIC only by way of xAPIC (Intel SDM volume 3, section 10.12.1).
        if base & BASE_ENABLED == 0 {
            // SAFETY: the APIC stays in its page, and raises nothing before it is enabled below.
            unsafe { checked::write_msr(IA32_APIC_BASE, base | BASE_ENABLED) }?;
        }
        if matches!(self.registers, ApicAccess::Msrs(_)) && base & BASE_X2APIC == 0 {
            // SAFETY: as above; from here on the page is not used.
            unsafe { checked::write_msr(IA32_APIC_BASE, base | BASE_ENABLED | BASE_X2APIC) }?;
        }
        self.enable(vectors);
        Some(())
    }
}

impl ApicPage {
    fn register(self, offset: usize) -> NonNull<u32> {
        // SAFETY: offsets of registers lie in the page.
        unsafe { self.0.add(offset) }.cast()
    }

    fn read(self, offset: usize) -> u32 {
        // SAFETY: `detect` has seen that the page is mapped and is no memory; reads have no effect.
        unsafe { self.register(offset).read_volatile() }
    }

    fn write(self, offset: usize, value: u32) {
        // SAFETY: the page is mapped and is no memory; an APIC writes to none.
        unsafe { self.register(offset).write_volatile(value) }
    }
}

impl ApicRegisters for ApicAccess {
    fn read(&self, register: Register) -> u32 {
        match self {
            Self::Memory(page) => page.read(register.offset().into()),
            Self::Msrs(_) => low_half(checked::read_msr(register.msr()).unwrap_or(0)),
        }
    }

    fn write(&self, register: Register, value: u32) {
        match self {
            Self::Memory(page) => page.write(register.offset().into(), value),
            Self::Msrs(_) => {
                // SAFETY: an APIC writes to no memory.
                let _ = unsafe { checked::write_msr(register.msr(), u64::from(value)) };
            }
        }
    }

    fn identity(&self) -> u32 {
        let register = self.read(Register::Id);
        if matches!(self, Self::Memory(_)) { register >> 24 } else { register }
    }

    fn command(&self, command: Command) {
        match self {
            Self::Memory(page) => {
                // Stores to a page that is not cached come after all stores before them; the lower half sends.
                page.write(COMMAND_HIGH, command.destination << 24);
                page.write(COMMAND_LOW, command.low);
            }
            Self::Msrs(_) => {
                // This write does not wait for the stores before it (Intel SDM volume 3, section 10.12.3).
                fence();
                let value = u64::from(command.destination) << 32 | u64::from(command.low);
                // SAFETY: the command touches no memory; what it makes another CPU do is the sender's to answer for.
                let _ = unsafe { checked::write_msr(X2APIC_COMMAND, value) };
            }
        }
    }

    fn is_sending(&self) -> bool {
        const DELIVERY_STATUS: u32 = 1 << 12;
        match self {
            Self::Memory(page) => page.read(COMMAND_LOW) & DELIVERY_STATUS != 0,
            Self::Msrs(_) => false,
        }
    }

    fn set_deadline(&self, ticks: u64) {
        // The store that set the mode must have arrived (Intel SDM volume 3, section 10.5.4.1).
        fence();
        // SAFETY: the timer only raises the interrupt that its entry names.
        let _ = unsafe { checked::write_msr(IA32_TSC_DEADLINE, ticks) };
    }
}

fn low_half(value: u64) -> u32 {
    let [b0, b1, b2, b3, ..] = value.to_le_bytes();
    u32::from_le_bytes([b0, b1, b2, b3])
}

/// Waits until all earlier stores can be seen and all earlier loads are done.
fn fence() {
    // SAFETY: the instructions order memory accesses and do nothing else.
    unsafe { asm!("mfence", "lfence", options(nostack, preserves_flags)) };
}
