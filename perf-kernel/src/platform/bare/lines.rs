//! The lines of devices to the CPUs of this machine.

use alloc::format;
use alloc::string::{String, ToString};

use spin::{Mutex, Once};

use super::interrupt_sources::InterruptSources;
use super::machine::BarePlatform;
use crate::arch::io_apic::{IoApics, Line};
use crate::arch::{Mmio, apic};
use crate::wire::Level;

/// Bytes of an I/O APIC's registers that are used.
const CHIP_BYTES: usize = 0x20;

/// The I/O APICs, and who interrupts by which line.
pub(super) struct Lines {
    pub(super) apics: Mutex<IoApics<Mmio>>,
    sources: InterruptSources,
}

static LINES: Once<Lines> = Once::new();

impl Lines {
    /// The lines, once they are taken over.
    pub(super) fn get() -> Option<&'static Self> {
        LINES.get()
    }

    /// The line of interrupt number `irq` of the ISA bus.
    pub(super) fn of_isa(&self, irq: u8) -> Line {
        self.sources.of_isa(irq)
    }

    /// Whether `gsi` is a line that no device of the ISA bus has.
    pub(super) fn is_free(&self, gsi: u32) -> bool {
        const ISA_IRQS: u8 = 16;
        let is_of_isa = (0..ISA_IRQS).any(|irq| self.of_isa(irq).gsi == gsi);
        !is_of_isa && self.apics.lock().has_line(gsi)
    }
}

impl BarePlatform {
    /// Takes the I/O APICs over that the firmware lists, so that no line interrupts that nobody asked for, and says what
    /// there is. The local APIC of the first CPU is on; without one, all stay as they are.
    pub(super) fn take_over_lines(&self) -> Option<(Level, String)> {
        let own = apic::local()?.identity();
        let madt = self.tables.as_ref().and_then(|tables| tables.find(*b"APIC"))?;
        let lines = LINES.call_once(|| {
            let sources = InterruptSources::read(&madt);
            let chips = sources.controllers.iter();
            let chips = chips.filter_map(|chip| {
                self.memory.registers(chip.address, CHIP_BYTES).map(|registers| (registers, chip.first))
            });
            let apics = Mutex::new(IoApics::take_over(chips, sources.non_maskable.clone(), own));
            Lines { apics, sources }
        });
        let count = lines.apics.lock().lines();
        if count == 0 {
            return Some((Level::Warning, "no I/O APIC answers: devices cannot interrupt".to_string()));
        }
        let kept = lines.sources.non_maskable.len();
        let kept = if kept == 0 { String::new() } else { format!(", {kept} of them not maskable") };
        Some((Level::Info, format!("lines of I/O APICs: {count}{kept}")))
    }
}
