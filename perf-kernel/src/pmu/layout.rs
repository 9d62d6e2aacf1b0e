//! The counters that a processor has and that nobody uses, and what they can count.

use alloc::vec::Vec;

use raw_cpuid::CpuIdReader;

use super::counters::{Control, Counter, FIXED_CONTROL, Kind, Reading, select};
use super::events::{self, Figure, Measure};
use super::identity::{Model, Processor, Vendor};
use super::registers::Registers;
use super::unit::Absence;

/// Bits that core events are counted with: in all rings.
const ALL_RINGS: u64 = select::USER | select::SYSTEM;

/// Registers that enable many counters at once and tell which have overflowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Global {
    /// A one enables.
    pub(super) control: u32,
    /// A one tells an overflow. Read-only.
    pub(super) status: u32,
    /// A one clears the bit in the status.
    pub(super) clear: u32,
}

/// What there is to count with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) counters: Vec<Counter>,
    pub(super) global: Option<Global>,
    pub(super) measures: Vec<Measure>,
    /// Counters that someone else had enabled, and that are left alone.
    pub(super) taken: usize,
}

impl Layout {
    /// Asks CPUID, and then the registers which counters are free.
    pub(super) fn find<C: CpuIdReader, R: Registers>(cpuid: &C, registers: &R) -> Result<Self, Absence> {
        let processor = Processor::read(cpuid);
        let mut layout = match processor.vendor {
            Vendor::Intel => intel(cpuid, processor)?,
            Vendor::Amd => amd(cpuid, processor)?,
            Vendor::Other => return Err(Absence::UnknownVendor),
        };
        let all = layout.counters.len();
        let readable = layout.counters.iter().filter(|counter| is_free(counter, registers).is_some()).count();
        if readable == 0 {
            return Err(Absence::Refused);
        }
        layout.counters.retain(|counter| is_free(counter, registers) == Some(true));
        layout.taken = all - layout.counters.len();
        if layout.counters.is_empty() { Err(Absence::AllTaken) } else { Ok(layout) }
    }
}

/// Whether nobody has enabled `counter`: firmware that counts says so by the enable bits (Intel, *Performance Monitoring
/// Unit Sharing Guide*, 30388). `None` if its register is refused.
fn is_free<R: Registers>(counter: &Counter, registers: &R) -> Option<bool> {
    match counter.control {
        Control::Select { register, .. } => Some(registers.read(register)? & select::ENABLED == 0),
        Control::Fixed { bit } => Some(registers.read(FIXED_CONTROL)? >> bit & 0xf == 0),
    }
}

/// Intel SDM volume 3, section 21.2, "Architectural Performance Monitoring", and volume 2A, CPUID leaf 0x0A.
fn intel<C: CpuIdReader>(cpuid: &C, processor: Processor) -> Result<Layout, Absence> {
    const LEAF: u32 = 0xa;
    /// IA32_PERF_GLOBAL_CTRL, IA32_PERF_GLOBAL_STATUS and IA32_PERF_GLOBAL_OVF_CTRL, which version 4 names
    /// IA32_PERF_GLOBAL_STATUS_RESET (sections 21.2.2 and 21.2.4).
    const GLOBAL: Global = Global { control: 0x38f, status: 0x38e, clear: 0x390 };
    /// Event-select registers, and counters, that lie in a row.
    const GENERAL_MAX: u32 = 8;
    if cpuid.cpuid1(0).eax < LEAF {
        return Err(Absence::NoCounters);
    }
    let leaf = cpuid.cpuid1(LEAF);
    let version = leaf.eax & 0xff;
    if version == 0 {
        return Err(Absence::NoCounters);
    }
    let has_global = version >= 2;
    let general = (leaf.eax >> 8 & 0xff).min(GENERAL_MAX);
    let bits = leaf.eax >> 16 & 0xff;
    let mut counters: Vec<Counter> = Vec::new();
    if has_global {
        let fixed_bits = leaf.edx >> 5 & 0xff;
        let (fixed, listed) = (leaf.edx & 0x1f, if version >= 5 { leaf.ecx } else { 0 });
        // IA32_FIXED_CTR0 counts retired instructions, IA32_FIXED_CTR1 core cycles (table 21-2).
        let figures = [(0, Figure::Instructions), (1, Figure::Cycles)];
        let present = figures.into_iter().filter(|(number, _)| listed >> number & 1 == 1 || fixed > *number);
        counters.extend(present.map(|(number, figure)| Counter {
            kind: Kind::Fixed(figure),
            control: Control::Fixed { bit: number * 4 },
            value: 0x309 + number,
            reading: Reading::Rdpmc(1 << 30 | number),
            bits: fixed_bits,
            global_bit: Some(32 + number),
        }));
    }
    counters.extend((0..general).map(|number| Counter {
        kind: Kind::Core(number),
        control: Control::Select { register: 0x186 + number, more: ALL_RINGS },
        value: 0xc1 + number,
        reading: Reading::Rdpmc(number),
        bits,
        global_bit: has_global.then_some(number),
    }));
    // A width that no manual knows is a hypervisor's mistake: nothing could be read from such a counter.
    counters.retain(|counter| (1..64).contains(&counter.bits));
    if counters.is_empty() {
        return Err(Absence::NoCounters);
    }
    let of_model = processor.model().map(events::of_model).unwrap_or_default();
    let measures = events::architectural(leaf.eax, leaf.ebx).chain(of_model).collect();
    Ok(Layout { counters, global: has_global.then_some(GLOBAL), measures, taken: 0 })
}

/// AMD APM volume 2, section 13.2, "Performance Monitoring Counters"; volume 3, CPUID Fn8000_0001_ECX and Fn8000_0022.
fn amd<C: CpuIdReader>(cpuid: &C, processor: Processor) -> Result<Layout, Absence> {
    /// PerfCntrGlobalCtl, PerfCntrGlobalStatus and PerfCntrGlobalStatusClr.
    const GLOBAL: Global = Global { control: 0xc000_0301, status: 0xc000_0300, clear: 0xc000_0302 };
    const FEATURES: u32 = 0x8000_0001;
    const MONITORING: u32 = 0x8000_0022;
    /// Extended counters of the core: by the manual 6, unless version 2 says otherwise.
    const EXTENDED: u32 = 6;
    const EXTENDED_MAX: u32 = 16;
    /// Counters from the K7 on, which every processor has.
    const LEGACY: u32 = 4;
    let model = processor.model().ok_or(Absence::UnknownModel)?;
    let leaves = cpuid.cpuid1(0x8000_0000).eax;
    let features = if leaves >= FEATURES { cpuid.cpuid1(FEATURES).ecx } else { 0 };
    let monitoring = (leaves >= MONITORING).then(|| cpuid.cpuid1(MONITORING));
    let second = monitoring.filter(|leaf| leaf.eax & 1 == 1);
    let is_extended = features >> 23 & 1 == 1;
    let number = match second {
        Some(leaf) if is_extended => (leaf.ebx & 0xf).min(EXTENDED_MAX),
        _ if is_extended => EXTENDED,
        _ => LEGACY,
    };
    let has_global = second.is_some() && is_extended;
    let mut counters: Vec<Counter> = (0..number)
        .map(|number| {
            let (register, value) = match is_extended {
                true => (0xc001_0200 + 2 * number, 0xc001_0201 + 2 * number),
                false => (0xc001_0000 + number, 0xc001_0004 + number),
            };
            Counter {
                kind: Kind::Core(number),
                control: Control::Select { register, more: ALL_RINGS },
                value,
                // Selectors from 6 on belong to other units, and counters from 6 on are found above those (APM volume 3,
                // RDPMC): the first six are what their number says.
                reading: if number < 6 { Reading::Rdpmc(number) } else { Reading::Register },
                bits: 48,
                global_bit: has_global.then_some(number),
            }
        })
        .collect();
    if features >> 28 & 1 == 1 {
        counters.extend((0..6).map(|number| cache_counter(number, model)));
    }
    let measures = events::of_model(model);
    Ok(Layout { counters, global: has_global.then_some(GLOBAL), measures, taken: 0 })
}

/// ChL3PmcCfg and ChL3Pmc, counters of the third-level cache that the cores of a complex share. They count for all of its
/// cores, threads and slices (Processor Programming References, `Core::X86::Msr::ChL3PmcCfg`; the same masks in Linux,
/// arch/x86/events/amd/uncore.c).
const fn cache_counter(number: u32, model: Model) -> Counter {
    /// SliceMask, bits 51 to 48, and ThreadMask, bits 63 to 56.
    const ALL_OF_FAMILY_17H: u64 = 0xf << 48 | 0xff << 56;
    /// EnAllSlices, EnAllCores, and ThreadMask, bits 57 to 56.
    const ALL_OF_LATER: u64 = 1 << 46 | 1 << 47 | 0x3 << 56;
    let more = if matches!(model, Model::Zen2) { ALL_OF_FAMILY_17H } else { ALL_OF_LATER };
    let register = 0xc001_0230 + 2 * number;
    Counter {
        kind: Kind::Cache,
        control: Control::Select { register, more },
        value: register + 1,
        reading: Reading::Register,
        bits: 48,
        global_bit: None,
    }
}
