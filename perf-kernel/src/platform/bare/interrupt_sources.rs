//! Which devices interrupt by which lines: the part of the Multiple APIC Description Table that is about I/O APICs.

use alloc::vec::Vec;

use super::tables::{entries, u16_at, u32_at};
use crate::arch::io_apic::{Line, Polarity, Trigger};

/// An I/O APIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Controller {
    /// Where its registers are.
    pub(super) address: u64,
    /// The number of its first line.
    pub(super) first: u32,
}

/// What the firmware says of lines (ACPI 6.5, sections 5.2.12.3, 5.2.12.5 and 5.2.12.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InterruptSources {
    /// The I/O APICs.
    pub(super) controllers: Vec<Controller>,
    /// Lines that are non-maskable interrupts.
    pub(super) non_maskable: Vec<Line>,
    /// Interrupts of the ISA bus that are not what their numbers say.
    overrides: Vec<(u8, Line)>,
}

impl InterruptSources {
    /// What `table` says; nothing if it is broken.
    pub(super) fn read(table: &[u8]) -> Self {
        let mut sources = Self::default();
        for entry in entries(table) {
            match entry.first() {
                Some(1) => sources.controllers.extend(controller(entry)),
                Some(2) => sources.overrides.extend(redirection(entry)),
                Some(3) => sources.non_maskable.extend(non_maskable(entry)),
                _ => {}
            }
        }
        sources
    }

    /// The line of interrupt number `irq` of the ISA bus.
    pub(super) fn of_isa(&self, irq: u8) -> Line {
        let said = self.overrides.iter().find(|(number, _)| *number == irq).map(|(_, line)| *line);
        said.unwrap_or_else(|| isa_line(irq.into(), 0))
    }
}

fn controller(entry: &[u8]) -> Option<Controller> {
    Some(Controller { address: u32_at(entry, 4)?.into(), first: u32_at(entry, 8)? })
}

fn redirection(entry: &[u8]) -> Option<(u8, Line)> {
    /// The only bus that there are numbers of.
    const ISA: u8 = 0;
    let irq = *entry.get(3)?;
    let line = isa_line(u32_at(entry, 4)?, u16_at(entry, 8)?);
    (*entry.get(2)? == ISA).then_some((irq, line))
}

fn non_maskable(entry: &[u8]) -> Option<Line> {
    Some(isa_line(u32_at(entry, 4)?, u16_at(entry, 2)?))
}

/// A line with the flags of ACPI 6.5, table 5.26. What they leave to the bus is as on the ISA bus: asserted high, by edges.
const fn isa_line(gsi: u32, flags: u16) -> Line {
    let polarity = if flags & 0b11 == 0b11 { Polarity::Low } else { Polarity::High };
    let trigger = if flags >> 2 & 0b11 == 0b11 { Trigger::Level } else { Trigger::Edge };
    Line { gsi, polarity, trigger }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn madt(entries: &[&[u8]]) -> Vec<u8> {
        let mut table = Vec::from(*b"APIC");
        table.resize(44, 0);
        table.extend(entries.iter().flat_map(|entry| entry.iter()));
        let length = u32::try_from(table.len()).expect("it is short");
        table[4..8].copy_from_slice(&length.to_le_bytes());
        table
    }

    const CHIPS: [&[u8]; 2] =
        [&[1, 12, 8, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0], &[1, 12, 9, 0, 0, 0x10, 0xc0, 0xfe, 24, 0, 0, 0]];
    /// IRQ 0 is line 2; IRQ 9 is line 9, asserted low and by its level; another bus; line 30 is not maskable.
    const OTHERS: [&[u8]; 4] = [
        &[2, 10, 0, 0, 2, 0, 0, 0, 0, 0],
        &[2, 10, 0, 9, 9, 0, 0, 0, 0b1111, 0],
        &[2, 10, 1, 4, 20, 0, 0, 0, 0, 0],
        &[3, 8, 0b0111, 0, 30, 0, 0, 0],
    ];

    fn line(gsi: u32, polarity: Polarity, trigger: Trigger) -> Line {
        Line { gsi, polarity, trigger }
    }

    #[test]
    fn chips_overrides_and_non_maskable_lines_are_read() {
        let sources = InterruptSources::read(&madt(&[&CHIPS[..], &OTHERS[..]].concat()));
        let first = Controller { address: 0xfec0_0000, first: 0 };
        let second = Controller { address: 0xfec0_1000, first: 24 };
        assert_eq!(sources.controllers, [first, second]);
        assert_eq!(sources.non_maskable, [line(30, Polarity::Low, Trigger::Edge)]);
        assert_eq!(sources.of_isa(0), line(2, Polarity::High, Trigger::Edge));
        assert_eq!(sources.of_isa(9), line(9, Polarity::Low, Trigger::Level));
        let plain = line(4, Polarity::High, Trigger::Edge);
        assert_eq!(sources.of_isa(4), plain, "an entry of another bus says nothing of this one");
    }

    #[test]
    fn an_entry_that_is_too_short_is_passed_over() {
        let sources =
            InterruptSources::read(&madt(&[&[1, 6, 0, 0, 0, 0], &[2, 4, 0, 1], &[3, 3, 0], CHIPS[1]]));
        assert_eq!(sources.controllers, [Controller { address: 0xfec0_1000, first: 24 }]);
        assert_eq!(sources.of_isa(1), line(1, Polarity::High, Trigger::Edge));
        assert!(sources.non_maskable.is_empty());
    }

    proptest! {
        #[test]
        fn broken_tables_are_read_without_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = InterruptSources::read(&madt(&[&body]));
            let _ = InterruptSources::read(&body);
        }
    }
}
