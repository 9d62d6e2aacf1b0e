//! What keeps user mode out of the kernel, and the kernel out of user memory.

use raw_cpuid::CpuId;
use x86_64::VirtAddr;
use x86_64::registers::control::{Cr0, Cr0Flags, Cr4, Cr4Flags};
use x86_64::registers::model_specific::{Efer, EferFlags, LStar, SFMask, Star};
use x86_64::registers::rflags::RFlags;
use x86_64::structures::gdt::SegmentSelector;

use super::area::UserArea;
use super::tables::PhysicalTables;
use super::{entry, kernel_half, messages, signals, translations};
use crate::arch::x86_64::checked;
use crate::arch::x86_64::descriptors::{KERNEL_CODE, KERNEL_DATA, USER_CODE, USER_DATA};
use crate::arch::x86_64::per_cpu::CpuArea;
use crate::arch::{PhysicalMemory, Ring0};

/// Gets the machine ready for user mode: the kernel's half of every address space, then the first CPU. Its descriptor
/// tables are loaded, and it has its area.
pub fn install(ring0: Ring0, memory: &PhysicalMemory) {
    translations::note_kernel_root();
    kernel_half::harden(PhysicalTables::new(memory));
    kernel_half::place_stacks(PhysicalTables::new(memory));
    install_on_cpu(ring0);
}

/// Brings the first CPU, which calls, back into the kernel, with its own tables and area, from wherever a program was stopped.
pub(in crate::arch::x86_64) fn leave() {
    UserArea::reset();
    translations::switch_to(translations::kernel_root());
    messages::abandon();
    signals::abandon();
}

/// The same on another CPU, whose area is `area`: it uses nothing of a process any more.
pub(in crate::arch::x86_64) fn leave_on_cpu(area: &'static CpuArea) {
    UserArea::reset_to(area);
    translations::switch_to(translations::kernel_root());
}

/// Where the frame pointer of whoever entered user mode on this CPU is kept; `None` if nobody has.
pub(in crate::arch::x86_64) fn entered_from() -> Option<u64> {
    UserArea::current().entered_from()
}

/// Gets this CPU, which has its area, ready for user mode: the way of system calls, and what protection it has.
pub(in crate::arch::x86_64) fn install_on_cpu(_ring0: Ring0) {
    let cpuid = CpuId::new();
    let features = cpuid.get_extended_feature_info();
    let has = |is_there: fn(&raw_cpuid::ExtendedFeatures) -> bool| features.as_ref().is_some_and(is_there);
    let has_smap = has(raw_cpuid::ExtendedFeatures::has_smap);
    // AVX counts once the entry has switched it on.
    let has_avx = cpuid.get_feature_info().is_some_and(|leaf| leaf.has_avx() && leaf.has_oxsave());
    let extended = cpuid.get_extended_processor_and_feature_identifiers();
    let has_no_execute = extended.is_some_and(|leaf| leaf.has_execute_disable());
    UserArea::install(has_avx, has_smap);
    let mut efer = EferFlags::SYSTEM_CALL_EXTENSIONS;
    efer.set(EferFlags::NO_EXECUTE_ENABLE, has_no_execute);
    // SAFETY: SCE (bit 0) allows SYSCALL, which has its registers below before user mode runs; NXE (bit 11) gives bit 63
    // of page table entries its meaning, which the loader has done already.
    unsafe { Efer::update(|flags| flags.insert(efer)) };
    set_system_call();
    // SAFETY: WP (bit 16) makes read-only pages read-only for the kernel too, as its compiled code takes them for.
    unsafe { Cr0::update(|flags| flags.insert(Cr0Flags::WRITE_PROTECT)) };
    let mut cr4 = Cr4Flags::empty();
    // SMEP (bit 20): no execution of user pages in ring 0. SMAP (bit 21): no access to them without AC.
    cr4.set(Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION, has(raw_cpuid::ExtendedFeatures::has_smep));
    cr4.set(Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION, has_smap);
    // UMIP (bit 11): SGDT, SIDT, SLDT, STR and SMSW would tell user mode where the kernel's tables are.
    cr4.set(Cr4Flags::USER_MODE_INSTRUCTION_PREVENTION, has(raw_cpuid::ExtendedFeatures::has_umip));
    // SAFETY: the bits forbid what the kernel does not do.
    unsafe { Cr4::update(|flags| flags.insert(cr4)) };
}

/// Where SYSCALL goes, with which segments and flags (Intel SDM volume 3, section 5.8.8).
fn set_system_call() {
    /// `IA32_SYSENTER_CS`: 0 makes SYSENTER a general protection fault.
    const SYSENTER_CS: u32 = 0x174;
    let selectors = [USER_CODE, USER_DATA, KERNEL_CODE, KERNEL_DATA].map(SegmentSelector);
    let [user_code, user_data, kernel_code, kernel_data] = selectors;
    let written = Star::write(user_code, user_data, kernel_code, kernel_data);
    debug_assert!(written.is_ok(), "the segments are in the order that SYSRET wants: {written:?}");
    LStar::write(VirtAddr::new_truncate(entry::system_call_address()));
    // Cleared on entry: TF (bit 8) would trap in the kernel, IF (bit 9) let interrupts in before the stack is there, DF
    // (bit 10) turn string instructions round, NT (bit 14) make IRETQ fault, AC (bit 18) open user memory to the kernel.
    let cleared = RFlags::TRAP_FLAG
        | RFlags::INTERRUPT_FLAG
        | RFlags::DIRECTION_FLAG
        | RFlags::NESTED_TASK
        | RFlags::ALIGNMENT_CHECK;
    SFMask::write(cleared);
    // SAFETY: nothing uses SYSENTER. An AMD processor may not have the register.
    let _ = unsafe { checked::write_msr(SYSENTER_CS, 0) };
}
