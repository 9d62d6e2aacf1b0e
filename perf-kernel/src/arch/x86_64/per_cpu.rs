//! What each CPU has for itself.

use core::arch::asm;
use core::mem::offset_of;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use spin::Once;

use super::checked;
use super::task_state::TaskState;
use super::user::UserArea;
use super::user::translations::InUse;
use super::work::Job;

/// CPUs that are started at most.
pub const CPUS_MAX: usize = 64;

pub(super) const IA32_GS_BASE: u32 = 0xc000_0101;

static FIRST: Once<CpuArea> = Once::new();
/// The areas of the CPUs that have started, by index.
static AREAS: [AtomicPtr<CpuArea>; CPUS_MAX] = [const { AtomicPtr::new(core::ptr::null_mut()) }; CPUS_MAX];
/// How many of them there are.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The area of one CPU, in cache lines that no other CPU's area shares.
#[derive(Debug)]
#[repr(C, align(128))]
pub(super) struct CpuArea {
    /// Where the area itself is, as the first word behind GS.
    this: AtomicU64,
    /// What it knows of user mode.
    pub(super) user: UserArea,
    /// Which page tables it uses.
    pub(super) translations: InUse,
    /// From 0, the CPU that the firmware has started.
    pub(super) index: u32,
    /// By which others send to it; 0 on the first CPU until its APIC is on, and before that nobody sends.
    apic_id: AtomicU32,
    /// What it runs on outside exceptions.
    pub(super) stack: Range<u64>,
    /// Work that another CPU has for it; null while it has none.
    pub(super) job: AtomicPtr<Job>,
    /// Whether it waits until a bench is cleaned up after; see [`super::standby`].
    pub(super) is_on_standby: AtomicBool,
    /// The instruction at which it was last stopped for that.
    pub(super) stopped_at: AtomicU64,
    /// The last question that it has answered; see [`super::signals`].
    pub(super) answered: AtomicU64,
    /// Whether it has stopped for good.
    pub(super) has_halted: AtomicBool,
}

impl CpuArea {
    /// The area of a CPU that has not started.
    pub(super) const fn new(index: u32, apic_id: u32, stack: Range<u64>) -> Self {
        Self {
            this: AtomicU64::new(0),
            user: UserArea::new(),
            translations: InUse::new(),
            index,
            apic_id: AtomicU32::new(apic_id),
            stack,
            job: AtomicPtr::new(core::ptr::null_mut()),
            is_on_standby: AtomicBool::new(false),
            stopped_at: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            has_halted: AtomicBool::new(false),
        }
    }

    /// The area of the CPU that calls, which has one.
    #[inline]
    pub(super) fn of_caller() -> &'static Self {
        let address: usize;
        // SAFETY: from `adopt` on, GS begins with the address of this CPU's area.
        unsafe {
            asm!("mov {}, gs:[0]", out(reg) address, options(nostack, readonly, preserves_flags));
        }
        // SAFETY: `adopt` was given an area that lives for good.
        unsafe { &*core::ptr::with_exposed_provenance::<Self>(address) }
    }

    /// Its number, in fewer steps than by way of the area.
    #[inline]
    pub(super) fn index_of_caller() -> usize {
        let index: usize;
        // SAFETY: from `adopt` on, GS leads to this CPU's area. The upper half of the register becomes zero.
        unsafe {
            asm!(
                "mov {:e}, gs:[{}]", out(reg) index, const offset_of!(Self, index),
                options(nostack, readonly, preserves_flags)
            );
        }
        index
    }

    /// Where it finds the stacks of the kernel.
    pub(super) const fn task_state(&self) -> &TaskState {
        &self.user.task_state
    }

    /// By which others send to it.
    pub(super) fn apic_id(&self) -> u32 {
        self.apic_id.load(Ordering::Relaxed)
    }
}

/// The area of the first CPU, whose stack is `stack`.
pub(super) fn first(stack: &Range<u64>) -> &'static CpuArea {
    FIRST.call_once(|| CpuArea::new(0, 0, stack.clone()))
}

/// Gives the first CPU `area`, which is its.
pub(super) fn install_first(area: &'static CpuArea) {
    adopt(area);
    publish(area);
}

/// Makes `area` that of the CPU that calls. It has no other.
pub(super) fn adopt(area: &'static CpuArea) {
    let address = u64::try_from(core::ptr::from_ref(area).expose_provenance()).unwrap_or(0);
    area.this.store(address, Ordering::Relaxed);
    area.translations.begin();
    // SAFETY: GS leads to areas only while the CPU is in the kernel.
    let _ = unsafe { checked::write_msr(IA32_GS_BASE, address) };
}

/// Makes the first CPU, which calls, find its area again, wherever GS led.
pub(super) fn adopt_first() {
    if let Some(area) = FIRST.get() {
        adopt(area);
    }
}

/// Makes a started CPU known to the others. CPUs are published in the order of their indices.
pub(super) fn publish(area: &'static CpuArea) {
    if let Some(place) = AREAS.get(area.index as usize) {
        place.store(core::ptr::from_ref(area).cast_mut(), Ordering::Release);
        COUNT.fetch_max(area.index as usize + 1, Ordering::Release);
    }
}

/// The area of the CPU that calls; `None` before the first has one.
pub(super) fn current() -> Option<&'static CpuArea> {
    // The first CPU gets its area before it starts others.
    FIRST.get().map(|_| CpuArea::of_caller())
}

/// Notes by which APIC identity others send to the CPU that calls.
pub(super) fn set_apic_id(apic_id: u32) {
    if let Some(area) = current() {
        area.apic_id.store(apic_id, Ordering::Relaxed);
    }
}

/// The area of the started CPU number `index`.
pub(super) fn area(index: usize) -> Option<&'static CpuArea> {
    let area = AREAS.get(index)?.load(Ordering::Acquire);
    // SAFETY: only areas that live for good are published.
    unsafe { area.as_ref() }
}

/// Areas of the CPUs that have started.
pub(super) fn areas() -> impl Iterator<Item = &'static CpuArea> {
    (0..count()).filter_map(area)
}

/// How many CPUs have started. Their indices are those below.
#[must_use]
pub fn count() -> usize {
    COUNT.load(Ordering::Acquire)
}

/// The number of the CPU that calls: 0 is the one that the firmware has started.
#[must_use]
pub fn index() -> u32 {
    current().map_or(0, |area| area.index)
}
